// KafkaProducer: records on their way to Kafka, and the receipts that wait for them.
//
// One idempotent producer with acks=all. produce() may be called on any thread; librdkafka raises
// the event descriptor when it has delivery reports, and one task of the bus's scope takes them. No
// thread polls.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "bus/kafka_cluster.h"
#include "bus/kafka_handles.h"
#include "io/event_descriptor.h"
#include "io/one_shot.h"
#include "io/task_scope.h"

namespace myelin::bus {

// The receipt of one record. Held by its caller and, until it is completed, by whoever has the
// record.
class KafkaReceipt final : public Receipt::State,
                           public std::enable_shared_from_this<KafkaReceipt> {
 public:
  bool ready() const override { return done_.ready(); }
  io::Task<Result<Positions>> durable() override { return wait(shared_from_this()); }

  void complete(Result<Positions> outcome, io::WakeupBatch& batch) {
    done_.set(std::move(outcome), batch);
  }

 private:
  static io::Task<Result<Positions>> wait(std::shared_ptr<KafkaReceipt> self) {
    co_return co_await self->done_.wait();
  }

  io::OneShot<Result<Positions>> done_;
};

class KafkaProducer {
 public:
  // The cluster and the logger outlive it.
  static Result<std::unique_ptr<KafkaProducer>> open(KafkaCluster& cluster, Logger& logger);
  KafkaProducer(const KafkaProducer&) = delete;
  KafkaProducer& operator=(const KafkaProducer&) = delete;
  // After the scope of take_reports() has ended. What is not durable says Canceled.
  ~KafkaProducer();

  // Does not wait. NotFound when librdkafka does not know the topic yet: then nothing was taken.
  // Exhausted when its queue is full.
  Status produce(const Record& record, std::shared_ptr<KafkaReceipt> receipt);

  // Completes receipts until it is canceled: the one task of its kind.
  io::Task<void> take_reports();

  rd_kafka_t* handle() const { return handle_.get(); }

 private:
  KafkaProducer(KafkaCluster& cluster, Logger& logger) : cluster_(cluster), logger_(logger) {}

  bool take_event();
  void complete(const rd_kafka_message_t& message, io::WakeupBatch& batch);
  void note_error(rd_kafka_event_t* event);

  KafkaCluster& cluster_;
  Logger& logger_;
  io::EventDescriptor event_;
  KafkaHandle handle_;
  KafkaQueue reports_;
};

}  // namespace myelin::bus
