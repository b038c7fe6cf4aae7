#include "bus/kafka_cursor.h"

#include <fmt/format.h>

#include <charconv>
#include <iterator>
#include <limits>
#include <optional>

#include "base/crc32c.h"
#include "broker/types.h"

namespace myelin::bus {
namespace {

constexpr std::string_view kPrefix = "kafka:";
constexpr std::size_t kChecksumDigits = 8;

Error not_ours() {
  return {ErrorCode::InvalidInput, "the cursor is not one that a stream of a Kafka cluster gave"};
}

// Cluster ids are base64url by custom, not by rule.
std::string tame(std::string_view cluster_id) {
  std::string tamed(cluster_id);
  for (char& c : tamed) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                       c == '-' || c == '_' || c == '.';
    if (!plain) c = '_';
  }
  return tamed;
}

// Takes what stands before the mark; all of the text where it is absent.
std::string_view cut(std::string_view& text, char mark) {
  const auto at = text.find(mark);
  const auto part = text.substr(0, at);
  text = at == std::string_view::npos ? std::string_view() : text.substr(at + 1);
  return part;
}

template <class Number>
std::optional<Number> number_of(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

Status add_topic(std::string_view text, KafkaPositions& positions) {
  const std::string topic(cut(text, '='));
  if (!broker::check_topic_name({.tenant = {}, .name = topic}) || text.empty()) return not_ours();
  while (!text.empty()) {
    auto offset_text = cut(text, ',');
    const auto partition = number_of<std::int32_t>(cut(offset_text, '@'));
    const auto offset = number_of<std::int64_t>(offset_text);
    if (!partition || !offset) return not_ours();
    if (!positions.emplace(KafkaPlace{topic, *partition}, *offset).second) return not_ours();
    if (positions.size() > kCursorPartitionsMax) return not_ours();
  }
  return {};
}

}  // namespace

std::string format_kafka_cursor(std::string_view cluster_id, const KafkaPositions& positions) {
  std::string text = fmt::format("{}{}:", kPrefix, tame(cluster_id));
  const std::string* topic = nullptr;
  for (const auto& [place, offset] : positions) {
    if (topic == nullptr || *topic != place.topic) {
      fmt::format_to(std::back_inserter(text), "{}{}=", topic == nullptr ? "" : ";", place.topic);
      topic = &place.topic;
    } else {
      text += ',';
    }
    fmt::format_to(std::back_inserter(text), "{}@{}", place.partition, offset);
  }
  const auto checksum = crc32c(text);
  fmt::format_to(std::back_inserter(text), ":{:08x}", checksum);
  return text;
}

Result<KafkaPositions> parse_kafka_cursor(std::string_view text, std::string_view cluster_id) {
  if (text.size() > kCursorBytesMax || text.size() < kPrefix.size() + kChecksumDigits + 2 ||
      !text.starts_with(kPrefix))
    return not_ours();
  const auto body = text.substr(0, text.size() - kChecksumDigits - 1);
  if (text.substr(body.size()) != fmt::format(":{:08x}", crc32c(body))) return not_ours();
  auto rest = body.substr(kPrefix.size());
  if (cut(rest, ':') != tame(cluster_id))
    return Error(ErrorCode::InvalidInput, "the cursor is of another cluster");
  KafkaPositions positions;
  while (!rest.empty()) MYELIN_TRY_VOID(add_topic(cut(rest, ';'), positions));
  return positions;
}

}  // namespace myelin::bus
