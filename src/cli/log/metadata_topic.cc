#include "cli/log/metadata_topic.h"

#include <simdjson.h>

#include "formats/kafka/unpacked_batch.h"
#include "log/frame.h"

namespace myelin::cli::log_tools {
namespace {

constexpr std::size_t kUnpackedBytesMax = 64u << 20;

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
    if (const auto id = Uuid::parse(key.value_or(""))) topics_.erase(*id);
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
  if (type == "topic-deleted") {
    topics_.erase(*id);
    return;
  }
  auto spec = topics_.contains(*id) ? topics_[*id] : log::TopicSpec{*id, {}, 1, "{}"};
  std::string_view name;
  std::int64_t partitions = 0;
  simdjson::dom::element config;
  if (json["topic"].get(name) == simdjson::SUCCESS) spec.name = name;
  if (json["partitions"].get(partitions) == simdjson::SUCCESS && partitions > 0 &&
      partitions <= log::kPartitionsMax) {
    spec.partitions = static_cast<std::int32_t>(partitions);
  }
  if (json["config"].get(config) == simdjson::SUCCESS) spec.config = simdjson::minify(config);
  const bool named = !spec.name.empty() && spec.name != "." && spec.name != ".." &&
                     spec.name.find('/') == std::string::npos;
  if (named) topics_[*id] = std::move(spec);
}

}  // namespace myelin::cli::log_tools
