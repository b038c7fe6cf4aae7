// Topics that come to have more partitions.
#include <gmock/gmock.h>

#include <thread>

#include "log/directory.h"
#include "log/log_test_support.h"

namespace myelin::log {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::unique_ptr<Partition> partition_at(FilePool& files, std::int32_t index) {
  return std::make_unique<Partition>(files, PartitionId{{}, PartitionIndex(index)}, "",
                                     PartitionState{});
}

TEST(PartitionList, KeepsEachPartitionWhereItIs) {
  SimDisk disk;
  FilePool files(disk, 4);
  PartitionList list;
  EXPECT_EQ(list.begin(), list.end());
  std::vector<Partition*> seen;
  for (std::int32_t round = 0; round < 20; ++round) {
    std::vector<std::unique_ptr<Partition>> more;
    for (std::int32_t i = 0; i <= round * 7; ++i)
      more.push_back(partition_at(files, static_cast<std::int32_t>(seen.size()) + i));
    for (const auto& partition : more) seen.push_back(partition.get());
    list.grow(std::move(more));
    ASSERT_EQ(list.size(), seen.size());
    std::size_t at = 0;
    for (const auto& partition : list) {
      ASSERT_EQ(partition.get(), seen[at]);
      ASSERT_EQ(list[at].get(), seen[at]);
      ASSERT_EQ(partition->id().partition.value, static_cast<std::int32_t>(at));
      ++at;
    }
  }
}

TEST(PartitionList, IsReadWhileItGrows) {
  SimDisk disk;
  FilePool files(disk, 4);
  PartitionList list;
  constexpr std::int32_t kCount = 3000;
  std::thread grower([&] {
    for (std::int32_t i = 0; i < kCount; ++i) list.push_back(partition_at(files, i));
  });
  for (std::size_t seen = 0; seen < kCount;) {
    seen = list.size();
    std::int32_t next = 0;
    for (const auto& partition : list) ASSERT_EQ(partition->id().partition.value, next++);
    ASSERT_GE(static_cast<std::size_t>(next), seen);
  }
  grower.join();
}

class GrowthTest : public ::testing::Test {
 protected:
  GrowthTest() { EXPECT_TRUE(log_->append("a", "0")); }

  TopicPtr topic() const { return log_->find("a"); }
  Result<CommitNumber> grow(std::int32_t count) const {
    Write write;
    write.grow(topic(), count);
    return log_->write(std::move(write));
  }
  Error refused(Write write) const {
    const auto outcome = log_->log->append(std::move(write));
    return outcome ? Error(ErrorCode::Internal, "it was taken") : outcome.error();
  }
  Error refused(std::int32_t count) const {
    Write write;
    write.grow(topic(), count);
    return refused(std::move(write));
  }
  Result<CommitNumber> put(std::size_t partition, std::string_view value) const {
    Write write;
    write.batches.push_back({topic()->partitions[partition].get(), batch_of(value)});
    return log_->write(std::move(write));
  }
  std::vector<std::string> values(std::size_t partition) const {
    auto& from = *topic()->partitions[partition];
    if (auto buffered = from.read_buffered(Seek::to(Offset(0)), 1u << 20))
      return values_of(*buffered);
    return values_of(from.read_stored(Seek::to(Offset(0)), 1u << 20).value());
  }
  // A power cut that takes nothing that was synced.
  void kill(std::uint64_t seed) {
    image_ = disk_->crash_image(seed);
    log_.reset();
    disk_ = std::move(image_);
    log_ = std::make_unique<LogOnDisk>(*disk_);
    ASSERT_TRUE(log_->log);
  }

  std::unique_ptr<SimDisk> disk_ = std::make_unique<SimDisk>();
  std::unique_ptr<SimDisk> image_;
  std::unique_ptr<LogOnDisk> log_ = std::make_unique<LogOnDisk>(*disk_);
};

TEST_F(GrowthTest, TakesRecordsInPartitionsThatAreNew) {
  const auto known = topic();
  auto* first = known->partitions[0].get();
  ASSERT_TRUE(grow(4));
  EXPECT_EQ(known->partitions.size(), 4u);
  EXPECT_EQ(known->partitions[0].get(), first);
  ASSERT_TRUE(put(3, "three"));
  ASSERT_TRUE(put(0, "zero"));
  EXPECT_THAT(values(3), ElementsAre("three"));
  EXPECT_THAT(values(0), ElementsAre("0", "zero"));
  EXPECT_THAT(values(1), ElementsAre());
}

TEST_F(GrowthTest, KeepsThemOverAStopAndAKillWhereverTheyWereWritten) {
  for (std::int32_t life = 0; life < 6; ++life) {
    const auto last = static_cast<std::size_t>(life) + 1;
    ASSERT_TRUE(grow(life + 2));
    if (life % 3 == 0) ASSERT_TRUE(log_->log->checkpoint());
    ASSERT_TRUE(put(last, fmt::format("of {}", life)));
    if (life % 3 == 1) ASSERT_TRUE(log_->log->checkpoint());
    if (life % 2 == 0) {
      kill(static_cast<std::uint64_t>(life));
    } else {
      ASSERT_TRUE(log_->reopen());
    }
    ASSERT_EQ(topic()->partitions.size(), last + 1);
    for (std::int32_t i = 0; i <= life; ++i)
      EXPECT_THAT(values(static_cast<std::size_t>(i) + 1), ElementsAre(fmt::format("of {}", i)));
  }
  EXPECT_EQ(read_checkpoint(*disk_, "/data")->topics.begin()->second.partitions.size(), 7u);
}

TEST_F(GrowthTest, QueuesAGrowthAndWhatGoesToItsPartitionsWithoutWaiting) {
  std::vector<std::shared_ptr<TestWaiter>> waiters;
  for (std::int32_t count = 2; count < 40; ++count) {
    Write write;
    write.grow(topic(), count);
    ASSERT_TRUE(log_->log->append(std::move(write)));
    Write batch;
    batch.batches.push_back({topic()->partitions.back().get(), batch_of(std::to_string(count))});
    waiters.push_back(std::make_shared<TestWaiter>());
    batch.waiter = waiters.back();
    ASSERT_TRUE(log_->log->append(std::move(batch)));
  }
  for (const auto& waiter : waiters) EXPECT_TRUE(waiter->wait());
  kill(3);
  for (std::size_t i = 1; i < 39; ++i) EXPECT_THAT(values(i), ElementsAre(std::to_string(i + 1)));
}

TEST_F(GrowthTest, GrowsATopicInTheWriteThatMakesIt) {
  Uuid id;
  id.bytes.fill(7);
  const auto made = log_->log->make_topic({id, "b", 1, {}});
  Write write;
  write.topics.push_back(made);
  write.grow(made, 3);
  ASSERT_TRUE(log_->write(std::move(write)));
  kill(1);
  EXPECT_EQ(log_->find("b")->partitions.size(), 3u);
}

TEST_F(GrowthTest, RefusesWhatIsNotMore) {
  ASSERT_TRUE(grow(3));
  for (const std::int32_t count : {-1, 0, 1, 3, kPartitionsMax + 1}) {
    const auto error = refused(count);
    EXPECT_EQ(error.code(), ErrorCode::InvalidInput) << count;
    EXPECT_THAT(error.message(), HasSubstr("has 3 partitions"));
  }
  EXPECT_EQ(topic()->partitions.size(), 3u);
}

TEST_F(GrowthTest, RefusesADeletedTopicAndChangesNothingWhenAnotherPartCannotBe) {
  ASSERT_TRUE(log_->append("b", "x"));
  const auto gone = log_->find("b");
  ASSERT_TRUE(log_->remove(gone));
  Write write;
  write.grow(gone, 2);
  EXPECT_EQ(refused(std::move(write)).code(), ErrorCode::NotFound);
  Write mixed;
  mixed.grow(topic(), 2);
  mixed.batches.push_back({gone->partitions[0].get(), batch_of("x")});
  EXPECT_EQ(refused(std::move(mixed)).code(), ErrorCode::NotFound);
  EXPECT_EQ(topic()->partitions.size(), 1u);
}

TEST_F(GrowthTest, DeletesATopicWithAllThatItCameToHave) {
  ASSERT_TRUE(grow(3));
  ASSERT_TRUE(put(2, "x"));
  const auto gone = topic();
  ASSERT_TRUE(log_->remove(gone));
  EXPECT_TRUE(gone->partitions[2]->read_buffered(Seek::to(Offset(0)), 100)->empty());
  Write write;
  write.batches.push_back({gone->partitions[2].get(), batch_of("x")});
  EXPECT_EQ(refused(std::move(write)).code(), ErrorCode::NotFound);
  ASSERT_TRUE(log_->append("a", "anew"));
  EXPECT_EQ(topic()->partitions.size(), 1u);
  kill(2);
  EXPECT_EQ(topic()->partitions.size(), 1u);
  EXPECT_THAT(values(0), ElementsAre("anew"));
}

TEST_F(GrowthTest, GivesNewPartitionsTheLimitsOfTheOthers) {
  TopicPolicy policy;
  policy.segment_bytes = 12'345;
  policy.uses_reserve = true;
  log_->log->set_policy(*topic(), policy);
  ASSERT_TRUE(grow(2));
  EXPECT_EQ(topic()->partitions[1]->segment_bytes, 12'345u);
  EXPECT_TRUE(topic()->partitions[1]->uses_reserve);
}

}  // namespace
}  // namespace myelin::log
