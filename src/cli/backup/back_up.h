// back_up(): one backup of what a snapshot names into a set.
//
// Segments first, each verified and synced; then, if the snapshot was held all the time, the
// manifest; then what no manifest names is removed. Until the manifest is there the set is as it
// was. Blocks on the disk; one thread.
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "base/time.h"
#include "cli/backup/backup_set.h"
#include "cli/backup/copying.h"
#include "cli/backup/manifest.h"
#include "log/checkpoint.h"
#include "log/disk.h"

namespace myelin::cli::backup {

// What a server holds still while it is copied.
class HeldSnapshot {
 public:
  virtual ~HeldSnapshot() = default;
  virtual const std::string& data_directory() const = 0;
  virtual const log::Checkpoint& state() const = 0;
  // An error once it is not held any more, or when that cannot be found out.
  virtual Status check_held() = 0;
};

inline constexpr std::uint64_t kKeepAll = ~std::uint64_t{0};
inline constexpr std::size_t kDamageToldMax = 1000;

struct BackUpOptions {
  std::string to;
  bool full = false;       // Trust nothing that is there.
  std::uint64_t keep = 0;  // Earlier backups that stay.
};

struct BackUpSummary {
  std::uint64_t number = 0;
  Timestamp taken{};
  log::CommitNumber through;
  std::size_t topics = 0;
  std::size_t segments = 0;
  std::uint64_t bytes = 0;  // Of all segments of this backup.
  std::size_t copied_segments = 0;
  std::uint64_t copied_bytes = 0;
  std::uint64_t removed_files = 0;
  std::string trouble;  // With the removing of what is needed no more.
  std::uint64_t damaged_ranges = 0;
  std::vector<std::string> damage;  // The first kDamageToldMax, a sentence each.
};

// How much there is to copy is told before it begins.
class BackUpProgress : public Progress {
 public:
  virtual void begins(std::uint64_t bytes) = 0;
};

// Errors: Conflict (the set is another directory's or of a later state), Corrupt (its newest
// manifest is), Exhausted (no room), Unavailable, Canceled.
Result<BackUpSummary> back_up(log::Disk& disk, const Clock& clock, HeldSnapshot& snapshot,
                              const BackUpOptions& options, BackUpProgress& progress,
                              const std::atomic<bool>& stop);

}  // namespace myelin::cli::backup
