#include "log/retention.h"

#include <gtest/gtest.h>

#include "log/compaction_test_support.h"

namespace myelin::log {
namespace {

using std::chrono::milliseconds;

// Three segments of 100 bytes and ten records, received at 1,000, 2,000 and 3,000.
Partition::StoredView three_segments() {
  std::vector<SegmentState> segments;
  for (int i = 0; i < 3; ++i) {
    SegmentState segment{Offset(10 * i), 100, 10};
    segment.first_received_ms = 1000 * (i + 1) - 500;
    segment.last_received_ms = 1000 * (i + 1);
    // Clients claim that all of it is very old.
    segment.max_timestamp_ms = 1;
    segments.push_back(segment);
  }
  return {Offset(0), Offset(30), true,
          std::make_shared<const std::vector<SegmentState>>(std::move(segments))};
}

TopicPolicy by_time(std::int64_t ms) {
  TopicPolicy policy;
  policy.retention_time = milliseconds(ms);
  return policy;
}

TopicPolicy by_bytes(std::uint64_t bytes) {
  TopicPolicy policy;
  policy.retention_bytes = bytes;
  return policy;
}

TEST(Retention, KeepsEverythingWithoutAPolicy) {
  EXPECT_FALSE(retain(three_segments(), {}, 1'000'000'000));
}

TEST(Retention, RemovesSegmentsAllOfWhichIsOldEnough) {
  const auto retained = retain(three_segments(), by_time(1000), 3001);
  ASSERT_TRUE(retained);
  EXPECT_EQ(retained->start, Offset(20));
  EXPECT_EQ(retained->reason, RemovalReason::RetentionTime);
  EXPECT_EQ(retained->bytes, 200u);
  EXPECT_EQ(retained->last_received_ms, 2000);
}

TEST(Retention, KeepsASegmentUntilItsYoungestRecordIsOlderThanTheTime) {
  EXPECT_FALSE(retain(three_segments(), by_time(1000), 2000));
  EXPECT_EQ(retain(three_segments(), by_time(1000), 2001)->start, Offset(10));
}

TEST(Retention, NeverAsksWhatClientsClaim) {
  EXPECT_FALSE(retain(three_segments(), by_time(10'000), 4000));
}

TEST(Retention, RemovesAllByTimeAndStartsAtTheEnd) {
  const auto retained = retain(three_segments(), by_time(1000), 4001);
  ASSERT_TRUE(retained);
  EXPECT_EQ(retained->start, Offset(30));
  EXPECT_EQ(retained->bytes, 300u);
}

TEST(Retention, KeepsTheActiveSegmentWhileRecordsWaitForIt) {
  auto view = three_segments();
  view.is_whole = false;
  EXPECT_EQ(retain(view, by_time(1000), 1'000'000)->start, Offset(20));
}

TEST(Retention, RemovesTheOldestWhileTheRestHasTheSize) {
  EXPECT_FALSE(retain(three_segments(), by_bytes(201), 0));
  EXPECT_EQ(retain(three_segments(), by_bytes(200), 0)->start, Offset(10));
  const auto retained = retain(three_segments(), by_bytes(199), 0);
  EXPECT_EQ(retained->start, Offset(10));
  EXPECT_EQ(retained->reason, RemovalReason::RetentionBytes);
  EXPECT_EQ(retain(three_segments(), by_bytes(100), 0)->start, Offset(20));
}

TEST(Retention, KeepsTheActiveSegmentWhateverTheSize) {
  EXPECT_EQ(retain(three_segments(), by_bytes(0), 0)->start, Offset(20));
}

TEST(Retention, FollowsWhicheverPolicyRemovesMore) {
  auto policy = by_time(1000);
  policy.retention_bytes = 100;
  const auto retained = retain(three_segments(), policy, 2001);
  EXPECT_EQ(retained->start, Offset(20));
  EXPECT_EQ(retained->reason, RemovalReason::RetentionBytes);
  policy.retention_bytes = 200;
  EXPECT_EQ(retain(three_segments(), policy, 3001)->start, Offset(20));
}

TEST(Retention, NeverMovesAStartBack) {
  auto view = three_segments();
  view.start = Offset(25);
  EXPECT_FALSE(retain(view, by_bytes(100), 0));
  view.start = Offset(30);
  EXPECT_FALSE(retain(view, by_time(1000), 1'000'000));
}

TEST(Retention, LeavesAPartitionWithoutSegmentsAlone) {
  const Partition::StoredView empty{Offset(0), Offset(0), true,
                                    std::make_shared<const std::vector<SegmentState>>()};
  auto policy = by_time(0);
  policy.retention_bytes = 0;
  EXPECT_FALSE(retain(empty, policy, 1'000'000));
}

TEST(Retention, LeavesRecordsInBuffersAloneHoweverOld) {
  SimDisk disk;
  KeyedLog log(disk, by_time(10));
  log.put("a", "1");
  log.clock.move(1'000'000);
  EXPECT_FALSE(retain(log.partition().stored_view(), log.policy, to_ms(log.clock.now())));
  log.settle();
  const auto retained = retain(log.partition().stored_view(), log.policy, to_ms(log.clock.now()));
  ASSERT_TRUE(retained);
  EXPECT_EQ(retained->start, Offset(1));
}

TEST(Retention, StandsStillWhenTheClockGoesBack) {
  EXPECT_FALSE(retain(three_segments(), by_time(1000), -1'000'000));
}

}  // namespace
}  // namespace myelin::log
