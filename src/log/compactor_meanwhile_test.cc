// Compaction while others read and delete, the disk fills up or the power is cut.
#include "log/compactor.h"

#include <gmock/gmock.h>

#include <thread>

#include "log/compaction_test_support.h"

namespace myelin::log {
namespace {

using kafka::Compression;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::IsEmpty;
using ::testing::Pair;

constexpr std::int64_t kPro = 7;

// What happens meanwhile.

class CompactorMeanwhileTest : public CompactionTest {
 protected:
  // Runs `action` once, right before the operation that writes the new segment.
  void at_rewrite(std::function<void()> action) {
    auto once = std::make_shared<std::atomic<bool>>(false);
    disk.fail_when(
        [once, action = std::move(action)](std::string_view operation, const std::string& path) {
          if (operation == "write" && path.ends_with(".1.log") && !once->exchange(true)) action();
          return false;
        });
  }
  static void fill(KeyedLog& log) {
    for (int i = 0; i < 3; ++i) {
      log.put("a", fmt::format("{}", i));
      log.put(fmt::format("own{}", i), "x");
    }
    log.roll();
  }
};

TEST_F(CompactorMeanwhileTest, GivesUpWithoutATraceWhenTheStartMoves) {
  KeyedLog log(disk);
  fill(log);
  log.put("b", "1");
  log.roll("end");
  // Right after the compactor has chosen the segments.
  log.clock.when_asked(2, [&] {
    Write write;
    write.starts.push_back({log.topic, &log.partition(), Offset(7)});
    EXPECT_TRUE(log.write(std::move(write)));
    log.settle();
  });
  const auto status = log.compact();
  EXPECT_TRUE(status) << status.error().message();
  EXPECT_EQ(log.counts.passes, 0u);
  EXPECT_EQ(log.counts.removed_records, 0u);
  log.settle();
  remove_files(log);
  EXPECT_THAT(log.files(), ElementsAreArray(log.listed_files()));
  EXPECT_THAT(log.offsets(), ElementsAre(7, 8));
}

TEST_F(CompactorMeanwhileTest, GivesUpWithoutATraceWhenTheTopicIsDeleted) {
  KeyedLog log(disk);
  fill(log);
  log.clock.when_asked(2, [&] {
    Write write;
    write.deleted.push_back(log.topic);
    EXPECT_TRUE(log.write(std::move(write)));
    log.settle();
  });
  const auto status = log.compact();
  EXPECT_TRUE(status) << status.error().message();
  EXPECT_EQ(log.counts.passes, 0u);
  EXPECT_THAT(log.files("/data/topics/t-0/"), IsEmpty());
}

// Beside the writing of the new segment, wherever that is by then.
TEST_F(CompactorMeanwhileTest, LeavesTheTopicAloneThatTakesADeletedOnesName) {
  KeyedLog log(disk);
  fill(log);
  std::atomic<bool> begun = false;
  at_rewrite([&] { begun = true; });
  std::thread deleter([&] {
    while (!begun) std::this_thread::yield();
    Write write;
    write.deleted.push_back(log.topic);
    EXPECT_TRUE(log.write(std::move(write)));
    auto topic = log.make_topic("t");
    Write made;
    made.topics.push_back(topic);
    made.batches.push_back({topic->partitions[0].get(), keyed_batch({{"new", "1"}})});
    EXPECT_TRUE(log.write(std::move(made)));
    EXPECT_TRUE(log.log->checkpoint());
  });
  auto slow = fast_compaction();
  slow.read_bytes_per_second = 2000;
  const auto status = log.compact(slow);
  deleter.join();
  disk.fail_when(nullptr);
  EXPECT_TRUE(status) << status.error().message();
  EXPECT_TRUE(log.log->checkpoint());
  EXPECT_THAT(
      log.files("/data/topics/t-0/"),
      ElementsAre("00000000000000000000.log", "00000000000000000000.meta", "partition.metadata"));
  ASSERT_TRUE(log.reopen());
  EXPECT_THAT(log.state(), ElementsAre(Pair("new", "1")));
}

TEST_F(CompactorMeanwhileTest, EndsAtTheNextBatchWhenTheServerStops) {
  KeyedLog log(disk);
  fill(log);
  Compactor compactor(*log.log, fast_compaction());
  compactor.cancel();
  EXPECT_TRUE(compactor.pass());
  EXPECT_EQ(compactor.counts().read_bytes, 0u);

  auto slow = fast_compaction();
  slow.read_bytes_per_second = 2000;
  Compactor stopped(*log.log, slow);
  std::atomic<bool> begun = false;
  at_rewrite([&] { begun = true; });
  std::thread stopper([&] {
    while (!begun) std::this_thread::yield();
    stopped.cancel();
  });
  const auto before = log.records();
  const auto status = stopped.pass();
  stopper.join();
  disk.fail_when(nullptr);
  log.settle();
  // It may have come too late for the only segment.
  if (!status) {
    EXPECT_EQ(status.error().code(), ErrorCode::Canceled);
    EXPECT_EQ(log.records(), before);
  }
  remove_files(log);
  EXPECT_THAT(log.files(), ElementsAreArray(log.listed_files()));
}

TEST_F(CompactorMeanwhileTest, LeavesNothingBehindWhenTheDiskIsFull) {
  KeyedLog log(disk);
  fill(log);
  const auto before = log.records();
  // At each write of the new segment's files.
  for (int at = 0;; ++at) {
    std::atomic<int> writes = 0;
    std::atomic<bool> full = false;
    disk.set_free_bytes(0);
    disk.fail_when([&](std::string_view operation, const std::string& path) {
      const bool fresh = path.find(".1.") != std::string::npos;
      if (operation == "write" && fresh && writes++ == at) full = true;
      return operation == "write" && fresh && full;
    });
    const auto status = log.compact();
    disk.fail_when(nullptr);
    disk.set_free_bytes(1ull << 40);
    if (status) {
      EXPECT_GE(at, 2);
      break;
    }
    EXPECT_EQ(status.error().code(), ErrorCode::Exhausted) << status.error().message();
    EXPECT_EQ(log.records(), before);
    EXPECT_THAT(log.files(), ElementsAreArray(log.listed_files()));
    ASSERT_LT(at, 100);
  }
  EXPECT_EQ(log.records().size(), 5u);
}

TEST_F(CompactorMeanwhileTest, GoesOnWithWhatItDidNotComeTo) {
  auto policy = compact_policy();
  policy.segment_bytes = 200;
  std::atomic<bool> full = true;  // The log's threads look at it to their end.
  KeyedLog log(disk, policy);
  for (int i = 0; i < 20; ++i) log.put(fmt::format("k{}", i % 4), fmt::format("{}", i));
  log.roll();
  const auto wanted = log.state();
  // The second of the new segments.
  disk.set_free_bytes(0);
  disk.fail_when([&](std::string_view operation, const std::string& path) {
    return full && operation == "write" && path.ends_with(".1.log") &&
           !path.ends_with("00000000000000000000.1.log");
  });
  EXPECT_EQ(log.compact().error().code(), ErrorCode::Exhausted);
  EXPECT_EQ(log.partition().compacted_through(), Offset(0));
  EXPECT_EQ(log.state(), wanted);
  full = false;
  disk.set_free_bytes(1ull << 40);
  log.log->refresh_space();
  must_compact(log);
  EXPECT_EQ(log.partition().compacted_through(), Offset(20));
  EXPECT_EQ(log.state(), wanted);
  EXPECT_THAT(log.offsets(), ElementsAre(16, 17, 18, 19, 20));
}

TEST_F(CompactorMeanwhileTest, BeginsNothingThatTheDiskHasNoRoomFor) {
  KeyedLog log(disk);
  fill(log);
  disk.set_free_bytes(log.options.space.free_bytes_min + 10);
  log.log->refresh_space();
  bool wrote = false;
  disk.fail_when([&](std::string_view, const std::string& path) {
    wrote |= path.find(".1.") != std::string::npos;
    return false;
  });
  const auto status = log.compact();
  disk.fail_when(nullptr);
  EXPECT_EQ(status.error().code(), ErrorCode::Exhausted);
  EXPECT_FALSE(wrote);
}

TEST_F(CompactorMeanwhileTest, GivesUpWhenTheFlusherWaitsForSpace) {
  KeyedLog log(disk);
  fill(log);
  log.put("waits", "x");
  std::atomic<bool> full = true;
  disk.set_free_bytes(0);
  disk.fail_when([&](std::string_view operation, const std::string& path) {
    return full && operation == "write" && path.ends_with("00000000000000000006.log");
  });
  std::thread flush([&] { EXPECT_TRUE(log.log->checkpoint()); });
  const auto status = log.compact();
  EXPECT_EQ(status.error().code(), ErrorCode::Exhausted);
  EXPECT_EQ(log.log->snapshot().error().code(), ErrorCode::Exhausted);
  full = false;
  disk.set_free_bytes(1ull << 40);
  flush.join();
  disk.fail_when(nullptr);
  EXPECT_THAT(log.files(), ElementsAreArray(log.listed_files()));
  must_compact(log);
  EXPECT_EQ(log.records().size(), 6u);
}

TEST_F(CompactorMeanwhileTest, SaysWhenTheNewSegmentCannotBeSynced) {
  KeyedLog log(disk);
  fill(log);
  const auto before = log.records();
  disk.fail_when([](std::string_view operation, const std::string& path) {
    return operation == "sync" && path.ends_with(".1.meta");
  });
  EXPECT_EQ(log.compact().error().code(), ErrorCode::Unavailable);
  disk.fail_when(nullptr);
  EXPECT_EQ(log.records(), before);
  EXPECT_THAT(log.files(), ElementsAreArray(log.listed_files()));
}

TEST_F(CompactorMeanwhileTest, GivesReadersNothingWrongAndEverythingThatIsKept) {
  KeyedLog log(disk);
  std::atomic<bool> done = false;
  for (int i = 0; i < 200; ++i) log.put(fmt::format("k{}", i % 20), fmt::format("{}", i));
  log.roll();
  std::vector<std::thread> readers;
  for (int r = 0; r < 2; ++r) {
    readers.emplace_back([&] {
      while (!done) {
        std::int64_t last = -1;
        for (Offset next(0);;) {
          const auto found = read_from(log.partition(), Seek::to(next), 1000);
          ASSERT_TRUE(found) << found.error().message();
          if (found->empty()) break;
          std::vector<ReadRecord> records;
          for (const auto& batch : *found) collect(batch, records);
          for (const auto& record : records) {
            ASSERT_GT(record.offset, last);
            last = record.offset;
            if (!record.key->starts_with('k')) continue;
            // The value tells where it was written: a key comes every twenty records.
            ASSERT_EQ(std::stoi(*record.value) % 20, std::stoi(record.key->substr(1)));
          }
          next = found->back().last_offset + 1;
        }
      }
    });
  }
  for (int pass = 0; pass < 12; ++pass) {
    for (int i = 0; i < 20; ++i)
      log.put(fmt::format("k{}", i), fmt::format("{}", 200 + 20 * pass + i));
    log.roll();
    must_compact(log);
    remove_files(log);
  }
  done = true;
  for (auto& reader : readers) reader.join();
  const auto state = log.state();
  EXPECT_EQ(state.size(), 21u);
  for (int i = 0; i < 20; ++i)
    EXPECT_EQ(state.at(fmt::format("k{}", i)), fmt::format("{}", 200 + 20 * 11 + i));
}

// Power cuts.

TEST_F(CompactorMeanwhileTest, LosesNothingWheneverThePowerIsCut) {
  KeyedState wanted;
  std::uint64_t first_step = 0;
  std::uint64_t last_step = 0;
  const auto fill = [](KeyedLog& log) {
    for (int i = 0; i < 3; ++i) {
      log.must_append(keyed_batch({{"a", fmt::format("{}", i)}, {fmt::format("o{}", i), "x"}},
                                  Compression::None, {kPro, 2 * i}));
      log.roll();
    }
    log.remove("o1");
    log.roll("end");
  };
  const auto pass = [](KeyedLog& log) {
    HousekeepingOptions options;
    options.compaction = fast_compaction();
    Housekeeper keeper(*log.log, std::move(options));
    keeper.pass();
    [[maybe_unused]] const auto settled = log.log->checkpoint();
    keeper.pass();
  };
  {
    SimDisk trial;
    KeyedLog log(trial);
    fill(log);
    wanted = log.state();
    first_step = trial.steps();
    pass(log);
    last_step = trial.steps();
    ASSERT_EQ(log.state(), wanted);
    ASSERT_LT(log.records().size(), 11u);
  }
  ASSERT_GT(last_step, first_step + 30);
  // A few more: not every run takes the same steps.
  for (auto step = first_step; step < last_step + 10; ++step) {
    SimDisk trial;
    KeyedLog log(trial);
    fill(log);
    trial.crash_at_step(step, step * 77);
    pass(log);
    auto image = trial.image_taken() ? trial.take_image() : trial.crash_image(step);
    const auto opened = log.reopen(image.get());
    ASSERT_TRUE(opened) << step << ": " << opened.error().message();
    ASSERT_EQ(log.state(), wanted) << step;
    pass(log);
    ASSERT_EQ(log.state(), wanted) << step;
    EXPECT_THAT(log.files(), ElementsAreArray(log.listed_files())) << step;
    log.log.reset();
  }
}

}  // namespace
}  // namespace myelin::log
