#include "cli/backup/restore.h"

#include <gmock/gmock.h>

#include "cli/backup/backup_test_support.h"
#include "log/directory.h"

namespace myelin::cli::backup {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

// Between two backups a topic grows, and an idempotent producer writes to what is new.
TEST_F(BackupTest, RestoresTopicsThatGrewAndTheirProducers) {
  append("lab", 5);
  ASSERT_TRUE(back_up());
  const auto topic = log_.find("lab");
  log::Write growth;
  growth.grow(topic, 3);
  ASSERT_TRUE(log_.write(std::move(growth)));
  kafka::RecordBatchBuilder builder;
  ASSERT_TRUE(builder.add(1'700'000'000'000, std::nullopt, "in the third"));
  const auto batch = builder.finish({.producer_id = 77, .producer_epoch = 0, .base_sequence = 4});
  log::Write write;
  write.batches.push_back({topic->partitions[2].get(), batch});
  ASSERT_TRUE(log_.write(std::move(write)));
  ASSERT_TRUE(back_up({.to = kSet, .keep = 1}));
  ASSERT_TRUE(restore(1, "/first"));
  EXPECT_EQ(LogOnDisk(disk_, restored_options("/first")).find("lab")->partitions.size(), 1u);
  ASSERT_TRUE(restore());
  LogOnDisk restored(disk_, restored_options());
  const auto lab = restored.find("lab");
  ASSERT_EQ(lab->partitions.size(), 3u);
  EXPECT_EQ(lab->partitions[2]->high_watermark(), Offset(1));
  log::Write again;
  again.batches.push_back({lab->partitions[2].get(), batch});
  const auto outcomes = restored.log->append(std::move(again));
  ASSERT_TRUE(outcomes);
  EXPECT_EQ(outcomes->front().fate, log::BatchFate::Duplicate);
}

TEST_F(BackupTest, RestoresEverythingByteForByte) {
  append("lab", 40);
  append("ward", 3);
  ASSERT_TRUE(back_up());
  const auto restored = restore();
  ASSERT_TRUE(restored) << restored.error().message();
  EXPECT_EQ(restored->records, 43u);
  EXPECT_EQ(restored->topics, 2u);
  EXPECT_EQ(restored->damaged_ranges, 0u);
  const LogOnDisk log(disk_, restored_options());
  for (const auto* topic : {"lab", "ward"}) EXPECT_EQ(batches(log, topic), batches(log_, topic));
}

TEST_F(BackupTest, ARestoredDirectoryGoesOn) {
  append("lab", 10);
  ASSERT_TRUE(back_up());
  ASSERT_TRUE(restore());
  LogOnDisk log(disk_, restored_options());
  const auto offset = log.append("lab", "afterwards");
  ASSERT_TRUE(offset) << offset.error().message();
  EXPECT_EQ(*offset, Offset(10));
  ASSERT_TRUE(log.reopen());
  EXPECT_THAT(log.values("lab").value(), SizeIs(11));
}

TEST_F(BackupTest, ARestoredDirectoryIsANewOne) {
  append("lab", 10);
  ASSERT_TRUE(back_up());
  const auto restored = restore();
  ASSERT_TRUE(restored);
  const LogOnDisk log(disk_, restored_options());
  EXPECT_NE(log.log->directory_id(), log_.log->directory_id());
  EXPECT_EQ(log.log->directory_id(), restored->directory);
  EXPECT_EQ(log.log->incarnation(), log_.log->incarnation() + kIncarnationStep + 1);
  EXPECT_GE(log.log->visible(), restored->through);
}

TEST_F(BackupTest, RestoresWhatAnEarlierStateHeld) {
  append("lab", 10);
  const auto before = batches(log_, "lab");
  ASSERT_TRUE(back_up());
  append("lab", 10);
  ASSERT_TRUE(restore());
  EXPECT_EQ(batches(LogOnDisk(disk_, restored_options()), "lab"), before);
}

TEST_F(BackupTest, RefusesToRestoreToADirectoryThatHoldsSomething) {
  append("lab", 1);
  ASSERT_TRUE(back_up());
  ASSERT_TRUE(restore());
  const auto again = restore();
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code(), ErrorCode::Conflict);
  EXPECT_THAT(again.error().message(), HasSubstr("is not empty"));
}

TEST_F(BackupTest, RestoresAroundDamageOfTheBackupAndTells) {
  append("lab", 20);
  ASSERT_TRUE(back_up());
  for (const auto& path : paths_with("00000000000000000000.log")) {
    if (path.starts_with("/backup/")) flip(path, 500);
  }
  const auto restored = restore();
  ASSERT_TRUE(restored) << restored.error().message();
  EXPECT_EQ(restored->damaged_ranges, 1u);
  EXPECT_EQ(restored->records, 19u);
  EXPECT_THAT(restored->damage.at(0), HasSubstr("/restored/topics/lab-0/"));
  const LogOnDisk log(disk_, restored_options());
  EXPECT_TRUE(log.read("lab", log::Seek::to(Offset(19))));
}

TEST_F(BackupTest, RestoresAPartitionWhoseHeaderIsDamaged) {
  append("lab", 3);
  ASSERT_TRUE(back_up());
  for (const auto& path : paths_with(".meta")) {
    if (path.starts_with("/backup/")) flip(path, 10);
  }
  const auto restored = restore();
  ASSERT_TRUE(restored) << restored.error().message();
  EXPECT_EQ(restored->damaged_ranges, 1u);
  EXPECT_THAT(LogOnDisk(disk_, restored_options()).values("lab").value(), SizeIs(3));
}

TEST_F(BackupTest, RefusesANameThatLeadsElsewhere) {
  append("lab", 3);
  ASSERT_TRUE(back_up());
  {
    const auto set = BackupSet::open(disk_, kSet, BackupSet::For::Writing);
    auto manifest = (*set)->read(1);
    ASSERT_TRUE(manifest);
    manifest->state.topics.begin()->second.name = "../../etc/lab";
    ASSERT_TRUE((*set)->write(*manifest));
  }
  const auto restored = restore();
  ASSERT_FALSE(restored);
  EXPECT_EQ(restored.error().code(), ErrorCode::Corrupt);
  EXPECT_FALSE(disk_.exists(kNew).value());
}

// The power goes at any step: what is there then is no directory that a server opens, or it is all
// there.
TEST_F(BackupTest, IsNotOpenedUnlessItIsComplete) {
  append("lab", 20);
  append("ward", 3);
  ASSERT_TRUE(back_up());
  const auto before = disk_.crash_image(0);
  int complete = 0;
  int refused = 0;
  for (std::uint64_t step = 1;; ++step) {
    auto trial = before->crash_image(step);
    trial->crash_at_step(trial->steps() + step, step);
    ASSERT_TRUE(restore(*trial));
    const auto image = trial->take_image();
    if (!image) break;
    const auto kind = log::inspect_directory(*image, kNew);
    if (!kind) {
      ++refused;
    } else if (*kind == log::DirectoryKind::Initialized) {
      const LogOnDisk log(*image, restored_options());
      ASSERT_THAT(log.values("lab").value(), SizeIs(20)) << "step " << step;
      ASSERT_THAT(log.values("ward").value(), SizeIs(3)) << "step " << step;
      ++complete;
    } else {
      // Nothing that a server would build on.
      const auto topics = image->exists(std::string(kNew) + "/topics");
      ASSERT_FALSE(topics && *topics) << "step " << step;
    }
  }
  EXPECT_GT(refused, 0);
  EXPECT_GT(complete, 0);
}

}  // namespace
}  // namespace myelin::cli::backup
