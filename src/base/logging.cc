#include "base/logging.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/json_writer.h"
#include "base/utf8.h"

namespace myelin {
namespace {

constexpr std::size_t kLineBytesMin = 256;
constexpr std::size_t kTailBytes = 80;    // For what ends a line: truncated, left_out, brackets.
constexpr std::size_t kEscapeFactor = 6;  // A control character becomes \u001f.
constexpr std::size_t kEventBytesMax = 100;
constexpr std::size_t kEventColumn = 32;

std::string_view colour_of(LogLevel level) {
  switch (level) {
    case LogLevel::Debug: return "\x1b[2m";
    case LogLevel::Info: return "\x1b[32m";
    case LogLevel::Warn: return "\x1b[33m";
    case LogLevel::Error: return "\x1b[31m";
  }
  return {};
}
constexpr std::string_view kColourEnd = "\x1b[0m";

// Bare words in the human form need no quotes; anything a terminal could act on gets them.
bool is_bare(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return c > 0x20 && c < 0x7f && c != '"' && c != '\\' && c != '=';
  });
}

// JSON leaves DEL and U+0080 to U+009F as they are, but a terminal may obey them.
void escape_terminal_controls(std::string& line, std::size_t from) {
  for (std::size_t i = from; i < line.size(); ++i) {
    const auto byte = static_cast<std::uint8_t>(line[i]);
    if (byte == 0x7f) {
      line.replace(i, 1, "\\u007f");
    } else if (byte == 0xc2 && i + 1 < line.size() &&
               static_cast<std::uint8_t>(line[i + 1]) < 0xa0) {
      line.replace(i, 2, fmt::format("\\u{:04x}", static_cast<std::uint8_t>(line[i + 1])));
    }
  }
}

class LineBuilder {
 public:
  LineBuilder(LogFormat format, std::size_t bytes_max, bool coloured)
      : human_(format == LogFormat::Human),
        coloured_(human_ && coloured),
        budget_(std::max(bytes_max, kLineBytesMin) - kTailBytes) {
    line_.reserve(256);
  }

  void begin(Timestamp time, LogLevel level, std::string_view event) {
    event = utf8_prefix(event, kEventBytesMax);
    const auto ts = format_rfc3339(time);
    if (!human_) {
      line_ += "{\"ts\":\"" + ts + "\",\"level\":\"";
      line_.append(to_string(level)).append("\",\"event\":");
      append_json_string(line_, event);
      return;
    }
    line_.append(ts).push_back(' ');
    if (coloured_) line_.append(colour_of(level));
    line_ += fmt::format("{:<5}", to_string(level));
    if (coloured_) line_.append(kColourEnd);
    line_.push_back(' ');
    const std::size_t start = line_.size();
    text(event);
    const std::size_t width = line_.size() - start;
    if (width < kEventColumn) line_.append(kEventColumn - width, ' ');
  }

  void field(const LogField& field) {
    if (full_) return;
    const std::size_t before = line_.size();
    if (field.key.size() + text_size(field) <= budget_) {
      write(field, budget_);
      if (line_.size() <= budget_) return;
      line_.resize(before);
    }
    full_ = true;
    // What is left of the line, at the longest form that each byte may take.
    const std::size_t room = (budget_ - std::min(budget_, before)) / kEscapeFactor;
    const std::size_t overhead = field.key.size() + 4;
    if (text_size(field) > 0 && room > overhead) write(field, room - overhead);
  }

  std::string& finish(std::uint64_t left_out) {
    if (full_) write({"truncated", true}, 0);
    if (left_out > 0) write({"left_out", left_out}, 0);
    if (!human_) line_.push_back('}');
    line_.push_back('\n');
    return line_;
  }

 private:
  // The field with its text cut to `text_max`.
  void write(const LogField& field, std::size_t text_max) {
    key(field.key);
    value(field.value, text_max);
  }

  static std::size_t text_size(const LogField& field) {
    const auto* text = std::get_if<std::string_view>(&field.value.variant());
    return text ? text->size() : 0;
  }

  void key(std::string_view name) {
    if (human_) {
      line_.push_back(' ');
      text(name);
      line_.push_back('=');
      return;
    }
    line_.push_back(',');
    append_json_string(line_, name);
    line_.push_back(':');
  }

  void value(const LogValue& value, std::size_t text_max) {
    std::visit(
        [&](auto v) {
          using V = decltype(v);
          if constexpr (std::same_as<V, std::string_view>) {
            const auto kept = utf8_prefix(v, text_max);
            human_ ? text(kept) : append_json_string(line_, kept);
          } else if constexpr (std::same_as<V, bool>) {
            line_.append(v ? "true" : "false");
          } else if constexpr (std::same_as<V, double>) {
            append_json_number(line_, v);
          } else {
            line_.append(fmt::format_int(v).c_str());
          }
        },
        value.variant());
  }

  void text(std::string_view value) {
    if (is_bare(value)) {
      line_.append(value);
      return;
    }
    const std::size_t start = line_.size();
    append_json_string(line_, value);
    escape_terminal_controls(line_, start);
  }

  const bool human_;
  const bool coloured_;
  const std::size_t budget_;
  bool full_ = false;
  std::string line_;
};

bool wants_colour(LogColour colour, int descriptor) {
  if (colour == LogColour::Always) return true;
  return colour == LogColour::OnTerminal && descriptor >= 0 && ::isatty(descriptor) == 1;
}

// False when the descriptor took not all of it.
bool write_all(int descriptor, std::string_view line) {
  while (!line.empty()) {
    const auto written = ::write(descriptor, line.data(), line.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    line.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

}  // namespace

std::string_view to_string(LogLevel level) {
  switch (level) {
    case LogLevel::Debug: return "debug";
    case LogLevel::Info: return "info";
    case LogLevel::Warn: return "warn";
    case LogLevel::Error: return "error";
  }
  return "error";
}

Logger::Logger(LoggerOptions options, const Clock& clock, int descriptor)
    : options_(options),
      clock_(clock),
      descriptor_(descriptor),
      coloured_(wants_colour(options.colour, descriptor)) {}

Logger::Logger(LoggerOptions options, const Clock& clock, Sink sink)
    : options_(options),
      clock_(clock),
      descriptor_(-1),
      sink_(std::move(sink)),
      coloured_(wants_colour(options.colour, -1)) {}

Logger::~Logger() {
  MutexLock lock(rates_mutex_);
  for (const auto& [event, rate] : rates_) {
    if (rate.left_out > 0) write_line(LogLevel::Warn, event, {}, rate.left_out);
  }
}

void Logger::limited(LogLevel level, std::string_view event, Fields fields) {
  if (!enabled(level)) return;
  const SteadyTime now = clock_.steady();
  std::uint64_t left_out = 0;
  {
    MutexLock lock(rates_mutex_);
    auto found = rates_.find(event);
    if (found == rates_.end()) {
      const bool room = rates_.size() < kLimitedEventsMax;
      found = rates_.try_emplace(room ? std::string(event) : "log.other_limited_events").first;
    }
    Rate& rate = found->second;
    if (rate.lines == 0 || now - rate.second >= std::chrono::seconds(1)) {
      rate.second = now;
      rate.lines = 0;
    }
    if (rate.lines >= options_.limited_lines_per_second) {
      ++rate.left_out;
      return;
    }
    ++rate.lines;
    left_out = std::exchange(rate.left_out, 0);
  }
  write_line(level, event, std::span(fields.begin(), fields.size()), left_out);
}

void Logger::write_line(LogLevel level, std::string_view event, std::span<const LogField> fields,
                        std::uint64_t left_out) {
  LineBuilder line(options_.format, options_.line_bytes_max, coloured_);
  line.begin(clock_.now(), level, event);
  for (const auto& field : fields) line.field(field);
  emit(line.finish(left_out));
}

void Logger::emit(std::string_view line) {
  MutexLock lock(write_mutex_);
  if (sink_) {
    sink_(line);
  } else if (!write_all(descriptor_, line)) {
    lost_lines_.fetch_add(1, std::memory_order_relaxed);
  }
}

}  // namespace myelin
