#include "cli/log/text.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>

#include "base/time.h"
#include "base/utf8.h"

namespace myelin::cli::log_tools {

std::string size_text(std::uint64_t bytes) {
  constexpr std::array<const char*, 5> kUnits = {"KiB", "MiB", "GiB", "TiB", "PiB"};
  if (bytes < 1024) return count_text(bytes, "byte");
  auto value = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  while (value >= 1024 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  return fmt::format("{:.1f} {}", value, kUnits[unit]);
}

std::string count_text(std::uint64_t count, std::string_view one) {
  if (count == 1) return fmt::format("1 {}", one);
  if (one.ends_with("ch")) return fmt::format("{} {}es", count, one);
  if (one.ends_with('y')) return fmt::format("{} {}ies", count, one.substr(0, one.size() - 1));
  return fmt::format("{} {}s", count, one);
}

std::string time_text(std::optional<std::int64_t> ms) {
  return ms ? format_rfc3339(timestamp_from_ms(*ms)) : "?";
}

std::string offsets_text(log::Offset first, log::Offset last) {
  if (first == last) return fmt::format("offset {}", first.value);
  return fmt::format("offsets {} to {}", first.value, last.value);
}

std::string printable(std::string_view text) {
  std::string clean;
  for (const char c : text)
    clean.push_back(static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c);
  return is_valid_utf8(clean) ? clean : "(a name that is not UTF-8)";
}

void print(std::FILE* file, std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), file);
}

Progress::Progress(std::FILE* file) : file_(file), terminal_(::isatty(::fileno(file)) == 1) {}

void Progress::show(std::uint64_t done, std::uint64_t all, std::string_view what) {
  if (!terminal_ || all == 0) return;
  const auto percent = done >= all ? 100 : done * 100 / all;
  if (percent == shown_percent_) return;
  shown_percent_ = percent;
  visible_ = true;
  print(file_,
        fmt::format("\r\033[K{} %  {} of {}  {}", percent, size_text(done), size_text(all), what));
  std::fflush(file_);
}

void Progress::clear() {
  if (!visible_) return;
  print(file_, "\r\033[K");
  std::fflush(file_);
  visible_ = false;
}

}  // namespace myelin::cli::log_tools
