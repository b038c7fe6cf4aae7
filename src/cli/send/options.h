// What `myelin send` was asked to do.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "formats/hl7v2/split.h"
#include "io/address.h"

namespace myelin::cli::send {

enum class Lines : std::uint8_t { All, Failures };
enum class Help : std::uint8_t { No, Yes };

inline constexpr std::uint32_t kRepeatMax = 1'000'000'000;

struct Options {
  std::vector<std::string> files;
  io::Address to{"127.0.0.1", 2575};
  hl7v2::LineEnds line_ends = hl7v2::LineEnds::CarriageReturn;
  Lines lines = Lines::All;
  std::chrono::milliseconds timeout{30'000};
  std::uint32_t repeat = 1;
  Help help = Help::No;
};

// InvalidInput names the flag.
Result<Options> parse_options(std::span<const std::string> args);
std::string_view help_text();

}  // namespace myelin::cli::send
