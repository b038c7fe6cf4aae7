// The command lines of `myelin backup` and `myelin restore`.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "cli/backup/back_up.h"

namespace myelin::cli::backup {

enum class Action : std::uint8_t { Help, BackUp, Verify, List, Restore };

struct Options {
  Action action = Action::Help;
  std::string server = "http://127.0.0.1:8080";
  std::string set;  // Absolute.
  std::string data;
  std::uint64_t number = 0;  // 0: the newest.
  BackUpOptions back_up;
  bool json = false;
};

// InvalidInput says what is wrong with which flag.
Result<Options> parse_backup(std::span<const std::string> args);
Result<Options> parse_restore(std::span<const std::string> args);

std::string_view backup_help();
std::string_view restore_help();

}  // namespace myelin::cli::backup
