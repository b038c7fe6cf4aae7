#include "log/place.h"

#include <gtest/gtest.h>

#include "log/log_test_support.h"

namespace myelin::log {
namespace {

class PlaceTest : public ::testing::Test {
 protected:
  PlaceTest() { partition_.segment_bytes = 1000; }

  std::string next_batch(std::size_t bytes, int records = 1) {
    auto batch = records == 1 ? batch_of_bytes(bytes) : batch_of("v", records);
    kafka::set_base_offset(batch.data(), next_);
    next_ += records;
    return batch;
  }
  Placed put(std::size_t bytes, std::int64_t received_ms = 1000) {
    return place(partition_, next_batch(bytes), timestamp_from_ms(received_ms));
  }

  SimDisk disk_;
  FilePool files_{disk_, 4};
  Partition partition_{files_, {Uuid{}, PartitionIndex(0)}, "/p", PartitionState{}};
  std::int64_t next_ = 0;
};

TEST_F(PlaceTest, PutsOneBatchBehindTheOther) {
  EXPECT_TRUE(put(100).begins_segment);
  const auto second = put(200);
  EXPECT_FALSE(second.begins_segment);
  EXPECT_EQ(second.segment, Offset(0));
  EXPECT_EQ(second.position, 100u);
  EXPECT_EQ(put(100).position, 300u);
}

TEST_F(PlaceTest, BeginsASegmentWithTheBatchThatWouldNotFit) {
  put(400);
  EXPECT_FALSE(put(600).begins_segment);  // Exactly full.
  const auto next = put(100);
  EXPECT_TRUE(next.begins_segment);
  EXPECT_EQ(next.segment, Offset(2));
  EXPECT_EQ(next.position, 0u);
}

TEST_F(PlaceTest, GivesABatchLargerThanASegmentOneToItself) {
  const auto large = put(5000);
  EXPECT_TRUE(large.begins_segment);
  EXPECT_TRUE(put(100).begins_segment);
  EXPECT_TRUE(put(5000).begins_segment);
}

TEST_F(PlaceTest, BeginsASegmentWhenTheFirstBatchOfTheLastIsTooOld) {
  partition_.segment_ms = 500;
  put(100, 1000);
  EXPECT_FALSE(put(100, 1400).begins_segment);
  EXPECT_FALSE(put(100, 1500).begins_segment);
  EXPECT_TRUE(put(100, 1501).begins_segment);
  EXPECT_FALSE(put(100, 2001).begins_segment);
}

TEST_F(PlaceTest, FollowsAFrameWhateverTheLimitsAreNow) {
  const auto first = place_as_told(partition_, next_batch(900), {}, true);
  ASSERT_TRUE(first);
  const auto beyond = place_as_told(partition_, next_batch(900), {}, false);
  ASSERT_TRUE(beyond);
  EXPECT_EQ(beyond->segment, Offset(0));
  EXPECT_EQ(beyond->position, 900u);
  const auto early = place_as_told(partition_, next_batch(100), {}, true);
  ASSERT_TRUE(early);
  EXPECT_EQ(early->segment, Offset(2));
}

TEST_F(PlaceTest, RefusesAFrameThatGoesOnWithASegmentThatWasNeverBegun) {
  const auto refused = place_as_told(partition_, next_batch(100), {}, false);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::Corrupt);
}

TEST_F(PlaceTest, BeginsASegmentBehindAStartThatTookEverything) {
  put(100);
  put(100);
  place_start(partition_, Offset(1));
  EXPECT_FALSE(put(100).begins_segment);
  place_start(partition_, Offset(3));
  const auto next = put(100);
  EXPECT_TRUE(next.begins_segment);
  EXPECT_EQ(next.segment, Offset(3));
}

TEST_F(PlaceTest, KnowsTheNextOffset) {
  place(partition_, next_batch(0, 5), {});
  EXPECT_EQ(partition_.placement.end, Offset(5));
  put(100);
  EXPECT_EQ(partition_.placement.end, Offset(6));
}

TEST_F(PlaceTest, GoesOnWithTheLastSegmentAfterARestart) {
  PartitionState state;
  state.end = Offset(7);
  state.segments = {{Offset(0), 500, 3}, {Offset(4), 300, 2}};
  state.segments.back().first_received_ms = 1000;
  Partition loaded(files_, partition_.id(), "/p", state);
  loaded.segment_bytes = 1000;
  next_ = 7;
  const auto placed = place(loaded, next_batch(100), timestamp_from_ms(1000));
  EXPECT_FALSE(placed.begins_segment);
  EXPECT_EQ(placed.segment, Offset(4));
  EXPECT_EQ(placed.position, 300u);
}

TEST_F(PlaceTest, LeavesASegmentOfAnOlderFormatAlone) {
  PartitionState state;
  state.end = Offset(7);
  state.segments = {{Offset(4), 300, 2}};
  state.segments.back().meta_version = 1;
  Partition loaded(files_, partition_.id(), "/p", state);
  next_ = 7;
  EXPECT_TRUE(place(loaded, next_batch(100), {}).begins_segment);
}

}  // namespace
}  // namespace myelin::log
