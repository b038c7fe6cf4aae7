// KafkaConsumer, KafkaFetcher: records from given offsets of given partitions, as they are stored.
//
// A consumer is one librdkafka instance: some threads and a connection per broker. A fetcher is a
// queue of its own on a consumer and the partitions that flow into it; a partition flows into one
// fetcher of a consumer at a time. librdkafka raises the fetcher's event when its queue has got
// something. There is no group: nothing is committed.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "bus/bus.h"
#include "bus/kafka_cluster.h"
#include "bus/kafka_handles.h"
#include "io/event_descriptor.h"

namespace myelin::bus {

class KafkaConsumer {
 public:
  // `wait_max`: how long a broker holds a question for which it has nothing yet; another partition
  // of the same broker is asked for after that.
  static Result<std::shared_ptr<KafkaConsumer>> open(const KafkaCluster& cluster,
                                                     std::chrono::milliseconds wait_max);
  // Blocks for as long as its threads take to end.
  ~KafkaConsumer() = default;
  KafkaConsumer(const KafkaConsumer&) = delete;
  KafkaConsumer& operator=(const KafkaConsumer&) = delete;

  rd_kafka_t* handle() const { return handle_.get(); }

 private:
  explicit KafkaConsumer(KafkaHandle handle) : handle_(std::move(handle)) {}

  const KafkaHandle handle_;
};

// What came next out of the queue.
struct KafkaFetched {
  std::vector<KafkaMessage> messages;  // Each without an error; of one partition in its order.
  std::size_t bytes = 0;
  std::vector<KafkaPartition> outside;  // Their offset is not there (any more).
  std::optional<Error> error;           // Ends the fetcher: not allowed, damaged.
};

// Owned by one coroutine; stop() and the destructor block and belong on a pool.
class KafkaFetcher {
 public:
  KafkaFetcher(const KafkaCluster& cluster, std::shared_ptr<KafkaConsumer> consumer);
  KafkaFetcher(const KafkaFetcher&) = delete;
  KafkaFetcher& operator=(const KafkaFetcher&) = delete;
  ~KafkaFetcher();

  // Does not wait for the cluster. The partition is not flowing.
  Status start(const KafkaPartition& partition, std::int64_t offset);
  // What was fetched of it and not taken is forgotten.
  void stop(const KafkaPartition& partition);

  // What is there, up to `bytes_max` and one message more. Does not wait. When it gives nothing,
  // event() is raised by what comes next.
  KafkaFetched take(std::size_t bytes_max);

  io::EventDescriptor& event() { return event_; }

 private:
  void sort_out(KafkaMessage message, KafkaFetched& fetched);

  const KafkaCluster& cluster_;
  io::EventDescriptor event_;
  const std::shared_ptr<KafkaConsumer> consumer_;
  KafkaQueue queue_;
  std::map<KafkaPartition, KafkaTopic> flowing_;
};

// The messages as record batches, a new one where the partition changes or an offset is missing.
// InvalidInput is a message whose times no batch can hold.
Result<Batches> batches_of(const std::vector<KafkaMessage>& messages);

}  // namespace myelin::bus
