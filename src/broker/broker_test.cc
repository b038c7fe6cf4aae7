#include "broker/broker.h"

#include <gmock/gmock.h>

#include "broker/broker_test_support.h"

namespace myelin::broker {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

TopicName named(std::string topic) { return TestBroker::name(std::move(topic)); }

std::vector<std::string> names(const TestBroker& broker) {
  std::vector<std::string> found;
  for (const auto& topic : broker.broker->list({{}, {"*"}})) found.push_back(topic->name.name);
  return found;
}

std::vector<std::string> values(const log::Partition& partition) {
  std::vector<std::string> found;
  const auto records = log::read_all(partition);
  EXPECT_TRUE(records);
  for (const auto& record : *records) found.push_back(record.value.value_or("-"));
  return found;
}

TEST(Broker, MakesATopicOnceAndFindsItByNameAndId) {
  TestBroker broker;
  EXPECT_FALSE(broker.broker->find(named("a")));
  const auto made = broker.broker->ensure(named("a"));
  ASSERT_TRUE(made);
  EXPECT_EQ(*broker.broker->ensure(named("a")), *made);
  EXPECT_EQ(broker.broker->find(named("a")), *made);
  EXPECT_EQ(broker.broker->find((*made)->id()), *made);
}

TEST(Broker, FindsItsTopicsAfterARestart) {
  TestBroker broker;
  broker.put("a", "k", "1");
  const auto id = broker.broker->find(named("a"))->id();
  broker.must_open();
  ASSERT_TRUE(broker.broker->find(id));
  EXPECT_EQ(broker.broker->find(id)->name, named("a"));
  EXPECT_THAT(values(broker.partition("a")), ElementsAre("1"));
}

// Configurations.

TEST(Broker, KeepsConfigurationsOverAStopAndAPowerCut) {
  TestBroker broker;
  broker.put("a", "k", "1");
  broker.settle();
  broker.configure("a", {{"retention.ms", "5"}, {"segment.bytes", "4096"}});
  const TopicConfig wanted{{"retention.ms", "5"}, {"segment.bytes", "4096"}};
  EXPECT_EQ(*broker.broker->config_of(named("a")), wanted);
  // The frame is in the journal alone.
  const auto image = broker.disk->crash_image(1);
  broker.must_open(image.get());
  EXPECT_EQ(*broker.broker->config_of(named("a")), wanted);
  EXPECT_EQ(broker.policy("a").retention_time, milliseconds(5));
  EXPECT_EQ(broker.partition("a").segment_bytes, 4096u);
  broker.must_open();
  EXPECT_EQ(*broker.broker->config_of(named("a")), wanted);
  broker.configure("a", {{"retention.ms", std::nullopt}});
  broker.must_open();
  EXPECT_EQ(*broker.broker->config_of(named("a")), (TopicConfig{{"segment.bytes", "4096"}}));
  EXPECT_EQ(broker.policy("a").retention_time, std::nullopt);
  broker.broker.reset();
}

TEST(Broker, HasNoConfigurationOfATopicThatHasNoneOrDoesNotExist) {
  TestBroker broker;
  broker.put("a", "k", "1");
  EXPECT_THAT(*broker.broker->config_of(named("a")), IsEmpty());
  EXPECT_EQ(broker.broker->config_of(named("b")).error().code(), ErrorCode::NotFound);
}

TEST(Broker, ChangesNothingWhenOneSettingIsWrong) {
  TestBroker broker;
  broker.put("a", "k", "1");
  const auto status =
      broker.broker->configure(named("a"), {{"retention.ms", "5"}, {"segment.bytes", "1"}});
  EXPECT_EQ(status.error().code(), ErrorCode::InvalidInput);
  EXPECT_THAT(status.error().message(), HasSubstr("segment.bytes"));
  EXPECT_THAT(*broker.broker->config_of(named("a")), IsEmpty());
  EXPECT_EQ(broker.policy("a").retention_time, std::nullopt);
}

TEST(Broker, ChangesNothingThatCannotBeMadeDurable) {
  TestBroker broker;
  broker.put("a", "k", "1");
  broker.disk->set_free_bytes(0);
  broker.broker->log().refresh_space();
  EXPECT_EQ(broker.broker->configure(named("b"), {{"retention.ms", "5"}}).error().code(),
            ErrorCode::NotFound);
  EXPECT_FALSE(broker.broker->configure(named("a"), {{"retention.ms", "5"}}));
  EXPECT_THAT(*broker.broker->config_of(named("a")), IsEmpty());
  EXPECT_EQ(broker.policy("a").retention_time, std::nullopt);
}

TEST(Broker, RefusesToChangeTheServersOwnTopics) {
  TestBroker broker;
  const TopicName own{{}, std::string(kMetadataTopic)};
  auto& internals = *broker.broker;
  EXPECT_EQ(internals.configure(own, {{"retention.ms", "5"}}).error().code(), ErrorCode::Forbidden);
  EXPECT_EQ(internals.remove(own).error().code(), ErrorCode::Forbidden);
  EXPECT_EQ(internals.delete_records(own, PartitionIndex(0), Offset(-1)).error().code(),
            ErrorCode::Forbidden);
  EXPECT_TRUE(internals.find(own));
}

// Policies.

Settings removing_after(std::int64_t ms) {
  Settings settings;
  settings.retention_time = milliseconds(ms);
  settings.retention_bytes = ByteSize{1000};
  settings.keep_forever = {"hl7.*", "kept"};
  return settings;
}

TEST(Broker, RemovesByItsSettingsButForWhatIsKeptForEver) {
  TestBroker broker(removing_after(5000));
  for (const auto* topic : {"other", "hl7.adt", "kept", "hl7"}) broker.put(topic, "k", "1");
  for (const auto* topic : {"other", "hl7"}) {
    EXPECT_EQ(broker.policy(topic).retention_time, milliseconds(5000)) << topic;
    EXPECT_EQ(broker.policy(topic).retention_bytes, 1000u) << topic;
  }
  for (const auto* topic : {"hl7.adt", "kept", "__myelin_metadata"}) {
    EXPECT_EQ(broker.policy(topic).retention_time, std::nullopt) << topic;
    EXPECT_EQ(broker.policy(topic).retention_bytes, std::nullopt) << topic;
  }
}

TEST(Broker, KeepsTopicsOfAllTenantsForEverByTheirNames) {
  TestBroker broker(removing_after(5000));
  const TopicName theirs{"clinic", "hl7.adt"};
  const auto topic = broker.broker->ensure(theirs);
  ASSERT_TRUE(topic);
  EXPECT_EQ((*topic)->stored->policy.get()->retention_time, std::nullopt);
}

TEST(Broker, FollowsATopicsOwnSettingBeforeAllOthers) {
  TestBroker broker(removing_after(5000));
  for (const auto* topic : {"other", "hl7.adt"}) {
    broker.put(topic, "k", "1");
    broker.configure(topic, {{"retention.ms", "7000"}, {"retention.bytes", "-1"}});
    EXPECT_EQ(broker.policy(topic).retention_time, milliseconds(7000)) << topic;
    EXPECT_EQ(broker.policy(topic).retention_bytes, std::nullopt) << topic;
  }
  broker.must_open();
  EXPECT_EQ(broker.policy("hl7.adt").retention_time, milliseconds(7000));
  for (const auto* topic : {"other", "hl7.adt"})
    broker.configure(topic, {{"retention.ms", std::nullopt}, {"retention.bytes", std::nullopt}});
  EXPECT_EQ(broker.policy("other").retention_time, milliseconds(5000));
  EXPECT_EQ(broker.policy("hl7.adt").retention_time, std::nullopt);
}

TEST(Broker, FollowsChangedSettingsAfterARestart) {
  TestBroker broker(removing_after(5000));
  broker.put("other", "k", "1");
  broker.settings = removing_after(9000);
  broker.must_open();
  EXPECT_EQ(broker.policy("other").retention_time, milliseconds(9000));
  broker.settings = Settings();
  broker.must_open();
  EXPECT_EQ(broker.policy("other").retention_time, std::nullopt);
}

TEST(Broker, AppliesWhatWasConfiguredWithoutARestart) {
  TestBroker broker;
  broker.put("a", "k", "1");
  broker.put("a", "k", "2");
  broker.configure("a", {{"cleanup.policy", "compact"}, {"min.cleanable.dirty.ratio", "0"}});
  broker.roll("a");
  broker.keep_house();
  EXPECT_THAT(values(broker.partition("a")), ElementsAre("2", "x"));
  broker.configure("a", {{"cleanup.policy", std::nullopt}, {"retention.ms", "1000"}});
  broker.clock.move(1001);
  broker.keep_house();
  EXPECT_THAT(values(broker.partition("a")), IsEmpty());
  EXPECT_EQ(broker.partition("a").start(), Offset(3));
}

// Removal.

TEST(Broker, RemovesATopicWithItsRecordsAndItsSettings) {
  TestBroker broker;
  broker.put("a", "k", "1");
  broker.put("b", "k", "1");
  broker.configure("a", {{"retention.ms", "5"}});
  const auto topic = broker.broker->find(named("a"));
  ASSERT_TRUE(broker.broker->remove(named("a")));
  EXPECT_FALSE(broker.broker->find(named("a")));
  EXPECT_FALSE(broker.broker->find(topic->id()));
  EXPECT_THAT(names(broker), ElementsAre("b"));
  EXPECT_EQ(broker.broker->config_of(named("a")).error().code(), ErrorCode::NotFound);
  EXPECT_EQ(broker.broker->remove(named("a")).error().code(), ErrorCode::NotFound);
  EXPECT_THAT(values(topic->partition(PartitionIndex(0))), IsEmpty());
  broker.keep_house();
  for (const auto& path : broker.disk->paths())
    EXPECT_FALSE(path.starts_with("/data/topics/a-") || path.find(".deleted") != std::string::npos)
        << path;
  broker.must_open();
  EXPECT_THAT(names(broker), ElementsAre("b"));
  EXPECT_THAT(values(broker.partition("b")), ElementsAre("1"));
}

TEST(Broker, RefusesRecordsForATopicThatWasRemoved) {
  TestBroker broker;
  broker.put("a", "k", "1");
  const auto topic = broker.broker->find(named("a"));
  ASSERT_TRUE(broker.broker->remove(named("a")));
  const auto refused =
      broker.broker->append({{topic, PartitionIndex(0), log::keyed_batch({{"k", "2"}})}}, nullptr);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::NotFound);
  EXPECT_EQ(broker.broker->configure(named("a"), {}).error().code(), ErrorCode::NotFound);
  EXPECT_EQ(broker.broker->delete_records(named("a"), PartitionIndex(0), Offset(-1)).error().code(),
            ErrorCode::NotFound);
}

TEST(Broker, MakesATopicOfTheSameNameAnew) {
  for (const bool settled : {false, true}) {
    TestBroker broker;
    broker.put("a", "k", "old");
    broker.configure("a", {{"retention.ms", "5"}});
    const auto old = broker.broker->find(named("a"))->id();
    if (settled) broker.settle();
    ASSERT_TRUE(broker.broker->remove(named("a")));
    if (settled) broker.settle();
    broker.put("a", "k", "new");
    EXPECT_NE(broker.broker->find(named("a"))->id(), old);
    EXPECT_THAT(*broker.broker->config_of(named("a")), IsEmpty());
    EXPECT_THAT(values(broker.partition("a")), ElementsAre("new"));
    const auto image = broker.disk->crash_image(1);
    broker.must_open(image.get());
    EXPECT_THAT(values(broker.partition("a")), ElementsAre("new"));
    EXPECT_THAT(*broker.broker->config_of(named("a")), IsEmpty());
    EXPECT_THAT(names(broker), ElementsAre("a"));
    broker.keep_house();
    EXPECT_THAT(values(broker.partition("a")), ElementsAre("new"));
    broker.broker.reset();
  }
}

TEST(Broker, HasRoomForAnotherTopicOnceOneIsRemoved) {
  Settings settings;
  settings.topics_max = 2;
  TestBroker broker(settings);
  broker.put("a", "k", "1");
  broker.put("b", "k", "1");
  EXPECT_EQ(broker.broker->ensure(named("c")).error().code(), ErrorCode::Exhausted);
  ASSERT_TRUE(broker.broker->remove(named("a")));
  EXPECT_TRUE(broker.broker->ensure(named("c")));
  EXPECT_EQ(broker.broker->ensure(named("a")).error().code(), ErrorCode::Exhausted);
}

TEST(Broker, TellsInItsMetadataWhatBecameOfATopic) {
  TestBroker broker;
  broker.put("a", "k", "1");
  broker.configure("a", {{"retention.ms", "5"}});
  ASSERT_TRUE(broker.broker->remove(named("a")));
  const auto told = values(broker.partition(std::string(kMetadataTopic)));
  ASSERT_THAT(told, SizeIs(4));  // The first is its own.
  EXPECT_THAT(told[1], HasSubstr(R"("type":"topic-created","topic":"a")"));
  EXPECT_THAT(told[2], HasSubstr(R"("type":"topic-configured","topic":"a")"));
  EXPECT_THAT(told[2], HasSubstr(R"("config":{"retention.ms":"5"})"));
  EXPECT_THAT(told[3], HasSubstr(R"("type":"topic-deleted","topic":"a")"));
}

// Deletion of records.

class DeleteRecords : public ::testing::Test {
 protected:
  DeleteRecords() {
    for (int i = 0; i < 5; ++i) broker.put("a", "k", fmt::format("{}", i));
  }
  Result<Offset> remove(std::int64_t before, std::int32_t partition = 0) {
    return broker.broker->delete_records(named("a"), PartitionIndex(partition), Offset(before));
  }
  TestBroker broker;
};

TEST_F(DeleteRecords, RemovesThoseBelowAnOffsetOverAPowerCut) {
  broker.settle();
  EXPECT_EQ(*remove(2), Offset(2));
  EXPECT_THAT(values(broker.partition("a")), ElementsAre("2", "3", "4"));
  const auto image = broker.disk->crash_image(1);
  broker.must_open(image.get());
  EXPECT_EQ(broker.partition("a").start(), Offset(2));
  EXPECT_THAT(values(broker.partition("a")), ElementsAre("2", "3", "4"));
  broker.broker.reset();
}

TEST_F(DeleteRecords, RemovesAllThereAre) {
  EXPECT_EQ(*remove(-1), Offset(5));
  EXPECT_THAT(values(broker.partition("a")), IsEmpty());
  broker.put("a", "k", "5");
  EXPECT_THAT(values(broker.partition("a")), ElementsAre("5"));
  broker.must_open();
  EXPECT_THAT(values(broker.partition("a")), ElementsAre("5"));
}

TEST_F(DeleteRecords, DoesNothingBelowTheStart) {
  EXPECT_EQ(*remove(3), Offset(3));
  EXPECT_EQ(*remove(1), Offset(3));
  EXPECT_EQ(*remove(0), Offset(3));
  EXPECT_EQ(*remove(3), Offset(3));
}

TEST_F(DeleteRecords, RefusesOffsetsAndPartitionsThatAreNotThere) {
  EXPECT_EQ(remove(6).error().code(), ErrorCode::InvalidInput);
  EXPECT_EQ(remove(-2).error().code(), ErrorCode::InvalidInput);
  EXPECT_EQ(remove(1, 1).error().code(), ErrorCode::NotFound);
  EXPECT_EQ(remove(1, -1).error().code(), ErrorCode::NotFound);
  EXPECT_EQ(broker.broker->delete_records(named("b"), PartitionIndex(0), Offset(0)).error().code(),
            ErrorCode::NotFound);
  EXPECT_EQ(broker.partition("a").start(), Offset(0));
}

}  // namespace
}  // namespace myelin::broker
