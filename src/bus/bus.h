// Bus: what every part above sees of the place where events are stored. Two engines: embedded (our
// own broker in this process) and Apache Kafka. Both pass bus/contract_test.cc; what the Kafka
// engine does not do yet, or Kafka does not promise, is said here and in README.md.
//
// Thread-safe: any io thread may call. Nothing here blocks a thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "bus/types.h"
#include "io/task.h"

namespace myelin::bus {

// What an append promises: the order is fixed already, durability is told later. Copies share one
// state.
class Receipt {
 public:
  // An engine's side of it.
  class State {
   public:
    virtual ~State() = default;
    virtual bool ready() const = 0;
    virtual io::Task<Result<Positions>> durable() = 0;
  };
  explicit Receipt(std::shared_ptr<State> state) : state_(std::move(state)) {}

  // True once durable() would not wait.
  bool ready() const { return state_->ready(); }
  // Waits until the write set is on stable storage, or says why it never will be: Unavailable (the
  // disk, the Kafka cluster), Canceled (the server stops). On Kafka the record may be stored all
  // the same when the acknowledgment was lost. Awaited once, on one io thread.
  io::Task<Result<Positions>> durable() const { return state_->durable(); }

 private:
  std::shared_ptr<State> state_;
};

// Delivers the records of all matching topics: each partition in its order, and, by the embedded
// engine, all of them in commit order. Owned by one coroutine.
class Subscription {
 public:
  virtual ~Subscription() = default;

  // The next batches, in order; empty when nothing came before `wait_max` was over. Records that
  // cannot be read, or were removed before they were, are passed over: take_gap() tells, and is to
  // be asked before the batches are delivered. A Kafka cluster that is away is waited for. Errors:
  // Unavailable (the disk), Forbidden (Kafka lets us no longer read), Exhausted (more partitions
  // match than a cursor holds), Canceled (the server stops).
  virtual io::Task<Result<Batches>> next(std::chrono::milliseconds wait_max) = 0;

  // The first batch after a cursor or time may begin with records before it: those are not to be
  // delivered. True when the record `record` offsets behind the batch's base offset is to be
  // delivered.
  virtual bool wants(const Batch& batch, std::uint32_t record) const = 0;

  // The cursor right behind that record: opaque, without spaces or line
  // breaks, fit for an SSE event id. Resume with the patterns that it comes from.
  virtual std::string cursor(const Batch& batch, std::uint32_t record) const = 0;

  // What was passed over: sentences for a person. Taking it clears it.
  virtual std::optional<std::string> take_gap() = 0;
};

class Topics {
 public:
  virtual ~Topics() = default;

  // Makes the topic if it does not exist, with the default number of partitions, within the limit
  // on topics (Exhausted beyond it; InvalidInput for a bad name). Cheap when it exists. Does not
  // wait for durability: nothing that is appended to it can be durable before it is.
  virtual Status ensure(const Context& context, const TopicName& name) = 0;
  // NotFound, or Unavailable (Kafka does not answer).
  virtual io::Task<Result<TopicDescription>> describe(Context context, TopicName name) = 0;
  // Those of the context's tenant that match, by name; internal ones left out.
  virtual io::Task<Result<std::vector<TopicDescription>>> list(Context context,
                                                               std::string pattern) = 0;
};

class Bus {
 public:
  virtual ~Bus() = default;

  // Does not wait: fixes the order, or says why not. Topics are made on first use (Topics::ensure).
  // Errors: Exhausted (too much waits for the disk: try again shortly), Unavailable (no space on
  // disk), Canceled (stopping), InvalidInput (name or size; the message names the topic; on Kafka,
  // so far, more than one record). What Kafka refuses is told by the receipt.
  virtual Result<Receipt> append(const Context& context, WriteSet writes) = 0;

  // Stateless: what a partition holds from `offset` on. InvalidInput when the offset is below the
  // start or above the end; Exhausted when too many read.
  virtual io::Task<Result<Batches>> read(Context context, TopicPartition from, Offset offset,
                                         ReadLimits limits) = 0;

  virtual io::Task<Result<std::unique_ptr<Subscription>>> subscribe(Context context,
                                                                    SubscribeOptions options) = 0;

  virtual Topics& topics() = 0;
};

}  // namespace myelin::bus
