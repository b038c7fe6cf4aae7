// KafkaSubscription: many partitions as one stream, each in its own order.
//
// A consumer of its own, whose partitions start with the first next(). Topics and partitions that
// appear join from offset 0; those that go are let go. The position is kept here: a cursor names
// the next offset of each partition.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "broker/matcher.h"
#include "bus/bus.h"
#include "bus/kafka_cluster.h"
#include "bus/kafka_cursor.h"
#include "bus/kafka_fetcher.h"
#include "bus/kafka_topics.h"
#include "io/blocking_pool.h"

namespace myelin::bus {

// All of it outlives the subscription.
struct KafkaParts {
  KafkaCluster& cluster;
  KafkaTopics& topics;
  rd_kafka_t* client;      // For questions.
  io::BlockingPool& pool;  // For what blocks.
};

// One of a limited number, given back when it goes. The counter outlives it.
class KafkaPlaceTaken {
 public:
  // Nothing when `max` are taken already.
  static std::optional<KafkaPlaceTaken> take(std::atomic<std::size_t>& counter, std::size_t max) {
    if (counter.fetch_add(1) < max) return KafkaPlaceTaken(counter);
    --counter;
    return std::nullopt;
  }
  KafkaPlaceTaken(KafkaPlaceTaken&& other) noexcept
      : counter_(std::exchange(other.counter_, nullptr)) {}
  KafkaPlaceTaken& operator=(KafkaPlaceTaken&&) = delete;
  ~KafkaPlaceTaken() {
    if (counter_ != nullptr) --*counter_;
  }

 private:
  explicit KafkaPlaceTaken(std::atomic<std::size_t>& counter) : counter_(&counter) {}

  std::atomic<std::size_t>* counter_;
};

class KafkaSubscription final : public Subscription {
 public:
  // InvalidInput for a cursor that is not this cluster's; Exhausted for more than 200 partitions.
  static io::Task<Result<std::unique_ptr<Subscription>>> open(KafkaParts parts,
                                                              KafkaPlaceTaken place,
                                                              Context context,
                                                              SubscribeOptions options);
  ~KafkaSubscription() override;

  io::Task<Result<Batches>> next(std::chrono::milliseconds wait_max) override;
  bool wants(const Batch&, std::uint32_t) const override { return true; }
  std::string cursor(const Batch& batch, std::uint32_t record) const override;
  std::optional<std::string> take_gap() override { return std::exchange(gap_, std::nullopt); }

 private:
  // What one next() gave: a cursor inside it needs to know where the others were.
  struct Delivery {
    KafkaPositions before;
    std::vector<std::pair<KafkaPlace, std::int64_t>> ends;  // By batch.
  };
  // Keeps a batch's bytes.
  struct Delivered {
    std::shared_ptr<const void> bytes;
    std::shared_ptr<const Delivery> delivery;
    std::size_t number;  // Of the batch in its delivery.
  };

  KafkaSubscription(KafkaParts parts, KafkaPlaceTaken place, broker::Matcher matcher,
                    std::size_t bytes_max)
      : parts_(parts),
        place_(std::move(place)),
        matcher_(std::move(matcher)),
        bytes_max_(bytes_max) {}

  io::Task<Status> find_start(std::shared_ptr<const KafkaTopicMap> topics, Start start);
  Result<KafkaOffsets> offsets_of(const std::vector<KafkaPartition>& partitions,
                                  const Start& start) const;
  std::vector<KafkaPartition> matching(const KafkaTopicMap& topics) const;
  io::Task<Status> follow_topics();
  std::vector<KafkaPartition> let_go(const KafkaTopicMap& topics);
  Status start_flowing(const KafkaTopicMap& topics);
  io::Task<Status> go_on(std::vector<KafkaPartition> outside);
  Status go_on_at(const KafkaPartition& partition, const KafkaOffsets& starts,
                  const KafkaOffsets& ends);
  void note_gap(std::string sentence);
  Result<Batches> deliver(const std::vector<KafkaMessage>& messages);
  KafkaPlace place_of(const KafkaPartition& partition) const;

  const KafkaParts parts_;
  const KafkaPlaceTaken place_;
  const broker::Matcher matcher_;
  const std::size_t bytes_max_;
  std::shared_ptr<KafkaFetcher> fetcher_;
  std::shared_ptr<const KafkaTopicMap> followed_;  // What follow_topics() has seen.
  std::map<std::string, std::uint64_t> incarnations_;
  std::set<KafkaPartition> flowing_;
  KafkaPositions positions_;
  std::optional<std::string> gap_;
  std::optional<Error> error_;  // Behind what was delivered last.
};

}  // namespace myelin::bus
