#include "log/log.h"

#include <gmock/gmock.h>

#include "log/log_test_support.h"

namespace myelin::log {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::unique_ptr<SimDisk> make_disk() { return std::make_unique<SimDisk>(); }

TEST(Log, ReadsBackWhatWasAcknowledged) {
  const auto disk = make_disk();
  LogOnDisk log(*disk);
  EXPECT_EQ(log.append("a", "one")->value, 0);
  EXPECT_EQ(log.append("a", "two")->value, 1);
  EXPECT_THAT(*log.values("a"), ElementsAre("one", "two"));
}

TEST(Log, ServesTheSameFromSegmentsAsFromBuffers) {
  const auto disk = make_disk();
  LogOnDisk log(*disk);
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(log.append("a", fmt::format("v{}", i)));
  const auto buffered = *log.values("a");
  ASSERT_TRUE(log.log->checkpoint());
  EXPECT_FALSE(log.find("a")->partitions[0]->read_buffered(Seek::to(Offset(0)), 100));
  EXPECT_EQ(*log.values("a"), buffered);
}

TEST(Log, KeepsEverythingOverAnOrderlyStop) {
  const auto disk = make_disk();
  LogOnDisk log(*disk);
  ASSERT_TRUE(log.append("a", "one"));
  ASSERT_TRUE(log.append("b", "two"));
  ASSERT_TRUE(log.log->close());
  ASSERT_TRUE(log.reopen());
  EXPECT_THAT(*log.values("a"), ElementsAre("one"));
  EXPECT_THAT(*log.values("b"), ElementsAre("two"));
  EXPECT_EQ(log.append("a", "three")->value, 1);
}

TEST(Log, NumbersCommitsWithoutRepeatingOverRestarts) {
  const auto disk = make_disk();
  LogOnDisk log(*disk);
  ASSERT_TRUE(log.append("a", "one"));
  const auto before = log.log->visible();
  ASSERT_TRUE(log.reopen());
  ASSERT_TRUE(log.append("a", "two"));
  EXPECT_GT(log.log->visible(), before);
}

TEST(Log, RaisesItsIncarnationAtEachStart) {
  const auto disk = make_disk();
  LogOnDisk log(*disk);
  const auto first = log.log->incarnation();
  ASSERT_TRUE(log.reopen());
  EXPECT_EQ(log.log->incarnation(), first + 1);
}

TEST(Log, RefusesADirectoryInUse) {
  const auto disk = make_disk();
  LogOnDisk log(*disk);
  const auto second = Log::open(*disk, log.clock, log.random, small_options());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code(), ErrorCode::Conflict);
  EXPECT_THAT(second.error().message(), HasSubstr("in use"));
}

TEST(Log, LeavesAnotherProductsDirectoryUntouched) {
  const auto disk = make_disk();
  ASSERT_TRUE(disk->make_directory("/data"));
  disk->set_content("/data/PG_VERSION", "15");
  const auto paths = disk->paths();
  SystemClock clock;
  SystemRandom random;
  const auto opened = Log::open(*disk, clock, random, small_options());
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error().message(),
              HasSubstr("it is not a data directory of Myelin: it holds PG_VERSION"));
  EXPECT_EQ(disk->paths(), paths);
}

TEST(Log, LeavesANewerFormatUntouched) {
  const auto disk = make_disk();
  {
    LogOnDisk log(*disk);
  }
  auto checkpoint = disk->content("/data/checkpoint");
  checkpoint[8] = 9;
  disk->set_content("/data/checkpoint", checkpoint);
  ASSERT_TRUE(disk->remove("/data/lock"));
  SystemClock clock;
  SystemRandom random;
  const auto opened = Log::open(*disk, clock, random, small_options());
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error().message(), HasSubstr("format 9"));
  EXPECT_EQ(disk->content("/data/checkpoint"), checkpoint);
  EXPECT_FALSE(*disk->exists("/data/lock"));
}

TEST(Log, NamesAHalfDeletedDirectory) {
  for (const std::string gone : {"/data/checkpoint", "/data/topics/a-0/00000000000000000000.log"}) {
    const auto disk = make_disk();
    {
      LogOnDisk log(*disk);
      ASSERT_TRUE(log.append("a", "one"));
    }
    ASSERT_TRUE(disk->remove(gone));
    SystemClock clock;
    SystemRandom random;
    const auto opened = Log::open(*disk, clock, random, small_options());
    ASSERT_FALSE(opened) << gone;
    EXPECT_THAT(opened.error().message(), HasSubstr("half deleted")) << gone;
  }
}

TEST(Log, RefusesADamagedCheckpoint) {
  const auto disk = make_disk();
  {
    LogOnDisk log(*disk);
  }
  auto checkpoint = disk->content("/data/checkpoint");
  checkpoint.back() = static_cast<char>(checkpoint.back() ^ 1);
  disk->set_content("/data/checkpoint", checkpoint);
  SystemClock clock;
  SystemRandom random;
  const auto opened = Log::open(*disk, clock, random, small_options());
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), ErrorCode::Corrupt);
}

TEST(Log, StartsOverWhenTheFirstStartWasCutOff) {
  for (std::uint64_t step = 1;; ++step) {
    SimDisk disk;
    disk.crash_at_step(step, step * 7);
    {
      LogOnDisk log(disk);
    }
    const auto image = disk.take_image();
    if (!image) {
      EXPECT_GT(step, 30u);  // Every step of a first start was cut off.
      return;
    }
    LogOnDisk log(*image);
    ASSERT_TRUE(log.log) << step;
    EXPECT_TRUE(log.append("a", "one"));
  }
}

TEST(Log, RefusesAWriteLargerThanAFrame) {
  const auto disk = make_disk();
  LogOnDisk log(*disk);
  const std::string value(log.log->write_bytes_max(), 'x');
  const auto refused = log.append("a", value);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::InvalidInput);
  EXPECT_TRUE(log.append("b", value.substr(0, value.size() - 500)));
}

TEST(Log, RefusesWritesWithoutSpaceAndTakesThemAgain) {
  const auto disk = make_disk();
  LogOnDisk log(*disk);
  ASSERT_TRUE(log.append("a", "one"));
  disk->set_free_bytes(0);
  ASSERT_TRUE(log.log->checkpoint());
  const auto refused = log.append("a", "two");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::Unavailable);
  EXPECT_FALSE(log.log->writable());
  EXPECT_THAT(*log.values("a"), ElementsAre("one"));
  disk->set_free_bytes(1ull << 40);
  std::this_thread::sleep_for(std::chrono::milliseconds(150));  // Asked for now and then only.
  EXPECT_TRUE(log.log->writable());
  // The log looks for space now and then, not for each append.
  auto taken = log.append("a", "three");
  while (!taken) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    taken = log.append("a", "three");
  }
  EXPECT_EQ(taken->value, 1);
}

TEST(Log, AcknowledgesNothingAfterAFailedJournalWrite) {
  const auto disk = make_disk();
  auto options = small_options();
  std::string reason;
  options.fail = [&](const std::string& why) { reason = why; };
  LogOnDisk log(*disk, options);
  ASSERT_TRUE(log.append("a", "one"));
  disk->fail_when([](std::string_view operation, const std::string& path) {
    return operation == "write" && path.ends_with(".journal");
  });
  EXPECT_FALSE(log.append("a", "two"));
  EXPECT_FALSE(log.append("a", "three"));
  EXPECT_THAT(reason, HasSubstr(".journal"));
  disk->fail_when(nullptr);
  ASSERT_TRUE(log.reopen());
  EXPECT_EQ((*log.values("a"))[0], "one");
}

TEST(Log, ShowsNobodyARecordBeforeItIsDurable) {
  const auto disk = make_disk();
  LogOnDisk log(*disk);
  ASSERT_TRUE(log.append("a", "one"));
  const auto* partition = log.find("a")->partitions[0].get();
  std::vector<std::int64_t> seen;
  disk->fail_when([&](std::string_view operation, const std::string& path) {
    const bool in_flight = operation == "in flight" && path.ends_with(".journal");
    if (in_flight) seen.push_back(partition->high_watermark().value);
    return false;
  });
  ASSERT_TRUE(log.append("a", "two"));
  EXPECT_EQ(partition->high_watermark().value, 2);
  disk->fail_when(nullptr);
  ASSERT_FALSE(seen.empty());
  EXPECT_EQ(seen.front(), 1);
}

TEST(Log, EndsOnAFailedSegmentSyncAndRecoversFromTheJournal) {
  const auto disk = make_disk();
  auto options = small_options();
  std::string reason;
  options.fail = [&](const std::string& why) { reason = why; };
  LogOnDisk log(*disk, options);
  ASSERT_TRUE(log.append("a", "one"));
  disk->fail_when([](std::string_view operation, const std::string& path) {
    return operation == "sync" && path.ends_with(".log");
  });
  EXPECT_FALSE(log.log->checkpoint());
  EXPECT_THAT(reason, HasSubstr("sync"));
  disk->fail_when(nullptr);
  ASSERT_TRUE(log.reopen());
  EXPECT_THAT(*log.values("a"), ElementsAre("one"));
}

TEST(Log, SurvivesManyLapsOfTheJournal) {
  const auto disk = make_disk();
  LogOnDisk log(*disk);
  for (int i = 0; i < 600; ++i) ASSERT_EQ(log.append("a", fmt::format("value {:05}", i))->value, i);
  ASSERT_TRUE(log.reopen());
  const auto values = *log.values("a");
  ASSERT_EQ(values.size(), 600u);
  EXPECT_EQ(values[599], "value 00599");
}

TEST(Log, RollsSegmentsAtTheirSize) {
  const auto disk = make_disk();
  LogOnDisk log(*disk);
  for (int i = 0; i < 40; ++i) ASSERT_TRUE(log.append("a", std::string(4000, 'x')));
  ASSERT_TRUE(log.log->checkpoint());
  int segments = 0;
  for (const auto& path : disk->paths()) segments += path.ends_with(".log") ? 1 : 0;
  EXPECT_GE(segments, 3);
  EXPECT_EQ(log.values("a")->size(), 40u);
}

TEST(Log, FindsBatchesByCommitAndByReceiveTime) {
  const auto disk = make_disk();
  LogOnDisk log(*disk);
  for (int i = 0; i < 30; ++i) ASSERT_TRUE(log.append("a", fmt::format("v{}", i)));
  const auto all = *log.read("a", Seek::to(Offset(0)));
  for (int pass = 0; pass < 2; ++pass) {
    for (const auto& batch : all) {
      EXPECT_EQ(log.read("a", Seek::to(batch.commit))->front().base_offset, batch.base_offset);
      const auto at = log.read("a", Seek::to(batch.received))->front();
      EXPECT_EQ(at.received, batch.received);
    }
    EXPECT_TRUE(log.read("a", Seek::to(all.back().commit + 1))->empty());
    ASSERT_TRUE(log.log->checkpoint());
  }
}

TEST(Log, GivesLiveReadersCommitsInOrderUntilTheyAreFlushed) {
  const auto disk = make_disk();
  auto options = small_options();
  options.flush_interval = std::chrono::hours(1);
  LogOnDisk log(*disk, options);
  ASSERT_TRUE(log.append("a", "one"));
  const auto after = log.log->visible();
  ASSERT_TRUE(log.append("b", "two"));
  ASSERT_TRUE(log.append("a", "three"));
  const auto commits = log.log->commits_after(after, 1u << 20);
  ASSERT_TRUE(commits);
  std::vector<std::string> values;
  for (const auto& commit : *commits) {
    EXPECT_GT(commit->number, after);
    for (auto& value : values_of(commit->batches)) values.push_back(value);
  }
  EXPECT_THAT(values, ElementsAre("two", "three"));
  ASSERT_TRUE(log.log->checkpoint());
  EXPECT_FALSE(log.log->commits_after(after, 1u << 20));
  EXPECT_TRUE(log.log->commits_after(log.log->visible(), 1u << 20)->empty());
}

TEST(Log, NeverServesAFlippedByteOfASegment) {
  const auto disk = make_disk();
  LogOnDisk log(*disk);
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(log.append("a", fmt::format("value {}", i)));
  ASSERT_TRUE(log.log->checkpoint());
  const auto good = *log.values("a");
  for (const std::string file : {"log", "meta"}) {
    const auto path = "/data/topics/a-0/00000000000000000000." + file;
    const auto bytes = disk->content(path);
    for (std::size_t i = file == "meta" ? kMetaHeaderBytes : 0; i < bytes.size(); ++i) {
      auto flipped = bytes;
      flipped[i] = static_cast<char>(flipped[i] ^ 0x10);
      disk->set_content(path, flipped);
      const auto values = log.values("a");
      EXPECT_FALSE(values) << file << " byte " << i;
    }
    disk->set_content(path, bytes);
  }
  EXPECT_EQ(*log.values("a"), good);
}

TEST(Log, TellsAFlippedJournalByteFromATornTail) {
  SimDisk disk;
  auto options = small_options();
  options.flush_interval = std::chrono::hours(1);
  options.tail_interval = std::chrono::milliseconds(500);  // Not between the appends.
  std::unique_ptr<SimDisk> image;
  {
    LogOnDisk log(disk, options);
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(log.append("a", fmt::format("value {}", i)));
    // The tail is closed by a frame of its own.
    while (log.log->visible().value < 4) std::this_thread::yield();
    image = disk.crash_image(0);
  }
  SystemClock clock;
  SystemRandom random;
  const std::string path = "/data/journal/1.journal";
  const auto journal = image->content(path);
  for (std::size_t frame = 0; frame < 3; ++frame) {
    auto flipped = journal;
    flipped[frame * kBlockBytes + 120] ^= 1;
    image->set_content(path, flipped);
    const auto opened = Log::open(*image, clock, random, options);
    ASSERT_FALSE(opened) << frame;
    EXPECT_EQ(opened.error().code(), ErrorCode::Corrupt);
    EXPECT_THAT(opened.error().message(), HasSubstr(path));
  }
}

}  // namespace
}  // namespace myelin::log
