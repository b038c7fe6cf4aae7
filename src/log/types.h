// The log's words: topics and partitions by identity, offsets, commit numbers.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/strong.h"
#include "base/time.h"
#include "base/uuid.h"

namespace myelin::log {

using TopicId = Uuid;

// A record's number within its partition, from 0.
using Offset = Strong<struct OffsetTag, std::int64_t>;
// A partition's number within its topic, from 0.
using PartitionIndex = Strong<struct PartitionIndexTag, std::int32_t>;
// The number of a journal frame. Orders everything in a data directory and never repeats; the first
// is 1.
using CommitNumber = Strong<struct CommitNumberTag, std::uint64_t>;

struct PartitionId {
  TopicId topic;
  PartitionIndex partition;
  friend auto operator<=>(const PartitionId&, const PartitionId&) = default;
};

struct TopicSpec {
  TopicId id;
  std::string name;  // As on disk and on Kafka: "<name>" or "<tenant>..<name>".
  std::int32_t partitions = 1;
  std::string config;  // Opaque to the log.
};

// A stored record batch. `bytes` stays valid as long as `owner` does.
struct BatchRef {
  PartitionId partition;
  Offset base_offset;
  Offset last_offset;
  CommitNumber commit;
  std::uint32_t first_record = 0;  // The place of its first record among all records of its commit.
  std::uint32_t record_count = 0;
  Timestamp received;
  std::string_view bytes;  // Kafka record batch v2.
  std::shared_ptr<const void> owner;
  // Where it has its place on the disk: for the flusher.
  Offset segment{};            // Base offset of its segment.
  std::uint64_t position = 0;  // In that segment's .log.
  bool in_segment = false;     // Its whole blocks are there already.
};

enum class BatchFate : std::uint8_t {
  Appended,
  Duplicate,             // Of one that was appended before, perhaps not yet durable.
  InvalidProducerEpoch,  // A later producer has taken its id.
  OutOfOrderSequence,    // One before it is missing.
};

// What became of one batch of a Write: only those that are Appended are stored.
struct BatchOutcome {
  BatchFate fate = BatchFate::Appended;
  Offset base_offset{-1};          // Of a Duplicate: where it is. -1 of one that was refused.
  std::int64_t timestamp_ms = -1;  // Of a Duplicate: the largest time that its records claim.
};

}  // namespace myelin::log

template <>
struct std::hash<myelin::log::PartitionId> {
  std::size_t operator()(const myelin::log::PartitionId& id) const noexcept {
    return std::hash<myelin::Uuid>()(id.topic) * 31 + static_cast<std::size_t>(id.partition.value);
  }
};
