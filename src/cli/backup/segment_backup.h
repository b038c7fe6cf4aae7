// SegmentBackup: brings one segment of a snapshot into a set, as cheaply as what is there already
// allows, and verifies it there.
//
// Bytes that an earlier backup verified are not read again. Damage is copied as it is, told and
// remembered: the next backup looks whether those bytes read differently now, and if so makes a new
// copy of the segment from the old one and them.
#pragma once

#include <atomic>
#include <map>
#include <string>
#include <vector>

#include "cli/backup/backup_set.h"
#include "cli/backup/copying.h"
#include "cli/backup/manifest.h"

namespace myelin::cli::backup {

// What the newest backup of the set says of a segment.
struct KnownSegment {
  log::SegmentState state;
  CopiedSegment copied;
};

class SegmentBackup {
 public:
  // `copies`: the number for a new copy of a segment that some backup names already.
  SegmentBackup(log::Disk& disk, BackupSet& set, std::string data,
                std::map<SegmentId, std::uint32_t> copies, Copier& copier,
                const std::atomic<bool>& stop)
      : disk_(disk),
        set_(set),
        data_(std::move(data)),
        copies_(std::move(copies)),
        copier_(copier),
        stop_(stop) {}

  struct Outcome {
    CopiedSegment copied;
    std::vector<std::string> damage;  // A sentence each, with the data directory's path.
    std::uint64_t bytes = 0;          // That were copied from the data directory.
  };
  // Everything is synced on return. `known` may be null. Errors: Conflict (the data directory is
  // not the one that was backed up before), Corrupt (the set does not keep what is written to it),
  // Canceled, or what the set's disk says.
  Result<Outcome> back_up(const NamedSegment& segment, const KnownSegment* known);

 private:
  // Where to begin, and what is there.
  struct Begun {
    std::uint32_t copy = 0;
    bool is_fresh = false;  // There is nothing.
    std::uint64_t log_bytes = 0;
    std::uint64_t batch_count = 0;
    std::uint64_t verify_from = 0;
    std::vector<DamagedRange> damage;
  };

  Result<bool> is_there(const NamedSegment& segment, const KnownSegment& known);
  Status check_same(const NamedSegment& segment, const KnownSegment& known,
                    const SegmentSource& source);
  Result<Begun> begin(const NamedSegment& segment, const KnownSegment* known,
                      const SegmentSource& source);
  Result<bool> reads_differently(const NamedSegment& segment, const KnownSegment& known,
                                 const SegmentSource& source);
  Status copy_anew(const NamedSegment& segment, const KnownSegment& known,
                   const SegmentSource& source, std::uint32_t copy);
  Status add(const NamedSegment& segment, const Begun& begun, const SegmentSource& source);
  Status verify(const NamedSegment& segment, const Begun& begun, const SegmentSource& source,
                Outcome& outcome);
  Status check_kept(const SegmentSource& source, const SegmentSource& kept,
                    const DamagedRange& range);
  void tell_known(const NamedSegment& segment, const KnownSegment& known, Outcome& outcome) const;

  log::Disk& disk_;
  BackupSet& set_;
  const std::string data_;
  const std::map<SegmentId, std::uint32_t> copies_;
  Copier& copier_;
  const std::atomic<bool>& stop_;
};

}  // namespace myelin::cli::backup
