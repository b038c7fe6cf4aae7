// sse_latency: from a message's sending over MLLP to its arrival in a stream of events, printed as
// JSON.
//
// One process sends at a fixed rate and reads GET /events/hl7.*?from=now, so that both ends have
// one clock. Each message carries in its control id when it should have gone out; its time counts
// from there, so that a stall is not hidden by messages sent late.
#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cstdio>
#include <string>
#include <vector>

#include "base/command_line.h"
#include "base/settings.h"
#include "bench/chunked.h"
#include "bench/wire.h"

namespace myelin::bench {
namespace {

struct Options {
  io::Address mllp{"127.0.0.1", 2575};
  io::Address http{"127.0.0.1", 8080};
  std::uint32_t rate = 1'000;
  std::uint32_t size = 1'024;
  std::chrono::milliseconds duration{10'000};
  std::chrono::milliseconds warm_up{1'000};
};

constexpr std::string_view kHelp =
    "sse_latency [--mllp HOST:PORT] [--http HOST:PORT] [--rate N] [--size BYTES] [--duration TIME] "
    "[--warm-up TIME]\n";
constexpr std::string_view kMark = "\"control-id\":\"T";
constexpr std::size_t kDigits = 16;
constexpr std::int64_t kSettleNs = 2'000'000'000;  // For what is still on its way at the end.

Result<std::uint32_t> number_of(const CommandLine& line, std::string_view flag,
                                std::uint32_t otherwise) {
  const auto text = line.find(flag);
  if (!text) return otherwise;
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (error != std::errc() || end != text->data() + text->size() || number == 0)
    return Error(ErrorCode::InvalidInput, fmt::format("--{}: expected a number from 1", flag));
  return number;
}

Result<Options> parse(std::span<const std::string> args) {
  const std::array<FlagSpec, 6> flags = {
      {{"mllp"}, {"http"}, {"rate"}, {"size"}, {"duration"}, {"warm-up"}}};
  MYELIN_TRY(line, parse_command_line(args, flags));
  Options options;
  MYELIN_TRY(mllp, io::parse_address(line.find("mllp").value_or("127.0.0.1"), options.mllp.port));
  MYELIN_TRY(http, io::parse_address(line.find("http").value_or("127.0.0.1"), options.http.port));
  MYELIN_TRY(rate, number_of(line, "rate", options.rate));
  MYELIN_TRY(size, number_of(line, "size", options.size));
  MYELIN_TRY(duration, parse_duration(line.find("duration").value_or("10s")));
  MYELIN_TRY(warm_up, parse_duration(line.find("warm-up").value_or("1s")));
  return Options{mllp, http, rate, size, duration, warm_up};
}

class Latency {
 public:
  Latency(const Options& options, Socket mllp, Socket http)
      : options_(options), message_(options.size), mllp_(std::move(mllp)), http_(std::move(http)) {
    poll_.add(mllp_, 0);
    poll_.add(http_, 1);
  }

  Status run();
  void print() const;
  bool lost_none() const { return received_ == sent_; }

 private:
  Status subscribe();
  void send_due(std::int64_t now);
  void receive_acks();
  void receive_events();
  void take_lines(std::int64_t now);
  void fail(std::string_view why) { outcome_ = Error(ErrorCode::Unavailable, std::string(why)); }
  std::int64_t due() const {
    return start_ + static_cast<std::int64_t>(sent_) * (1'000'000'000 / options_.rate);
  }

  const Options options_;
  MessageTemplate message_;
  Socket mllp_;
  Socket http_;
  Poll poll_;
  Status outcome_;
  AckCounter acks_;
  ChunkedBody chunks_;
  std::string body_;
  std::int64_t start_ = 0;
  std::int64_t measured_from_ = 0;
  std::int64_t end_ = 0;
  std::uint64_t sent_ = 0;
  std::uint64_t acked_ = 0;
  std::uint64_t refused_ = 0;
  std::uint64_t received_ = 0;
  Histogram histogram_;
  double cpu_from_ = 0;
  double cpu_ = 0;
};

Status Latency::subscribe() {
  http_.send(fmt::format(
      "GET /events/hl7.*?from=now HTTP/1.1\r\nHost: {}\r\nAccept: text/event-stream\r\n\r\n",
      io::to_string(options_.http)));
  std::string head;
  const std::int64_t until = now_ns() + 10'000'000'000;
  bool gone = false;
  while (!gone && now_ns() < until && !head.contains("\r\n\r\n")) {
    poll_.wait(until, [](std::uint32_t) {});
    head += http_.read(gone);
  }
  if (!head.starts_with("HTTP/1.1 200")) {
    const std::string line = head.substr(0, head.find('\r'));
    return Error(ErrorCode::Unavailable, "the stream was not opened: " + line);
  }
  // What came with the head is part of the body.
  const std::string_view rest = std::string_view(head).substr(head.find("\r\n\r\n") + 4);
  if (!chunks_.feed(rest, body_))
    return Error(ErrorCode::InvalidInput, "the stream is not chunked");
  return {};
}

void Latency::send_due(std::int64_t now) {
  for (std::int64_t intended = due(); intended <= now && intended < end_; intended = due()) {
    if (!mllp_.send(message_.with_id('T', static_cast<std::uint64_t>(intended))))
      fail("the MLLP connection broke");
    ++sent_;
  }
  if (mllp_.has_pending()) poll_.watch_writing(mllp_, 0);
}

void Latency::receive_acks() {
  if (mllp_.has_pending()) {
    if (!mllp_.flush()) fail("the MLLP connection broke");
    poll_.watch_writing(mllp_, 0);
  }
  bool gone = false;
  const auto counts = acks_.feed(mllp_.read(gone));
  acked_ += counts.answered;
  refused_ += counts.refused;
  if (gone) fail("the server closed the MLLP connection");
}

void Latency::receive_events() {
  bool gone = false;
  const std::string_view bytes = http_.read(gone);
  const std::int64_t now = now_ns();
  if (gone || !chunks_.feed(bytes, body_)) fail("the stream ended");
  take_lines(now);
}

void Latency::take_lines(std::int64_t now) {
  std::size_t begin = 0;
  for (;;) {
    const std::size_t end = body_.find('\n', begin);
    if (end == std::string::npos) break;
    const auto line = std::string_view(body_).substr(begin, end - begin);
    begin = end + 1;
    // One mark a line: an event's headers come before its value.
    const std::size_t at = line.find(kMark);
    if (at == std::string_view::npos || at + kMark.size() + kDigits > line.size()) continue;
    const char* digits = line.data() + at + kMark.size();
    std::int64_t intended = 0;
    std::from_chars(digits, digits + kDigits, intended, 16);
    if (intended < start_) continue;  // Another run's.
    ++received_;
    if (intended >= measured_from_) histogram_.add(now - intended);
  }
  body_.erase(0, begin);
}

Status Latency::run() {
  MYELIN_TRY_VOID(subscribe());
  start_ = now_ns();
  measured_from_ = start_ + std::chrono::nanoseconds(options_.warm_up).count();
  end_ = measured_from_ + std::chrono::nanoseconds(options_.duration).count();
  cpu_from_ = cpu_seconds();
  while (outcome_) {
    const std::int64_t now = now_ns();
    send_due(now);
    const bool all_sent = due() >= end_;
    if (all_sent && (received_ == sent_ || now >= end_ + kSettleNs)) break;
    poll_.wait(all_sent ? end_ + kSettleNs : due(),
               [this](std::uint32_t number) { number == 0 ? receive_acks() : receive_events(); });
  }
  cpu_ = cpu_seconds() - cpu_from_;
  return outcome_;
}

void Latency::print() const {
  JsonLine json;
  json.add("rate", std::uint64_t{options_.rate})
      .add("message_bytes", std::uint64_t{message_.message_bytes()})
      .add("sent", sent_)
      .add("acked", acked_)
      .add("refused", refused_)
      .add("received", received_)
      .add("measured", histogram_.count());
  add_latencies(json, "", histogram_);
  json.add("client_cpu_s", cpu_);
  json.print();
}

Result<bool> measure(const Options& options) {
  MYELIN_TRY(mllp, connect(options.mllp));
  MYELIN_TRY(http, connect(options.http));
  Latency latency(options, std::move(mllp), std::move(http));
  MYELIN_TRY_VOID(latency.run());
  latency.print();
  return latency.lost_none();
}

int main_with(std::span<const std::string> args) {
  const auto options = parse(args);
  if (!options) {
    fmt::print(stderr, "sse_latency: {}\n{}", options.error().message(), kHelp);
    return 2;
  }
  const auto complete = measure(*options);
  if (!complete) {
    fmt::print(stderr, "sse_latency: {}\n", complete.error().message());
    return 1;
  }
  if (!*complete) fmt::print(stderr, "sse_latency: not every message arrived in the stream\n");
  return *complete ? 0 : 1;
}

}  // namespace
}  // namespace myelin::bench

int main(int argc, char** argv) {
  const std::vector<std::string> args(argv + 1, argv + argc);
  return myelin::bench::main_with(args);
}
