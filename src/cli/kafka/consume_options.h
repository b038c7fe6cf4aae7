// What `myelin consume` was asked to do.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "cli/kafka/connection.h"
#include "cli/kafka/position.h"
#include "cli/kafka/record.h"

namespace myelin::cli::kafka {

struct Until {
  enum class Kind : std::uint8_t { Stopped, End, Count };
  Kind kind = Kind::Stopped;
  std::uint64_t count = 0;  // Of records, over all partitions.

  bool operator==(const Until&) const = default;
};

struct ConsumeOptions {
  Connection connection;
  std::vector<std::string> topics;
  Position from;
  bool from_given = false;
  Until until;
  std::vector<std::int32_t> partitions;  // Of each topic; empty: all.
  std::string group;                     // Empty: none.
  RecordLayout layout;
  bool help = false;
};

// InvalidInput names the flag. `now` is what times such as 15m count back from.
Result<ConsumeOptions> parse_consume_options(std::span<const std::string> args, Timestamp now);
std::string consume_help();

}  // namespace myelin::cli::kafka
