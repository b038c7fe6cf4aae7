// What `myelin demo` was asked to do.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/settings.h"
#include "io/address.h"

namespace myelin::cli::demo {

enum class Mode : std::uint8_t { Send, Print, Help };

inline constexpr double kRateMin = 0.01;
inline constexpr double kRateMax = 100'000;

struct Options {
  Mode mode = Mode::Send;
  io::Address to{"127.0.0.1", 2575};
  double rate = 2;  // Messages a second.
  std::optional<std::uint64_t> seed;
  std::optional<std::uint64_t> count;
  ByteSize stop_at = 1_GiB;
};

// InvalidInput names the flag.
Result<Options> parse_options(std::span<const std::string> args);
std::string_view help_text();

}  // namespace myelin::cli::demo
