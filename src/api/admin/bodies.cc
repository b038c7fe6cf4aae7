#include "api/admin/bodies.h"

#include <simdjson.h>

#include "base/json_writer.h"

namespace myelin::admin {
namespace {

namespace dom = simdjson::dom;

Error wrong(std::string_view why) { return Error(ErrorCode::InvalidInput, std::string(why)); }

void write_config(JsonWriter& json, const std::map<std::string, std::string>& config) {
  json.begin_object();
  for (const auto& [name, value] : config) json.member(name, value);
  json.end_object();
}

void write_damage(JsonWriter& json, const std::vector<DamageReport>& damage) {
  json.begin_array();
  for (std::size_t i = 0; i < std::min(damage.size(), kDamageShownMax); ++i) {
    const auto& range = damage[i];
    json.begin_object();
    json.member("topic", range.topic);
    json.member("partition", range.partition);
    json.member("file", range.file);
    json.member("byte", range.byte);
    json.member("bytes", range.bytes);
    json.member("firstOffset", range.first_offset);
    json.member("lastOffset", range.last_offset);
    json.member("what", range.what);
    json.end_object();
  }
  json.end_array();
}

void write_work(JsonWriter& json, const LogReport& report) {
  json.key("retention");
  json.begin_object();
  json.member("removedRecords", report.retention_records);
  json.member("removedBytes", report.retention_bytes);
  json.member("removedFiles", report.retention_files);
  json.end_object();
  json.key("compaction");
  json.begin_object();
  json.member("passes", report.compaction_passes);
  json.member("removedRecords", report.compaction_records);
  json.member("readBytes", report.compaction_read_bytes);
  json.member("writtenBytes", report.compaction_written_bytes);
  json.end_object();
  json.key("scrub");
  json.begin_object();
  json.member("rounds", report.scrub_rounds);
  json.member("bytes", report.scrub_bytes);
  json.key("lastRound");
  if (report.scrub_last_round) {
    json.string(format_rfc3339(*report.scrub_last_round));
  } else {
    json.null();
  }
  json.end_object();
}

void write_topic(JsonWriter& json, const TopicReport& topic) {
  json.begin_object();
  json.member("name", topic.name.full());
  json.member("id", topic.id.to_string());
  json.key("partitions");
  json.begin_array();
  for (const auto& partition : topic.partitions) {
    json.begin_object();
    json.member("start", partition.start.value);
    json.member("end", partition.end.value);
    json.end_object();
  }
  json.end_array();
  json.key("config");
  write_config(json, topic.config);
  json.end_object();
}

Status add_change(ConfigChanges& changes, std::string_view name, dom::element value) {
  if (name.empty() || name.size() > kSettingNameBytesMax || changes.size() >= kSettingsMax)
    return wrong("there are too many settings, or the name of one is empty or too long");
  std::optional<std::string> text;
  if (!value.is_null()) {
    std::string_view string;
    if (value.get(string) != simdjson::SUCCESS || string.size() > kSettingValueBytesMax)
      return wrong("a setting's value is a string that is not too long, or null");
    text = std::string(string);
  }
  if (changes.emplace(std::string(name), std::move(text)).second) return {};
  return wrong("a setting comes twice");
}

}  // namespace

Result<ConfigChanges> parse_config_changes(std::string_view body) {
  const simdjson::padded_string padded(body);
  dom::parser parser;
  dom::object object;
  if (parser.parse(padded).get(object) != simdjson::SUCCESS)
    return wrong("expected a JSON object of settings");
  ConfigChanges changes;
  for (const auto field : object) MYELIN_TRY_VOID(add_change(changes, field.key, field.value));
  if (changes.empty()) return wrong("there is no setting to change");
  return changes;
}

Result<bus::Offset> parse_before(std::string_view body) {
  const simdjson::padded_string padded(body);
  dom::parser parser;
  dom::object object;
  std::int64_t before = -1;
  const bool is_one = parser.parse(padded).get(object) == simdjson::SUCCESS && object.size() == 1 &&
                      object["before"].get(before) == simdjson::SUCCESS && before >= 0;
  if (!is_one) return wrong("expected {\"before\": OFFSET}, the first offset to be kept");
  return bus::Offset(before);
}

std::string log_json(const LogReport& report) {
  std::string out;
  JsonWriter json(out);
  json.begin_object();
  json.member("directory", report.directory);
  json.member("directoryId", report.directory_id);
  json.member("format", report.format);
  json.member("start", report.start);
  json.member("commit", report.commit);
  json.key("space");
  json.begin_object();
  json.member("state", report.space_state);
  json.member("usedPercent", report.used_percent);
  json.member("freeBytes", report.free_bytes);
  json.member("totalBytes", report.total_bytes);
  json.end_object();
  json.member("journalUsed", report.journal_used);
  json.member("housekeepingPasses", report.housekeeping_passes);
  json.member("checkpoints", report.checkpoints);
  write_work(json, report);
  json.member("damagedRanges", report.damaged_ranges);
  json.key("damage");
  write_damage(json, report.damage);
  json.end_object();
  return out;
}

std::string topics_json(const std::vector<TopicReport>& topics) {
  std::string out;
  JsonWriter json(out);
  json.begin_object();
  json.key("topics");
  json.begin_array();
  for (const auto& topic : topics) write_topic(json, topic);
  json.end_array();
  json.end_object();
  return out;
}

std::string config_json(const std::map<std::string, std::string>& config) {
  std::string out;
  JsonWriter json(out);
  write_config(json, config);
  return out;
}

std::string snapshot_json(const Uuid& id, const Snapshot& snapshot, Timestamp expires) {
  std::string out;
  JsonWriter json(out);
  json.begin_object();
  json.member("id", id.to_string());
  json.member("dataDirectory", snapshot.data_directory());
  json.member("commit", snapshot.commit());
  json.member("expiresAt", format_rfc3339(expires));
  json.end_object();
  return out;
}

std::string expiry_json(const Uuid& id, Timestamp expires) {
  std::string out;
  JsonWriter json(out);
  json.begin_object();
  json.member("id", id.to_string());
  json.member("expiresAt", format_rfc3339(expires));
  json.end_object();
  return out;
}

std::string start_json(bus::PartitionIndex partition, bus::Offset start) {
  std::string out;
  JsonWriter json(out);
  json.begin_object();
  json.member("partition", partition.value);
  json.member("start", start.value);
  json.end_object();
  return out;
}

}  // namespace myelin::admin
