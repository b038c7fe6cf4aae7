// FakeBus: a bus for tests that keeps what was appended in memory, durable at once.
//
// Thread-safe. Reading and subscribing are not there: tests of readers use a real engine. A test
// that decides when something becomes durable gives its own receipts.
#pragma once

#include <deque>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "bus/bus.h"

namespace myelin::feeds {

class FakeBus : public bus::Bus, public bus::Topics {
 public:
  explicit FakeBus(std::size_t topics_max = 1000) : topics_max_(topics_max) {}

  // The next appends fail with these, one each.
  void fail_next_append(Error error) {
    MutexLock lock(mutex_);
    append_errors_.push_back(std::move(error));
  }
  std::vector<bus::Record> records() const {
    MutexLock lock(mutex_);
    return records_;
  }
  std::size_t record_count() const {
    MutexLock lock(mutex_);
    return records_.size();
  }
  void clear() {
    MutexLock lock(mutex_);
    records_.clear();
  }

  Result<bus::Receipt> append(const bus::Context&, bus::WriteSet writes) override {
    MutexLock lock(mutex_);
    if (!append_errors_.empty()) {
      Error error = std::move(append_errors_.front());
      append_errors_.pop_front();
      return error;
    }
    for (auto& record : writes.records) {
      topics_.insert(record.topic.full());
      records_.push_back(std::move(record));
    }
    return bus::Receipt(make_state());
  }

  io::Task<Result<bus::Batches>> read(bus::Context, bus::TopicPartition, bus::Offset,
                                      bus::ReadLimits) override {
    co_return Error(ErrorCode::Internal, "the fake bus is not read");
  }
  io::Task<Result<std::unique_ptr<bus::Subscription>>> subscribe(bus::Context,
                                                                 bus::SubscribeOptions) override {
    co_return Error(ErrorCode::Internal, "the fake bus is not read");
  }

  bus::Topics& topics() override { return *this; }
  Status ensure(const bus::Context&, const bus::TopicName& name) override {
    MutexLock lock(mutex_);
    if (topics_.contains(name.full())) return {};
    if (topics_.size() >= topics_max_) return Error(ErrorCode::Exhausted, "topics_max is reached");
    topics_.insert(name.full());
    return {};
  }
  io::Task<Result<bus::TopicDescription>> describe(bus::Context, bus::TopicName) override {
    co_return Error(ErrorCode::NotFound, "the fake bus does not describe");
  }
  io::Task<Result<std::vector<bus::TopicDescription>>> list(bus::Context, std::string) override {
    co_return std::vector<bus::TopicDescription>();
  }

 protected:
  // Called in the order of the appends.
  virtual std::shared_ptr<bus::Receipt::State> make_state() { return std::make_shared<Durable>(); }

 private:
  class Durable final : public bus::Receipt::State {
   public:
    bool ready() const override { return true; }
    io::Task<Result<bus::Positions>> durable() override { co_return bus::Positions(); }
  };

  const std::size_t topics_max_;
  mutable Mutex mutex_;
  std::vector<bus::Record> records_ MYELIN_GUARDED_BY(mutex_);
  std::set<std::string> topics_ MYELIN_GUARDED_BY(mutex_);
  std::deque<Error> append_errors_ MYELIN_GUARDED_BY(mutex_);
};

}  // namespace myelin::feeds
