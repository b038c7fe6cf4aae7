// Verifying a whole backup: its manifest, and every byte of every copied segment that counts.
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "cli/backup/back_up.h"

namespace myelin::cli::backup {

struct VerifySummary {
  std::uint64_t number = 0;
  Timestamp taken{};
  log::CommitNumber through;
  std::size_t topics = 0;
  std::size_t segments = 0;
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
  // Damaged since it was copied: the backup's own disk.
  std::uint64_t damaged_ranges = 0;
  std::vector<std::string> damage;
  // Damaged in the data directory when it was copied.
  std::uint64_t known_ranges = 0;
  std::vector<std::string> known_damage;
};

// The backup of that number; 0 is the newest. Errors: NotFound, Corrupt (the manifest), Canceled.
Result<Manifest> choose_backup(const BackupSet& set, std::uint64_t number);

Result<VerifySummary> verify_backup(log::Disk& disk, const BackupSet& set, std::uint64_t number,
                                    BackUpProgress& progress, const std::atomic<bool>& stop);

}  // namespace myelin::cli::backup
