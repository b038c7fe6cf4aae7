#include "cli/completion/completion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/completion/scripts.h"

namespace myelin::cli::completion {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::string_view kHelp = R"(myelin log check DIR [--json]
myelin log dump DIR [--topic NAME]
           [--format text|json] [--keep[=N]]

Looks into it. --not-a-flag here.

  --json           one object
  --topic NAME     batches of it's topic
  --format text|json|HEX
      how to print
  -X, --property KEY=VALUE  a setting
  --help           this text

  myelin log check /var --json
)";

std::vector<std::string> names(const std::vector<Flag>& flags) {
  std::vector<std::string> names;
  for (const Flag& flag : flags) names.push_back(flag.name);
  return names;
}

const Flag& flag_of(const Command& command, std::string_view name) {
  return *std::ranges::find(command.flags, name, &Flag::name);
}

TEST(ReadHelp, GivesEachVerbTheFlagsOfItsUsageLine) {
  const auto log = read_help("log", "Looks.", kHelp);
  ASSERT_EQ(log.verbs.size(), 2);
  EXPECT_THAT(names(log.flags), ElementsAre("help"));
  EXPECT_THAT(names(log.verbs[0].flags), ElementsAre("json", "help"));
  EXPECT_THAT(names(log.verbs[1].flags), ElementsAre("topic", "format", "keep", "help"));
  EXPECT_EQ(log.verbs[0].words, Fill::Files);
  EXPECT_EQ(flag_of(log.verbs[0], "json").help, "one object");
  EXPECT_EQ(flag_of(log.verbs[1], "keep").value, "");
  EXPECT_EQ(flag_of(log.verbs[1], "format").help, "how to print");
}

TEST(ReadHelp, TakesAllDescribedFlagsWhereTheUsageSaysFlags) {
  const auto consume = read_help(
      "consume", "Prints.",
      "myelin consume TOPIC… [flags]\n\n" + std::string(kHelp.substr(kHelp.find("  --json"))));
  EXPECT_THAT(names(consume.flags), ElementsAre("json", "topic", "format", "property", "help"));
  EXPECT_EQ(consume.words, Fill::Topics);
  EXPECT_EQ(flag_of(consume, "property").letter, 'X');
  EXPECT_EQ(flag_of(consume, "property").value, "KEY=VALUE");
}

TEST(ReadHelp, IsContentWithATextThatIsNoHelp) {
  EXPECT_THAT(read_help("x", "", "").verbs, IsEmpty());
  EXPECT_THAT(names(read_help("x", "", "--\n  --\n  -\n  --Q\nmyelin x [").flags),
              ElementsAre("help"));
}

TEST(Flags, KnowTheWordsToChooseFrom) {
  EXPECT_THAT(choices_of({.name = "from", .value = "beginning|end|PLACE", .help = {}}),
              ElementsAre("beginning", "end"));
  EXPECT_THAT(choices_of({.name = "to", .value = "HOST:PORT", .help = {}}), IsEmpty());
  EXPECT_EQ(fill_of({.name = "data", .value = "NEWDIR", .help = {}}), Fill::Files);
}

TEST(Scripts, KnowCommandsFlagsAndChoices) {
  const std::vector<Command> commands = {read_help("log", "Looks.", kHelp)};
  for (const auto& script : {bash_script(commands), zsh_script(commands), fish_script(commands)}) {
    EXPECT_THAT(script, HasSubstr("log"));
    EXPECT_THAT(script, HasSubstr("text json "));
    EXPECT_THAT(script, HasSubstr("topic"));
  }
  EXPECT_THAT(fish_script(commands), HasSubstr("-l topic -d 'batches of it'\\''s topic' -x"));
}

TEST(Completion, RefusesAShellThatItDoesNotKnow) {
  std::FILE* nowhere = std::tmpfile();
  const auto ended = [&](std::vector<std::string> args) { return run(args, {}, nowhere, nowhere); };
  EXPECT_EQ(ended({"tcsh"}), 2);
  EXPECT_EQ(ended({}), 2);
  EXPECT_EQ(ended({"bash", "zsh"}), 2);
  EXPECT_EQ(ended({"bash"}), 0);
  EXPECT_EQ(ended({"--help"}), 0);
  std::fclose(nowhere);
}

}  // namespace
}  // namespace myelin::cli::completion
