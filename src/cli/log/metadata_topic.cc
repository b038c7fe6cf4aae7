#include "cli/log/metadata_topic.h"

#include <simdjson.h>

#include "formats/kafka/unpacked_batch.h"
#include "log/frame.h"

namespace myelin::cli::log_tools {
namespace {

constexpr std::size_t kUnpackedBytesMax = 64u << 20;

// As the broker keeps it in the log: a line a setting.
std::string config_text(const simdjson::dom::object& settings) {
  std::string text;
  for (const auto& [name, value] : settings) {
    std::string_view setting;
    const bool one_line =
        value.get(setting) == simdjson::SUCCESS && setting.find('\n') == std::string_view::npos;
    if (one_line) text.append(name).append("=").append(setting).append("\n");
  }
  return text;
}

}  // namespace

log::TopicId metadata_topic_id() {
  static const auto id = *Uuid::parse("6d79656c-696e-4d45-8000-000000000001");
  return id;
}

void MetadataTopic::read(std::string_view batch) {
  const auto unpacked = kafka::unpack(batch, kUnpackedBytesMax);
  if (!unpacked || unpacked->info().is_control()) return;
  auto reader = unpacked->reader();
  for (auto record = reader.next(); record && *record; record = reader.next())
    read_record((*record)->key, (*record)->value);
}

void MetadataTopic::read_record(std::optional<std::string_view> key,
                                std::optional<std::string_view> value) {
  if (!value) {
    if (const auto id = Uuid::parse(key.value_or(""))) remove(*id);
    return;
  }
  simdjson::dom::parser parser;
  simdjson::dom::element json;
  std::string_view type;
  std::string_view id_text;
  if (parser.parse(simdjson::padded_string(*value)).get(json) != simdjson::SUCCESS ||
      json["type"].get(type) != simdjson::SUCCESS ||
      json["topicId"].get(id_text) != simdjson::SUCCESS) {
    return;
  }
  const auto id = Uuid::parse(id_text);
  if (!id) return;
  if (type == "topic-deleted") return remove(*id);
  auto spec = topics_.contains(*id) ? topics_[*id] : log::TopicSpec{*id, {}, 1, "{}"};
  std::string_view name;
  std::int64_t partitions = 0;
  simdjson::dom::object config;
  if (json["topic"].get(name) == simdjson::SUCCESS) spec.name = name;
  if (json["partitions"].get(partitions) == simdjson::SUCCESS && partitions > 0 &&
      partitions <= log::kPartitionsMax) {
    spec.partitions = static_cast<std::int32_t>(partitions);
  }
  if (json["config"].get(config) == simdjson::SUCCESS) spec.config = config_text(config);
  const bool named = !spec.name.empty() && spec.name != "." && spec.name != ".." &&
                     spec.name.find('/') == std::string::npos;
  if (named) topics_[*id] = std::move(spec);
}

void MetadataTopic::remove(const log::TopicId& id) {
  topics_.erase(id);
  deleted_.insert(id);
}

}  // namespace myelin::cli::log_tools
