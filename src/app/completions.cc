#include "app/completions.h"

#include "app/commands.h"
#include "cli/backup/backup.h"
#include "cli/backup/options.h"
#include "cli/completion/completion.h"
#include "cli/demo/demo.h"
#include "cli/demo/options.h"
#include "cli/kafka/consume.h"
#include "cli/kafka/consume_options.h"
#include "cli/kafka/topic.h"
#include "cli/kafka/topic_options.h"
#include "cli/log/command.h"
#include "cli/log/options.h"
#include "cli/send/options.h"
#include "cli/send/send.h"

namespace myelin::app {

std::vector<cli::completion::Command> described_commands() {
  using cli::completion::read_help;
  // The settings are described once.
  const auto config_text = config_command_help() + serve_help();
  std::vector<cli::completion::Command> commands = {
      read_help("serve", "Starts the server.", serve_help()),
      read_help("config", "Prints the settings in effect, or their schema.", config_text),
      read_help(cli::send::kName, cli::send::kSummary, cli::send::help_text()),
      read_help(cli::demo::kName, cli::demo::kSummary, cli::demo::help_text()),
      read_help(cli::kafka::kTopicName, cli::kafka::kTopicSummary, cli::kafka::topic_help()),
      read_help(cli::kafka::kConsumeName, cli::kafka::kConsumeSummary, cli::kafka::consume_help()),
      read_help(cli::backup::kBackupName, cli::backup::kBackupSummary, cli::backup::backup_help()),
      read_help(cli::backup::kRestoreName, cli::backup::kRestoreSummary,
                cli::backup::restore_help()),
      read_help(cli::log_tools::kName, cli::log_tools::kSummary, cli::log_tools::help_text()),
      read_help(cli::completion::kName, cli::completion::kSummary, cli::completion::help_text())};
  for (auto& command : commands) {
    if (command.name != cli::kafka::kTopicName) continue;
    for (const auto& verb : cli::kafka::topic_verbs()) {
      command.verbs.push_back(
          read_help("topic " + std::string(verb.name), verb.summary, verb.text));
    }
  }
  return commands;
}

}  // namespace myelin::app
