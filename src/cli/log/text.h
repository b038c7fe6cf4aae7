// Small pieces of text that check, dump and repair share.
#pragma once

#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>

#include "log/types.h"

namespace myelin::cli::log_tools {

// "0 bytes", "1.5 KiB", "2.0 GiB".
std::string size_text(std::uint64_t bytes);
// "1 record", "2 records".
std::string count_text(std::uint64_t count, std::string_view one);
// RFC 3339, or "?" for nothing.
std::string time_text(std::optional<std::int64_t> ms);
// "offset 5", "offsets 5 to 9".
std::string offsets_text(log::Offset first, log::Offset last);
// Names come from the disk: control characters and what is not UTF-8 are replaced.
std::string printable(std::string_view text);

void print(std::FILE* file, std::string_view text);

// A line on a terminal that is written over until it is gone. Silent elsewhere.
class Progress {
 public:
  explicit Progress(std::FILE* file);
  ~Progress() { clear(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void show(std::uint64_t done, std::uint64_t all, std::string_view what);
  void clear();

 private:
  std::FILE* const file_;
  const bool terminal_;
  std::uint64_t shown_percent_ = 101;
  bool visible_ = false;
};

}  // namespace myelin::cli::log_tools
