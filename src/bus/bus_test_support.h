// For tests of any engine: a fixture that waits for what the bus does.
//
// An engine gives a Bus and a runtime, a tenant that no other test uses, and what it takes to
// disturb it: remove_topic() and its kin. Names of topics are those within the tenant.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bus/bus.h"
#include "formats/kafka/record_batch.h"
#include "io/runtime.h"

namespace myelin::bus {

// Runs a task of the bus to its end.
template <class T>
io::Task<void> keep_outcome(io::Task<T> task, std::optional<T>& outcome) {
  outcome.emplace(co_await std::move(task));
}
template <class T>
T outcome_of(io::Runtime& runtime, io::Task<T> task) {
  std::optional<T> outcome;
  runtime.run_to_end(keep_outcome(std::move(task), outcome));
  return std::move(*outcome);
}

template <class Engine>
class BusTest : public ::testing::Test {
 protected:
  BusTest() {
    if (Engine::why_not() != nullptr) return;
    engine_.emplace();
    context.tenant = engine().tenant();
  }
  void SetUp() override {
    if (Engine::why_not() != nullptr) GTEST_SKIP() << Engine::why_not();
  }

  Engine& engine() { return *engine_; }
  Bus& bus() { return engine().bus(); }

  TopicName topic(std::string name) const { return {context.tenant, std::move(name)}; }

  // Of another tenant when `tenant` says one: a name behind our own.
  Record record(std::string topic, std::string value, const std::string& tenant = {}) const {
    Record made;
    made.topic = {context.tenant + tenant, std::move(topic)};
    made.value = std::move(value);
    made.timestamp = timestamp_from_ms(1'700'000'000'000);
    return made;
  }

  Result<Positions> append(std::vector<Record> records) {
    auto receipt = bus().append(context, {std::move(records)});
    if (!receipt) return std::move(receipt).error();
    return durable(*receipt);
  }
  Result<Positions> append(Record record) {
    std::vector<Record> one;
    one.push_back(std::move(record));
    return append(std::move(one));
  }
  Result<Positions> durable(const Receipt& receipt) {
    return outcome_of(engine().runtime(), receipt.durable());
  }

  std::unique_ptr<Subscription> subscribe(std::vector<std::string> patterns, Start start,
                                          const std::string& tenant = {}) {
    auto who = context;
    who.tenant += tenant;
    SubscribeOptions options;
    options.patterns = std::move(patterns);
    options.start = std::move(start);
    auto result = outcome_of(engine().runtime(), bus().subscribe(who, std::move(options)));
    if (!result) {
      refusal = result.error().message();
      return nullptr;
    }
    return std::move(*result);
  }

  struct Seen {
    std::string topic;
    std::string value;
    std::string cursor;
  };
  // Everything until nothing comes for a while.
  std::vector<Seen> drain(Subscription& subscription, std::size_t at_least = 0) {
    std::vector<Seen> seen;
    engine().runtime().run_to_end(drain_task(subscription, seen, at_least));
    return seen;
  }
  static std::vector<std::string> values(const std::vector<Seen>& seen) {
    std::vector<std::string> all;
    for (const auto& item : seen) all.push_back(item.value);
    return all;
  }
  // The values of each topic in the order they came.
  static std::map<std::string, std::vector<std::string>> by_topic(const std::vector<Seen>& seen) {
    std::map<std::string, std::vector<std::string>> all;
    for (const auto& item : seen) all[item.topic].push_back(item.value);
    return all;
  }

  Result<Batches> read(TopicPartition from, Offset offset, ReadLimits limits = {}) {
    return outcome_of(engine().runtime(), bus().read(context, std::move(from), offset, limits));
  }
  Result<TopicDescription> describe(std::string name) {
    return outcome_of(engine().runtime(), bus().topics().describe(context, topic(std::move(name))));
  }
  Result<std::vector<TopicDescription>> list(std::string pattern) {
    return outcome_of(engine().runtime(), bus().topics().list(context, std::move(pattern)));
  }

  Context context{.principal = "User:test", .tenant = {}, .peer = {}, .trace = {}, .deadline = {}};
  std::string refusal;

 private:
  static io::Task<void> drain_task(Subscription& subscription, std::vector<Seen>& seen,
                                   std::size_t at_least) {
    for (;;) {
      const auto wait = seen.size() < at_least ? std::chrono::milliseconds(20'000)
                                               : std::chrono::milliseconds(50);
      const auto batches = co_await subscription.next(wait);
      EXPECT_TRUE(batches) << (batches ? "" : batches.error().message());
      if (!batches || batches->empty()) co_return;
      for (const auto& batch : *batches) collect(subscription, batch, seen);
    }
  }
  static void collect(Subscription& subscription, const Batch& batch, std::vector<Seen>& seen) {
    auto reader = kafka::RecordReader::open(batch.ref.bytes);
    ASSERT_TRUE(reader);
    std::uint32_t index = 0;
    for (auto next = reader->next(); next && *next; next = reader->next(), ++index) {
      if (!subscription.wants(batch, index)) continue;
      seen.push_back({batch.topic->name, std::string((*next)->value.value_or("")),
                      subscription.cursor(batch, index)});
    }
  }

  std::optional<Engine> engine_;
};

}  // namespace myelin::bus
