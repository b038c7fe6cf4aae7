// What every engine of the bus promises. An engine is a fixture that gives a Bus; the tests know no
// more of it. What one engine promises beyond this is in embedded_test.cc and kafka_test.cc.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "bus/bus_test_support.h"
#include "bus/embedded_engine.h"
#include "bus/kafka_engine.h"

namespace myelin::bus {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

struct EngineNames {
  template <class T>
  static std::string GetName(int) {
    return std::is_same_v<T, EmbeddedEngine> ? "Embedded" : "Kafka";
  }
};

template <class Engine>
class BusContract : public BusTest<Engine> {};
using Engines = ::testing::Types<EmbeddedEngine, KafkaEngine>;
TYPED_TEST_SUITE(BusContract, Engines, EngineNames);

TYPED_TEST(BusContract, GivesConsecutiveOffsetsPerPartition) {
  EXPECT_EQ((*this->append(this->record("a", "1")))[0].offset.value, 0);
  EXPECT_EQ((*this->append(this->record("a", "2")))[0].offset.value, 1);
  EXPECT_EQ((*this->append(this->record("b", "3")))[0].offset.value, 0);
}

TYPED_TEST(BusContract, GivesBackKeyHeadersAndTimeOfEachRecord) {
  auto sent = this->record("a", "");
  sent.key = "key";
  sent.headers = {{"one", "1"}, {"none", std::nullopt}, {"empty", ""}, {"one", "2"}};
  ASSERT_TRUE(this->append(sent));
  sent.key.reset();
  sent.value.reset();
  sent.headers.clear();
  ASSERT_TRUE(this->append(sent));
  const TopicPartition from{this->topic("a"), PartitionIndex(0)};
  const auto first = this->read(from, Offset(0), {.bytes_max = 1});
  ASSERT_TRUE(first) << first.error().message();
  auto record = *kafka::RecordReader::open(first->front().ref.bytes)->next();
  ASSERT_TRUE(record);
  EXPECT_EQ(record->key, "key");
  EXPECT_EQ(record->value, "");
  EXPECT_EQ(record->timestamp_ms, to_ms(sent.timestamp));
  std::vector<kafka::Header> headers;
  for (const auto& header : record->headers) headers.push_back(header);
  const std::vector<kafka::Header> expected{
      {"one", "1"}, {"none", std::nullopt}, {"empty", ""}, {"one", "2"}};
  EXPECT_EQ(headers, expected);
  const auto second = this->read(from, Offset(1));
  ASSERT_TRUE(second) << second.error().message();
  record = *kafka::RecordReader::open(second->front().ref.bytes)->next();
  ASSERT_TRUE(record);
  EXPECT_EQ(record->key, std::nullopt);
  EXPECT_EQ(record->value, std::nullopt);
  EXPECT_TRUE(record->headers.empty());
}

TYPED_TEST(BusContract, DeliversEachPartitionInItsOrder) {
  auto subscription = this->subscribe({"a*"}, FromNow{});
  std::map<std::string, std::vector<std::string>> sent;
  for (int i = 0; i < 60; ++i) {
    const auto topic = fmt::format("a{}", i % 7);
    sent[topic].push_back(fmt::format("{}", i));
    ASSERT_TRUE(this->append(this->record(topic, sent[topic].back())));
    if (i == 40) this->engine().settle();
  }
  EXPECT_EQ(this->by_topic(this->drain(*subscription, 60)), sent);
  auto again = this->subscribe({"a*"}, FromEarliest{});
  EXPECT_EQ(this->by_topic(this->drain(*again, 60)), sent);
}

TYPED_TEST(BusContract, ResumesAtAnyCursorWithoutLossOrRepetition) {
  for (int i = 0; i < 6; ++i) {
    ASSERT_TRUE(this->append(this->record("a", fmt::format("{}", i))));
    ASSERT_TRUE(this->append(this->record("b", fmt::format("{}", i))));
    if (i == 3) this->engine().settle();
  }
  auto first = this->subscribe({"*"}, FromEarliest{});
  const auto all = this->drain(*first, 12);
  ASSERT_EQ(all.size(), 12u);
  for (std::size_t i = 0; i < all.size(); ++i) {
    auto resumed = this->subscribe({"*"}, FromCursor{all[i].cursor});
    ASSERT_TRUE(resumed) << this->refusal;
    const std::vector rest(all.begin() + static_cast<std::ptrdiff_t>(i) + 1, all.end());
    EXPECT_EQ(this->by_topic(this->drain(*resumed, rest.size())), this->by_topic(rest))
        << "from record " << i;
    EXPECT_EQ(resumed->take_gap(), std::nullopt);
  }
}

TYPED_TEST(BusContract, ResumesOverARestart) {
  ASSERT_TRUE(this->append(this->record("a", "1")));
  auto subscription = this->subscribe({"*"}, FromEarliest{});
  const auto seen = this->drain(*subscription, 1);
  subscription.reset();
  this->engine().stop();
  this->engine().start();
  ASSERT_TRUE(this->append(this->record("a", "2")));
  auto resumed = this->subscribe({"*"}, FromCursor{seen.back().cursor});
  ASSERT_TRUE(resumed) << this->refusal;
  EXPECT_THAT(this->values(this->drain(*resumed, 1)), ElementsAre("2"));
}

TYPED_TEST(BusContract, JoinsTopicsMadeLaterFromTheirFirstRecord) {
  auto subscription = this->subscribe({"hl7.*"}, FromNow{});
  ASSERT_TRUE(this->append(this->record("hl7.new.topic", "first")));
  EXPECT_THAT(this->values(this->drain(*subscription, 1)), ElementsAre("first"));
}

TYPED_TEST(BusContract, JoinsATopicThatIsMadeWhileItWaits) {
  auto subscription = this->subscribe({"hl7.*"}, FromNow{});
  std::thread later([&] {
    std::this_thread::sleep_for(30ms);
    EXPECT_TRUE(this->bus().append(this->context, {{this->record("hl7.new.topic", "first")}}));
  });
  EXPECT_THAT(this->values(this->drain(*subscription, 1)), ElementsAre("first"));
  later.join();
}

TYPED_TEST(BusContract, JoinsPartitionsThatATopicGetsLaterFromTheirFirstRecord) {
  ASSERT_TRUE(this->append(this->record("a", "1")));
  auto early = this->subscribe({"*"}, FromEarliest{});
  auto late = this->subscribe({"a"}, FromNow{});
  EXPECT_THAT(this->values(this->drain(*early, 1)), ElementsAre("1"));
  this->engine().grow_topic("a", 4);
  auto there = this->record("a", "2");
  there.partition = PartitionIndex(3);
  const auto at = this->append(there);
  ASSERT_TRUE(at) << at.error().message();
  EXPECT_EQ(at->front().partition, PartitionIndex(3));
  EXPECT_EQ(at->front().offset, Offset(0));
  const auto seen = this->drain(*early, 1);
  EXPECT_THAT(this->values(seen), ElementsAre("2"));
  EXPECT_THAT(this->values(this->drain(*late, 1)), ElementsAre("2"));
  there.value = "3";
  there.partition = PartitionIndex(2);
  ASSERT_TRUE(this->append(there));
  this->engine().settle();
  auto resumed = this->subscribe({"*"}, FromCursor{seen.back().cursor});
  ASSERT_TRUE(resumed) << this->refusal;
  EXPECT_THAT(this->values(this->drain(*resumed, 1)), ElementsAre("3"));
}

TYPED_TEST(BusContract, BeginsAtATime) {
  const auto send = [&](const char* topic, const char* value) {
    auto now = this->record(topic, value);
    now.timestamp = SystemClock().now();
    return this->append(std::move(now));
  };
  ASSERT_TRUE(send("a", "old"));
  std::this_thread::sleep_for(5ms);
  const auto between = SystemClock().now();
  std::this_thread::sleep_for(5ms);
  ASSERT_TRUE(send("b", "new"));
  for (int pass = 0; pass < 2; ++pass) {
    auto subscription = this->subscribe({"*"}, FromTime{between});
    EXPECT_THAT(this->values(this->drain(*subscription, 1)), ElementsAre("new"));
    this->engine().settle();
  }
}

TYPED_TEST(BusContract, NeverMatchesInternalOrOtherTenantsTopics) {
  ASSERT_TRUE(this->append(this->record("a", "mine")));
  ASSERT_TRUE(this->append(this->record("a", "theirs", "clinic")));
  auto subscription = this->subscribe({"*", "__*"}, FromEarliest{});
  EXPECT_THAT(this->values(this->drain(*subscription, 1)), ElementsAre("mine"));
  auto theirs = this->subscribe({"*"}, FromEarliest{}, "clinic");
  EXPECT_THAT(this->values(this->drain(*theirs, 1)), ElementsAre("theirs"));
}

TYPED_TEST(BusContract, RefusesCursorsThatAreNotItsOwn) {
  EXPECT_FALSE(this->subscribe({"*"}, FromCursor{"x"}));
  EXPECT_FALSE(this->subscribe({"*"}, FromCursor{this->engine().foreign_cursor()}));
  EXPECT_THAT(this->refusal, HasSubstr(this->engine().foreign()));
}

TYPED_TEST(BusContract, RefusesBadNamesAndInternalTopics) {
  const auto code = [&](std::string topic) {
    return this->append(this->record(std::move(topic), "x")).error().code();
  };
  EXPECT_EQ(code("bad name"), ErrorCode::InvalidInput);
  EXPECT_EQ(code("a..b"), ErrorCode::InvalidInput);
  EXPECT_EQ(code("__internal"), ErrorCode::Forbidden);
  EXPECT_EQ(code(std::string(250, 'a')), ErrorCode::InvalidInput);
}

TYPED_TEST(BusContract, RefusesAPartitionThatATopicDoesNotHave) {
  ASSERT_TRUE(this->append(this->record("a", "x")));
  for (const int partition : {1, -1}) {
    auto nowhere = this->record("a", "x");
    nowhere.partition = PartitionIndex(partition);
    const auto refused = this->append(std::move(nowhere));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), ErrorCode::InvalidInput);
    EXPECT_THAT(refused.error().message(), HasSubstr("has no partition"));
  }
}

TYPED_TEST(BusContract, ReadsAPartitionFromAnyOffset) {
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(this->append(this->record("a", fmt::format("{}", i))));
  const TopicPartition from{this->topic("a"), PartitionIndex(0)};
  for (int pass = 0; pass < 2; ++pass) {
    for (int i = 0; i < 10; ++i) {
      const auto batches = this->read(from, Offset(i));
      ASSERT_TRUE(batches) << batches.error().message();
      EXPECT_EQ(batches->front().ref.base_offset.value, i);
    }
    EXPECT_THAT(*this->read(from, Offset(10)), IsEmpty());
    EXPECT_EQ(this->read(from, Offset(11)).error().code(), ErrorCode::InvalidInput);
    EXPECT_EQ(this->read({this->topic("a"), PartitionIndex(1)}, Offset(0)).error().code(),
              ErrorCode::NotFound);
    this->engine().settle();
  }
}

TYPED_TEST(BusContract, WaitsForMoreWhenAReadReachesTheEnd) {
  ASSERT_TRUE(this->append(this->record("a", "1")));
  std::thread later([&] {
    std::this_thread::sleep_for(30ms);
    EXPECT_TRUE(this->bus().append(this->context, {{this->record("a", "2")}}));
  });
  const auto batches = this->read({this->topic("a"), PartitionIndex(0)}, Offset(1),
                                  {.bytes_max = 1000, .wait_max = 10s});
  later.join();
  ASSERT_TRUE(batches) << batches.error().message();
  EXPECT_EQ(batches->size(), 1u);
}

TYPED_TEST(BusContract, DescribesAndListsTopics) {
  ASSERT_TRUE(this->append(this->record("b.x", "1")));
  ASSERT_TRUE(this->append(this->record("a.x", "2")));
  const auto described = this->describe("b.x");
  ASSERT_TRUE(described) << described.error().message();
  EXPECT_EQ(described->name, this->topic("b.x"));
  EXPECT_EQ(described->partitions.at(0).end.value, 1);
  const auto listed = this->list("*.x");
  ASSERT_TRUE(listed && listed->size() == 2u);
  EXPECT_EQ(listed->front().name, this->topic("a.x"));
  EXPECT_EQ(this->describe("none").error().code(), ErrorCode::NotFound);
}

TYPED_TEST(BusContract, MakesATopicBeforeItsFirstRecord) {
  EXPECT_TRUE(this->bus().topics().ensure(this->context, this->topic("a")));
  EXPECT_TRUE(this->bus().topics().ensure(this->context, this->topic("a")));
  EXPECT_EQ(this->bus().topics().ensure(this->context, this->topic("a b")).error().code(),
            ErrorCode::InvalidInput);
  const auto described = this->describe("a");
  ASSERT_TRUE(described) << described.error().message();
  EXPECT_EQ(described->partitions.at(0).end.value, 0);
  EXPECT_EQ((*this->append(this->record("a", "1")))[0].offset.value, 0);
}

TYPED_TEST(BusContract, DeliversEverythingOnceWhileManyWrite) {
  auto subscription = this->subscribe({"*"}, FromNow{});
  std::vector<std::thread> writers;
  for (int w = 0; w < 4; ++w) {
    writers.emplace_back([&, w] {
      for (int i = 0; i < 250;) {
        auto receipt = this->bus().append(
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
  ASSERT_TRUE(this->append(this->record("a", "old")));
  EXPECT_THAT(this->values(this->drain(*subscription, 1)), ElementsAre("old"));
  this->engine().remove_topic("a");
  EXPECT_EQ(this->describe("a").error().code(), ErrorCode::NotFound);
  EXPECT_EQ(this->read({this->topic("a"), PartitionIndex(0)}, Offset(0)).error().code(),
            ErrorCode::NotFound);
  const auto again = this->append(this->record("a", "new"));
  ASSERT_TRUE(again) << again.error().message();
  EXPECT_EQ((*again)[0].offset.value, 0);
  EXPECT_THAT(this->values(this->drain(*subscription, 1)), ElementsAre("new"));
  EXPECT_EQ(subscription->take_gap(), std::nullopt);
}

TYPED_TEST(BusContract, TellsWhatWasRemovedBeforeItWasDelivered) {
  auto subscription = this->subscribe({"*"}, FromNow{});
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(this->append(this->record("a", fmt::format("{}", i))));
  this->engine().settle();
  this->engine().remove_records("a", Offset(2));
  EXPECT_THAT(this->values(this->drain(*subscription, 2)), ElementsAre("2", "3"));
  const auto gap = subscription->take_gap();
  ASSERT_TRUE(gap);
  EXPECT_THAT(*gap, HasSubstr("topic a, partition 0: records before offset 2 were removed"));
  EXPECT_EQ(subscription->take_gap(), std::nullopt);
}

TYPED_TEST(BusContract, TellsWhatWasRemovedBehindACursor) {
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(this->append(this->record("a", fmt::format("{}", i))));
  auto subscription = this->subscribe({"*"}, FromEarliest{});
  const auto seen = this->drain(*subscription, 4);
  ASSERT_THAT(seen, SizeIs(4));
  this->engine().settle();
  this->engine().remove_records("a", Offset(3));
  auto resumed = this->subscribe({"*"}, FromCursor{seen[0].cursor});
  ASSERT_TRUE(resumed) << this->refusal;
  EXPECT_THAT(this->values(this->drain(*resumed, 1)), ElementsAre("3"));
  const auto gap = resumed->take_gap();
  ASSERT_TRUE(gap);
  EXPECT_THAT(*gap, HasSubstr("removed"));
}

TYPED_TEST(BusContract, SaysNothingOfRecordsThatWereDeliveredBeforeTheyWereRemoved) {
  auto subscription = this->subscribe({"*"}, FromNow{});
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(this->append(this->record("a", fmt::format("{}", i))));
  EXPECT_THAT(this->values(this->drain(*subscription, 4)), SizeIs(4));
  this->engine().settle();
  this->engine().remove_records("a", Offset(4));
  ASSERT_TRUE(this->append(this->record("b", "more")));
  this->engine().settle();
  EXPECT_THAT(this->values(this->drain(*subscription, 1)), ElementsAre("more"));
  EXPECT_EQ(subscription->take_gap(), std::nullopt);
}

}  // namespace
}  // namespace myelin::bus
