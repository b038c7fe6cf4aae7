// KafkaCursor: a place in many partitions of one cluster, and its text.
//
// "kafka:<cluster id>:<topic>=<partition>@<next offset>,…;<topic>=…:<crc32c>". Names are those
// within the tenant. Opaque to clients; of characters that fit a header and an SSE event id.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/result.h"

namespace myelin::bus {

inline constexpr std::size_t kCursorPartitionsMax = 200;
// 200 topics with names of 249 bytes, and their numbers.
inline constexpr std::size_t kCursorBytesMax = 64u << 10;

struct KafkaPlace {
  std::string topic;  // Name within the tenant.
  std::int32_t partition = 0;
  friend auto operator<=>(const KafkaPlace&, const KafkaPlace&) = default;
};

// The next offset of each partition, in the order of topics and partitions.
using KafkaPositions = std::map<KafkaPlace, std::int64_t>;

std::string format_kafka_cursor(std::string_view cluster_id, const KafkaPositions& positions);

// InvalidInput for what format_kafka_cursor() did not write, another cluster's, and more than 200
// partitions.
Result<KafkaPositions> parse_kafka_cursor(std::string_view text, std::string_view cluster_id);

}  // namespace myelin::bus
