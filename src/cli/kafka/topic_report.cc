#include "cli/kafka/topic_report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/json_writer.h"
#include "cli/kafka/table.h"
#include "cli/kafka/text.h"

namespace myelin::cli::kafka {
namespace {

constexpr auto kRight = Table::Align::Right;

template <class Number>
std::string number_text(const std::optional<Number>& number) {
  return number ? fmt::format("{}", *number) : "?";
}

template <class Number>
void number_member(JsonWriter& json, std::string_view name, const std::optional<Number>& number) {
  json.key(name);
  if (number) {
    json.integer(*number);
  } else {
    json.null();
  }
}

void ids_member(JsonWriter& json, std::string_view name, std::span<const std::int32_t> ids) {
  json.key(name);
  json.begin_array();
  for (const auto id : ids) json.integer(id);
  json.end_array();
}

// One document: {"topics": [ … ]}.
template <class Item, class Write>
std::string document(std::span<const Item> items, Write write) {
  std::string text;
  JsonWriter json(text, JsonWriter::Layout::Indented);
  json.begin_object();
  json.key("topics");
  json.begin_array();
  for (const Item& item : items) {
    json.begin_object();
    write(json, item);
    json.end_object();
  }
  json.end_array();
  json.end_object();
  return text + "\n";
}

std::string partition_table(const TopicView& topic) {
  Table table({{"PARTITION", kRight},
               {"LEADER", kRight},
               {"REPLICAS"},
               {"IN SYNC"},
               {"FIRST", kRight},
               {"END", kRight},
               {"RECORDS", kRight}});
  for (const PartitionView& partition : topic.partitions) {
    table.add({fmt::format("{}", partition.id),
               partition.leader < 0 ? "none" : fmt::format("{}", partition.leader),
               fmt::format("{}", fmt::join(partition.replicas, ",")),
               fmt::format("{}", fmt::join(partition.in_sync, ",")), number_text(partition.first),
               number_text(partition.end), number_text(partition.span())});
  }
  return table.text("  ");
}

std::string setting_table(std::span<const TopicSetting> settings) {
  if (settings.empty()) return "  no settings but the defaults\n";
  Table table({{"SETTING"}, {"VALUE"}, {"FROM"}});
  for (const TopicSetting& setting : settings)
    table.add({setting.name, setting.value.value_or("(secret)"), setting.source});
  return table.text("  ");
}

void write_partitions(JsonWriter& json, const TopicView& topic) {
  json.key("partitions");
  json.begin_array();
  for (const PartitionView& partition : topic.partitions) {
    json.begin_object();
    json.member("partition", partition.id);
    number_member(json, "leader",
                  partition.leader < 0 ? std::nullopt : std::optional(partition.leader));
    ids_member(json, "replicas", partition.replicas);
    ids_member(json, "in_sync", partition.in_sync);
    number_member(json, "first_offset", partition.first);
    number_member(json, "end_offset", partition.end);
    json.end_object();
  }
  json.end_array();
}

void write_settings(JsonWriter& json, std::span<const TopicSetting> settings) {
  json.key("settings");
  json.begin_array();
  for (const TopicSetting& setting : settings) {
    json.begin_object();
    json.member("name", setting.name);
    json.key("value");
    if (setting.value) {
      json.string(*setting.value);
    } else {
      json.null();
    }
    json.member("from", setting.source);
    json.member("default", setting.at_default);
    json.member("secret", setting.secret);
    json.member("read_only", setting.read_only);
    json.end_object();
  }
  json.end_array();
}

}  // namespace

std::string list_table(std::span<const TopicView> topics) {
  if (topics.empty()) return "no topics\n";
  Table table({{"TOPIC"}, {"PARTITIONS", kRight}, {"REPLICAS", kRight}, {"RECORDS", kRight}});
  for (const TopicView& topic : topics) {
    table.add({topic.name, fmt::format("{}", topic.partitions.size()),
               fmt::format("{}", topic.replication()), number_text(topic.span())});
  }
  return table.text();
}

std::string list_json(std::span<const TopicView> topics) {
  return document(topics, [](JsonWriter& json, const TopicView& topic) {
    json.member("name", topic.name);
    json.member("internal", is_internal(topic.name));
    json.member("partitions", topic.partitions.size());
    json.member("replication_factor", topic.replication());
    number_member(json, "records", topic.span());
  });
}

std::string list_names(std::span<const TopicView> topics) {
  std::string text;
  for (const TopicView& topic : topics) text += one_line(topic.name) + "\n";
  return text;
}

std::string describe_text(std::span<const Described> topics) {
  std::string text;
  for (const Described& one : topics) {
    if (!text.empty()) text += "\n";
    const auto count = one.topic.partitions.size();
    text += fmt::format("{}: {} partition{}, replication factor {}, {} records\n\n",
                        one_line(one.topic.name), count, count == 1 ? "" : "s",
                        one.topic.replication(), number_text(one.topic.span()));
    text += partition_table(one.topic) + "\n" + setting_table(one.settings);
  }
  return text;
}

std::string describe_json(std::span<const Described> topics) {
  return document(topics, [](JsonWriter& json, const Described& one) {
    json.member("name", one.topic.name);
    json.member("internal", is_internal(one.topic.name));
    json.member("replication_factor", one.topic.replication());
    number_member(json, "records", one.topic.span());
    write_partitions(json, one.topic);
    write_settings(json, one.settings);
  });
}

std::string outcomes_text(std::span<const Outcome> outcomes, std::string_view done) {
  std::string text;
  for (const Outcome& outcome : outcomes) {
    if (outcome.error) continue;
    text += fmt::format("{} {}", done, one_line(outcome.topic));
    if (outcome.partition) text += fmt::format(", partition {}", *outcome.partition);
    if (outcome.first) text += fmt::format(": begins at offset {}", *outcome.first);
    text += "\n";
  }
  return text;
}

std::string outcomes_json(std::span<const Outcome> outcomes) {
  return document(outcomes, [](JsonWriter& json, const Outcome& outcome) {
    json.member("name", outcome.topic);
    if (outcome.partition) json.member("partition", *outcome.partition);
    if (outcome.first) json.member("first_offset", *outcome.first);
    json.member("done", !outcome.error.has_value());
    if (outcome.error) json.member("error", outcome.error->message());
  });
}

}  // namespace myelin::cli::kafka
