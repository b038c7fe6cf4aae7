#include "log/scrubber.h"

#include <gmock/gmock.h>

#include <thread>

#include "log/compaction_test_support.h"

namespace myelin::log {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class ScrubberTest : public ::testing::Test {
 protected:
  ScrubberTest() {
    for (int i = 0; i < 3; ++i) {
      for (int r = 0; r < 4; ++r) log.put(fmt::format("k{}", r), std::string(100, 'x'));
      log.roll();
    }
    options.on_damage = [this](const TopicPtr& topic, PartitionIndex partition,
                               const Damage& damage) {
      EXPECT_EQ(topic, log.topic);
      EXPECT_EQ(partition, PartitionIndex(0));
      told.push_back(damage);
    };
    scrubber = std::make_unique<Scrubber>(*log.log, options);
  }
  std::vector<DamageKind> kinds() const {
    std::vector<DamageKind> found;
    for (const auto& range : scrubber->damage()) found.push_back(range.damage.kind);
    return found;
  }
  // Breaks something, mends it again, and looks at what the scrub has to say of both.
  void expect_found(const std::string& path, std::string damaged, DamageKind kind) {
    const auto whole = disk.content(path);
    disk.set_content(path, std::move(damaged));
    for (int i = 0; i < 3; ++i) scrubber->round();
    EXPECT_THAT(kinds(), ElementsAre(kind)) << path;
    ASSERT_THAT(told, SizeIs(1)) << path;
    EXPECT_EQ(told[0].path, path);
    EXPECT_EQ(scrubber->damage_count(), 1u);
    disk.set_content(path, whole);
    scrubber->round();
    EXPECT_THAT(kinds(), IsEmpty());
    EXPECT_EQ(scrubber->damage_count(), 0u);
    told.clear();
  }
  static std::string flipped(std::string content, std::size_t byte) {
    content[byte] ^= 1;
    return content;
  }

  SimDisk disk;
  KeyedLog log{disk};
  ScrubOptions options;
  std::vector<Damage> told;
  std::unique_ptr<Scrubber> scrubber;
};

TEST_F(ScrubberTest, FindsNothingInWhatIsWhole) {
  scrubber->round();
  EXPECT_THAT(told, IsEmpty());
  const auto report = scrubber->report();
  EXPECT_EQ(report.rounds, 1u);
  EXPECT_EQ(report.last_round, log.clock.now());
  std::uint64_t bytes = 0;
  for (const auto& segment : *log.partition().segments()) bytes += segment.log_bytes;
  EXPECT_EQ(report.bytes, bytes);
}

TEST_F(ScrubberTest, FindsAFlipInABatchTellsItOnceAndForgetsItWhenItIsGone) {
  const auto path = log.path_of(1, SegmentFile::Log);
  expect_found(path, flipped(disk.content(path), 100), DamageKind::Batch);
}

TEST_F(ScrubberTest, FindsAFlipInACompanionsEntry) {
  const auto path = log.path_of(1, SegmentFile::Meta);
  expect_found(path, flipped(disk.content(path), kMetaHeaderBytes + 70), DamageKind::Entry);
}

TEST_F(ScrubberTest, FindsAFlipInACompanionsHeader) {
  const auto path = log.path_of(0, SegmentFile::Meta);
  expect_found(path, flipped(disk.content(path), 9), DamageKind::Header);
}

TEST_F(ScrubberTest, FindsATruncatedFile) {
  const auto path = log.path_of(2, SegmentFile::Log);
  const auto content = disk.content(path);
  expect_found(path, content.substr(0, content.size() - 1), DamageKind::Short);
  const auto meta = log.path_of(2, SegmentFile::Meta);
  const auto entries = disk.content(meta);
  expect_found(meta, entries.substr(0, entries.size() - 1), DamageKind::Short);
}

TEST_F(ScrubberTest, FindsAMissingFile) {
  const auto path = log.path_of(1, SegmentFile::Log);
  log.log->files().forget(path);
  ASSERT_TRUE(disk.remove(path));
  scrubber->round();
  scrubber->round();
  EXPECT_THAT(kinds(), ElementsAre(DamageKind::Missing));
  EXPECT_THAT(told, SizeIs(1));
}

TEST_F(ScrubberTest, FindsWhatTheDiskCannotRead) {
  const auto path = log.path_of(1, SegmentFile::Log);
  disk.fail_when([&](std::string_view operation, const std::string& which) {
    return operation == "read" && which == path;
  });
  scrubber->round();
  scrubber->round();
  EXPECT_THAT(kinds(), ElementsAre(DamageKind::Unreadable));
  EXPECT_THAT(told, SizeIs(1));
  disk.fail_when(nullptr);
  scrubber->round();
  EXPECT_THAT(kinds(), IsEmpty());
}

TEST_F(ScrubberTest, TellsEachOfSeveralDamages) {
  for (std::size_t i = 0; i < 3; ++i) log.flip(log.path_of(i, SegmentFile::Log), 100);
  scrubber->round();
  EXPECT_THAT(told, SizeIs(3));
  log.flip(log.path_of(0, SegmentFile::Meta), kMetaHeaderBytes + kMetaEntryBytes + 3);
  scrubber->round();
  EXPECT_THAT(told, SizeIs(4));
  EXPECT_EQ(scrubber->damage_count(), 4u);
}

TEST_F(ScrubberTest, TellsDamageAgainThatCameBack) {
  const auto path = log.path_of(0, SegmentFile::Log);
  for (int i = 0; i < 2; ++i) {
    log.flip(path, 100);
    scrubber->round();
    log.flip(path, 100);
    scrubber->round();
  }
  EXPECT_THAT(told, SizeIs(2));
}

TEST_F(ScrubberTest, ForgetsDamageOfRecordsThatHadTheirTime) {
  log.flip(log.path_of(0, SegmentFile::Log), 100);
  scrubber->round();
  ASSERT_EQ(scrubber->damage_count(), 1u);
  Write write;
  write.starts.push_back({log.topic, &log.partition(), Offset(4)});
  ASSERT_TRUE(log.write(std::move(write)));
  log.settle();
  scrubber->round();
  EXPECT_EQ(scrubber->damage_count(), 0u);
}

// Files go in the midst of a round: from a segment's damage being found to its being told.
TEST_F(ScrubberTest, IsNotFooledByFilesThatRetentionTakesAway) {
  log.policy.retention_bytes = 1;
  log.policy.compact = false;
  log.set_policy(log.policy);
  HousekeepingOptions keeping;
  Housekeeper keeper(*log.log, keeping);
  std::atomic<bool> done = false;
  std::thread other([&] {
    for (int i = 0; i < 100; ++i) {
      log.put(fmt::format("k{}", i), std::string(200, 'x'));
      log.roll();
      keeper.pass();
    }
    done = true;
  });
  while (!done) scrubber->round();
  other.join();
  EXPECT_THAT(told, IsEmpty());
}

TEST_F(ScrubberTest, IsNotFooledByFilesThatCompactionTakesAway) {
  HousekeepingOptions keeping;
  keeping.compaction = fast_compaction();
  Housekeeper keeper(*log.log, keeping);
  std::atomic<bool> done = false;
  std::thread other([&] {
    for (int i = 0; i < 100; ++i) {
      log.put(fmt::format("k{}", i % 4), std::string(200, 'x'));
      log.roll();
      keeper.pass();
    }
    done = true;
  });
  while (!done) scrubber->round();
  other.join();
  EXPECT_GT(keeper.counts().removed_files, 100u);
  EXPECT_THAT(told, IsEmpty());
}

TEST_F(ScrubberTest, IsNotFooledByATopicThatIsDeleted) {
  scrubber->round();
  Write write;
  write.deleted.push_back(log.topic);
  ASSERT_TRUE(log.write(std::move(write)));
  log.settle();
  scrubber->round();
  EXPECT_THAT(told, IsEmpty());
}

TEST_F(ScrubberTest, GoesRoundByItselfAndStopsWithinABatch) {
  options.pause = std::chrono::milliseconds(1);
  Scrubber running(*log.log, options);
  running.start();
  while (running.report().rounds < 3) std::this_thread::yield();
  running.stop();

  options.bytes_per_second = 1;  // A round would take an hour.
  Scrubber slow(*log.log, options);
  slow.start();
  while (slow.report().bytes == 0) std::this_thread::yield();
  slow.stop();
  EXPECT_EQ(slow.report().rounds, 0u);
}

TEST_F(ScrubberTest, DoesNothingWithoutABudget) {
  options.bytes_per_second = 0;
  Scrubber none(*log.log, options);
  none.start();
  none.stop();
  EXPECT_EQ(none.report().bytes, 0u);
}

}  // namespace
}  // namespace myelin::log
