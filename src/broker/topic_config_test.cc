#include "broker/topic_config.h"

#include <gmock/gmock.h>

namespace myelin::broker {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

const TopicDefaults kDefaults{milliseconds(5000), 1000, 1u << 20};

TEST(TopicConfig, IsReadBackAsItWasWritten) {
  const TopicConfig config{{"retention.ms", "-1"}, {"cleanup.policy", "compact,delete"}};
  EXPECT_EQ(decode_topic_config(encode_topic_config(config)), config);
}

TEST(TopicConfig, TakesWhatIsNoneForNothing) {
  EXPECT_TRUE(decode_topic_config("{}").empty());
  EXPECT_TRUE(decode_topic_config("").empty());
}

TEST(TopicConfig, RefusesAnUnknownSettingByName) {
  const auto status = check_topic_config({{"retention.hours", "1"}});
  ASSERT_FALSE(status);
  EXPECT_THAT(status.error().message(), HasSubstr("retention.hours"));
}

TEST(TopicConfig, RefusesValuesThatASettingCannotHave) {
  const auto refused = [](const char* name, const char* value) {
    return !check_topic_config({{name, value}});
  };
  for (const auto* value : {"-2", "x", "", "1 ", "9223372036854775808"})
    EXPECT_TRUE(refused("retention.ms", value)) << value;
  for (const auto* value : {"4095", "2147483648"})
    EXPECT_TRUE(refused("segment.bytes", value)) << value;
  for (const auto* value : {"-0.1", "1.1", "half", "nan"})
    EXPECT_TRUE(refused("min.cleanable.dirty.ratio", value)) << value;
  for (const auto* value : {"", "purge", "compact,", "delete;compact"})
    EXPECT_TRUE(refused("cleanup.policy", value)) << value;
}

TEST(TopicConfig, RefusesALeastLagOfCompactionBeyondTheGreatest) {
  EXPECT_TRUE(check_topic_config({{"min.compaction.lag.ms", "5"}, {"max.compaction.lag.ms", "5"}}));
  EXPECT_TRUE(check_topic_config({{"min.compaction.lag.ms", "5"}}));
  const auto status =
      check_topic_config({{"min.compaction.lag.ms", "6"}, {"max.compaction.lag.ms", "5"}});
  ASSERT_FALSE(status);
  EXPECT_THAT(status.error().message(), HasSubstr("min.compaction.lag.ms"));
}

TEST(TopicConfig, ChangesAndTakesBackSettings) {
  const TopicConfig config{{"retention.ms", "5"}, {"segment.ms", "7"}};
  const auto changed =
      changed_config(config, {{"retention.ms", std::nullopt}, {"segment.ms", "8"}});
  ASSERT_TRUE(changed);
  EXPECT_EQ(*changed, (TopicConfig{{"segment.ms", "8"}}));
  EXPECT_FALSE(changed_config(config, {{"segment.ms", "0"}}));
}

TEST(TopicConfig, FollowsTheDefaultsWhereItSaysNothing) {
  const auto policy = policy_of({}, kDefaults);
  EXPECT_EQ(policy.retention_time, milliseconds(5000));
  EXPECT_EQ(policy.retention_bytes, 1000u);
  EXPECT_EQ(policy.segment_bytes, 1u << 20);
  EXPECT_FALSE(policy.compact);
}

TEST(TopicConfig, TakesMinusOneForNever) {
  const auto policy = policy_of({{"retention.ms", "-1"}, {"retention.bytes", "-1"}}, kDefaults);
  EXPECT_FALSE(policy.retention_time);
  EXPECT_FALSE(policy.retention_bytes);
}

TEST(TopicConfig, RemovesNothingFromATopicThatIsOnlyCompacted) {
  const auto policy = policy_of({{"cleanup.policy", "compact"}, {"retention.ms", "1"}}, kDefaults);
  EXPECT_TRUE(policy.compact);
  EXPECT_FALSE(policy.retention_time);
  EXPECT_FALSE(policy.retention_bytes);
}

TEST(TopicConfig, CompactsAndRemovesWhenBothAreAskedFor) {
  const auto policy = policy_of({{"cleanup.policy", "compact, delete"}}, kDefaults);
  EXPECT_TRUE(policy.compact);
  EXPECT_EQ(policy.retention_time, milliseconds(5000));
}

TEST(TopicConfig, SetsLagsRatioAndTheTimeOfTombstones) {
  const auto policy = policy_of({{"min.compaction.lag.ms", "1"},
                                 {"max.compaction.lag.ms", "2"},
                                 {"min.cleanable.dirty.ratio", "0.25"},
                                 {"delete.retention.ms", "3"},
                                 {"segment.ms", "4"}},
                                kDefaults);
  EXPECT_EQ(policy.compaction_lag_min, milliseconds(1));
  EXPECT_EQ(policy.compaction_lag_max, milliseconds(2));
  EXPECT_EQ(policy.dirty_ratio_min, 0.25);
  EXPECT_EQ(policy.tombstone_time, milliseconds(3));
  EXPECT_EQ(policy.segment_time, milliseconds(4));
}

TEST(TopicConfig, BeginsFilesAnewBeforeTheirRecordsAreTooOldToWaitForCompaction) {
  const TopicConfig compacted{{"cleanup.policy", "compact"}, {"max.compaction.lag.ms", "5000"}};
  EXPECT_EQ(policy_of(compacted, kDefaults).segment_time, milliseconds(5000));
  auto config = compacted;
  config["segment.ms"] = "100";
  EXPECT_EQ(policy_of(config, kDefaults).segment_time, milliseconds(100));
  config["segment.ms"] = "9000";
  EXPECT_EQ(policy_of(config, kDefaults).segment_time, milliseconds(5000));
  config["cleanup.policy"] = "delete";
  EXPECT_EQ(policy_of(config, kDefaults).segment_time, milliseconds(9000));
}

}  // namespace
}  // namespace myelin::broker
