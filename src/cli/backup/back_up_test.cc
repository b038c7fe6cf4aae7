#include "cli/backup/back_up.h"

#include <gmock/gmock.h>

#include "cli/backup/backup_test_support.h"

namespace myelin::cli::backup {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST_F(BackupTest, TakesEverythingAndIsWhole) {
  append("lab", 40);
  append("ward", 3);
  const auto done = back_up();
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_EQ(done->number, 1u);
  EXPECT_EQ(done->topics, 2u);
  EXPECT_GT(done->segments, 3u);
  EXPECT_EQ(done->copied_bytes, done->bytes);
  EXPECT_THAT(done->damage, IsEmpty());
  const auto checked = verify();
  ASSERT_TRUE(checked) << checked.error().message();
  EXPECT_EQ(checked->records, 43u);
  EXPECT_EQ(checked->damaged_ranges, 0u);
}

TEST_F(BackupTest, CopiesOnlyWhatWasAppended) {
  append("lab", 40);
  const auto first = back_up();
  ASSERT_TRUE(first);
  append("lab", 1);
  const auto second = back_up();
  ASSERT_TRUE(second) << second.error().message();
  EXPECT_EQ(second->number, 2u);
  EXPECT_EQ(second->copied_segments, 1u);
  EXPECT_EQ(second->copied_bytes, second->bytes - first->bytes);
  EXPECT_EQ(verify()->records, 41u);
}

TEST_F(BackupTest, CopiesNothingWhenNothingIsNew) {
  append("lab", 5);
  ASSERT_TRUE(back_up());
  const auto again = back_up();
  ASSERT_TRUE(again);
  EXPECT_EQ(again->copied_bytes, 0u);
  EXPECT_EQ(verify()->number, 2u);
}

TEST_F(BackupTest, KeepsOneBackupUnlessAskedForMore) {
  append("lab", 5);
  ASSERT_TRUE(back_up());
  append("lab", 5);
  ASSERT_TRUE(back_up());
  EXPECT_THAT(paths_with("/backup/manifest-"), ElementsAre("/backup/manifest-0000000002"));
}

TEST_F(BackupTest, KeepsEarlierBackupsThatCanBeRestored) {
  append("lab", 5);
  ASSERT_TRUE(back_up());
  append("lab", 5);
  ASSERT_TRUE(back_up({.to = kSet, .keep = 1}));
  append("lab", 5);
  ASSERT_TRUE(back_up({.to = kSet, .keep = 1}));
  EXPECT_FALSE(verify(1));
  EXPECT_EQ(verify(2)->records, 10u);
  EXPECT_EQ(verify(3)->records, 15u);
  ASSERT_TRUE(restore(2));
  EXPECT_THAT(LogOnDisk(disk_, restored_options()).values("lab").value(), SizeIs(10));
}

TEST_F(BackupTest, RemovesSegmentsThatNoBackupNamesAnyMore) {
  append("lab", 40);
  ASSERT_TRUE(back_up());
  const auto before = paths_with("/backup/segments/").size();
  const auto topic = log_.find("lab");
  log::Write write;
  write.starts.push_back({topic, topic->partitions[0].get(), Offset(30)});
  ASSERT_TRUE(log_.log->append(std::move(write)));
  append("lab", 1);
  const auto second = back_up();
  ASSERT_TRUE(second) << second.error().message();
  EXPECT_GT(second->removed_files, 0u);
  EXPECT_LT(paths_with("/backup/segments/").size(), before);
  EXPECT_EQ(verify()->damaged_ranges, 0u);
}

TEST_F(BackupTest, CopiesAgainWhatSomebodyTookOutOfTheSet) {
  append("lab", 20);
  ASSERT_TRUE(back_up());
  const auto copies = paths_with(".log");
  for (const auto& path : copies) {
    if (path.starts_with("/backup/")) ASSERT_TRUE(disk_.remove(path));
  }
  const auto again = back_up();
  ASSERT_TRUE(again) << again.error().message();
  EXPECT_EQ(again->copied_bytes, again->bytes);
  EXPECT_EQ(verify()->damaged_ranges, 0u);
}

TEST_F(BackupTest, TrustsNothingThatIsThereWhenAskedNotTo) {
  append("lab", 20);
  ASSERT_TRUE(back_up());
  for (const auto& path : paths_with(".log")) {
    if (path.starts_with("/backup/")) flip(path, 80);
  }
  EXPECT_GT(verify()->damaged_ranges, 0u);
  ASSERT_TRUE(back_up());
  EXPECT_GT(verify()->damaged_ranges, 0u);
  ASSERT_TRUE(back_up({.to = kSet, .full = true}));
  EXPECT_EQ(verify()->damaged_ranges, 0u);
}

TEST_F(BackupTest, TakesATopicThatIsDeletedWhileItIsCopied) {
  append("lab", 20);
  const auto before = batches(log_, "lab");
  TestSnapshot snapshot(*log_.log);
  log::Write write;
  write.deleted.push_back(log_.find("lab"));
  ASSERT_TRUE(log_.log->append(std::move(write)));
  ASSERT_TRUE(log_.log->checkpoint());
  append("lab", 7);  // Another topic of the same name, in the same place.
  ASSERT_TRUE(log_.log->checkpoint());
  const auto done = back_up(snapshot);
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_THAT(done->damage, IsEmpty());
  ASSERT_TRUE(restore());
  EXPECT_EQ(batches(LogOnDisk(disk_, restored_options()), "lab"), before);
}

TEST_F(BackupTest, TellsDamageOfTheSourceAndTakesTheRest) {
  append("lab", 20);
  ASSERT_TRUE(log_.log->checkpoint());
  flip("/data/topics/lab-0/00000000000000000000.log", 500);
  const auto done = back_up();
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_EQ(done->damaged_ranges, 1u);
  ASSERT_THAT(done->damage, SizeIs(1));
  EXPECT_THAT(done->damage[0], HasSubstr("/data/topics/lab-0/00000000000000000000.log is damaged"));
  const auto checked = verify();
  EXPECT_EQ(checked->damaged_ranges, 0u);
  EXPECT_EQ(checked->known_ranges, 1u);
  EXPECT_EQ(checked->records, 19u);
  const auto again = back_up();
  EXPECT_EQ(again->damaged_ranges, 1u);
  EXPECT_THAT(again->damage, SizeIs(1));
}

TEST_F(BackupTest, CopiesADamagedRangeAgainOnceItReadsDifferently) {
  append("lab", 20);
  ASSERT_TRUE(log_.log->checkpoint());
  const std::string path = "/data/topics/lab-0/00000000000000000000.log";
  flip(path, 500);
  ASSERT_TRUE(back_up({.to = kSet, .keep = kKeepAll}));
  flip(path, 500);
  // Now something else is damaged that the backup has whole.
  flip(path, 1500);
  const auto mended = back_up({.to = kSet, .keep = kKeepAll});
  ASSERT_TRUE(mended) << mended.error().message();
  EXPECT_EQ(mended->damaged_ranges, 0u);
  EXPECT_EQ(verify()->records, 20u);
  EXPECT_EQ(verify()->known_ranges, 0u);
  EXPECT_EQ(verify(1)->records, 19u);
}

TEST_F(BackupTest, KeepsWhatItHasWholeWhenTheSourceIsDamagedLater) {
  append("lab", 5);
  ASSERT_TRUE(back_up());
  flip("/data/topics/lab-0/00000000000000000000.log", 100);
  append("lab", 1);
  const auto done = back_up();
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_EQ(done->damaged_ranges, 0u);
  EXPECT_EQ(verify()->records, 6u);
}

TEST_F(BackupTest, TellsOfASegmentThatIsMissing) {
  append("lab", 40);
  TestSnapshot snapshot(*log_.log);
  ASSERT_TRUE(disk_.remove("/data/topics/lab-0/00000000000000000000.log"));
  const auto done = back_up(snapshot);
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_GT(done->damaged_ranges, 0u);
  EXPECT_THAT(done->damage.at(0), HasSubstr("the file is missing"));
  const auto restored = restore();
  ASSERT_TRUE(restored) << restored.error().message();
  EXPECT_GT(restored->damaged_ranges, 0u);
  const LogOnDisk log(disk_, restored_options());
  EXPECT_FALSE(log.values("lab"));
  EXPECT_TRUE(log.read("lab", log::Seek::to(Offset(39))));
}

TEST_F(BackupTest, IsNotCompleteWhenTheSnapshotWasGivenUp) {
  append("lab", 5);
  TestSnapshot snapshot(*log_.log);
  snapshot.is_gone = true;
  EXPECT_FALSE(back_up(snapshot));
  const auto checked = verify();
  ASSERT_FALSE(checked);
  EXPECT_THAT(checked.error().message(), HasSubstr("no complete backup"));
}

TEST_F(BackupTest, IsNotCompleteWhenInterrupted) {
  append("lab", 5);
  stop_ = true;
  const auto done = back_up();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code(), ErrorCode::Canceled);
  stop_ = false;
  EXPECT_FALSE(verify());
}

TEST_F(BackupTest, RefusesTheSetOfAnotherDirectory) {
  append("lab", 5);
  ASSERT_TRUE(back_up());
  ASSERT_TRUE(restore());
  LogOnDisk restored(disk_, restored_options());
  TestSnapshot snapshot(*restored.log);
  const auto done = back_up(snapshot);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code(), ErrorCode::Conflict);
  EXPECT_THAT(done.error().message(), HasSubstr("another data directory"));
}

TEST_F(BackupTest, RefusesADirectoryThatWasTakenBack) {
  append("lab", 5);
  ASSERT_TRUE(log_.log->close());
  log_.log.reset();
  const auto old = disk_.crash_image(1);
  ASSERT_TRUE(log_.reopen());
  append("lab", 5);
  ASSERT_TRUE(back_up());
  // A copy of the disk from before goes its own way.
  LogOnDisk other(*old, segmented_options());
  for (const auto& path : disk_.paths()) {
    if (path.starts_with("/backup")) {
      const auto content = disk_.content(path);
      if (path == "/backup" || path == "/backup/segments" || path.find('.') == std::string::npos)
        (void)old->make_directory(path);
      if (!content.empty()) old->set_content(path, content);
    }
  }
  for (int i = 0; i < 9; ++i) ASSERT_TRUE(other.append("lab", record(100 + i)));
  TestSnapshot snapshot(*other.log);
  const auto done = cli::backup::back_up(*old, clock_, snapshot, {.to = kSet}, progress_, stop_);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code(), ErrorCode::Conflict);
  EXPECT_THAT(done.error().message(), HasSubstr("taken back"));
}

TEST_F(BackupTest, RefusesADirectoryThatHoldsSomethingElse) {
  append("lab", 5);
  const auto done = back_up({.to = "/data2"});
  ASSERT_TRUE(done);
  disk_.set_content("/data2/letters.txt", "x");
  const auto again = back_up({.to = "/data2"});
  ASSERT_FALSE(again);
  EXPECT_THAT(again.error().message(), HasSubstr("letters.txt"));
}

TEST_F(BackupTest, RefusesToLieWithinTheDataDirectory) {
  append("lab", 1);
  const auto done = back_up({.to = "/data/backup"});
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code(), ErrorCode::InvalidInput);
}

TEST_F(BackupTest, RefusesTwoAtOnce) {
  append("lab", 1);
  ASSERT_TRUE(back_up());
  const auto set = BackupSet::open(disk_, kSet, BackupSet::For::Reading);
  ASSERT_TRUE(set);
  const auto done = back_up();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code(), ErrorCode::Conflict);
}

TEST_F(BackupTest, SaysBeforehandThatThereIsNoRoom) {
  append("lab", 20);
  TestSnapshot snapshot(*log_.log);
  ASSERT_TRUE(disk_.make_directory(kSet));
  disk_.set_free_bytes(1000);
  const auto done = back_up(snapshot);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code(), ErrorCode::Exhausted);
  EXPECT_EQ(progress_.copied_bytes, 0u);
}

TEST_F(BackupTest, RefusesADamagedManifest) {
  append("lab", 5);
  ASSERT_TRUE(back_up());
  flip("/backup/manifest-0000000001", 60);
  const auto checked = verify();
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().code(), ErrorCode::Corrupt);
  EXPECT_THAT(checked.error().message(), HasSubstr("/backup/manifest-0000000001"));
  EXPECT_FALSE(back_up());
}

TEST_F(BackupTest, FindsAFlipInEveryFileOfABackup) {
  append("lab", 8);
  ASSERT_TRUE(back_up());
  for (const auto& path : paths_with("/backup/segments/")) {
    const auto content = disk_.content(path);
    if (content.empty()) continue;
    for (std::size_t byte = 0; byte < content.size(); byte += 7) {
      flip(path, byte);
      const auto checked = verify();
      EXPECT_TRUE(checked && checked->damaged_ranges > 0) << path << " byte " << byte;
      disk_.set_content(path, content);
    }
  }
}

// The power goes at any step of the second backup: the set then has the first one or both, whole.
TEST_F(BackupTest, IsThereOrNotWhereverThePowerIsCut) {
  append("lab", 20);
  append("ward", 3);
  ASSERT_TRUE(back_up());
  append("lab", 30);
  append("new", 2);
  const auto topic = log_.find("lab");
  log::Write write;
  write.starts.push_back({topic, topic->partitions[0].get(), Offset(9)});
  ASSERT_TRUE(log_.log->append(std::move(write)));
  ASSERT_TRUE(log_.log->checkpoint());
  TestSnapshot snapshot(*log_.log);
  const auto before = disk_.crash_image(0);
  const auto whole = before->crash_image(0);  // A copy: all of it is durable.
  ASSERT_TRUE(cli::backup::back_up(*whole, clock_, snapshot, {.to = kSet}, progress_, stop_));
  const auto records = verify(*whole)->records;
  std::uint64_t seconds = 0;
  for (std::uint64_t step = 1;; ++step) {
    auto trial = before->crash_image(step);
    trial->crash_at_step(trial->steps() + step, step);
    const auto done =
        cli::backup::back_up(*trial, clock_, snapshot, {.to = kSet}, progress_, stop_);
    ASSERT_TRUE(done) << done.error().message();
    const auto image = trial->take_image();
    if (!image) break;
    const auto checked = verify(*image);
    ASSERT_TRUE(checked) << "step " << step << ": " << checked.error().message();
    ASSERT_EQ(checked->damaged_ranges, 0u) << "step " << step;
    ASSERT_EQ(checked->records, checked->number == 1 ? 23u : records) << "step " << step;
    seconds += checked->number == 2;
  }
  EXPECT_GT(seconds, 0u);
}

// The set's disk fails at any step: the earlier backup is whole, and the next backup succeeds.
TEST_F(BackupTest, SurvivesEachFailureOfTheSetsDisk) {
  append("lab", 20);
  ASSERT_TRUE(back_up());
  append("lab", 10);
  append("new", 2);
  TestSnapshot snapshot(*log_.log);
  const auto before = disk_.crash_image(0);
  const auto copy = [&](SimDisk& disk) {
    return cli::backup::back_up(disk, clock_, snapshot, {.to = kSet}, progress_, stop_);
  };
  bool failed = true;
  for (int nth = 0; failed; ++nth) {
    const auto trial = before->crash_image(0);
    int seen = 0;
    failed = false;
    trial->fail_when([&](std::string_view, const std::string& path) {
      const bool fails = path.starts_with(kSet) && seen++ == nth;
      failed |= fails;
      return fails;
    });
    (void)copy(*trial);
    trial->fail_when(nullptr);
    const auto checked = verify(*trial);
    ASSERT_TRUE(checked) << nth << ": " << checked.error().message();
    ASSERT_EQ(checked->damaged_ranges, 0u) << nth;
    ASSERT_EQ(checked->records, checked->number == 1 ? 20u : 32u) << nth;
    ASSERT_TRUE(copy(*trial)) << nth;
    ASSERT_EQ(verify(*trial)->records, 32u) << nth;
  }
}

}  // namespace
}  // namespace myelin::cli::backup
