#include "cli/send/options.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/command_line.h"
#include "base/settings.h"

namespace myelin::cli::send {

namespace {

constexpr std::chrono::milliseconds kTimeoutMax = std::chrono::hours(24);

const std::array<FlagSpec, 6> kFlags = {{
    {.name = "to"},
    {.name = "timeout"},
    {.name = "repeat"},
    {.name = "as-is", .value = FlagValue::None},
    {.name = "quiet", .value = FlagValue::None},
    {.name = "help", .value = FlagValue::None},
}};

Error wrong(std::string_view flag, std::string_view why) {
  return Error(ErrorCode::InvalidInput, "--" + std::string(flag) + ": " + std::string(why));
}

Result<std::chrono::milliseconds> parse_timeout(const std::string& text) {
  const auto time = parse_duration(text);
  if (!time) return time.error().with_context("--timeout");
  if (time->count() < 1 || *time > kTimeoutMax) return wrong("timeout", "expected 1ms to 24h");
  return *time;
}

Result<std::uint32_t> parse_repeat(std::string_view text) {
  std::uint32_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc() || end != text.data() + text.size() || count < 1 || count > kRepeatMax)
    return wrong("repeat", "expected a number from 1 to " + std::to_string(kRepeatMax));
  return count;
}

}  // namespace

Result<Options> parse_options(std::span<const std::string> args) {
  MYELIN_TRY(line, parse_command_line(args, kFlags));
  Options options;
  if (line.has("help")) {
    options.help = Help::Yes;
    return options;
  }
  if (const auto text = line.find("to")) {
    auto address = io::parse_address(*text, options.to.port);
    if (!address) return std::move(address).error().with_context("--to");
    options.to = *std::move(address);
  }
  if (const auto text = line.find("timeout")) {
    MYELIN_TRY(time, parse_timeout(*text));
    options.timeout = time;
  }
  if (const auto text = line.find("repeat")) {
    MYELIN_TRY(count, parse_repeat(*text));
    options.repeat = count;
  }
  if (line.has("as-is")) options.line_ends = hl7v2::LineEnds::AsIs;
  if (line.has("quiet")) options.lines = Lines::Failures;
  options.files = std::move(line.words);
  if (options.files.empty())
    return Error(ErrorCode::InvalidInput, "no file is named; \"-\" is standard input");
  if (std::ranges::count(options.files, "-") > 1)
    return Error(ErrorCode::InvalidInput, "standard input (\"-\") can be read once only");
  return options;
}

std::string_view help_text() {
  return R"(myelin send FILE… [flags]

Sends HL7 version 2 messages over MLLP, one after another on one connection, and prints each acknowledgment:
its code, the message's type and control id, where the message came from, and how long the answer took or what it says.

A file may hold many messages: a message begins at each line that begins with MSH. Batch lines (FHS, BHS, BTS, FTS)
are left out. "-" is standard input. A message whose MSH-15 and MSH-16 ask for no acknowledgment is not waited for.

  --to HOST:PORT   where to send (127.0.0.1:2575)
  --as-is          keep line ends and a byte order mark as they are; without it LF and CR LF become CR
  --timeout TIME   how long to wait to be connected, and for each acknowledgment (30s)
  --repeat N       send everything N times (1)
  --quiet          print only what was not accepted
  --help           this text

Ends with 0 when every acknowledgment that was asked for is AA or CA, with 1 when one is not, or did not come, or a
file holds no message, and with 2 when nothing was sent because of the arguments or a file.

  myelin send adt.hl7
  cat *.hl7 | myelin send - --to lab.example:6661
)";
}

}  // namespace myelin::cli::send
