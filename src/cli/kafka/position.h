// Position: a place in a topic's partitions as a person says it.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace myelin::cli::kafka {

struct Position {
  enum class Kind : std::uint8_t {
    Beginning,
    End,
    Offset,  // `value` is the offset.
    Last,    // `value` records before the end.
    Time,    // `value` is in milliseconds since 1970: the first record of that time or later.
  };
  Kind kind = Kind::End;
  std::int64_t value = 0;

  bool operator==(const Position&) const = default;
};

inline constexpr std::string_view kPositionForms =
    "beginning, end, an offset, -N, a time such as 2026-11-21T17:20:00Z, a date, or 15m for so "
    "long "
    "ago";

// "beginning", "end", "4711", "-10", RFC 3339, "2026-11-21" (in UTC), "15m" (that long before
// `now`).
Result<Position> parse_position(std::string_view flag, std::string_view text, Timestamp now);

}  // namespace myelin::cli::kafka
