#include "cli/demo/options.h"

#include <array>
#include <charconv>

#include "base/command_line.h"

namespace myelin::cli::demo {

namespace {

const std::array<FlagSpec, 7> kFlags = {{
    {.name = "to"},
    {.name = "rate"},
    {.name = "seed"},
    {.name = "count"},
    {.name = "stop-at"},
    {.name = "print", .value = FlagValue::None},
    {.name = "help", .value = FlagValue::None},
}};

Error wrong(std::string_view flag, std::string_view expected) {
  return Error(ErrorCode::InvalidInput,
               "--" + std::string(flag) + ": expected " + std::string(expected));
}

template <class Number>
std::optional<Number> parse_number(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

Result<std::uint64_t> parse_whole(std::string_view flag, std::string_view text) {
  const auto number = parse_number<std::uint64_t>(text);
  if (!number) return wrong(flag, "a whole number");
  return *number;
}

Status set_limits(const CommandLine& line, Options& options) {
  if (const auto text = line.find("rate")) {
    const auto rate = parse_number<double>(*text);
    if (!rate || !(*rate >= kRateMin && *rate <= kRateMax))
      return wrong("rate", "messages a second, from 0.01 to 100000");
    options.rate = *rate;
  }
  if (const auto text = line.find("seed")) {
    MYELIN_TRY(seed, parse_whole("seed", *text));
    options.seed = seed;
  }
  if (const auto text = line.find("count")) {
    MYELIN_TRY(count, parse_whole("count", *text));
    options.count = count;
  }
  if (const auto text = line.find("stop-at")) {
    const auto size = parse_byte_size(*text);
    if (!size) return size.error().with_context("--stop-at");
    options.stop_at = *size;
  }
  return {};
}

}  // namespace

Result<Options> parse_options(std::span<const std::string> args) {
  MYELIN_TRY(line, parse_command_line(args, kFlags));
  Options options;
  if (line.has("help")) {
    options.mode = Mode::Help;
    return options;
  }
  if (!line.words.empty())
    return Error(ErrorCode::InvalidInput, "takes no words, only flags: \"" + line.words[0] + "\"");
  if (const auto text = line.find("to")) {
    auto address = io::parse_address(*text, options.to.port);
    if (!address) return std::move(address).error().with_context("--to");
    options.to = *std::move(address);
  }
  MYELIN_TRY_VOID(set_limits(line, options));
  if (line.has("print")) options.mode = Mode::Print;
  return options;
}

std::string_view help_text() {
  return R"(myelin demo [flags]

Sends the HL7 2.5.1 messages of a simulated hospital over MLLP: admissions, transfers, updates, orders, results, vital
signs, appointments, documents, discharges. All patients are invented. Ctrl-C ends it. While the server is away it waits
and then goes on; what was not acknowledged is sent again.

  --to HOST:PORT   where to send (127.0.0.1:2575)
  --rate N         messages a second (2)
  --count N        stop after N messages
  --stop-at SIZE   stop when this much was sent (1GiB)
  --seed N         the same seed gives the same patients and events; without it each run has its own
  --print          print the messages instead of sending them
  --help           this text

  myelin demo --rate 500
  myelin demo --print --count 20 --rate 1000 > sample.hl7
)";
}

}  // namespace myelin::cli::demo
