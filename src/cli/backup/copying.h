// Copying of segments, whatever the disk says: what cannot be read becomes zeros and is told, so
// that everything else keeps its place. Blocks on the disk; one thread.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/backup/manifest.h"
#include "log/disk.h"

namespace myelin::cli::backup {

// Hears how it goes.
class Progress {
 public:
  virtual ~Progress() = default;
  virtual void copied(std::uint64_t bytes) = 0;
  virtual void verified(std::uint64_t bytes) = 0;
};

// Bytes that a disk did not give.
struct Unread {
  log::SegmentFile file = log::SegmentFile::Log;
  std::uint64_t byte = 0;
  std::uint64_t bytes = 0;
  std::string why;
};

// One of a segment's two files, open, or why it is not.
struct SourceFile {
  std::string path;
  std::unique_ptr<log::File> file = nullptr;
  std::string why_not = {};
};

struct SegmentSource {
  SourceFile log;
  SourceFile meta;

  const SourceFile& of(log::SegmentFile which) const {
    return which == log::SegmentFile::Log ? log : meta;
  }
};

// Opens what can be opened. An error is one that says nothing of the segment: too many open files.
Result<SegmentSource> open_segment(log::Disk& disk, const std::string& directory,
                                   const SegmentId& segment);

// The same for a segment of a server's data directory, of which there is a snapshot: its topic may
// be deleted meanwhile, and one of the same name made.
Result<SegmentSource> open_served_segment(log::Disk& disk, const std::string& data,
                                          const std::string& topic, const SegmentId& segment);

class Copier {
 public:
  Copier(Progress& progress, const std::atomic<bool>& stop) : progress_(progress), stop_(stop) {}

  // Bytes `from` up to `to` of one file, to the same place of another. Canceled when stopped, else
  // an error is the target's.
  Status copy(const SegmentSource& source, log::SegmentFile which, std::uint64_t from,
              std::uint64_t to, log::File& target);
  // Reads what there is; the rest are zeros, and told.
  std::string read(const SegmentSource& source, log::SegmentFile which, std::uint64_t from,
                   std::size_t size);

  Status check_stop() const;
  std::vector<Unread> take_unread() { return std::exchange(unread_, {}); }
  Progress& progress() { return progress_; }

 private:
  void read_blocks(const SegmentSource& source, log::SegmentFile which, std::uint64_t from,
                   std::string& piece);
  void note(log::SegmentFile which, std::uint64_t from, std::uint64_t bytes, std::string why);

  Progress& progress_;
  const std::atomic<bool>& stop_;
  std::vector<Unread> unread_;
};

// What a verification of segments finds and what it counts.
struct Verified {
  std::vector<DamagedRange> damage;
  std::vector<std::string> what;  // Of each, in the same order.
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
};

// Verifies the segment in `directory` from entry number `from_entry` on.
Result<Verified> verify_segment(log::Disk& disk, const std::string& directory,
                                const NamedSegment& segment, std::uint64_t from_entry,
                                Progress& progress, const std::atomic<bool>& stop);

// "PATH is damaged at byte 7 (offsets 1 to 3): its checksum does not match".
std::string describe(const DamagedRange& range, const std::string& path, std::string_view what);
// What is said of a range whose finding is not at hand any more.
std::string_view usual_words(log::DamageKind kind);

}  // namespace myelin::cli::backup
