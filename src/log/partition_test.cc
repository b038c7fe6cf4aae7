#include "log/partition.h"

#include <gmock/gmock.h>

#include "log/log_test_support.h"

namespace myelin::log {
namespace {

// A partition of one segment, fed by hand as the committer and the flusher do.
class PartitionTest : public ::testing::Test {
 protected:
  PartitionTest() { EXPECT_TRUE(disk_.make_directory("/p")); }

  void publish(std::uint64_t commit, std::int64_t received_ms = 1000) {
    auto bytes = std::make_shared<std::string>(batch_of("value"));
    const Offset offset(next_++);
    kafka::set_base_offset(bytes->data(), offset.value);
    batches_.push_back({partition_.id(), offset, offset, CommitNumber(commit), 0, 1,
                        timestamp_from_ms(received_ms), *bytes, bytes});
    partition_.publish(batches_.back());
  }
  void flush(std::size_t count) {
    Segment segment(files_, "/p", partition_.id(), Offset(0));
    if (state_.batch_count == 0) EXPECT_TRUE(segment.create());
    EXPECT_TRUE(segment.append(std::span(batches_).subspan(state_.batch_count, count), state_));
    partition_.flushed(count, {state_});
  }
  // Offset of the first batch that a reader gets; -1 when there is none.
  std::int64_t read(Seek seek) {
    auto found = partition_.read_buffered(seek, 1);
    if (!found) {
      auto stored = partition_.read_stored(seek, 1);
      EXPECT_TRUE(stored) << stored.error().message();
      found = std::move(*stored);
    }
    return found->empty() ? -1 : found->front().base_offset.value;
  }

  SimDisk disk_;
  FilePool files_{disk_, 8};
  Partition partition_{files_, {Uuid{}, PartitionIndex(0)}, "/p", PartitionState{}};
  std::vector<BatchRef> batches_;
  SegmentState state_;
  std::int64_t next_ = 0;
};

TEST_F(PartitionTest, RaisesItsHighWatermarkWithEachBatch) {
  EXPECT_EQ(partition_.high_watermark(), Offset(0));
  publish(1);
  publish(2);
  EXPECT_EQ(partition_.high_watermark(), Offset(2));
}

TEST_F(PartitionTest, ServesEachOffsetWhereverItLies) {
  for (std::uint64_t commit = 1; commit <= 6; ++commit) publish(commit);
  for (int flushed = 0; flushed <= 6; ++flushed) {
    for (std::int64_t i = 0; i < 6; ++i) EXPECT_EQ(read(Seek::to(Offset(i))), i) << flushed;
    EXPECT_EQ(read(Seek::to(Offset(6))), -1);
    if (flushed < 6) flush(1);
  }
}

TEST_F(PartitionTest, FindsTheFirstBatchOfACommitOfWhichOnlyAPartIsFlushed) {
  publish(1);
  for (int i = 0; i < 3; ++i) publish(2);
  publish(3);
  for (int flushed = 0; flushed < 5; ++flushed) {
    EXPECT_EQ(read(Seek::to(CommitNumber(1))), 0) << flushed;
    EXPECT_EQ(read(Seek::to(CommitNumber(2))), 1) << flushed;
    EXPECT_EQ(read(Seek::to(CommitNumber(3))), 4) << flushed;
    EXPECT_EQ(read(Seek::to(CommitNumber(4))), -1) << flushed;
    flush(1);
  }
}

TEST_F(PartitionTest, FindsTheFirstBatchOfAMillisecondOfWhichOnlyAPartIsFlushed) {
  publish(1, 1000);
  for (std::uint64_t i = 0; i < 3; ++i) publish(2 + i, 1001);
  for (int flushed = 0; flushed < 4; ++flushed) {
    EXPECT_EQ(read(Seek::to(timestamp_from_ms(1001))), 1) << flushed;
    flush(1);
  }
}

}  // namespace
}  // namespace myelin::log
