#include <fmt/format.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "app/commands.h"
#include "app/completions.h"
#include "cli/backup/backup.h"
#include "cli/completion/completion.h"
#include "cli/demo/demo.h"
#include "cli/kafka/consume.h"
#include "cli/kafka/topic.h"
#include "cli/log/command.h"
#include "cli/send/send.h"

namespace {

struct Command {
  std::string_view name;
  std::string_view summary;
  int (*run)(std::span<const std::string> args);
};

int send(std::span<const std::string> args) { return myelin::cli::send::run(args, stdout, stderr); }
int demo(std::span<const std::string> args) { return myelin::cli::demo::run(args, stdout, stderr); }
int topic(std::span<const std::string> args) {
  return myelin::cli::kafka::run_topic(args, stdout, stderr);
}
int consume(std::span<const std::string> args) {
  return myelin::cli::kafka::run_consume(args, stdout, stderr);
}
int log(std::span<const std::string> args) {
  return myelin::cli::log_tools::run(args, stdout, stderr);
}
int completion(std::span<const std::string> args) {
  return myelin::cli::completion::run(args, myelin::app::described_commands(), stdout, stderr);
}
int backup(std::span<const std::string> args) {
  return myelin::cli::backup::run_backup(args, stdout, stderr);
}
int restore(std::span<const std::string> args) {
  return myelin::cli::backup::run_restore(args, stdout, stderr);
}

constexpr auto kCommands = std::to_array<Command>({
    {"serve", "Starts the server.", myelin::app::serve},
    {"config", "Prints the settings in effect, or their schema.", myelin::app::config},
    {myelin::cli::send::kName, myelin::cli::send::kSummary, send},
    {myelin::cli::demo::kName, myelin::cli::demo::kSummary, demo},
    {myelin::cli::kafka::kTopicName, myelin::cli::kafka::kTopicSummary, topic},
    {myelin::cli::kafka::kConsumeName, myelin::cli::kafka::kConsumeSummary, consume},
    {myelin::cli::backup::kBackupName, myelin::cli::backup::kBackupSummary, backup},
    {myelin::cli::backup::kRestoreName, myelin::cli::backup::kRestoreSummary, restore},
    {myelin::cli::log_tools::kName, myelin::cli::log_tools::kSummary, log},
    {myelin::cli::completion::kName, myelin::cli::completion::kSummary, completion},
});

void print_usage(std::FILE* to) {
  fmt::print(to,
             "myelin {}: the nervous system of a healthcare organisation\n\nUsage: myelin COMMAND "
             "[--help]\n\n",
             MYELIN_VERSION);
  for (const auto& command : kCommands)
    fmt::print(to, "  {:<10} {}\n", command.name, command.summary);
}

}  // namespace

int main(int argc, char** argv) {
  // A peer that closes is an error of the write, not the end of the process.
  std::signal(SIGPIPE, SIG_IGN);
  const std::vector<std::string> args(argv + 1, argv + argc);
  if (args.empty() || args[0] == "help" || args[0] == "--help" || args[0] == "-h") {
    print_usage(args.empty() ? stderr : stdout);
    return args.empty() ? 2 : 0;
  }
  if (args[0] == "--version" || args[0] == "version") {
    fmt::print("myelin {}\n", MYELIN_VERSION);
    return 0;
  }
  for (const auto& command : kCommands) {
    if (command.name == args[0]) return command.run(std::span(args).subspan(1));
  }
  fmt::print(stderr, "myelin: no command '{}'\n\n", args[0]);
  print_usage(stderr);
  return 2;
}
