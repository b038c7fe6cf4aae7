#include "log/housekeeping.h"

#include <gmock/gmock.h>

#include <thread>

#include "log/compaction_test_support.h"

namespace myelin::log {
namespace {

using std::chrono::milliseconds;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Pair;
using ::testing::SizeIs;

TopicPolicy kept_for(std::int64_t ms) {
  TopicPolicy policy;
  policy.retention_time = milliseconds(ms);
  return policy;
}

class HousekeeperTest : public ::testing::Test {
 protected:
  explicit HousekeeperTest() {
    options.compaction = fast_compaction();
    options.before_removal = [this](const RemovedRecords& removed) {
      asked.push_back(removed);
      return answer;
    };
    options.on_error = [this](std::string_view what, const Error& error) {
      errors.emplace_back(std::string(what), error.code());
    };
  }
  // A keeper as of a fresh start.
  HousekeepingCounts pass(KeyedLog& log) {
    Housekeeper keeper(*log.log, options);
    keeper.pass();
    return keeper.counts();
  }
  // Three segments: offsets 0 and 1, 2 and 3, 4 alone.
  static void fill(KeyedLog& log) {
    log.put("a", "1");
    log.put("b", "1");
    for (int i = 0; i < 2; ++i) {
      log.clock.move(1000);
      log.roll();
      if (i == 0) log.put("c", "1");
    }
    log.settle();
    ASSERT_THAT(*log.partition().segments(), SizeIs(3));
  }
  static void write_file(KeyedLog& log, const std::string& path) {
    log.disk->set_content(path, "something");
  }

  SimDisk disk;
  HousekeepingOptions options;
  Status answer;
  std::vector<RemovedRecords> asked;
  std::vector<std::pair<std::string, ErrorCode>> errors;
};

TEST_F(HousekeeperTest, FreesALargeFilePieceByPiece) {
  KeyedLog log(disk, kept_for(1500));
  fill(log);
  const auto path = log.partition().directory() + "/00000000000000000000.log";
  log.disk->set_content(path, std::string(1000, 'x'));
  options.freed_at_once = 300;
  int cuts = 0;
  log.disk->fail_when([&](std::string_view operation, const std::string& at) {
    cuts += operation == "truncate" && at == path;
    return false;
  });
  EXPECT_EQ(pass(log).removed_files, 2u);
  log.disk->fail_when(nullptr);
  EXPECT_EQ(cuts, 3);
  EXPECT_THAT(log.files(), ElementsAreArray(log.listed_files()));
  EXPECT_THAT(log.offsets(), ElementsAre(2, 3, 4));
}

TEST_F(HousekeeperTest, RemovesAFileThatCannotBeMadeSmaller) {
  KeyedLog log(disk, kept_for(1500));
  fill(log);
  options.freed_at_once = 1;
  log.disk->fail_when(
      [](std::string_view operation, const std::string&) { return operation == "truncate"; });
  EXPECT_EQ(pass(log).removed_files, 2u);
  log.disk->fail_when(nullptr);
  EXPECT_THAT(log.files(), ElementsAreArray(log.listed_files()));
}

TEST_F(HousekeeperTest, RemovesWhatHadItsTimeWithItsFiles) {
  KeyedLog log(disk, kept_for(1500));
  fill(log);
  const auto counts = pass(log);
  EXPECT_EQ(log.partition().start(), Offset(2));
  EXPECT_THAT(log.offsets(), ElementsAre(2, 3, 4));
  EXPECT_EQ(counts.removed_records, 2u);
  EXPECT_EQ(counts.removed_files, 2u);
  EXPECT_GT(counts.removed_bytes, 0u);
  EXPECT_THAT(log.files(), ElementsAreArray(log.listed_files()));
  EXPECT_THAT(errors, IsEmpty());
  ASSERT_TRUE(log.reopen());
  EXPECT_THAT(log.offsets(), ElementsAre(2, 3, 4));
}

TEST_F(HousekeeperTest, AsksBeforeAnythingIsRemoved) {
  KeyedLog log(disk, kept_for(1500));
  fill(log);
  const auto size = (*log.partition().segments())[0].log_bytes;
  pass(log);
  ASSERT_THAT(asked, SizeIs(1));
  EXPECT_EQ(asked[0].topic, log.topic);
  EXPECT_EQ(asked[0].partition, PartitionIndex(0));
  EXPECT_EQ(asked[0].from, Offset(0));
  EXPECT_EQ(asked[0].to, Offset(2));
  EXPECT_EQ(asked[0].bytes, size);
  EXPECT_EQ(asked[0].last_received_ms, to_ms(log.clock.now()) - 2000);
  EXPECT_EQ(asked[0].reason, RemovalReason::RetentionTime);
}

TEST_F(HousekeeperTest, AsksOnceForEachRecordHoweverSoonItLooksAgain) {
  KeyedLog log(disk, kept_for(1500));
  fill(log);
  Housekeeper keeper(*log.log, options);
  for (int i = 0; i < 5; ++i) keeper.pass();
  EXPECT_THAT(asked, SizeIs(1));
  EXPECT_EQ(keeper.counts().removed_records, 2u);
}

TEST_F(HousekeeperTest, KeepsRecordsWhoseRemovalIsRefusedAndAsksAgain) {
  KeyedLog log(disk, kept_for(1500));
  fill(log);
  answer = Error(ErrorCode::Unavailable, "no audit, no removal");
  auto counts = pass(log);
  EXPECT_THAT(log.offsets(), ElementsAre(0, 1, 2, 3, 4));
  EXPECT_EQ(counts.removed_records, 0u);
  EXPECT_EQ(counts.removed_files, 0u);
  EXPECT_THAT(errors, ElementsAre(Pair("log.retention_failed", ErrorCode::Unavailable)));
  answer = {};
  counts = pass(log);
  EXPECT_THAT(asked, SizeIs(2));
  EXPECT_EQ(counts.removed_records, 2u);
  EXPECT_THAT(log.offsets(), ElementsAre(2, 3, 4));
}

TEST_F(HousekeeperTest, LeavesTopicsAloneWithoutAPolicy) {
  KeyedLog log(disk, TopicPolicy());
  fill(log);
  log.clock.move(1'000'000'000);
  pass(log);
  EXPECT_THAT(log.offsets(), ElementsAre(0, 1, 2, 3, 4));
  EXPECT_THAT(asked, IsEmpty());
}

TEST_F(HousekeeperTest, RemovesEverythingThatIsOldAndGoesOnAtTheEnd) {
  KeyedLog log(disk, kept_for(1500));
  fill(log);
  log.clock.move(1'000'000);
  pass(log);
  EXPECT_EQ(log.partition().start(), Offset(5));
  EXPECT_THAT(log.offsets(), IsEmpty());
  EXPECT_THAT(log.files(), ElementsAre("t-0/partition.metadata"));
  log.put("d", "1");
  EXPECT_THAT(log.offsets(), ElementsAre(5));
  ASSERT_TRUE(log.reopen());
  EXPECT_THAT(log.offsets(), ElementsAre(5));
}

TEST_F(HousekeeperTest, RemovesNoFileBeforeTheCheckpointThatNoLongerNamesIt) {
  KeyedLog log(disk, kept_for(1500));
  fill(log);
  const auto before = log.files();
  std::atomic<bool> full = true;
  disk.set_free_bytes(0);
  disk.fail_when([&](std::string_view operation, const std::string& path) {
    return full && operation == "write" && path.find("checkpoint") != std::string::npos;
  });
  Housekeeper keeper(*log.log, options);
  std::thread passing([&] { keeper.pass(); });
  while (log.partition().start() == Offset(0)) std::this_thread::yield();
  EXPECT_THAT(log.log->removables().list(), IsEmpty());
  keeper.stop();  // It waits for no disk.
  passing.join();
  EXPECT_EQ(log.files(), before);
  full = false;
  disk.set_free_bytes(1ull << 40);
  log.settle();
  disk.fail_when(nullptr);
  pass(log);
  EXPECT_THAT(log.files(), ElementsAreArray(log.listed_files()));
}

TEST_F(HousekeeperTest, RetainsACompactedTopicThatHasBothPolicies) {
  auto policy = compact_policy();
  policy.retention_time = milliseconds(1500);
  KeyedLog log(disk, policy);
  log.put("a", "1");
  log.clock.move(1000);
  log.roll("r1");
  log.put("b", "1");
  log.put("b", "2");
  log.clock.move(1000);
  log.roll("r2");
  pass(log);
  EXPECT_THAT(log.offsets(), ElementsAre(1, 3, 4));
  log.settle();
  pass(log);
  EXPECT_THAT(log.files(), ElementsAreArray(log.listed_files()));
}

TEST_F(HousekeeperTest, TellsOfASegmentThatCannotBeCompacted) {
  KeyedLog log(disk);
  fill(log);
  log.flip(log.path_of(0, SegmentFile::Log), 70);
  pass(log);
  EXPECT_THAT(errors, ElementsAre(Pair("log.compaction_failed", ErrorCode::Corrupt)));
}

// Snapshots.

TEST_F(HousekeeperTest, RemovesNoFileThatASnapshotNames) {
  KeyedLog log(disk);
  fill(log);
  log.put("a", "2");
  log.roll("end");
  auto held = log.log->snapshot();
  ASSERT_TRUE(held);
  const auto named = log.files();
  Housekeeper keeper(*log.log, options);
  for (int i = 0; i < 3; ++i) {
    keeper.pass();
    log.settle();
  }
  ASSERT_EQ(keeper.compactor().counts().passes, 1u);
  auto now = log.files();
  for (const auto& file : named) EXPECT_THAT(now, Contains(file));
  held->reset();
  keeper.pass();
  EXPECT_THAT(log.files(), ElementsAreArray(log.listed_files()));
}

TEST_F(HousekeeperTest, SweepsOnceASnapshotIsGone) {
  KeyedLog log(disk);
  fill(log);
  write_file(log, "/data/topics/t-0/00000000000000000000.7.log");
  auto held = log.log->snapshot();
  ASSERT_TRUE(held);
  Housekeeper keeper(*log.log, options);
  keeper.pass();
  EXPECT_THAT(log.files(), Contains("t-0/00000000000000000000.7.log"));
  held->reset();
  keeper.pass();
  EXPECT_THAT(log.files(), Not(Contains("t-0/00000000000000000000.7.log")));
}

TEST_F(HousekeeperTest, KeepsTheFilesOfADeletedTopicThatASnapshotNames) {
  KeyedLog log(disk);
  fill(log);
  auto held = log.log->snapshot();
  ASSERT_TRUE(held);
  Write write;
  write.deleted.push_back(log.topic);
  ASSERT_TRUE(log.write(std::move(write)));
  log.settle();
  Housekeeper keeper(*log.log, options);
  keeper.pass();
  const auto below = log.topic->spec.id.to_string() + "-0.deleted/";
  EXPECT_THAT(log.files("/data/topics/" + below), SizeIs(7));
  held->reset();
  keeper.pass();
  EXPECT_THAT(log.files(), IsEmpty());
}

// The sweep.

TEST_F(HousekeeperTest, SweepsSegmentFilesThatNothingNamesAndNothingElse) {
  KeyedLog log(disk, TopicPolicy());
  fill(log);
  const std::string directory = "/data/topics/t-0/";
  const std::vector<std::string> strays = {
      "00000000000000000000.1.log", "00000000000000000000.1.meta", "00000000000000000000.22.log",
      "00000000000000000001.log",   "00000000000000000001.meta",   "00000000000000000003.4.meta",
  };
  const std::vector<std::string> others = {
      // Of the segment that is written to, and behind it: the next start's to judge.
      "00000000000000000004.1.log", "00000000000000000005.log", "00000000000000000099.3.meta",
      // No names that the log gives.
      "0.log", "00000000000000000000.index", "00000000000000000000.log.bak", "notes.txt",
      "00000000000000000000.0.log", "00000000000000000000.01.log", "0000000000000000000001.log",
      "-0000000000000000001.log", "00000000000000000001.log ", "00000000000000000001..log",
      "00000000000000000001.99999999999.log", "leader-epoch-checkpoint"};
  for (const auto& name : strays) write_file(log, directory + name);
  for (const auto& name : others) write_file(log, directory + name);
  write_file(log, "/data/topics/stray.txt");
  ASSERT_TRUE(disk.make_directory("/data/topics/unknown-0"));
  write_file(log, "/data/topics/unknown-0/00000000000000000000.log");
  auto wanted = log.files();
  std::erase_if(wanted, [&](const std::string& file) {
    return std::ranges::find(strays, file.substr(file.find('/') + 1)) != strays.end() &&
           file.starts_with("t-0/");
  });
  const auto counts = pass(log);
  EXPECT_EQ(log.files(), wanted);
  EXPECT_EQ(counts.removed_files, strays.size());
  EXPECT_THAT(log.state(), SizeIs(4));
}

TEST_F(HousekeeperTest, SweepsNothingThatTheLastCheckpointNames) {
  auto often = quiet_options();
  often.flush_interval = milliseconds(1);
  for (std::uint64_t step = 1; step <= 30; ++step) {
    SimDisk fresh;
    KeyedLog log(fresh, TopicPolicy(), often);
    log.put("a", "1");
    log.settle();
    Write write;
    write.starts.push_back({log.topic, &log.partition(), Offset(1)});
    ASSERT_TRUE(log.write(std::move(write)));
    log.put("b", "1");
    while (log.partition().segments()->size() != 1 ||
           log.partition().segments()->front().base_offset != Offset(1))
      std::this_thread::sleep_for(milliseconds(1));
    fresh.crash_at_step(fresh.steps() + step, step);
    pass(log);
    const auto image = fresh.image_taken() ? fresh.take_image() : fresh.crash_image(step);
    const auto opened = log.reopen(image.get());
    ASSERT_TRUE(opened) << step << ": " << opened.error().message();
    EXPECT_THAT(log.offsets(), ElementsAre(1)) << step;
    log.log.reset();  // Before its disk.
  }
}

TEST_F(HousekeeperTest, SweepsDirectoriesOfDeletedTopics) {
  KeyedLog log(disk, TopicPolicy());
  fill(log);
  const std::string directory = "/data/topics/6d79656c-696e-4d45-8000-00000000000f-0.deleted";
  ASSERT_TRUE(disk.make_directory(directory));
  write_file(log, directory + "/00000000000000000000.log");
  write_file(log, directory + "/anything");
  pass(log);
  EXPECT_FALSE(*disk.exists(directory));
  EXPECT_THAT(log.files(), ElementsAreArray(log.listed_files()));
  EXPECT_THAT(errors, IsEmpty());
}

TEST_F(HousekeeperTest, LeavesAFileAloneThatIsNamedLikeADeletedDirectory) {
  KeyedLog log(disk);
  fill(log);
  write_file(log, "/data/topics/kept.deleted");
  pass(log);
  EXPECT_THAT(log.files(), Contains("kept.deleted"));
}

TEST_F(HousekeeperTest, SaysWhatItCannotRemoveAndLeavesTheRestAsItIs) {
  KeyedLog log(disk, kept_for(1500));
  fill(log);
  disk.fail_when([](std::string_view operation, const std::string& path) {
    return operation == "remove" && path.ends_with("00000000000000000000.log");
  });
  pass(log);
  disk.fail_when(nullptr);
  EXPECT_THAT(errors, ElementsAre(Pair("log.removal_failed", ErrorCode::Unavailable)));
  EXPECT_THAT(log.files(), Contains("t-0/00000000000000000000.log"));
  EXPECT_THAT(log.files(), Not(Contains("t-0/00000000000000000000.meta")));
  // The next start sweeps it.
  ASSERT_TRUE(log.reopen());
  pass(log);
  EXPECT_THAT(log.files(), ElementsAreArray(log.listed_files()));
}

// Threads.

TEST_F(HousekeeperTest, LooksByItselfAndStopsWhenItIsTold) {
  KeyedLog log(disk, kept_for(1500));
  fill(log);
  options.interval = milliseconds(1);
  options.scrub.pause = milliseconds(1);
  Housekeeper keeper(*log.log, options);
  keeper.start();
  while (keeper.counts().removed_files < 2 || keeper.scrubber().report().rounds == 0)
    std::this_thread::yield();
  keeper.stop();
  EXPECT_THAT(log.offsets(), ElementsAre(2, 3, 4));
}

TEST_F(HousekeeperTest, LooksOnceAtATimeHoweverManyAskForIt) {
  KeyedLog log(disk);
  for (int i = 0; i < 20; ++i) {
    log.put(fmt::format("k{}", i % 3), "x");
    log.roll();
  }
  log.put("k0", "last");
  const auto wanted = log.state();
  options.on_error = [](std::string_view what, const Error& error) {
    ADD_FAILURE() << what << ": " << error.message();
  };
  options.before_removal = nullptr;
  Housekeeper keeper(*log.log, options);
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 5; ++n) keeper.pass();
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(log.state(), wanted);
  log.settle();
  keeper.pass();
  EXPECT_THAT(log.files(), ElementsAreArray(log.listed_files()));
}

}  // namespace
}  // namespace myelin::log
