// What every engine of the bus promises. An engine is a fixture that gives a Bus; the tests know no
// more of it.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "base/logging.h"
#include "broker/broker_on_sim_disk.h"
#include "bus/embedded.h"
#include "formats/kafka/record_batch.h"

namespace myelin::bus {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

class EmbeddedEngine {
 public:
  EmbeddedEngine()
      : logger_({.level = LogLevel::Error}, clock_, STDERR_FILENO),
        runtime_(logger_, {.threads = 2, .blocking_threads = 2}) {
    start();
  }
  ~EmbeddedEngine() {
    stop();
    runtime_.stop(5s);
  }
  void start() {
    broker_.open({.topics_max = 20});
    bus_ = make_embedded_bus(runtime_, broker_.get(), clock_);
  }
  void stop() {
    bus_.reset();
    broker_.close();
  }
  void settle() { broker_.settle(); }
  void fill_disk() { broker_.fill_disk(); }
  void remove_topic(const std::string& topic) {
    ASSERT_TRUE(broker_.get().remove({{}, topic}));
    settle();
  }
  void grow_topic(const std::string& topic, std::int32_t partitions) {
    ASSERT_TRUE(broker_.get().add_partitions({{}, topic}, partitions));
  }
  void remove_records(const std::string& topic, Offset before) {
    ASSERT_TRUE(broker_.get().delete_records({{}, topic}, PartitionIndex(0), before));
    settle();
  }
  // The batch with that offset, which is stored.
  void damage(const std::string& topic, Offset offset) {
    auto& partition = broker_.get().find({{}, topic})->partition(PartitionIndex(0));
    const auto found = partition.read_stored(log::Seek::to(offset), 1);
    ASSERT_TRUE(found && !found->empty());
    broker_.flip("/data/topics/" + topic + "-0/00000000000000000000.log",
                 found->front().position + kafka::kBatchHeaderBytes);
  }

  Bus& bus() { return *bus_; }
  io::Runtime& runtime() { return runtime_; }

 private:
  SystemClock clock_;
  Logger logger_;
  io::Runtime runtime_;
  broker::BrokerOnSimDisk broker_{clock_};
  std::unique_ptr<Bus> bus_;
};

template <class T>
class BusContract : public ::testing::Test {
 protected:
  const Context context{
      .principal = "User:test", .tenant = {}, .peer = {}, .trace = {}, .deadline = {}};

  static Record record(std::string topic, std::string value, std::string tenant = {}) {
    Record made;
    made.topic = {std::move(tenant), std::move(topic)};
    made.value = std::move(value);
    made.timestamp = timestamp_from_ms(1'700'000'000'000);
    return made;
  }

  Result<Positions> append(std::vector<Record> records) {
    auto receipt = engine.bus().append(context, {std::move(records)});
    if (!receipt) return std::move(receipt).error();
    std::optional<Result<Positions>> result;
    engine.runtime().run_to_end(wait(*receipt, result));
    return std::move(*result);
  }
  static io::Task<void> wait(Receipt receipt, std::optional<Result<Positions>>& result) {
    auto positions = co_await receipt.durable();
    result.emplace(std::move(positions));
  }

  std::unique_ptr<Subscription> subscribe(std::vector<std::string> patterns, Start start,
                                          std::string tenant = {}) {
    std::optional<Result<std::unique_ptr<Subscription>>> result;
    auto who = context;
    who.tenant = std::move(tenant);
    engine.runtime().run_to_end(
        open(engine.bus(), who, {std::move(patterns), std::move(start)}, result));
    if (!*result) {
      refusal = result->error().message();
      return nullptr;
    }
    return std::move(**result);
  }
  static io::Task<void> open(Bus& bus, Context who, SubscribeOptions options,
                             std::optional<Result<std::unique_ptr<Subscription>>>& result) {
    auto subscription = co_await bus.subscribe(std::move(who), std::move(options));
    result.emplace(std::move(subscription));
  }

  struct Seen {
    std::string topic;
    std::string value;
    std::string cursor;
  };
  // Everything until nothing comes for a while.
  std::vector<Seen> drain(Subscription& subscription, std::size_t at_least = 0) {
    std::vector<Seen> seen;
    engine.runtime().run_to_end(drain_task(subscription, seen, at_least));
    return seen;
  }
  static io::Task<void> drain_task(Subscription& subscription, std::vector<Seen>& seen,
                                   std::size_t at_least) {
    for (;;) {
      const auto batches = co_await subscription.next(seen.size() < at_least ? 10s : 50ms);
      EXPECT_TRUE(batches);
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
  static std::vector<std::string> values(const std::vector<Seen>& seen) {
    std::vector<std::string> all;
    for (const auto& item : seen) all.push_back(item.value);
    return all;
  }

  Result<Batches> read(TopicPartition from, Offset offset, ReadLimits limits = {}) {
    std::optional<Result<Batches>> result;
    engine.runtime().run_to_end(
        read_task(engine.bus(), context, std::move(from), offset, limits, result));
    return std::move(*result);
  }
  static io::Task<void> read_task(Bus& bus, Context who, TopicPartition from, Offset offset,
                                  ReadLimits limits, std::optional<Result<Batches>>& result) {
    auto batches = co_await bus.read(std::move(who), std::move(from), offset, limits);
    result.emplace(std::move(batches));
  }

  T engine;
  std::string refusal;
};

using Engines = ::testing::Types<EmbeddedEngine>;
TYPED_TEST_SUITE(BusContract, Engines);

TYPED_TEST(BusContract, GivesConsecutiveOffsetsPerPartition) {
  EXPECT_EQ((*this->append({this->record("a", "1")}))[0].offset.value, 0);
  EXPECT_EQ((*this->append({this->record("a", "2")}))[0].offset.value, 1);
  EXPECT_EQ((*this->append({this->record("b", "3")}))[0].offset.value, 0);
}

TYPED_TEST(BusContract, PlacesEachRecordOfAWriteSet) {
  const auto positions =
      this->append({this->record("a", "1"), this->record("b", "2"), this->record("a", "3")});
  ASSERT_TRUE(positions);
  EXPECT_EQ((*positions)[0].offset.value, 0);
  EXPECT_EQ((*positions)[1].offset.value, 0);
  EXPECT_EQ((*positions)[2].offset.value, 1);
}

TYPED_TEST(BusContract, DeliversManyTopicsInCommitOrder) {
  auto subscription = this->subscribe({"a*"}, FromNow{});
  std::vector<std::string> sent;
  for (int i = 0; i < 60; ++i) {
    sent.push_back(fmt::format("{}", i));
    ASSERT_TRUE(this->append({this->record(fmt::format("a{}", i % 7), sent.back())}));
  }
  EXPECT_EQ(this->values(this->drain(*subscription, sent.size())), sent);
}

TYPED_TEST(BusContract, DeliversTheSameOrderFromStoredRecords) {
  std::vector<std::string> sent;
  for (int i = 0; i < 60; ++i) {
    sent.push_back(fmt::format("{}", i));
    ASSERT_TRUE(this->append({this->record(fmt::format("a{}", i % 7), sent.back())}));
    if (i == 40) this->engine.settle();
  }
  auto subscription = this->subscribe({"a*"}, FromEarliest{});
  EXPECT_EQ(this->values(this->drain(*subscription, sent.size())), sent);
}

TYPED_TEST(BusContract, ResumesAtAnyCursorWithoutLossOrRepetition) {
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(this->append({this->record("a", fmt::format("{}a", i)),
                              this->record("b", fmt::format("{}b", i)),
                              this->record("a", fmt::format("{}c", i))}));
    if (i == 10) this->engine.settle();
  }
  auto first = this->subscribe({"*"}, FromEarliest{});
  const auto all = this->drain(*first, 60);
  ASSERT_EQ(all.size(), 60u);
  for (std::size_t i = 0; i < all.size(); ++i) {
    auto resumed = this->subscribe({"*"}, FromCursor{all[i].cursor});
    ASSERT_TRUE(resumed);
    const auto rest = this->values(this->drain(*resumed, all.size() - i - 1));
    const auto expected = this->values(all);
    EXPECT_EQ(rest, std::vector<std::string>(expected.begin() + static_cast<std::ptrdiff_t>(i) + 1,
                                             expected.end()))
        << "from record " << i;
  }
}

TYPED_TEST(BusContract, ResumesOverARestart) {
  ASSERT_TRUE(this->append({this->record("a", "1")}));
  auto subscription = this->subscribe({"*"}, FromEarliest{});
  const auto seen = this->drain(*subscription, 1);
  subscription.reset();
  this->engine.stop();
  this->engine.start();
  ASSERT_TRUE(this->append({this->record("a", "2")}));
  auto resumed = this->subscribe({"*"}, FromCursor{seen.back().cursor});
  ASSERT_TRUE(resumed) << this->refusal;
  EXPECT_THAT(this->values(this->drain(*resumed, 1)), ElementsAre("2"));
}

TYPED_TEST(BusContract, JoinsTopicsMadeLaterFromTheirFirstRecord) {
  auto subscription = this->subscribe({"hl7.*"}, FromNow{});
  ASSERT_TRUE(this->append({this->record("hl7.new.topic", "first")}));
  EXPECT_THAT(this->values(this->drain(*subscription, 1)), ElementsAre("first"));
}

TYPED_TEST(BusContract, JoinsPartitionsThatATopicGetsLaterFromTheirFirstRecord) {
  ASSERT_TRUE(this->append({this->record("a", "1")}));
  auto early = this->subscribe({"*"}, FromEarliest{});
  auto late = this->subscribe({"a"}, FromNow{});
  EXPECT_THAT(this->values(this->drain(*early, 1)), ElementsAre("1"));
  this->engine.grow_topic("a", 4);
  auto there = this->record("a", "2");
  there.partition = PartitionIndex(3);
  const auto at = this->append({there});
  ASSERT_TRUE(at) << at.error().message();
  EXPECT_EQ(at->front().partition, PartitionIndex(3));
  EXPECT_EQ(at->front().offset, Offset(0));
  const auto seen = this->drain(*early, 1);
  EXPECT_THAT(this->values(seen), ElementsAre("2"));
  EXPECT_THAT(this->values(this->drain(*late, 1)), ElementsAre("2"));
  there.value = "3";
  there.partition = PartitionIndex(2);
  ASSERT_TRUE(this->append({there}));
  this->engine.settle();
  auto resumed = this->subscribe({"*"}, FromCursor{seen.back().cursor});
  ASSERT_TRUE(resumed) << this->refusal;
  EXPECT_THAT(this->values(this->drain(*resumed, 1)), ElementsAre("3"));
}

TYPED_TEST(BusContract, BeginsAtAReceiveTime) {
  ASSERT_TRUE(this->append({this->record("a", "old")}));
  std::this_thread::sleep_for(5ms);
  const auto between = SystemClock().now();
  std::this_thread::sleep_for(5ms);
  ASSERT_TRUE(this->append({this->record("b", "new")}));
  for (int pass = 0; pass < 2; ++pass) {
    auto subscription = this->subscribe({"*"}, FromTime{between});
    EXPECT_THAT(this->values(this->drain(*subscription, 1)), ElementsAre("new"));
    this->engine.settle();
  }
}

TYPED_TEST(BusContract, NeverMatchesInternalOrOtherTenantsTopics) {
  ASSERT_TRUE(this->append({this->record("a", "mine"), this->record("a", "theirs", "clinic")}));
  auto subscription = this->subscribe({"*", "__*"}, FromEarliest{});
  EXPECT_THAT(this->values(this->drain(*subscription, 1)), ElementsAre("mine"));
  auto theirs = this->subscribe({"*"}, FromEarliest{}, "clinic");
  EXPECT_THAT(this->values(this->drain(*theirs, 1)), ElementsAre("theirs"));
}

TYPED_TEST(BusContract, RefusesCursorsThatAreNotItsOwn) {
  EXPECT_FALSE(this->subscribe({"*"}, FromCursor{"x"}));
  EXPECT_FALSE(this->subscribe({"*"}, FromCursor{"00000000-0000-4000-8000-000000000000-1-0"}));
  EXPECT_THAT(this->refusal, HasSubstr("another data directory"));
}

TYPED_TEST(BusContract, RefusesBadNamesAndInternalTopics) {
  EXPECT_EQ(this->append({this->record("bad name", "x")}).error().code(), ErrorCode::InvalidInput);
  EXPECT_EQ(this->append({this->record("a..b", "x")}).error().code(), ErrorCode::InvalidInput);
  EXPECT_EQ(this->append({this->record("__internal", "x")}).error().code(), ErrorCode::Forbidden);
  EXPECT_EQ(this->append({this->record(std::string(250, 'a'), "x")}).error().code(),
            ErrorCode::InvalidInput);
}

TYPED_TEST(BusContract, RefusesTopicsBeyondTheLimitAndServesTheRest) {
  for (int i = 0; i < 20; ++i)
    ASSERT_TRUE(this->append({this->record(fmt::format("t{}", i), "x")})) << i;
  EXPECT_EQ(this->append({this->record("one-too-many", "x")}).error().code(), ErrorCode::Exhausted);
  EXPECT_TRUE(this->append({this->record("t0", "x")}));
}

TYPED_TEST(BusContract, SaysUnavailableWithoutSpace) {
  ASSERT_TRUE(this->append({this->record("a", "1")}));
  this->engine.fill_disk();
  EXPECT_EQ(this->append({this->record("a", "2")}).error().code(), ErrorCode::Unavailable);
  EXPECT_EQ(this->read({{{}, "a"}, PartitionIndex(0)}, Offset(0))->size(), 1u);
}

TYPED_TEST(BusContract, ReadsAPartitionFromAnyOffset) {
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(this->append({this->record("a", fmt::format("{}", i))}));
  for (int pass = 0; pass < 2; ++pass) {
    for (int i = 0; i < 10; ++i) {
      const auto batches = this->read({{{}, "a"}, PartitionIndex(0)}, Offset(i));
      ASSERT_TRUE(batches);
      EXPECT_EQ(batches->front().ref.base_offset.value, i);
    }
    EXPECT_THAT(*this->read({{{}, "a"}, PartitionIndex(0)}, Offset(10)), IsEmpty());
    EXPECT_FALSE(this->read({{{}, "a"}, PartitionIndex(0)}, Offset(11)));
    this->engine.settle();
  }
}

TYPED_TEST(BusContract, WaitsForMoreWhenAReadReachesTheEnd) {
  ASSERT_TRUE(this->append({this->record("a", "1")}));
  std::thread later([&] {
    std::this_thread::sleep_for(30ms);
    EXPECT_TRUE(this->engine.bus().append(this->context, {{this->record("a", "2")}}));
  });
  const auto batches =
      this->read({{{}, "a"}, PartitionIndex(0)}, Offset(1), {.bytes_max = 1000, .wait_max = 10s});
  later.join();
  ASSERT_TRUE(batches);
  EXPECT_EQ(batches->size(), 1u);
}

TYPED_TEST(BusContract, DescribesAndListsTopics) {
  ASSERT_TRUE(this->append({this->record("b.x", "1"), this->record("a.x", "2")}));
  const auto described = this->engine.bus().topics().describe(this->context, {{}, "b.x"});
  ASSERT_TRUE(described);
  EXPECT_EQ(described->partitions.at(0).end.value, 1);
  const auto listed = this->engine.bus().topics().list(this->context, "*.x");
  ASSERT_EQ(listed.size(), 2u);
  EXPECT_EQ(listed[0].name.name, "a.x");
  EXPECT_EQ(this->engine.bus().topics().describe(this->context, {{}, "none"}).error().code(),
            ErrorCode::NotFound);
}

TYPED_TEST(BusContract, DeliversEverythingOnceWhileManyWrite) {
  auto subscription = this->subscribe({"*"}, FromNow{});
  std::vector<std::thread> writers;
  for (int w = 0; w < 4; ++w) {
    writers.emplace_back([&, w] {
      for (int i = 0; i < 250;) {
        auto receipt = this->engine.bus().append(
            this->context, {{this->record(fmt::format("w{}", w), fmt::format("{}-{}", w, i))}});
        if (receipt) ++i;
      }
    });
  }
  const auto seen = this->drain(*subscription, 1000);
  for (auto& writer : writers) writer.join();
  ASSERT_EQ(seen.size(), 1000u);
  std::map<std::string, int> next;
  for (const auto& item : seen)
    EXPECT_EQ(item.value, fmt::format("{}-{}", item.topic[1], next[item.topic]++));
}

TYPED_TEST(BusContract, DeliversATopicThatTakesTheNameOfARemovedOne) {
  auto subscription = this->subscribe({"*"}, FromNow{});
  ASSERT_TRUE(this->append({this->record("a", "old")}));
  EXPECT_THAT(this->values(this->drain(*subscription, 1)), ElementsAre("old"));
  this->engine.remove_topic("a");
  EXPECT_EQ(this->engine.bus().topics().describe(this->context, {{}, "a"}).error().code(),
            ErrorCode::NotFound);
  EXPECT_EQ(this->read({{{}, "a"}, PartitionIndex(0)}, Offset(0)).error().code(),
            ErrorCode::NotFound);
  const auto again = this->append({this->record("a", "new")});
  ASSERT_TRUE(again);
  EXPECT_EQ((*again)[0].offset.value, 0);
  EXPECT_THAT(this->values(this->drain(*subscription, 1)), ElementsAre("new"));
  EXPECT_EQ(subscription->take_gap(), std::nullopt);
}

TYPED_TEST(BusContract, DeliversNothingOfATopicThatWasRemovedBeforeItWasRead) {
  ASSERT_TRUE(this->append({this->record("a", "gone"), this->record("b", "kept")}));
  this->engine.settle();
  auto subscription = this->subscribe({"*"}, FromEarliest{});
  this->engine.remove_topic("a");
  EXPECT_THAT(this->values(this->drain(*subscription, 1)), ElementsAre("kept"));
}

TYPED_TEST(BusContract, TellsWhatWasRemovedBeforeItWasDelivered) {
  auto subscription = this->subscribe({"*"}, FromNow{});
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(this->append({this->record("a", fmt::format("{}", i))}));
  this->engine.settle();
  this->engine.remove_records("a", Offset(2));
  EXPECT_THAT(this->values(this->drain(*subscription, 2)), ElementsAre("2", "3"));
  const auto gap = subscription->take_gap();
  ASSERT_TRUE(gap);
  EXPECT_THAT(*gap, HasSubstr("topic a, partition 0: records before offset 2 were removed"));
  EXPECT_EQ(subscription->take_gap(), std::nullopt);
}

TYPED_TEST(BusContract, SaysNothingOfRecordsThatWereDeliveredBeforeTheyWereRemoved) {
  auto subscription = this->subscribe({"*"}, FromNow{});
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(this->append({this->record("a", fmt::format("{}", i))}));
  EXPECT_THAT(this->values(this->drain(*subscription, 4)), SizeIs(4));
  this->engine.settle();
  this->engine.remove_records("a", Offset(4));
  ASSERT_TRUE(this->append({this->record("b", "more")}));
  this->engine.settle();
  EXPECT_THAT(this->values(this->drain(*subscription, 1)), ElementsAre("more"));
  EXPECT_EQ(subscription->take_gap(), std::nullopt);
}

TYPED_TEST(BusContract, PassesOverDamagedRecordsAndTells) {
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(this->append({this->record("a", fmt::format("{}", i))}));
  this->engine.settle();
  this->engine.damage("a", Offset(0));
  auto subscription = this->subscribe({"*"}, FromEarliest{});
  EXPECT_THAT(this->values(this->drain(*subscription, 2)), ElementsAre("1", "2"));
  const auto gap = subscription->take_gap();
  ASSERT_TRUE(gap);
  EXPECT_THAT(*gap, HasSubstr("records before offset 1 were damaged"));
}

TYPED_TEST(BusContract, ResumesFromACursorAlthoughTheOldestRecordIsDamaged) {
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(this->append({this->record("a", fmt::format("{}", i))}));
  auto first = this->subscribe({"*"}, FromEarliest{});
  const auto seen = this->drain(*first, 3);
  ASSERT_EQ(seen.size(), 3u);
  this->engine.settle();
  this->engine.remove_records("a", Offset(1));
  this->engine.damage("a", Offset(1));
  auto resumed = this->subscribe({"*"}, FromCursor{seen[1].cursor});
  ASSERT_TRUE(resumed) << this->refusal;
  EXPECT_THAT(this->values(this->drain(*resumed, 1)), ElementsAre("2"));
}

}  // namespace
}  // namespace myelin::bus
