// Logger: log lines that are an event name and fields.
//
//   logger.info("mllp.connection.opened", {{"peer", peer}, {"port", port}});
//
// app makes one and hands it down by reference. Thread-safe: a line is built by the caller's thread
// without a lock, then written with one write(2) under it. Names of events and keys are literals of
// ours; values may come from anywhere, are escaped, and are never patient data (Phi does not
// compile) or secrets. A line is at most line_bytes_max long: what does not fit is cut, and the
// field `truncated` says so. A line that the descriptor does not take is counted, never waited for
// twice.
#pragma once

#include <array>
#include <atomic>
#include <concepts>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "base/mutex.h"
#include "base/phi.h"
#include "base/time.h"

namespace myelin {

enum class LogLevel : std::uint8_t { Debug, Info, Warn, Error };
enum class LogFormat : std::uint8_t { Json, Human };
enum class LogColour : std::uint8_t { OnTerminal, Never, Always };

std::string_view to_string(LogLevel level);

// Names for settings (see base/settings.h).
constexpr std::array<std::pair<std::string_view, LogLevel>, 4> setting_names(LogLevel) {
  return {{{"debug", LogLevel::Debug},
           {"info", LogLevel::Info},
           {"warn", LogLevel::Warn},
           {"error", LogLevel::Error}}};
}
constexpr std::array<std::pair<std::string_view, LogFormat>, 2> setting_names(LogFormat) {
  return {{{"json", LogFormat::Json}, {"human", LogFormat::Human}}};
}

// A field's value: text (a view), a whole number, a double or a bool. Lives for one statement.
class LogValue {
 public:
  using Variant = std::variant<std::string_view, std::int64_t, std::uint64_t, double, bool>;

  template <class T>
    requires std::convertible_to<const T&, std::string_view>
  LogValue(const T& text)  // NOLINT(google-explicit-constructor)
      : value_(std::in_place_type<std::string_view>, text) {}
  template <std::integral T>
  LogValue(T number) : value_(widen(number)) {}  // NOLINT(google-explicit-constructor)
  template <std::floating_point T>
  LogValue(T number)  // NOLINT(google-explicit-constructor)
      : value_(static_cast<double>(number)) {}
  LogValue(Phi) = delete;

  const Variant& variant() const { return value_; }

 private:
  template <std::integral T>
  static constexpr auto widen(T number) {
    if constexpr (std::same_as<T, bool>) {
      return number;
    } else if constexpr (std::is_signed_v<T>) {
      return static_cast<std::int64_t>(number);
    } else {
      return static_cast<std::uint64_t>(number);
    }
  }

  Variant value_;
};

struct LogField {
  std::string_view key;
  LogValue value;
};

struct LoggerOptions {
  LogLevel level = LogLevel::Info;
  LogFormat format = LogFormat::Json;
  LogColour colour = LogColour::OnTerminal;
  std::size_t line_bytes_max = 8192;  // At least 256.
  std::uint32_t limited_lines_per_second = 5;
};

class Logger {
 public:
  using Sink = std::function<void(std::string_view line)>;  // With its line break; for tests.
  using Fields = std::initializer_list<LogField>;

  // The descriptor stays the caller's and must outlive the logger.
  Logger(LoggerOptions options, const Clock& clock, int descriptor);
  Logger(LoggerOptions options, const Clock& clock, Sink sink);
  // Says how many limited lines were left out and not yet told.
  ~Logger();
  Logger(const Logger&) = delete;
  Logger& operator=(const Logger&) = delete;

  bool enabled(LogLevel level) const { return level >= options_.level; }

  void debug(std::string_view event, Fields fields = {}) { log(LogLevel::Debug, event, fields); }
  void info(std::string_view event, Fields fields = {}) { log(LogLevel::Info, event, fields); }
  void warn(std::string_view event, Fields fields = {}) { log(LogLevel::Warn, event, fields); }
  void error(std::string_view event, Fields fields = {}) { log(LogLevel::Error, event, fields); }

  void log(LogLevel level, std::string_view event, Fields fields) {
    if (enabled(level)) write_line(level, event, std::span(fields.begin(), fields.size()), 0);
  }
  // For fields that are known at run time only.
  void log_fields(LogLevel level, std::string_view event, std::span<const LogField> fields) {
    if (enabled(level)) write_line(level, event, fields, 0);
  }

  // For what a peer can make happen at will: at most limited_lines_per_second lines of one event
  // name in a second. The next line that passes carries `left_out`, the number of those that did
  // not.
  void limited(LogLevel level, std::string_view event, Fields fields = {});

  // Lines that the descriptor did not take.
  std::uint64_t lost_lines() const { return lost_lines_.load(std::memory_order_relaxed); }

 private:
  struct Rate {
    SteadyTime second{};
    std::uint32_t lines = 0;
    std::uint64_t left_out = 0;
  };
  static constexpr std::size_t kLimitedEventsMax = 256;  // Beyond, they share one rate.

  void write_line(LogLevel level, std::string_view event, std::span<const LogField> fields,
                  std::uint64_t left_out);
  void emit(std::string_view line) MYELIN_EXCLUDES(write_mutex_);

  const LoggerOptions options_;
  const Clock& clock_;
  const int descriptor_;  // -1 with a sink.
  const Sink sink_;
  const bool coloured_;
  std::atomic<std::uint64_t> lost_lines_{0};
  Mutex write_mutex_;
  Mutex rates_mutex_;
  std::map<std::string, Rate, std::less<>> rates_ MYELIN_GUARDED_BY(rates_mutex_);
};

}  // namespace myelin
