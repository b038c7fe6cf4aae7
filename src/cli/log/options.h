// What `myelin log` was asked to do.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace myelin::cli::log_tools {

enum class Verb : std::uint8_t { Check, Dump, Repair };
enum class Lock : std::uint8_t { Take, Leave };

struct Options {
  Verb verb = Verb::Check;
  std::string directory;
  bool help = false;
  bool json = false;
  Lock lock = Lock::Take;
  // Of dump.
  std::optional<std::string> topic;
  std::optional<std::int32_t> partition;
  std::optional<std::int64_t> from;
  std::optional<std::uint64_t> count;  // Of batches, or of the journal's frames.
  bool journal = false;
  bool checkpoint = false;
  bool payload = false;
  // Of repair.
  bool yes = false;
};

// InvalidInput names the flag.
Result<Options> parse_options(std::span<const std::string> args);
std::string_view help_text();

}  // namespace myelin::cli::log_tools
