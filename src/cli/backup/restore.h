// restore(): a backup becomes a data directory that a server opens.
//
// It is a new directory, with an id of its own, that begins with the backup's state: what a client
// remembers of the lost one's later future (a cursor, a leader epoch) is refused or noticed and
// never taken for something else. The checkpoint comes last, so a restore that was cut off is a
// directory that no server opens. Blocks on the disk; one thread.
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "base/uuid.h"
#include "cli/backup/back_up.h"

namespace myelin::cli::backup {

// How far the incarnation is raised: more than the starts that the lost server may have had since
// the backup.
inline constexpr std::uint64_t kIncarnationStep = 1000;

struct RestoreSummary {
  std::uint64_t number = 0;
  Timestamp taken{};
  Uuid directory;
  log::CommitNumber through;
  Timestamp last_received{};
  std::size_t topics = 0;
  std::size_t segments = 0;
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
  std::uint64_t damaged_ranges = 0;
  std::vector<std::string> damage;  // A sentence each, with the new directory's path.
};

struct RestoreOptions {
  std::string data;          // Missing or empty.
  std::uint64_t number = 0;  // 0: the newest backup.
};

// What is damaged in the backup is damaged in the new directory, and told. Errors: Conflict (the
// target is not empty), Corrupt (the manifest), Exhausted (no room), Unavailable, Canceled.
Result<RestoreSummary> restore(log::Disk& disk, Random& random, const BackupSet& set,
                               const RestoreOptions& options, BackUpProgress& progress,
                               const std::atomic<bool>& stop);

}  // namespace myelin::cli::backup
