#include "cli/kafka/topic_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>

#include "base/nearest.h"

namespace myelin::cli::kafka {
namespace {

constexpr std::int64_t kPartitionsMax = 100'000;

constexpr FlagLine kJson{"json", "", "one JSON document instead of a table"};
constexpr FlagLine kCheckOnly{"check-only", "", "let the broker check it and change nothing"};
constexpr FlagLine kYes{"yes", "", "do it; without it only what would go is told"};

constexpr auto kListFlags = std::to_array<FlagLine>({
    {"names", "", "the names alone, one a line, without a look at offsets"},
    {"internal", "", "also Kafka's own topics, whose names begin with __"},
    kJson,
});
constexpr auto kDescribeFlags = std::to_array<FlagLine>({
    {"all", "", "also the settings at their defaults"},
    kJson,
});
constexpr auto kCreateFlags = std::to_array<FlagLine>({
    {"partitions", "N", "how many partitions (the broker's default)"},
    {"replication-factor", "N", "how many copies of each (the broker's default)"},
    {"config", "KEY=VALUE", "a setting of the topic; may be repeated"},
    {"if-not-exists", "", "a topic that is there is left as it is, and no failure"},
    kCheckOnly,
    kJson,
});
constexpr auto kConfigureFlags = std::to_array<FlagLine>({
    {"set", "KEY=VALUE", "a setting of the topic; may be repeated"},
    {"unset", "KEY", "back to the broker's value; may be repeated"},
    kCheckOnly,
    kJson,
});
constexpr auto kGrowFlags = std::to_array<FlagLine>({
    {"partitions", "N", "how many the topic has afterwards"},
    kCheckOnly,
    kJson,
});
constexpr auto kTrimFlags = std::to_array<FlagLine>({
    {"before", "PLACE", "an offset, a time, 15m for so long ago, -N, or end"},
    {"partition", "N", "this partition only; else each of the topic"},
    kYes,
    kJson,
});
constexpr auto kDeleteFlags = std::to_array<FlagLine>({kYes, kJson});

struct Verb {
  TopicVerb verb;
  std::string_view name;
  std::string_view usage;
  std::string_view summary;
  std::string_view more;
  std::span<const FlagLine> flags;
};

constexpr std::array<Verb, 7> kVerbs = {{
    {TopicVerb::List, "list", "myelin topic list [flags]", "Lists the topics.",
     "RECORDS is the end offset less the first one's: what compaction took away, and the markers "
     "of "
     "transactions,\ncount along.",
     kListFlags},
    {TopicVerb::Describe, "describe", "myelin topic describe TOPIC… [flags]",
     "Shows partitions with leaders and offsets, and settings.",
     "How many bytes a topic takes is not told: librdkafka cannot ask for it.", kDescribeFlags},
    {TopicVerb::Create,
     "create",
     "myelin topic create TOPIC… [flags]",
     "Creates topics.",
     {},
     kCreateFlags},
    {TopicVerb::Configure, "configure", "myelin topic configure TOPIC… [flags]",
     "Sets settings of topics, or takes them back.",
     "The topic's own settings are read, changed and written back as a whole: two who do so at the "
     "same time may\nundo each other.",
     kConfigureFlags},
    {TopicVerb::Grow, "grow", "myelin topic grow TOPIC… --partitions N [flags]",
     "Adds partitions to topics.",
     "New records of a key may go to another partition afterwards. Partitions cannot be taken "
     "away.",
     kGrowFlags},
    {TopicVerb::Trim,
     "trim",
     "myelin topic trim TOPIC… --before PLACE [flags]",
     "Deletes the records before an offset or a time.",
     {},
     kTrimFlags},
    {TopicVerb::Delete,
     "delete",
     "myelin topic delete TOPIC… [flags]",
     "Deletes topics with their records.",
     {},
     kDeleteFlags},
}};

constexpr std::string_view kEnds =
    "Ends with 0 when all is done, with 1 when something is not (or --yes would change something), "
    "and with 2 when the\narguments are wrong.\n";

const Verb& verb_of(TopicVerb verb) { return *std::ranges::find(kVerbs, verb, &Verb::verb); }

std::vector<FlagLine> flags_of(const Verb& verb) {
  std::vector<FlagLine> flags(verb.flags.begin(), verb.flags.end());
  const auto shared = connection_flags();
  flags.insert(flags.end(), shared.begin(), shared.end());
  return flags;
}

Error wrong(std::string_view flag, std::string_view why) {
  return Error(ErrorCode::InvalidInput, fmt::format("--{}: {}", flag, why));
}

Result<const Verb*> find_verb(const std::string& word) {
  const auto found = std::ranges::find(kVerbs, word, &Verb::name);
  if (found != kVerbs.end()) return &*found;
  std::vector<std::string> names;
  for (const Verb& verb : kVerbs) names.emplace_back(verb.name);
  return Error(ErrorCode::InvalidInput,
               fmt::format("no command 'topic {}'{}", word, did_you_mean(word, names)));
}

Status take_numbers(const CommandLine& line, TopicOptions& options) {
  if (const auto text = line.find("partitions")) {
    MYELIN_TRY(count, parse_number("partitions", *text, 1, kPartitionsMax));
    options.partitions = static_cast<int>(count);
  }
  if (const auto text = line.find("replication-factor")) {
    MYELIN_TRY(count, parse_number("replication-factor", *text, 1,
                                   std::numeric_limits<std::int16_t>::max()));
    options.replication = static_cast<int>(count);
  }
  if (const auto text = line.find("partition")) {
    MYELIN_TRY(id, parse_number("partition", *text, 0, std::numeric_limits<std::int32_t>::max()));
    options.partition = static_cast<std::int32_t>(id);
  }
  return {};
}

Status take_settings(const CommandLine& line, TopicOptions& options) {
  for (const char* flag : {"config", "set"}) {
    for (const std::string& text : line.find_all(flag)) {
      MYELIN_TRY(setting, parse_property(flag, text));
      options.set.push_back(std::move(setting));
    }
  }
  options.unset = line.find_all("unset");
  for (const std::string& name : options.unset) {
    if (std::ranges::find(options.set, name, &Property::first) != options.set.end())
      return wrong("unset", name + " is in --set too");
  }
  return {};
}

// What a verb cannot do without.
Status check_needs(const CommandLine& line, const TopicOptions& options) {
  const bool names_topics = !options.topics.empty();
  if (options.verb == TopicVerb::List && names_topics) {
    return Error(ErrorCode::InvalidInput,
                 "list takes no topic; describe shows one: " + options.topics[0]);
  }
  if (options.verb != TopicVerb::List && !names_topics)
    return Error(ErrorCode::InvalidInput, "no topic is named");
  if (options.verb == TopicVerb::Grow && !options.partitions)
    return wrong("partitions", "it is needed: how many the topic has afterwards");
  if (options.verb == TopicVerb::Trim && !line.has("before"))
    return wrong("before", "it is needed: the records before this place go");
  if (options.verb == TopicVerb::Configure && options.set.empty() && options.unset.empty())
    return Error(ErrorCode::InvalidInput, "--set KEY=VALUE or --unset KEY is needed");
  return {};
}

}  // namespace

Result<TopicOptions> parse_topic_options(std::span<const std::string> args, Timestamp now) {
  TopicOptions options;
  if (args.empty()) return Error(ErrorCode::InvalidInput, "what to do is missing");
  MYELIN_TRY(verb, find_verb(args[0]));
  options.verb = verb->verb;
  const auto flags = flags_of(*verb);
  MYELIN_TRY(line, parse_command_line(args.subspan(1), to_specs(flags)));
  options.help = line.has("help");
  if (options.help) return options;
  MYELIN_TRY(connection, parse_connection(line));
  options.connection = std::move(connection);
  options.topics = line.words;
  options.json = line.has("json");
  options.names_only = line.has("names");
  options.internal = line.has("internal");
  options.all_settings = line.has("all");
  options.unless_there = line.has("if-not-exists");
  options.check_only = line.has("check-only");
  options.yes = line.has("yes");
  MYELIN_TRY_VOID(take_numbers(line, options));
  MYELIN_TRY_VOID(take_settings(line, options));
  if (const auto text = line.find("before")) {
    MYELIN_TRY(before, parse_position("before", *text, now));
    options.before = before;
  }
  MYELIN_TRY_VOID(check_needs(line, options));
  return options;
}

std::vector<VerbHelp> topic_verbs() {
  std::vector<VerbHelp> helps;
  for (const Verb& verb : kVerbs) helps.push_back({verb.name, verb.summary, topic_help(verb.verb)});
  return helps;
}

std::string topic_help() {
  std::string text =
      "myelin topic VERB [flags]\n\n"
      "Topics of any Kafka: looks at them, makes, changes and deletes them.\n\n";
  for (const Verb& verb : kVerbs) text += fmt::format("  {:<11}{}\n", verb.name, verb.summary);
  text += "\nEach has its own flags: myelin topic VERB --help. All know these:\n\n";
  text += flags_text(connection_flags());
  text += fmt::format(
      "\n{}\n  myelin topic list\n"
      "  myelin topic create lab --partitions 3 --config retention.ms=604800000\n"
      "  myelin topic describe lab --bootstrap kafka.example:9092 --client-config "
      "client.properties\n",
      kEnds);
  return text;
}

std::string topic_help(TopicVerb which) {
  const Verb& verb = verb_of(which);
  std::string text = fmt::format("{}\n\n{}\n", verb.usage, verb.summary);
  if (!verb.more.empty()) text += fmt::format("{}\n", verb.more);
  text += "\n" + flags_text(flags_of(verb)) + "\n";
  text += kEnds;
  return text;
}

}  // namespace myelin::cli::kafka
