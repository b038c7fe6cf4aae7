// Connection: which cluster to talk to and how, as flags and a file say it.
#pragma once

#include <chrono>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/command_line.h"
#include "base/result.h"

namespace myelin::cli::kafka {

using Property = std::pair<std::string, std::string>;

inline constexpr std::string_view kBootstrap = "127.0.0.1:9092";

struct Connection {
  std::string bootstrap{kBootstrap};
  std::vector<Property> properties;  // Of librdkafka; a later one of the same name wins.
  std::chrono::milliseconds timeout{10'000};
};

// A flag as help, parser and completion all have it: what it is called, what it takes, what it
// does.
struct FlagLine {
  std::string_view name;
  std::string_view value;  // "N", "FILE", "text|json"; empty for a switch.
  std::string_view help;
  char letter = 0;
};

// The flags that each command here knows.
std::span<const FlagLine> connection_flags();

std::vector<FlagSpec> to_specs(std::span<const FlagLine> lines);
// One line a flag, indented by two.
std::string flags_text(std::span<const FlagLine> lines);

// Reads the file of --client-config. InvalidInput names the flag, or the file and line; never a
// value, which may be a password.
Result<Connection> parse_connection(const CommandLine& line);

// "key=value" a line; blank lines and those that begin with # mean nothing.
Result<std::vector<Property>> parse_properties(std::string_view text, std::string_view file_name);

// "key=value" of one flag.
Result<Property> parse_property(std::string_view flag, std::string_view text);

// A whole number within its limits, or InvalidInput that names the flag.
Result<std::int64_t> parse_number(std::string_view flag, std::string_view text, std::int64_t min,
                                  std::int64_t max);

}  // namespace myelin::cli::kafka
