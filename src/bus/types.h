// What travels on the bus.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/time.h"
#include "broker/types.h"

namespace myelin::bus {

using broker::Offset;
using broker::PartitionIndex;
using broker::TopicName;

// Who asks, for whom, until when. Made by a door, carried through everything that it causes.
struct Context {
  std::string principal;  // "User:local"; "Feed:lab".
  std::string tenant;     // Empty: the default tenant.
  std::string peer;       // Network address of the client, where there is one.
  std::string trace;      // W3C traceparent, where there is one.
  std::optional<SteadyTime> deadline;
};

struct Header {
  std::string key;
  std::optional<std::string> value;
};

struct Record {
  TopicName topic;
  // Empty: by the key's hash (murmur2, as Kafka's clients do), or partition 0 of a topic with one.
  std::optional<PartitionIndex> partition;
  std::optional<std::string> key;
  std::optional<std::string> value;
  std::vector<Header> headers;
  Timestamp timestamp;  // The event's own time.
};

// Durable all of it or none.
struct WriteSet {
  std::vector<Record> records;
};

struct RecordPosition {
  PartitionIndex partition;
  Offset offset;  // -1: stored, but Kafka did not say where (an acknowledgment was lost).
};

// Where the records of a WriteSet went, in their order.
using Positions = std::vector<RecordPosition>;

// A stored batch as a reader sees it: Kafka record batch v2 bytes, shared, not copied. Iterate with
// kafka::RecordReader.
struct Batch {
  std::shared_ptr<const TopicName> topic;
  broker::BatchRef ref;
};

using Batches = std::vector<Batch>;

struct ReadLimits {
  std::size_t bytes_max = 1u << 20;       // At least one batch comes, however large.
  std::chrono::milliseconds wait_max{0};  // How long to wait for the first one.
};

struct TopicPartition {
  TopicName topic;
  PartitionIndex partition;
};

// A subscription begins…
struct FromNow {};       // …with what is committed after it was made.
struct FromEarliest {};  // …with the oldest record that is kept.
// …with the first record received at or after this time. Kafka keeps one time of a record: the
// event's own, unless the topic says message.timestamp.type=LogAppendTime.
struct FromTime {
  Timestamp time;
};
struct FromCursor {  // …right behind the record that this cursor names.
  std::string cursor;
};
using Start = std::variant<FromNow, FromEarliest, FromTime, FromCursor>;

struct SubscribeOptions {
  // Topics or patterns ('*' matches any characters) of the context's tenant. Topics made later join
  // from their first record. Internal topics never match.
  std::vector<std::string> patterns;
  Start start = FromNow{};
  std::size_t batch_bytes_max = 256u << 10;  // Of one next(); at least one batch comes.
};

struct TopicDescription {
  TopicName name;
  broker::TopicId id;  // Nil on Kafka: librdkafka does not tell it.
  struct Partition {
    Offset start;
    Offset end;  // The high watermark: the offset of the next record to become visible.
  };
  std::vector<Partition> partitions;
};

}  // namespace myelin::bus
