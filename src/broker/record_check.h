// What a producer's batch must be before it is stored, by the rules of its topic.
//
// Pure functions. The rules and their refusals are those of Apache Kafka's LogValidator, but that
// each record's own bytes are read whether or not the batch is compressed, and that nothing may
// follow the batch.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "base/time.h"
#include "broker/topic_config.h"
#include "formats/kafka/compression.h"

namespace myelin::broker {

struct RecordRules {
  std::uint64_t batch_bytes_max = 1'048'588;        // max.message.bytes
  std::uint64_t unpacked_bytes_max = 256ull << 20;  // Of a compressed batch's records.
  bool log_append_time = false;                     // message.timestamp.type
  std::int64_t timestamp_before_ms_max = std::numeric_limits<std::int64_t>::max();
  std::int64_t timestamp_after_ms_max = 3'600'000;
  bool key_required = false;                      // cleanup.policy holds compact.
  std::optional<kafka::Compression> compression;  // Nothing: the producer's.
};
RecordRules rules_of(const TopicConfig& config);

// Read by many, replaced now and then. Thread-safe.
class RulesBox {
 public:
  std::shared_ptr<const RecordRules> get() const {
    MutexLock lock(mutex_);
    return rules_;
  }
  void set(std::shared_ptr<const RecordRules> rules) {
    MutexLock lock(mutex_);
    rules_ = std::move(rules);
  }

 private:
  mutable Mutex mutex_;
  std::shared_ptr<const RecordRules> rules_ MYELIN_GUARDED_BY(mutex_) =
      std::make_shared<const RecordRules>();
};

enum class RecordFault : std::uint8_t {
  Corrupt,            // The checksum is wrong, or what precedes it cannot be.
  TooLarge,           // Beyond batch_bytes_max, or unpacked beyond unpacked_bytes_max.
  UnsupportedFormat,  // Magic 0 or 1.
  Invalid,            // No batch, or records that contradict their batch or the topic's rules.
  Timestamp,          // Too far from now.
};

struct FaultyRecord {
  std::int32_t index = 0;  // In its batch.
  std::string what;
};

struct RecordRefusal {
  RecordFault fault = RecordFault::Invalid;
  std::string what;                   // Holds nothing of the records.
  std::vector<FaultyRecord> records;  // Those to blame, where some are; a few.
};

struct CheckedBatch {
  std::string bytes;  // As it is to be stored.
  std::int64_t max_timestamp_ms = -1;
  std::int32_t record_count = 0;
};

// `records` is what a producer sent for one partition. One of both comes back.
struct RecordCheck {
  std::optional<CheckedBatch> batch;
  RecordRefusal refusal;
};
RecordCheck check_records(std::string_view records, const RecordRules& rules, Timestamp now);

}  // namespace myelin::broker
