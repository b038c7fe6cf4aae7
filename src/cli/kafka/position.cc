#include "cli/kafka/position.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>
#include <string>

#include "base/settings.h"

namespace myelin::cli::kafka {
namespace {

std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

Result<Position> parse_position(std::string_view flag, std::string_view text, Timestamp now) {
  using Kind = Position::Kind;
  if (text == "beginning" || text == "earliest") return Position{Kind::Beginning};
  if (text == "end" || text == "latest") return Position{Kind::End};
  if (const auto number = whole_number(text)) {
    // The least of all integers has no counterpart.
    if (*number < 0 && *number != INT64_MIN) return Position{Kind::Last, -*number};
    if (*number >= 0 && text != "-0") return Position{Kind::Offset, *number};
  }
  auto time = parse_rfc3339(text);
  if (!time) time = parse_rfc3339(std::string(text) + "T00:00:00Z");
  if (time) return Position{Kind::Time, to_ms(*time)};
  if (const auto ago = parse_duration(text)) return Position{Kind::Time, to_ms(now - *ago)};
  return Error(ErrorCode::InvalidInput, fmt::format("--{}: expected {}", flag, kPositionForms));
}

}  // namespace myelin::cli::kafka
