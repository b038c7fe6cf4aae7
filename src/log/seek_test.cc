// Look-ups by the times that clients claim, and what the log refuses to be able to look up.
#include <gmock/gmock.h>

#include "log/log_test_support.h"

namespace myelin::log {
namespace {

// Batches of one record with these times, two to a segment; the last ones stay in buffers.
constexpr std::int64_t kTimes[] = {50, 20, 70, 10, 10, 90, 30, 80, 120, 60};

class ClaimedTimes : public ::testing::Test {
 protected:
  static Options options() {
    auto options = small_options();
    options.flush_interval = std::chrono::hours(1);
    options.segment_bytes = 250;
    return options;
  }
  ClaimedTimes() {
    EXPECT_TRUE(log_.append("a", ""));
    EXPECT_TRUE(log_.move_start("a", Offset(1)));
    for (std::size_t i = 0; i < std::size(kTimes); ++i) {
      if (i == 7) EXPECT_TRUE(log_.log->checkpoint());
      kafka::RecordBatchBuilder builder;
      EXPECT_TRUE(builder.add(kTimes[i], std::nullopt, std::string(40, 'x')));
      EXPECT_TRUE(log_.append_bytes("a", builder.finish()));
    }
  }
  // The first record at or behind `start` that claims a time at or after `ms`.
  void expect_found(const LogOnDisk& log, std::size_t start = 0) const {
    for (std::int64_t ms = 0; ms <= 130; ms += 5) {
      auto expected = start;
      while (expected < std::size(kTimes) && kTimes[expected] < ms) ++expected;
      const auto found = log.read("a", Seek::to_claimed(ms), 1);
      ASSERT_TRUE(found) << found.error().message();
      if (expected == std::size(kTimes)) {
        EXPECT_TRUE(found->empty()) << ms;
        continue;
      }
      ASSERT_EQ(found->size(), 1u) << ms;
      EXPECT_EQ(found->front().base_offset.value, static_cast<std::int64_t>(expected) + 1) << ms;
    }
  }

  SimDisk disk_;
  LogOnDisk log_{disk_, options()};
};

TEST_F(ClaimedTimes, AreFoundInSegmentsAndBuffers) { expect_found(log_); }

TEST_F(ClaimedTimes, AreFoundInSegmentsAlone) {
  ASSERT_TRUE(log_.log->checkpoint());
  EXPECT_GT(log_.find("a")->partitions[0]->segments()->size(), 3u);
  expect_found(log_);
}

TEST_F(ClaimedTimes, AreFoundAfterARestartAndAPowerCut) {
  const auto image = disk_.crash_image(1);
  LogOnDisk after(*image, options());
  expect_found(after);
  ASSERT_TRUE(log_.reopen());
  expect_found(log_);
}

TEST_F(ClaimedTimes, AreNotFoundBelowTheStart) {
  for (std::size_t start = 0; start < std::size(kTimes); ++start) {
    ASSERT_TRUE(log_.move_start("a", Offset(static_cast<std::int64_t>(start) + 1)));
    expect_found(log_, start);
  }
}

TEST(Log, RefusesABatchWithGapsBetweenItsOffsets) {
  SimDisk disk;
  LogOnDisk log(disk);
  ASSERT_TRUE(log.append("a", "one"));
  auto gap = batch_of("two", 2);
  gap[26] = 7;  // The last offset delta.
  const auto refused = log.append_bytes("a", gap);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::InvalidInput);
  EXPECT_EQ(log.append("a", "two")->value, 1);
}

TEST(LogThrottle, DelaysMoreTheFullerTheJournalIsFromTwoThirdsOn) {
  constexpr std::chrono::milliseconds kMax(20);
  for (const double used : {0.0, 0.3, 0.66})
    EXPECT_EQ(throttle_delay(used, kMax).count(), 0) << used;
  auto last = throttle_delay(0.67, kMax);
  EXPECT_LT(last, std::chrono::microseconds(10));
  for (int percent = 68; percent <= 100; ++percent) {
    const auto delay = throttle_delay(percent / 100.0, kMax);
    EXPECT_GT(delay, last) << percent;
    // No step is a cliff.
    EXPECT_LT(delay - last, std::chrono::microseconds(1300)) << percent;
    last = delay;
  }
  EXPECT_EQ(last, kMax);
  EXPECT_EQ(throttle_delay(1.5, kMax), kMax);
}

// The flusher waits in a callback, so that no checkpoint frees the journal; the clock stands still,
// so that the delay of a commit does not end by itself.
TEST(LogThrottle, DelaysCommitsWhenTheJournalIsNearlyFull) {
  SimDisk disk;
  disk.set_total_bytes(1u << 30);
  disk.set_free_bytes(1u << 30);
  ManualClock clock;
  SystemRandom random;
  Mutex mutex;
  CondVar changed;
  bool held = true;
  auto options = small_options();
  options.tail_interval = std::chrono::hours(1);
  options.space.on_change = [&](const SpaceReport&) {
    MutexLock lock(mutex);
    while (held) changed.wait(mutex);
  };
  auto log = *Log::open(disk, clock, random, options);
  disk.set_free_bytes(200u << 20);
  Uuid id;
  const auto topic = log->make_topic({id, "a", 1, "{}"});
  const auto append = [&](bool first) {
    auto waiter = std::make_shared<TestWaiter>();
    Write write;
    if (first) write.topics.push_back(topic);
    write.batches.push_back({topic->partitions[0].get(), batch_of(std::string(15'000, 'x'))});
    write.waiter = waiter;
    EXPECT_TRUE(log->append(std::move(write)));
    return waiter;
  };
  EXPECT_TRUE(append(true)->wait());
  while (log->journal_used() <= 2.0 / 3) ASSERT_TRUE(append(false)->wait());
  const auto before = log->visible();
  const auto delayed = append(false);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(log->visible(), before);
  clock.advance(options.throttle_max);
  EXPECT_TRUE(delayed->wait());
  {
    MutexLock lock(mutex);
    held = false;
    changed.notify_all();
  }
  EXPECT_TRUE(log->close());
}

}  // namespace
}  // namespace myelin::log
