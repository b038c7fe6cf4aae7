#include "base/time.h"

#include <fmt/format.h>

namespace myelin {
namespace {

// Reads exactly `width` digits from the front.
bool take_digits(std::string_view& text, std::size_t width, int& out) {
  if (text.size() < width) return false;
  out = 0;
  for (std::size_t i = 0; i < width; ++i) {
    if (text[i] < '0' || text[i] > '9') return false;
    out = out * 10 + (text[i] - '0');
  }
  text.remove_prefix(width);
  return true;
}

bool take_char(std::string_view& text, std::string_view any_of) {
  if (text.empty() || any_of.find(text.front()) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

bool take_fraction(std::string_view& text, int& ms) {
  ms = 0;
  if (!take_char(text, ".")) return true;
  int scale = 100;
  std::size_t digits = 0;
  while (digits < text.size() && text[digits] >= '0' && text[digits] <= '9') {
    ms += (text[digits] - '0') * scale;
    scale /= 10;
    ++digits;
  }
  text.remove_prefix(digits);
  return digits > 0;
}

bool take_offset(std::string_view& text, int& minutes) {
  minutes = 0;
  if (take_char(text, "Zz")) return text.empty();
  const bool west = !text.empty() && text.front() == '-';
  int hour = 0;
  int minute = 0;
  if (!take_char(text, "+-") || !take_digits(text, 2, hour) || !take_char(text, ":") ||
      !take_digits(text, 2, minute)) {
    return false;
  }
  if (hour > 23 || minute > 59) return false;
  minutes = (hour * 60 + minute) * (west ? -1 : 1);
  return text.empty();
}

}  // namespace

std::string format_rfc3339(Timestamp time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count(),
                     clock.subseconds().count());
}

Result<Timestamp> parse_rfc3339(std::string_view text) {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, ms = 0, offset = 0;
  const bool shape =
      take_digits(text, 4, year) && take_char(text, "-") && take_digits(text, 2, month) &&
      take_char(text, "-") && take_digits(text, 2, day) && take_char(text, "Tt ") &&
      take_digits(text, 2, hour) && take_char(text, ":") && take_digits(text, 2, minute) &&
      take_char(text, ":") && take_digits(text, 2, second) && take_fraction(text, ms) &&
      take_offset(text, offset);
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  // A leap second (60) is taken as the next minute's first.
  if (!shape || !date.ok() || hour > 23 || minute > 59 || second > 60) {
    return Error(ErrorCode::InvalidInput, "not an RFC 3339 time, for example 2026-11-21T06:12:49Z");
  }
  return std::chrono::sys_days(date) + std::chrono::hours(hour) +
         std::chrono::minutes(minute - offset) + std::chrono::seconds(second) +
         std::chrono::milliseconds(ms);
}

}  // namespace myelin
