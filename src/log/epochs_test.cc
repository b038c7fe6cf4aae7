#include "log/epochs.h"

#include <gmock/gmock.h>

#include "log/log_test_support.h"

namespace myelin::log {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::int32_t kCurrent = 9;

class EpochsTest : public ::testing::Test {
 protected:
  // A batch of ten records by that epoch.
  void add(std::int32_t epoch) {
    auto bytes = std::make_shared<std::string>(batch_of("v", 10));
    kafka::set_base_offset(bytes->data(), next_);
    kafka::set_partition_leader_epoch(bytes->data(), epoch);
    BatchRef batch;
    batch.base_offset = Offset(next_);
    batch.last_offset = Offset(next_ + 9);
    batch.bytes = *bytes;
    batch.owner = bytes;
    next_ += 10;
    note_epoch(epochs_, batch);
    partition_.publish(batch);
  }
  std::int64_t end_of(std::int32_t epoch) {
    return partition_.end_of_epoch(epoch, kCurrent).end.value;
  }

  SimDisk disk_;
  FilePool files_{disk_, 4};
  Partition partition_{files_, {Uuid{}, PartitionIndex(0)}, "/p", PartitionState{}};
  std::vector<EpochStart> epochs_;
  std::int64_t next_ = 0;
};

TEST_F(EpochsTest, NotesWhereEachEpochBegins) {
  for (const auto epoch : {2, 2, 3, 7, 7}) add(epoch);
  EXPECT_THAT(epochs_, ElementsAre(EpochStart{2, Offset(0)}, EpochStart{3, Offset(20)},
                                   EpochStart{7, Offset(30)}));
}

TEST_F(EpochsTest, ForgetsEpochsWithoutRecords) {
  for (const auto epoch : {2, 3, 7}) add(epoch);
  forget_epochs(epochs_, Offset(0));
  EXPECT_EQ(epochs_.size(), 3u);
  forget_epochs(epochs_, Offset(5));
  EXPECT_THAT(epochs_, ElementsAre(EpochStart{2, Offset(5)}, EpochStart{3, Offset(10)},
                                   EpochStart{7, Offset(20)}));
  forget_epochs(epochs_, Offset(10));
  EXPECT_THAT(epochs_, ElementsAre(EpochStart{3, Offset(10)}, EpochStart{7, Offset(20)}));
  forget_epochs(epochs_, Offset(30));
  EXPECT_THAT(epochs_, ElementsAre(EpochStart{7, Offset(30)}));
}

TEST_F(EpochsTest, ForgetsNothingOfNothing) {
  forget_epochs(epochs_, Offset(5));
  EXPECT_THAT(epochs_, IsEmpty());
}

TEST_F(EpochsTest, EndsEachEpochWhereTheNextBegins) {
  for (const auto epoch : {2, 3, 7}) add(epoch);
  EXPECT_EQ(end_of(2), 10);
  EXPECT_EQ(end_of(3), 20);
  EXPECT_EQ(end_of(7), 30);
}

TEST_F(EpochsTest, AnswersForTheEpochBeforeOneThatWroteNothing) {
  for (const auto epoch : {2, 3, 7}) add(epoch);
  const auto end = partition_.end_of_epoch(5, kCurrent);
  EXPECT_EQ(end.epoch, 3);
  EXPECT_EQ(end.end, Offset(20));
  EXPECT_EQ(end_of(1), 0);  // Nothing of it is here.
}

TEST_F(EpochsTest, EndsTheCurrentEpochAtTheHighWatermark) {
  add(2);
  const auto end = partition_.end_of_epoch(kCurrent, kCurrent);
  EXPECT_EQ(end.epoch, kCurrent);
  EXPECT_EQ(end.end, Offset(10));
}

TEST_F(EpochsTest, KnowsNothingOfEpochsToCome) {
  add(2);
  for (const auto epoch : {-1, kCurrent + 1}) {
    EXPECT_EQ(partition_.end_of_epoch(epoch, kCurrent).epoch, -1);
    EXPECT_EQ(partition_.end_of_epoch(epoch, kCurrent).end, Offset(-1));
  }
}

TEST_F(EpochsTest, NeverEndsAnEpochBeforeTheStart) {
  for (const auto epoch : {2, 3, 7}) add(epoch);
  partition_.move_start(Offset(15));
  EXPECT_EQ(end_of(2), 15);
  EXPECT_EQ(end_of(3), 20);
}

TEST(LogEpochs, RiseWithEachStartAndAreKept) {
  SimDisk disk;
  LogOnDisk log(disk);
  std::vector<std::int32_t> epochs;
  for (int life = 0; life < 3; ++life) {
    ASSERT_TRUE(log.append("a", "v"));
    epochs.push_back(log.log->leader_epoch());
    ASSERT_TRUE(log.reopen());
  }
  const auto image = disk.crash_image(1);
  LogOnDisk after(*image);
  const auto& partition = *after.find("a")->partitions[0];
  for (int life = 0; life < 3; ++life) {
    const auto epoch = epochs[static_cast<std::size_t>(life)];
    const auto end = partition.end_of_epoch(epoch, after.log->leader_epoch());
    EXPECT_EQ(end.epoch, epoch);
    EXPECT_EQ(end.end, Offset(life + 1));
  }
  const auto all = *after.read("a", Seek::to(Offset(0)));
  for (std::size_t i = 0; i < all.size(); ++i) EXPECT_EQ(leader_epoch(all[i].bytes), epochs[i]);
}

}  // namespace
}  // namespace myelin::log
