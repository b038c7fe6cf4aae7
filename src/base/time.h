// Time: a wall-clock instant with milliseconds, its RFC 3339 text, and the Clock that parts are
// given so that a test can move it.
#pragma once

#include <atomic>
#include <chrono>
#include <string>
#include <string_view>

#include "base/result.h"

namespace myelin {

using Timestamp = std::chrono::sys_time<std::chrono::milliseconds>;
using SteadyTime = std::chrono::steady_clock::time_point;

// "2026-11-21T06:12:49.123Z": RFC 3339 in UTC, always with milliseconds.
std::string format_rfc3339(Timestamp time);
// RFC 3339 section 5.6 with any offset; fractions beyond milliseconds are cut. InvalidInput for
// anything else.
Result<Timestamp> parse_rfc3339(std::string_view text);

inline Timestamp timestamp_from_ms(std::int64_t ms) {
  return Timestamp(std::chrono::milliseconds(ms));
}
inline std::int64_t to_ms(Timestamp time) { return time.time_since_epoch().count(); }

// Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Timestamp now() const = 0;
  virtual SteadyTime steady() const = 0;
};

class SystemClock final : public Clock {
 public:
  Timestamp now() const override {
    return std::chrono::time_point_cast<std::chrono::milliseconds>(
        std::chrono::system_clock::now());
  }
  SteadyTime steady() const override { return std::chrono::steady_clock::now(); }
};

// Stands still until a test moves it.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(Timestamp start = timestamp_from_ms(1'700'000'000'000))
      : ms_(to_ms(start)) {}
  Timestamp now() const override { return timestamp_from_ms(ms_.load()); }
  SteadyTime steady() const override { return SteadyTime(std::chrono::milliseconds(ms_.load())); }
  void advance(std::chrono::milliseconds by) { ms_ += by.count(); }

 private:
  std::atomic<std::int64_t> ms_;
};

}  // namespace myelin
