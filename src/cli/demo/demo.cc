#include "cli/demo/demo.h"

#include <fmt/format.h>
#include <pthread.h>

#include <csignal>
#include <exception>
#include <thread>

#include "base/logging.h"
#include "cli/demo/options.h"
#include "cli/demo/pump.h"
#include "cli/demo/source.h"
#include "io/runtime.h"

namespace myelin::cli::demo {

namespace {

constexpr std::uint64_t kLinesAtFirst = 10;
constexpr std::chrono::seconds kProgressFirst{10};
constexpr std::chrono::seconds kProgressLast{60};
constexpr std::chrono::seconds kStopTime{5};

void print(std::FILE* file, std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), file);
  std::fflush(file);
}

// Says what happens: the first acknowledgments one by one, refusals as long as they are few, then a
// line now and then.
class Screen final : public Observer {
 public:
  Screen(std::FILE* out, const Options& options, const Source& source, const Clock& clock)
      : out_(out), options_(options), source_(source), clock_(clock) {}

  void watch(const Totals& totals) { totals_ = &totals; }

  void connected(std::string_view peer) override {
    print(out_, fmt::format("connected to {}\n", peer));
    next_progress_ = clock_.steady() + pause_;
  }
  void away(std::string_view reason) override {
    print(out_, fmt::format("{}: waiting for {} to come back (start a server: myelin serve)\n",
                            reason, io::to_string(options_.to)));
  }
  void acknowledged(const DemoMessage& message, std::string_view code) override {
    const bool refused = totals_->refused > refused_seen_;
    refused_seen_ = totals_->refused;
    if (lines_ < kLinesAtFirst || (refused && refused_seen_ <= kLinesAtFirst)) {
      ++lines_;
      print(out_, fmt::format("{}  {}  {}\n", code, message.type, message.control_id));
    }
    if (clock_.steady() < next_progress_) return;
    print(out_, text() + "\n");
    pause_ = std::min<std::chrono::seconds>(2 * pause_, kProgressLast);
    next_progress_ = clock_.steady() + pause_;
  }

  std::string text() const {
    std::string text = fmt::format("{} messages sent ({} bytes), {} accepted", totals_->sent,
                                   totals_->bytes, totals_->accepted);
    if (totals_->refused > 0) text += fmt::format(", {} refused", totals_->refused);
    const auto open = totals_->sent - totals_->accepted - totals_->refused;
    if (open > 0) text += fmt::format(", {} not acknowledged", open);
    if (totals_->sent_again > 0) text += fmt::format(", {} sent again", totals_->sent_again);
    return text + fmt::format("; {} inpatients", source_.inpatient_count());
  }

 private:
  std::FILE* const out_;
  const Options& options_;
  const Source& source_;
  const Clock& clock_;
  const Totals* totals_ = nullptr;
  std::uint64_t lines_ = 0;
  std::uint64_t refused_seen_ = 0;
  std::chrono::seconds pause_ = kProgressFirst;
  SteadyTime next_progress_{};
};

// Wakes the thread that waits for a signal when the task ends by itself.
io::Task<void> pump_and_tell(Pump& pump, pthread_t waiter) {
  std::exception_ptr thrown;
  try {
    co_await pump.run();
  } catch (const io::Canceled&) {
    co_return;  // The signal has come.
  } catch (...) {
    thrown = std::current_exception();
  }
  ::pthread_kill(waiter, SIGINT);
  if (thrown) std::rethrow_exception(thrown);
}

int send_messages(const Options& options, std::uint64_t seed, const Clock& clock, std::FILE* out) {
  io::block_stop_signals();
  Logger logger({.level = LogLevel::Error, .format = LogFormat::Human}, clock, 2);
  io::Runtime runtime(logger, {.threads = 1, .blocking_threads = 1});
  Source source(seed, clock);
  Screen screen(out, options, source, clock);
  Pump pump(runtime, options, source, screen);
  screen.watch(pump.totals());
  print(out,
        fmt::format(
            "a simulated hospital, seed {}, sends {} messages a second to {}; Ctrl-C ends it\n",
            seed, options.rate, io::to_string(options.to)));
  io::TaskScope scope(runtime, "demo");
  scope.spawn("demo.pump", pump_and_tell(pump, ::pthread_self()));
  io::wait_for_stop_signal();
  scope.stop(kStopTime);
  print(out, screen.text() + "\n");
  return pump.totals().refused > 0 ? kRefused : kDone;
}

// HL7 in files has line ends that people can read.
std::string as_lines(std::string bytes) {
  for (char& c : bytes) {
    if (c == '\r') c = '\n';
  }
  return bytes;
}

int print_messages(const Options& options, std::uint64_t seed, const Clock& clock, std::FILE* out) {
  Source source(seed, clock);
  const std::chrono::nanoseconds interval(static_cast<std::int64_t>(1e9 / options.rate));
  std::uint64_t bytes = 0;
  auto due = clock.steady();
  for (std::uint64_t n = 0; bytes < options.stop_at.value; ++n) {
    if (options.count && n == *options.count) break;
    const DemoMessage message = source.next();
    std::this_thread::sleep_until(due);
    due += interval;
    bytes += message.bytes.size();
    print(out, as_lines(message.bytes));
    if (std::ferror(out) != 0) break;
  }
  return kDone;
}

}  // namespace

int run(std::span<const std::string> args, std::FILE* out, std::FILE* err) {
  const auto options = parse_options(args);
  if (!options) {
    print(err, "myelin demo: " + options.error().message() + "\nTry: myelin demo --help\n");
    return kUsage;
  }
  if (options->mode == Mode::Help) {
    print(out, help_text());
    return kDone;
  }
  const SystemClock clock;
  const std::uint64_t seed =
      options->seed.value_or(static_cast<std::uint64_t>(to_ms(clock.now())) % 1'000'000);
  if (options->mode == Mode::Print) return print_messages(*options, seed, clock, out);
  return send_messages(*options, seed, clock, out);
}

}  // namespace myelin::cli::demo
