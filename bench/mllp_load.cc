// mllp_load: sends HL7 over MLLP as fast as it is acknowledged, or at a rate, and prints what it
// measured as JSON.
//
// N connections, each with up to W messages on their way (1: stop and wait). With a rate, a
// message's time counts from when it should have gone out, so that a server that stalls is not
// spared the messages that could not be sent.
#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cstdio>
#include <deque>
#include <string>
#include <vector>

#include "base/command_line.h"
#include "base/settings.h"
#include "bench/wire.h"

namespace myelin::bench {
namespace {

struct Options {
  io::Address to{"127.0.0.1", 2575};
  std::uint32_t connections = 1;
  std::uint32_t window = 1;
  std::uint32_t size = 1024;
  std::uint32_t rate = 0;
  std::chrono::milliseconds duration{10'000};
  std::chrono::milliseconds warm_up{1'000};
};

constexpr std::string_view kHelp =
    "mllp_load [--to HOST:PORT] [--connections N] [--window N] [--size BYTES] [--rate N] "
    "[--duration TIME] "
    "[--warm-up TIME]\n";

Result<std::uint32_t> number_of(const CommandLine& line, std::string_view flag,
                                std::uint32_t otherwise) {
  const auto text = line.find(flag);
  if (!text) return otherwise;
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (error != std::errc() || end != text->data() + text->size())
    return Error(ErrorCode::InvalidInput, fmt::format("--{}: expected a whole number", flag));
  return number;
}

Result<std::chrono::milliseconds> time_of(const CommandLine& line, std::string_view flag,
                                          std::chrono::milliseconds otherwise) {
  const auto text = line.find(flag);
  if (!text) return otherwise;
  return parse_duration(*text);
}

Result<Options> parse(std::span<const std::string> args) {
  const std::array<FlagSpec, 7> flags = {
      {{"to"}, {"connections"}, {"window"}, {"size"}, {"rate"}, {"duration"}, {"warm-up"}}};
  MYELIN_TRY(line, parse_command_line(args, flags));
  Options options;
  MYELIN_TRY(to, io::parse_address(line.find("to").value_or("127.0.0.1"), options.to.port));
  MYELIN_TRY(connections, number_of(line, "connections", options.connections));
  MYELIN_TRY(window, number_of(line, "window", options.window));
  MYELIN_TRY(size, number_of(line, "size", options.size));
  MYELIN_TRY(rate, number_of(line, "rate", options.rate));
  MYELIN_TRY(duration, time_of(line, "duration", options.duration));
  MYELIN_TRY(warm_up, time_of(line, "warm-up", options.warm_up));
  if (connections == 0 || window == 0)
    return Error(ErrorCode::InvalidInput, "--connections and --window are at least 1");
  return Options{to, connections, window, size, rate, duration, warm_up};
}

class Load {
 public:
  explicit Load(const Options& options) : options_(options), message_(options.size) {}

  Status run();
  void print() const;

 private:
  struct Peer {
    Socket socket;
    AckCounter acks;
    std::deque<std::int64_t> sent;  // When each unacknowledged one went out, or should have.
    std::deque<std::int64_t> owed;  // Due, but the window is full.
  };

  Status open();
  void send(std::uint32_t number, std::int64_t time, std::size_t count);
  void send_due(std::int64_t now);
  void receive(std::uint32_t number);
  void measure_from_here();

  const Options options_;
  MessageTemplate message_;
  Poll poll_;
  std::vector<Peer> peers_;
  std::string out_;
  Status outcome_;
  std::uint64_t next_id_ = 0;
  std::uint64_t scheduled_ = 0;
  std::int64_t start_ = 0;
  std::uint64_t refused_ = 0;
  Histogram histogram_;
  std::int64_t measured_from_ = 0;
  double cpu_from_ = 0;
  double seconds_ = 0;
  double cpu_ = 0;
};

Status Load::open() {
  for (std::uint32_t i = 0; i < options_.connections; ++i) {
    MYELIN_TRY(socket, connect(options_.to));
    peers_.push_back({std::move(socket), {}, {}, {}});
    poll_.add(peers_.back().socket, i);
  }
  return {};
}

void Load::send(std::uint32_t number, std::int64_t time, std::size_t count) {
  Peer& peer = peers_[number];
  out_.clear();
  for (; count > 0; --count) {
    out_ += message_.with_id('L', ++next_id_);
    peer.sent.push_back(time);
  }
  if (!peer.socket.send(out_)) outcome_ = Error(ErrorCode::Unavailable, "a connection broke");
  if (peer.socket.has_pending()) poll_.watch_writing(peer.socket, number);
}

void Load::send_due(std::int64_t now) {
  const std::int64_t interval = 1'000'000'000 / options_.rate;
  for (;; ++scheduled_) {
    const std::int64_t due = start_ + static_cast<std::int64_t>(scheduled_) * interval;
    if (due > now) return;
    const auto number = static_cast<std::uint32_t>(scheduled_ % options_.connections);
    if (peers_[number].sent.size() < options_.window) {
      send(number, due, 1);
    } else {
      peers_[number].owed.push_back(due);
    }
  }
}

void Load::receive(std::uint32_t number) {
  Peer& peer = peers_[number];
  if (peer.socket.has_pending()) {
    if (!peer.socket.flush()) outcome_ = Error(ErrorCode::Unavailable, "a connection broke");
    poll_.watch_writing(peer.socket, number);
  }
  bool gone = false;
  const std::string_view bytes = peer.socket.read(gone);
  if (gone) outcome_ = Error(ErrorCode::Unavailable, "the server closed a connection");
  const auto counts = peer.acks.feed(bytes);
  refused_ += counts.refused;
  const std::int64_t now = now_ns();
  for (std::uint64_t i = 0; i < counts.answered && !peer.sent.empty(); ++i) {
    histogram_.add(now - peer.sent.front());
    peer.sent.pop_front();
  }
  if (options_.rate == 0) {
    send(number, now, options_.window - peer.sent.size());
    return;
  }
  while (!peer.owed.empty() && peer.sent.size() < options_.window) {
    send(number, peer.owed.front(), 1);
    peer.owed.pop_front();
  }
}

void Load::measure_from_here() {
  histogram_.clear();
  measured_from_ = now_ns();
  cpu_from_ = cpu_seconds();
}

Status Load::run() {
  MYELIN_TRY_VOID(open());
  start_ = now_ns();
  const std::int64_t warm = start_ + std::chrono::nanoseconds(options_.warm_up).count();
  const std::int64_t end = warm + std::chrono::nanoseconds(options_.duration).count();
  if (options_.rate == 0) {
    for (std::uint32_t i = 0; i < options_.connections; ++i) send(i, now_ns(), options_.window);
  }
  while (outcome_) {
    const std::int64_t now = now_ns();
    if (measured_from_ == 0 && now >= warm) measure_from_here();
    if (now >= end) break;
    std::int64_t due = measured_from_ == 0 ? warm : end;
    if (options_.rate > 0) {
      send_due(now);
      due = std::min(
          due, start_ + static_cast<std::int64_t>(scheduled_) * (1'000'000'000 / options_.rate));
    }
    poll_.wait(due, [this](std::uint32_t number) { receive(number); });
  }
  seconds_ = static_cast<double>(now_ns() - measured_from_) / 1e9;
  cpu_ = cpu_seconds() - cpu_from_;
  return outcome_;
}

void Load::print() const {
  JsonLine json;
  json.add("connections", std::uint64_t{options_.connections})
      .add("window", std::uint64_t{options_.window})
      .add("message_bytes", std::uint64_t{message_.message_bytes()})
      .add("rate", std::uint64_t{options_.rate})
      .add("seconds", seconds_)
      .add("acked", histogram_.count())
      .add("acked_per_s", static_cast<double>(histogram_.count()) / seconds_)
      .add("refused", refused_);
  add_latencies(json, "", histogram_);
  json.add("client_cpu_s", cpu_);
  json.print();
}

int main_with(std::span<const std::string> args) {
  const auto options = parse(args);
  if (!options) {
    fmt::print(stderr, "mllp_load: {}\n{}", options.error().message(), kHelp);
    return 2;
  }
  Load load(*options);
  const Status outcome = load.run();
  if (!outcome) {
    fmt::print(stderr, "mllp_load: {}\n", outcome.error().message());
    return 1;
  }
  load.print();
  return 0;
}

}  // namespace
}  // namespace myelin::bench

int main(int argc, char** argv) {
  const std::vector<std::string> args(argv + 1, argv + argc);
  return myelin::bench::main_with(args);
}
