#include "cli/send/send.h"

#include "base/logging.h"
#include "cli/send/input.h"
#include "cli/send/options.h"
#include "cli/send/report.h"
#include "cli/send/sender.h"
#include "io/runtime.h"

namespace myelin::cli::send {

namespace {

void print(std::FILE* file, std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), file);
  std::fflush(file);
}

io::Task<void> send(Sender& sender, Status& outcome) { outcome = co_await sender.run(); }

int send_messages(const Options& options, const Input& input, Report& report) {
  const SystemClock clock;
  Logger logger({.level = LogLevel::Error, .format = LogFormat::Human}, clock, 2);
  io::Runtime runtime(logger, {.threads = 1, .blocking_threads = 1});
  Sender sender(runtime, options, input.messages, report);
  const auto start = clock.steady();
  Status outcome;
  runtime.run_to_end(send(sender, outcome));
  if (!outcome) report.error(outcome.error().message());
  report.summary(std::chrono::duration_cast<std::chrono::microseconds>(clock.steady() - start));
  const Counts& counts = report.counts;
  const bool all =
      outcome && input.empty_files == 0 && counts.refused + counts.unanswered + counts.unsent == 0;
  return all ? kAllAccepted : kNotAccepted;
}

}  // namespace

int run(std::span<const std::string> args, std::FILE* out, std::FILE* err) {
  return run_with_input(args, stdin, out, err);
}

int run_with_input(std::span<const std::string> args, std::FILE* in, std::FILE* out,
                   std::FILE* err) {
  const auto options = parse_options(args);
  if (!options) {
    print(err, "myelin send: " + options.error().message() +
                   "\nTry: myelin send FILE… [--to HOST:PORT], or myelin send --help\n");
    return kUsage;
  }
  if (options->help == Help::Yes) {
    print(out, help_text());
    return kAllAccepted;
  }
  Report report(options->lines, out, err);
  const auto input = read_input(*options, in);
  if (!input) {
    report.error(input.error().message());
    return kUsage;
  }
  for (const std::string& note : input->notes) report.note(note);
  return send_messages(*options, *input, report);
}

}  // namespace myelin::cli::send
