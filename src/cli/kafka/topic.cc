#include "cli/kafka/topic.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/nearest.h"
#include "cli/kafka/admin.h"
#include "cli/kafka/client.h"
#include "cli/kafka/text.h"
#include "cli/kafka/topic_options.h"
#include "cli/kafka/topic_report.h"

namespace myelin::cli::kafka {
namespace {

void print(std::FILE* file, std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), file);
  std::fflush(file);
}

// One run of one verb.
class Run {
 public:
  Run(const TopicOptions& options, Client& client, std::FILE* out, std::FILE* err)
      : options_(options), client_(client), admin_(client), out_(out), err_(err) {}

  Result<int> verb() {
    switch (options_.verb) {
      case TopicVerb::List: return list();
      case TopicVerb::Describe: return describe();
      case TopicVerb::Create: return create();
      case TopicVerb::Configure: return configure();
      case TopicVerb::Grow: return grow();
      case TopicVerb::Trim: return trim();
      case TopicVerb::Delete: return remove();
    }
    return Error(ErrorCode::Internal, "no such verb");
  }

 private:
  Apply apply() const { return options_.check_only ? Apply::CheckOnly : Apply::Really; }

  void say(std::string_view text) { print(out_, text); }
  void complain(std::string_view sentence) {
    print(err_, fmt::format("myelin topic: {}\n", one_line(sentence)));
  }

  int tell(const Outcomes& outcomes, std::string_view done) {
    const bool all =
        std::ranges::none_of(outcomes, [](const auto& one) { return one.error.has_value(); });
    if (options_.json) {
      say(outcomes_json(outcomes));
    } else {
      say(outcomes_text(outcomes, options_.check_only ? "checked, nothing is changed:" : done));
    }
    for (const Outcome& outcome : outcomes) {
      if (outcome.error) complain(outcome.error->message());
    }
    return all ? kDone : kNotDone;
  }

  Result<std::vector<TopicView>> selected() {
    MYELIN_TRY(cluster, client_.look());
    auto topics = cluster.select(options_.topics);
    if (!topics) return std::move(topics).error().with_context(client_.brokers());
    return topics;
  }

  Result<int> list() {
    MYELIN_TRY(cluster, client_.look());
    if (!options_.internal)
      std::erase_if(cluster.topics, [](const auto& topic) { return is_internal(topic.name); });
    if (options_.names_only && !options_.json) {
      say(list_names(cluster.topics));
      return kDone;
    }
    MYELIN_TRY_VOID(client_.add_offsets(cluster.topics));
    say(options_.json ? list_json(cluster.topics) : list_table(cluster.topics));
    return kDone;
  }

  Result<int> describe() {
    MYELIN_TRY(topics, selected());
    MYELIN_TRY_VOID(client_.add_offsets(topics));
    std::vector<Described> described;
    for (TopicView& topic : topics) {
      MYELIN_TRY(all, admin_.settings({topic.name}));
      Described one{.topic = std::move(topic)};
      if (!all.empty()) one.settings = std::move(all[0].settings);
      if (!options_.all_settings)
        std::erase_if(one.settings, [](const auto& s) { return s.at_default; });
      described.push_back(std::move(one));
    }
    say(options_.json ? describe_json(described) : describe_text(described));
    return kDone;
  }

  Result<int> create() {
    std::vector<NewTopic> topics;
    for (const std::string& name : options_.topics) {
      topics.push_back({.name = name,
                        .partitions = options_.partitions.value_or(-1),
                        .replication = options_.replication.value_or(-1),
                        .settings = options_.set});
    }
    MYELIN_TRY_VOID(client_.look());
    MYELIN_TRY(outcomes, admin_.create(topics, apply()));
    if (options_.unless_there) {
      std::erase_if(outcomes, [&](const Outcome& one) {
        const bool there = one.error && one.error->code() == ErrorCode::Conflict;
        if (there) complain(fmt::format("topic {} is there already", one.topic));
        return there;
      });
    }
    return tell(outcomes, "created");
  }

  // The topic's own settings with what was asked for changed in them.
  Result<std::vector<Property>> changed(const SettingsOf& before) {
    std::vector<Property> settings;
    std::vector<std::string> known;
    for (const TopicSetting& setting : before.settings) {
      known.push_back(setting.name);
      if (!setting.own) continue;
      const bool named =
          std::ranges::find(options_.unset, setting.name) != options_.unset.end() ||
          std::ranges::find(options_.set, setting.name, &Property::first) != options_.set.end();
      if (named) continue;
      if (!setting.value) {
        return Error(ErrorCode::Conflict,
                     fmt::format("{}: topic {}: its setting {} is kept secret and would be lost",
                                 client_.brokers(), before.topic, setting.name));
      }
      settings.emplace_back(setting.name, *setting.value);
    }
    for (const std::string& name : options_.unset) {
      const auto own = std::ranges::find(before.settings, name, &TopicSetting::name);
      if (own != before.settings.end() && own->own) continue;
      return Error(ErrorCode::NotFound,
                   fmt::format("{}: topic {} has no setting {} of its own{}", client_.brokers(),
                               before.topic, name,
                               own == before.settings.end() ? did_you_mean(name, known) : ""));
    }
    settings.insert(settings.end(), options_.set.begin(), options_.set.end());
    return settings;
  }

  Result<int> configure() {
    MYELIN_TRY(topics, selected());
    Outcomes outcomes;
    for (const TopicView& topic : topics) {
      MYELIN_TRY(all, admin_.settings({topic.name}));
      if (all.empty()) return Error(ErrorCode::Unavailable, "no settings came back");
      MYELIN_TRY(settings, changed(all[0]));
      MYELIN_TRY(done, admin_.replace_settings(topic.name, settings, apply()));
      outcomes.insert(outcomes.end(), done.begin(), done.end());
    }
    return tell(outcomes, "configured");
  }

  Result<int> grow() {
    MYELIN_TRY(topics, selected());
    MYELIN_TRY(outcomes, admin_.add_partitions(options_.topics, *options_.partitions, apply()));
    return tell(outcomes, "grew");
  }

  // The offset of options_.before in each partition that is meant.
  Result<std::vector<Cut>> cuts(const std::vector<TopicView>& topics);
  Result<int> trim();
  Result<int> remove();

  const TopicOptions& options_;
  Client& client_;
  Admin admin_;
  std::FILE* const out_;
  std::FILE* const err_;
};

Result<std::vector<Cut>> Run::cuts(const std::vector<TopicView>& topics) {
  std::vector<Cut> cuts;
  for (const TopicView& topic : topics) {
    if (options_.partition && topic.find_partition(*options_.partition) == nullptr) {
      return Error(ErrorCode::NotFound,
                   fmt::format("{}: topic {} has no partition {}", client_.brokers(), topic.name,
                               *options_.partition));
    }
    for (const PartitionView& partition : topic.partitions) {
      if (options_.partition && *options_.partition != partition.id) continue;
      MYELIN_TRY(before, client_.locate(topic, partition, options_.before));
      cuts.push_back({topic.name, partition.id, before});
    }
  }
  return cuts;
}

Result<int> Run::trim() {
  MYELIN_TRY(topics, selected());
  MYELIN_TRY_VOID(client_.add_offsets(topics));
  MYELIN_TRY(wanted, cuts(topics));
  if (options_.yes) {
    MYELIN_TRY(outcomes, admin_.delete_records(wanted));
    return tell(outcomes, "trimmed");
  }
  std::string text;
  for (const Cut& cut : wanted) {
    const auto topic = std::ranges::find(topics, cut.topic, &TopicView::name);
    const auto first = topic->find_partition(cut.partition)->first.value_or(cut.before);
    text += fmt::format("{}, partition {}: {} records, offsets below {}, would go\n",
                        one_line(cut.topic), cut.partition,
                        std::max<std::int64_t>(cut.before - first, 0), cut.before);
  }
  print(err_, text);
  complain("nothing is deleted; --yes does it");
  return kNotDone;
}

Result<int> Run::remove() {
  MYELIN_TRY(topics, selected());
  if (options_.yes) {
    std::vector<std::string> names;
    for (const TopicView& topic : topics) names.push_back(topic.name);
    MYELIN_TRY(outcomes, admin_.remove(names));
    return tell(outcomes, "deleted");
  }
  MYELIN_TRY_VOID(client_.add_offsets(topics));
  for (const TopicView& topic : topics) {
    const auto records = topic.span();
    print(err_, fmt::format("{}: {} records in {} partitions would go\n", one_line(topic.name),
                            records ? fmt::format("{}", *records) : "an unknown number of",
                            topic.partitions.size()));
  }
  complain("nothing is deleted; --yes does it");
  return kNotDone;
}

int run_verb(const TopicOptions& options, std::FILE* out, std::FILE* err) {
  const auto fail = [&](const Error& error, int exit) {
    print(err, fmt::format("myelin topic: {}\n", one_line(error.message())));
    return exit;
  };
  auto client = Client::open(options.connection);
  if (!client) return fail(client.error(), kUsage);
  Run run(options, **client, out, err);
  const auto ended = run.verb();
  return ended ? *ended : fail(ended.error(), kNotDone);
}

}  // namespace

int run_topic(std::span<const std::string> args, std::FILE* out, std::FILE* err) {
  if (!args.empty() && (args[0] == "--help" || args[0] == "-h" || args[0] == "help")) {
    print(out, topic_help());
    return kDone;
  }
  const auto options = parse_topic_options(args, SystemClock().now());
  if (!options) {
    print(err, fmt::format("myelin topic: {}\nTry: myelin topic list, or myelin topic --help\n",
                           options.error().message()));
    return kUsage;
  }
  if (options->help) {
    print(out, topic_help(options->verb));
    return kDone;
  }
  return run_verb(*options, out, err);
}

}  // namespace myelin::cli::kafka
