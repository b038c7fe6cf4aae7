// Topics that are made as somebody wants them, and topics that grow.
#include <gmock/gmock.h>

#include <algorithm>

#include "broker/broker_test_support.h"

namespace myelin::broker {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr std::size_t kMuch = 1u << 20;

TopicName named(std::string topic) { return TestBroker::name(std::move(topic)); }

std::vector<std::string> values(const log::Partition& partition) {
  std::vector<std::string> found;
  const auto records = log::read_all(partition);
  EXPECT_TRUE(records);
  for (const auto& record : *records) found.push_back(record.value.value_or("-"));
  return found;
}

void put(TestBroker& broker, const std::string& topic, std::int32_t partition, std::string value) {
  const auto waiter = std::make_shared<log::TestWaiter>();
  ASSERT_TRUE(broker.broker->append({{broker.broker->find(named(topic)), PartitionIndex(partition),
                                      log::keyed_batch({{"k", std::move(value)}})}},
                                    waiter));
  ASSERT_TRUE(waiter->wait());
}

TEST(BrokerTopics, MakesATopicWithItsPartitionsAndSettingsInOneWrite) {
  TestBroker broker;
  // What the server itself writes first is behind us with it.
  ASSERT_TRUE(broker.broker->create_topic(named("first"), 1, {}));
  const auto before = broker.broker->log().visible();
  const auto made = broker.broker->create_topic(named("a"), 3, {{"segment.bytes", "4096"}});
  ASSERT_TRUE(made) << made.error().message();
  const auto commits = broker.broker->log().commits_after(before, kMuch);
  ASSERT_TRUE(commits);
  // An empty one closes the journal's tail whenever it is silent for a while.
  EXPECT_EQ(std::ranges::count_if(*commits,
                                  [](const auto& commit) {
                                    return !commit->topics.empty() || !commit->batches.empty();
                                  }),
            1);
  EXPECT_EQ((*made)->partition_count(), 3);
  EXPECT_EQ((*made)->partition(PartitionIndex(2)).segment_bytes, 4096u);
  put(broker, "a", 2, "x");
  const auto image = broker.disk->crash_image(1);
  broker.must_open(image.get());
  const auto found = broker.broker->find(named("a"));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->partition_count(), 3);
  EXPECT_EQ(*broker.broker->config_of(named("a")), (TopicConfig{{"segment.bytes", "4096"}}));
  EXPECT_EQ(found->partition(PartitionIndex(2)).segment_bytes, 4096u);
  EXPECT_THAT(values(found->partition(PartitionIndex(2))), ElementsAre("x"));
  broker.broker.reset();
}

TEST(BrokerTopics, RefusesToMakeWhatCannotBe) {
  TestBroker broker;
  auto& made = *broker.broker;
  ASSERT_TRUE(made.create_topic(named("a"), 1, {}));
  const auto code = [&](const std::string& name, std::int32_t partitions,
                        const TopicConfig& config = {}) {
    const auto refused = made.create_topic(named(name), partitions, config);
    return refused ? ErrorCode::Internal : refused.error().code();
  };
  EXPECT_EQ(code("a", 1), ErrorCode::Conflict);
  EXPECT_EQ(code("b b", 1), ErrorCode::InvalidInput);
  EXPECT_EQ(code("", 1), ErrorCode::InvalidInput);
  EXPECT_EQ(code("b", 0), ErrorCode::InvalidInput);
  EXPECT_EQ(code("b", -1), ErrorCode::InvalidInput);
  EXPECT_EQ(code("b", 1, {{"segment.bytes", "1"}}), ErrorCode::InvalidInput);
  EXPECT_EQ(code("b", 1, {{"no.such", "1"}}), ErrorCode::InvalidInput);
  EXPECT_EQ(code("__b", 1), ErrorCode::Forbidden);
  EXPECT_EQ(code("b", 10'001), ErrorCode::Exhausted);
  EXPECT_FALSE(made.find(named("b")));
}

TEST(BrokerTopics, CountsThePartitionsOfAllTopics) {
  Settings settings;
  settings.partitions_max = 6;
  settings.partitions_total_max = 10;
  TestBroker broker(settings);
  auto& topics = *broker.broker;
  ASSERT_TRUE(topics.create_topic(named("a"), 6, {}));
  EXPECT_EQ(topics.create_topic(named("b"), 7, {}).error().code(), ErrorCode::Exhausted);
  EXPECT_EQ(topics.create_topic(named("b"), 5, {}).error().code(), ErrorCode::Exhausted);
  ASSERT_TRUE(topics.create_topic(named("b"), 3, {}));
  EXPECT_EQ(topics.add_partitions(named("b"), 5).error().code(), ErrorCode::Exhausted);
  ASSERT_TRUE(topics.add_partitions(named("b"), 4));
  EXPECT_EQ(topics.ensure(named("c")).error().code(), ErrorCode::Exhausted);
  ASSERT_TRUE(topics.remove(named("b")));
  EXPECT_TRUE(topics.ensure(named("c")));
  EXPECT_EQ(topics.add_partitions(named("c"), 7).error().code(), ErrorCode::Exhausted);
  broker.must_open();
  EXPECT_EQ(broker.broker->create_topic(named("d"), 4, {}).error().code(), ErrorCode::Exhausted);
  EXPECT_TRUE(broker.broker->create_topic(named("d"), 3, {}));
}

TEST(BrokerTopics, GivesATopicPartitionsThatLast) {
  TestBroker broker;
  broker.put("a", "k", "0");
  const auto topic = broker.broker->find(named("a"));
  ASSERT_TRUE(broker.broker->add_partitions(named("a"), 4));
  EXPECT_EQ(topic->partition_count(), 4);
  put(broker, "a", 3, "3");
  const auto image = broker.disk->crash_image(1);
  broker.must_open(image.get());
  const auto found = broker.broker->find(named("a"));
  EXPECT_EQ(found->partition_count(), 4);
  EXPECT_THAT(values(found->partition(PartitionIndex(0))), ElementsAre("0"));
  EXPECT_THAT(values(found->partition(PartitionIndex(3))), ElementsAre("3"));
  ASSERT_TRUE(broker.broker->delete_records(named("a"), PartitionIndex(3), Offset(-1)));
  broker.broker.reset();
}

TEST(BrokerTopics, RefusesToGiveFewerPartitions) {
  TestBroker broker;
  ASSERT_TRUE(broker.broker->create_topic(named("a"), 3, {}));
  for (const std::int32_t count : {-1, 0, 2, 3}) {
    const auto status = broker.broker->add_partitions(named("a"), count);
    EXPECT_EQ(status.error().code(), ErrorCode::InvalidInput) << count;
    EXPECT_THAT(status.error().message(), HasSubstr("has 3 partitions"));
  }
  EXPECT_EQ(broker.broker->add_partitions(named("b"), 4).error().code(), ErrorCode::NotFound);
  EXPECT_EQ(broker.broker->add_partitions({{}, std::string(kMetadataTopic)}, 4).error().code(),
            ErrorCode::Forbidden);
}

TEST(BrokerTopics, TellsInItsMetadataWhatWasMadeAndWhatGrew) {
  TestBroker broker;
  ASSERT_TRUE(broker.broker->create_topic(named("a"), 2, {{"retention.ms", "5"}}));
  ASSERT_TRUE(broker.broker->add_partitions(named("a"), 5));
  const auto told = values(broker.partition(std::string(kMetadataTopic)));
  ASSERT_THAT(told, SizeIs(3));
  EXPECT_THAT(told[1], HasSubstr(R"("type":"topic-created","topic":"a")"));
  EXPECT_THAT(told[1], HasSubstr(R"("partitions":2,"config":{"retention.ms":"5"})"));
  EXPECT_THAT(told[2], HasSubstr(R"("type":"partitions-added","topic":"a")"));
  EXPECT_THAT(told[2], HasSubstr(R"("partitions":5,"config":{"retention.ms":"5"})"));
}

// Readers.

std::vector<std::string> values_of(const std::vector<TopicBatchRef>& batches) {
  std::vector<std::string> found;
  for (const auto& [topic, batch] : batches) {
    std::vector<log::ReadRecord> records;
    log::collect(batch, records);
    for (const auto& record : records) found.push_back(record.value.value_or("-"));
  }
  return found;
}

std::vector<std::string> next(CommitReader& reader) {
  std::vector<std::string> found;
  for (;;) {
    auto live = reader.next_live(kMuch);
    if (live && live->empty()) return found;
    auto batches = live ? std::move(*live) : reader.next_stored(kMuch).value();
    for (auto& value : values_of(batches)) found.push_back(std::move(value));
  }
}

class GrowingReader : public ::testing::Test {
 protected:
  GrowingReader() {
    broker.put("a", "k", "0");
    grow(2);
    put(broker, "a", 1, "1");
  }
  void grow(std::int32_t count) { EXPECT_TRUE(broker.broker->add_partitions(named("a"), count)); }
  CommitPosition now() const { return {broker.broker->log().visible(), kWholeCommit}; }
  CommitReader reader(CommitPosition start) { return {*broker.broker, {{}, {"*"}}, start}; }

  TestBroker broker;
};

TEST_F(GrowingReader, ReadsPartitionsThatCameWhileItRead) {
  auto early = reader({});
  auto late = reader(now());
  EXPECT_THAT(next(early), ElementsAre("0", "1"));
  EXPECT_THAT(next(late), IsEmpty());
  grow(5);
  put(broker, "a", 4, "4");
  put(broker, "a", 0, "00");
  put(broker, "a", 2, "2");
  EXPECT_THAT(next(early), ElementsAre("4", "00", "2"));
  EXPECT_THAT(next(late), ElementsAre("4", "00", "2"));
}

TEST_F(GrowingReader, ReadsThemFromSegmentsInTheOrderOfCommits) {
  auto early = reader({});
  auto late = reader(now());
  EXPECT_THAT(next(early), ElementsAre("0", "1"));
  EXPECT_THAT(next(late), IsEmpty());
  grow(4);
  for (std::int32_t i = 0; i < 8; ++i) put(broker, "a", i % 4, std::to_string(i));
  broker.settle();
  const std::vector<std::string> wanted{"0", "1", "2", "3", "4", "5", "6", "7"};
  EXPECT_EQ(next(early), wanted);
  EXPECT_EQ(next(late), wanted);
  EXPECT_THAT(early.take_gaps(), IsEmpty());
  auto again = reader({});
  EXPECT_THAT(next(again), SizeIs(10));
  auto by_time = reader({});
  ASSERT_TRUE(by_time.seek(timestamp_from_ms(0)));
  EXPECT_THAT(next(by_time), SizeIs(10));
}

TEST_F(GrowingReader, GoesOnWhenPartitionsComeInTheMidstOfAPass) {
  for (std::int32_t i = 0; i < 6; ++i) put(broker, "a", i % 2, std::to_string(i));
  broker.settle();
  auto one = reader({});
  ASSERT_FALSE(one.next_live(kMuch));
  EXPECT_THAT(values_of(one.next_stored(1).value()), ElementsAre("0"));
  grow(40);
  put(broker, "a", 39, "39");
  EXPECT_THAT(next(one), ElementsAre("1", "0", "1", "2", "3", "4", "5", "39"));
}

}  // namespace
}  // namespace myelin::broker
