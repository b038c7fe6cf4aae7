// CommandLine: a program's words and flags, split and checked against what is known.
//
//   --name value   --name=value   --switch   word   -- word-that-begins-with-a-hyphen
//
// Flags may stand anywhere and may be repeated. A flag with an optional value takes it by `=` only.
// A lone `-` is a word. One-letter flags are -h, which is --help where that is known, and those
// whose FlagSpec has a letter: -X value, or -Xvalue.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace myelin {

enum class FlagValue : std::uint8_t { None, Required, Optional };

struct FlagSpec {
  std::string name;  // Without hyphens. "feeds.*" stands for each name that begins with "feeds.".
  FlagValue value = FlagValue::Required;
  std::string help = {};
  char letter = 0;
};

struct Flag {
  std::string name;
  std::optional<std::string> value;
};

struct CommandLine {
  std::vector<std::string> words;
  std::vector<Flag> flags;  // In the order given.

  bool has(std::string_view name) const;
  // The last value given, or nothing.
  std::optional<std::string> find(std::string_view name) const;
  std::vector<std::string> find_all(std::string_view name) const;
};

// InvalidInput for an unknown flag (with the nearest known), a missing value, or one too much.
Result<CommandLine> parse_command_line(std::span<const std::string> args,
                                       std::span<const FlagSpec> known);

}  // namespace myelin
