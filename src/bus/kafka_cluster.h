// KafkaCluster: which cluster it is, how a librdkafka instance for it is made, what can be asked of
// it, and how its errors are told.
//
// Thread-safe. What asks the cluster blocks, up to the request time-out or until abandon(): it runs
// on the bus's own pool.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "bus/kafka.h"
#include "bus/kafka_handles.h"

namespace myelin::bus {

struct KafkaPartition {
  std::string topic;  // As on Kafka: TopicName::full().
  std::int32_t partition = 0;
  friend auto operator<=>(const KafkaPartition&, const KafkaPartition&) = default;
};

// The offset of each partition; those that have gone since are left out.
using KafkaOffsets = std::map<KafkaPartition, std::int64_t>;

class KafkaCluster {
 public:
  using Property = std::pair<std::string, std::string>;

  explicit KafkaCluster(KafkaBusOptions options) : options_(std::move(options)) {}
  KafkaCluster(const KafkaCluster&) = delete;
  KafkaCluster& operator=(const KafkaCluster&) = delete;

  const KafkaBusOptions& options() const { return options_; }

  // `own` wins over what the options have. Errors name the setting, never its value.
  Result<KafkaHandle> open(rd_kafka_type_t type, const std::vector<Property>& own) const;

  // Full names of all topics and their numbers of partitions. Sets the cluster's id.
  Result<std::map<std::string, std::int32_t>> ask_topics(rd_kafka_t* client);
  // Makes topics; the outcome of each by its place. One that is there already is made.
  std::vector<Status> make_topics(rd_kafka_t* client, const std::vector<std::string>& names);
  // `which` is RD_KAFKA_OFFSET_BEGINNING, RD_KAFKA_OFFSET_END or a time in milliseconds: then a
  // partition without a record of that time or later is left out.
  Result<KafkaOffsets> ask_offsets(rd_kafka_t* client,
                                   const std::vector<KafkaPartition>& partitions,
                                   std::int64_t which) const;

  // Empty until the cluster has answered once.
  std::string id() const;

  // The latest reason that a client gave for not reaching a broker.
  void note_trouble(std::string_view reason);
  void forget_trouble();

  // "WHAT: 127.0.0.1:9092: reason", with a code that a caller can decide on.
  Error error(std::string_view what, rd_kafka_resp_err_t code, std::string_view reason = {}) const;

  // What still asks gives up soon: the bus is stopping.
  void abandon() { abandoned_ = true; }

 private:
  Result<KafkaEvent> wait(rd_kafka_queue_t* queue, std::string_view what) const;

  const KafkaBusOptions options_;
  std::atomic<bool> abandoned_ = false;
  mutable Mutex mutex_;
  std::string id_ MYELIN_GUARDED_BY(mutex_);
  std::string trouble_ MYELIN_GUARDED_BY(mutex_);
};

ErrorCode to_error_code(rd_kafka_resp_err_t code);

}  // namespace myelin::bus
