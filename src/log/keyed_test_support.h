// Keyed batches for tests of compaction, plain and of transactions, and what a reader makes of
// them.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "formats/kafka/batch_test_support.h"
#include "formats/kafka/control_record.h"
#include "formats/kafka/unpacked_batch.h"
#include "log/log_test_support.h"

namespace myelin::log {

struct KeyedRecord {
  std::optional<std::string> key;
  std::optional<std::string> value;
};

// Of a producer's batch; an idempotent one, or one within a transaction.
struct Producer {
  std::int64_t id = -1;
  std::int32_t sequence = -1;
  bool transactional = false;
};

inline std::string keyed_batch(const std::vector<KeyedRecord>& records,
                               kafka::Compression codec = kafka::Compression::None,
                               Producer producer = {}) {
  kafka::RecordBatchBuilder builder;
  for (const auto& record : records)
    EXPECT_TRUE(builder.add(1'700'000'000'000, kafka::view(record.key), kafka::view(record.value)));
  kafka::BatchFields fields;
  fields.producer_id = producer.id;
  fields.producer_epoch = producer.id < 0 ? -1 : 0;
  fields.base_sequence = producer.sequence;
  fields.attributes = producer.transactional ? kafka::kTransactional : 0;
  auto batch = builder.finish(fields);
  return codec == kafka::Compression::None ? batch : kafka::packed(batch, codec);
}

inline std::string marker(std::int64_t producer, kafka::ControlType type) {
  return kafka::build_control_batch(producer, 0, type, 1'700'000'000'000, 0);
}

// A record as a reader has it, with all that must never change of it.
struct ReadRecord {
  std::int64_t offset = 0;
  std::optional<std::string> key;
  std::optional<std::string> value;
  std::int64_t timestamp_ms = 0;
  std::uint64_t commit = 0;
  std::uint32_t place = 0;  // In its commit.
  std::int64_t received_ms = 0;
  std::int64_t producer = -1;
  bool transactional = false;
  bool control = false;
  bool aborts = false;  // A marker's type.
  friend bool operator==(const ReadRecord&, const ReadRecord&) = default;
};

inline void collect(const BatchRef& batch, std::vector<ReadRecord>& records) {
  const auto unpacked = kafka::unpack(batch.bytes, 64u << 20);
  ASSERT_TRUE(unpacked) << unpacked.error().message();
  const auto& info = unpacked->info();
  ASSERT_EQ(info.base_offset, batch.base_offset.value);
  ASSERT_EQ(info.last_offset(), batch.last_offset.value);
  ASSERT_EQ(static_cast<std::uint32_t>(info.record_count), batch.record_count);
  auto reader = unpacked->reader();
  for (auto next = reader.next();; next = reader.next()) {
    ASSERT_TRUE(next) << next.error().message();
    if (!*next) return;
    ReadRecord record;
    record.offset = info.base_offset + (*next)->offset_delta;
    record.key = kafka::own((*next)->key);
    record.value = kafka::own((*next)->value);
    record.timestamp_ms = (*next)->timestamp_ms;
    record.commit = batch.commit.value;
    record.place = batch.first_record + static_cast<std::uint32_t>((*next)->offset_delta);
    record.received_ms = to_ms(batch.received);
    record.producer = info.producer_id;
    record.transactional = info.is_transactional();
    record.control = info.is_control();
    if (record.control) {
      const auto control = kafka::parse_control_record(**next);
      record.aborts = control && control->type == kafka::ControlType::Abort;
    }
    records.push_back(std::move(record));
  }
}

inline Result<std::vector<BatchRef>> read_from(const Partition& partition, Seek seek,
                                               std::size_t bytes_max = 4096) {
  if (auto buffered = partition.read_buffered(seek, bytes_max)) return std::move(*buffered);
  return partition.read_stored(seek, bytes_max);
}

inline Result<std::vector<ReadRecord>> read_all(const Partition& partition) {
  std::vector<ReadRecord> records;
  for (Offset next(0);;) {
    MYELIN_TRY(batches, read_from(partition, Seek::to(next)));
    if (batches.empty()) return records;
    for (const auto& batch : batches) {
      EXPECT_GE(batch.last_offset, next);
      collect(batch, records);
    }
    next = batches.back().last_offset + 1;
  }
}

using KeyedState = std::map<std::string, std::string>;

// What a reader of committed records ends up with: transactions that are open do not count.
inline KeyedState committed_state(const std::vector<ReadRecord>& records) {
  std::map<std::int64_t, std::vector<std::size_t>> open;
  std::set<std::size_t> hidden;
  for (std::size_t i = 0; i < records.size(); ++i) {
    const auto& record = records[i];
    if (record.control) {
      auto& mine = open[record.producer];
      if (record.aborts) hidden.insert(mine.begin(), mine.end());
      mine.clear();
    } else if (record.transactional) {
      open[record.producer].push_back(i);
    }
  }
  for (const auto& [producer, mine] : open) hidden.insert(mine.begin(), mine.end());
  KeyedState state;
  for (std::size_t i = 0; i < records.size(); ++i) {
    const auto& record = records[i];
    if (record.control || !record.key || hidden.contains(i)) continue;
    if (record.value) {
      state[*record.key] = *record.value;
    } else {
      state.erase(*record.key);
    }
  }
  return state;
}

}  // namespace myelin::log
