// `myelin backup` and `myelin restore`: a running server's data directory is copied to a set of
// backups, a set is checked, and a data directory is made of one. docs/backup.md is for those who
// use them.
#pragma once

#include <cstdio>
#include <span>
#include <string>
#include <string_view>

namespace myelin::cli::backup {

inline constexpr std::string_view kBackupName = "backup";
inline constexpr std::string_view kBackupSummary =
    "Backs a running server up, and verifies backups.";
inline constexpr std::string_view kRestoreName = "restore";
inline constexpr std::string_view kRestoreSummary = "Makes a data directory of a backup.";

// How the commands end.
enum Exit : int {
  kWhole = 0,
  kDamaged = 1,  // Done, but for what is damaged.
  kUsage = 2,
  kNotDone = 3,  // Earlier backups are as they were; a restored directory is not complete.
};

// `args` are what follows the command's name. Block until done; SIGINT, SIGTERM and SIGHUP end them
// in order and stay blocked in the process.
int run_backup(std::span<const std::string> args, std::FILE* out, std::FILE* err);
int run_restore(std::span<const std::string> args, std::FILE* out, std::FILE* err);

}  // namespace myelin::cli::backup
