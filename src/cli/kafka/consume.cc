#include "cli/kafka/consume.h"

#include <fmt/format.h>
#include <pthread.h>

#include <csignal>
#include <ctime>

#include "cli/kafka/consume_options.h"
#include "cli/kafka/consumer.h"
#include "cli/kafka/printer.h"
#include "cli/kafka/text.h"

namespace myelin::cli::kafka {
namespace {

void print(std::FILE* file, std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), file);
  std::fflush(file);
}

// SIGINT and SIGTERM are kept back until somebody looks; once one was seen, the next acts as usual.
class StopSignals {
 public:
  StopSignals() {
    sigemptyset(&signals_);
    sigaddset(&signals_, SIGINT);
    sigaddset(&signals_, SIGTERM);
    ::pthread_sigmask(SIG_BLOCK, &signals_, &before_);
  }
  ~StopSignals() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  bool asked() {
    if (asked_) return true;
    const timespec at_once{};
    asked_ = ::sigtimedwait(&signals_, nullptr, &at_once) > 0;
    if (asked_) ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    return asked_;
  }

 private:
  sigset_t signals_{};
  sigset_t before_{};
  bool asked_ = false;
};

int consume(const ConsumeOptions& options, std::FILE* out, std::FILE* err) {
  StopSignals signals;
  Printer printer(options.layout, out, err);
  Consumer consumer(options, printer, [&] { return signals.asked(); });
  if (const auto opened = consumer.open(); !opened) {
    printer.note(opened.error().message());
    return kUsage;
  }
  const auto ended = consumer.run();
  // A reader that has enough, such as `head`, is no failure.
  if (ended || ended.error().code() == ErrorCode::Canceled) return kDone;
  printer.note(ended.error().message());
  return kNotDone;
}

}  // namespace

int run_consume(std::span<const std::string> args, std::FILE* out, std::FILE* err) {
  const auto options = parse_consume_options(args, SystemClock().now());
  if (!options) {
    print(err,
          fmt::format("myelin consume: {}\nTry: myelin consume TOPIC…, or myelin consume --help\n",
                      options.error().message()));
    return kUsage;
  }
  if (options->help) {
    print(out, consume_help());
    return kDone;
  }
  return consume(*options, out, err);
}

}  // namespace myelin::cli::kafka
