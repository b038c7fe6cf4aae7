#include "formats/kafka_protocol/list_offsets.h"

#include "formats/kafka/unpacked_batch.h"
#include "formats/kafka_protocol/offset_for_leader_epoch.h"
#include "io/runtime.h"
#include "servers/kafka/handlers.h"
#include "servers/kafka/kafka_server.h"
#include "servers/kafka/topics.h"

namespace myelin::kafka {
namespace {

using PartitionAnswer = ListOffsetsResponse::Topic::Partition;
using log::Seek;

// What a timestamp below 0 asks for: KIP-79, KIP-734, KIP-405, KIP-1005.
constexpr std::int64_t kLatest = -1;
constexpr std::int64_t kEarliest = -2;
constexpr std::int64_t kMaxTimestamp = -3;
constexpr std::int64_t kEarliestLocal = -4;
constexpr std::int64_t kLatestTiered = -5;
constexpr std::size_t kUnpackedBytesMax = 256u << 20;
constexpr std::size_t kReadBytes = 1u << 20;

struct RecordPlace {
  std::int64_t offset = -1;
  std::int64_t timestamp = -1;
};

// The first record of the batch whose time is at or after `timestamp`; Corrupt, or none.
Result<std::optional<RecordPlace>> find_in_batch(std::string_view bytes, std::int64_t timestamp,
                                                 std::int64_t from) {
  MYELIN_TRY(batch, kafka::unpack(bytes, kUnpackedBytesMax));
  const auto& info = batch.info();
  auto reader = batch.reader();
  for (;;) {
    MYELIN_TRY(record, reader.next());
    if (!record) return std::optional<RecordPlace>();
    const auto time = info.has_log_append_time() ? info.max_timestamp : record->timestamp_ms;
    const auto offset = info.base_offset + record->offset_delta;
    if (time >= timestamp && offset >= from) return std::optional(RecordPlace{offset, time});
  }
}

// Blocks on the disk. None when no record is so late.
Result<std::optional<RecordPlace>> find_time(const log::Partition& partition,
                                             std::int64_t timestamp) {
  auto seek = Seek::to_claimed(timestamp);
  const auto end = partition.high_watermark();
  for (;;) {
    MYELIN_TRY(batches, partition.read_stored(seek, kReadBytes));
    if (batches.empty()) return std::optional<RecordPlace>();
    for (const auto& batch : batches) {
      MYELIN_TRY(info, parse_batch_header(batch.bytes));
      if (info.max_timestamp < timestamp) continue;
      MYELIN_TRY(found, find_in_batch(batch.bytes, timestamp, partition.start().value));
      if (found) return found;
    }
    if (batches.back().last_offset + 1 >= end) return std::optional<RecordPlace>();
    seek = Seek::to(batches.back().last_offset + 1);
  }
}

// The largest time that any record claims. Blocks on the disk.
Result<std::int64_t> max_timestamp(const log::Partition& partition) {
  const auto stored = partition.stored_view();
  std::int64_t largest = -1;
  for (const auto& segment : *stored.segments)
    largest = std::max(largest, segment.max_timestamp_ms);
  for (auto next = stored.end;;) {
    MYELIN_TRY(batches, partition.read_stored(Seek::to(next), kReadBytes));
    if (batches.empty()) return largest;
    for (const auto& batch : batches) {
      MYELIN_TRY(info, parse_batch_header(batch.bytes));
      largest = std::max(largest, info.max_timestamp);
    }
    next = batches.back().last_offset + 1;
  }
}

// The first record that has it.
Result<std::optional<RecordPlace>> find_latest(const log::Partition& partition) {
  MYELIN_TRY(largest, max_timestamp(partition));
  if (largest < 0) return std::optional<RecordPlace>();
  return find_time(partition, largest);
}

Result<RecordPlace> look_up(const log::Partition& partition, std::int64_t timestamp) {
  switch (timestamp) {
    case kLatest: return RecordPlace{partition.high_watermark().value, -1};
    case kEarliest:
    case kEarliestLocal: return RecordPlace{partition.start().value, -1};
    case kLatestTiered: return RecordPlace{};
    default: break;
  }
  MYELIN_TRY(found,
             timestamp == kMaxTimestamp ? find_latest(partition) : find_time(partition, timestamp));
  return found.value_or(RecordPlace{});
}

io::Task<PartitionAnswer> answer_partition(Call& call, std::string_view topic,
                                           ListOffsetsRequest::Topic::Partition asked) {
  PartitionAnswer answer;
  answer.partition_index = asked.partition_index;
  const auto found =
      find_partition(call, security::Operation::Describe, topic, asked.partition_index);
  auto error = found.error;
  if (error == KafkaError::None) error = check_leader_epoch(call, asked.current_leader_epoch);
  if (error == KafkaError::None && asked.timestamp < kLatestTiered)
    error = KafkaError::UnsupportedVersion;
  if (error == KafkaError::None) {
    // Times are looked up on the disk, ends are not.
    const bool blocks = asked.timestamp >= 0 || asked.timestamp == kMaxTimestamp;
    const auto look = [&] { return look_up(*found.partition, asked.timestamp); };
    auto place = Result<RecordPlace>(RecordPlace{});
    if (blocks) {
      place = co_await call.server().parts().runtime.blocking(look);
    } else {
      place = look();
    }
    if (place) {
      answer.offset = place->offset;
      answer.timestamp = place->timestamp;
      answer.leader_epoch = place->offset < 0 ? -1 : call.server().leader_epoch();
    } else {
      error = kafka_error(place.error().code());
    }
  }
  answer.error_code = code(error);
  co_return answer;
}

io::Task<ListOffsetsResponse> list_offsets(Call& call, const ListOffsetsRequest& request) {
  ListOffsetsResponse response;
  for (const auto& topic : request.topics) {
    auto& answered = response.topics.add(call.arena());
    answered.name = topic.name;
    answered.partitions.reserve(call.arena(), topic.partitions.size());
    for (const auto& partition : topic.partitions) {
      const auto answer = co_await answer_partition(call, topic.name, partition);
      answered.partitions.add(call.arena(), answer);
    }
  }
  co_return response;
}

io::Task<OffsetForLeaderEpochResponse> offset_for_leader_epoch(
    Call& call, const OffsetForLeaderEpochRequest& request) {
  OffsetForLeaderEpochResponse response;
  for (const auto& topic : request.topics) {
    auto& answered = response.topics.add(call.arena());
    answered.topic = topic.topic;
    for (const auto& asked : topic.partitions) {
      auto& answer = answered.partitions.add(call.arena());
      answer.partition = asked.partition;
      const auto found =
          find_partition(call, security::Operation::Describe, topic.topic, asked.partition);
      auto error = found.error;
      if (error == KafkaError::None) error = check_leader_epoch(call, asked.current_leader_epoch);
      answer.error_code = code(error);
      if (error != KafkaError::None) continue;
      const auto end =
          found.partition->end_of_epoch(asked.leader_epoch, call.server().leader_epoch());
      answer.leader_epoch = end.epoch;
      answer.end_offset = end.end.value;
    }
  }
  co_return response;
}

}  // namespace

std::unique_ptr<Handler> make_list_offsets() { return make_answer<list_offsets>(); }
std::unique_ptr<Handler> make_offset_for_leader_epoch() {
  return make_answer<offset_for_leader_epoch>();
}

}  // namespace myelin::kafka
