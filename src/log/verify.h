// Verification of what is stored: the background scrub, `myelin log check` and backups look at
// segments with this.
//
// A SegmentVerifier goes through one segment in steps of about so many bytes. It opens nothing for
// writing by itself and changes nothing; damage is a finding, not an error. One thread at a time;
// within the bounds of a SegmentState, so beside a flusher that appends; a segment that was removed
// meanwhile is Missing. Blocks on the disk. Memory: one piece of 1 MiB, or one batch where that is
// longer (and its records, when they are looked at).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "log/checkpoint.h"
#include "log/file_pool.h"
#include "log/segment.h"
#include "log/types.h"

namespace myelin::log {

enum class DamageKind : std::uint8_t {
  Missing,     // A file is not there.
  Short,       // A file ends before its last byte.
  Header,      // The companion's header is not this segment's.
  Entry,       // Entries of the companion cannot be read: their batches cannot be found.
  Batch,       // A batch fails its checksums, or is not the one that the companion tells of.
  Order,       // Offsets, commits, times or places that should rise do not, or leave room.
  Unreadable,  // The disk reports an error.
  Records,     // A batch that checks, with records that cannot be taken apart.
};
std::string_view to_string(DamageKind kind);

// A range of a file that is not as it was written. Says nothing of what records hold.
struct Damage {
  DamageKind kind = DamageKind::Batch;
  std::string path;
  std::uint64_t byte = 0;
  std::uint64_t bytes = 0;
  // The offsets that cannot be read for it, as far as its readable neighbours tell: at most these.
  Offset first{};
  Offset last{-1};  // Below `first` when records can be read all the same.
  std::string what{};

  bool hides_records() const { return last >= first; }
};
// "PATH is damaged at byte 7 (offsets 1 to 3): its checksum does not match".
std::string to_string(const Damage& damage);

// What the companion's header says of whose it is. Nothing when it does not check.
struct CompanionHeader {
  std::uint32_t version = 0;
  PartitionId partition;
  Offset base_offset;
};
std::optional<CompanionHeader> decode_companion_header(std::string_view bytes);
std::string encode_companion_header(const CompanionHeader& header);

enum class VerifyDepth : std::uint8_t {
  Checksums,
  Records,  // Each record is taken apart as well, out of its compression.
};

// Offsets of a segment end before the next one's base, those of the last before the partition's
// end.
class SegmentVerifier {
 public:
  // Begins with entry number `from_entry`: all is well with those before it, or told already.
  SegmentVerifier(FilePool& files, const std::string& directory, PartitionId partition,
                  const SegmentState& state, Offset end, VerifyDepth depth = VerifyDepth::Checksums,
                  std::uint64_t from_entry = 0);

  // Verifies batches of about `bytes_max`, one at least. True when there is more. Errors are those
  // that say nothing of the segment: no more files can be opened (Exhausted), a file may not be
  // opened (Unavailable).
  Result<bool> step(std::size_t bytes_max);

  // What was found since this was last called, in the order of the segment; neighbours are one.
  std::vector<Damage> take_damage();

  // Where another verifier may go on.
  std::uint64_t next_entry() const { return next_; }
  // Of those that are whole.
  std::uint64_t batches() const { return batches_; }
  std::uint64_t records() const { return records_; }
  std::uint64_t bytes() const { return bytes_; }

 private:
  // Entries in a row that cannot be read.
  struct Hidden {
    std::uint64_t entry = 0;
    std::uint64_t count = 0;
    std::string what;
    DamageKind kind = DamageKind::Entry;
  };

  Result<bool> begin();
  Result<bool> look_behind();
  Result<std::optional<MetaEntry>> entry(std::uint64_t index);
  enum class FileEnds : std::uint8_t { Here, Later };
  FileEnds hide(std::uint64_t index);
  void tell_hidden(Offset next_offset);
  std::string_view out_of_order(const MetaEntry& entry, std::uint64_t index) const;
  void verify(const MetaEntry& entry, std::size_t bytes_max);
  Result<std::string_view> read(const MetaEntry& entry, std::size_t bytes_max);
  bool check_batch(std::string_view batch, const MetaEntry& entry);
  std::optional<std::uint64_t> file_end(const std::string& path);
  Status read_piece(std::uint64_t position, std::size_t bytes);
  void finish();
  void add(Damage damage);
  void add(DamageKind kind, const MetaEntry& entry, std::string what);

  FilePool& files_;
  const Segment segment_;
  const PartitionId partition_;
  const SegmentState state_;
  const Offset end_;
  const VerifyDepth depth_;
  std::uint64_t next_;
  bool begun_ = false;
  bool finished_ = false;
  std::optional<MetaEntry> previous_;  // The last readable one, and its number.
  std::uint64_t previous_index_ = 0;
  std::optional<Hidden> hidden_;
  std::vector<std::optional<MetaEntry>> entries_;  // From entries_first_ on.
  std::uint64_t entries_first_ = 0;
  std::string entries_error_;  // Why there are none.
  std::string piece_;          // Of the .log, from piece_first_ on.
  std::uint64_t piece_first_ = 0;
  std::vector<Damage> damage_;
  std::uint64_t batches_ = 0;
  std::uint64_t records_ = 0;
  std::uint64_t bytes_ = 0;
};

}  // namespace myelin::log
