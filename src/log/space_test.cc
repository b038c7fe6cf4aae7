#include "log/space.h"

#include <gmock/gmock.h>

#include "log/log_test_support.h"

namespace myelin::log {
namespace {

using ::testing::ElementsAre;

constexpr std::uint64_t kTotal = 100'000;

class SpaceTest : public ::testing::Test {
 protected:
  SpaceTest() {
    limits_.free_bytes_min = 1000;
    limits_.on_change = [this](const SpaceReport& report) { told_.push_back(report.state); };
    disk_.set_total_bytes(kTotal);
    set_free(90'000);
  }
  void set_free(std::uint64_t bytes) { disk_.set_free_bytes(bytes); }
  SpaceWatch& watch() {
    if (!watch_) watch_.emplace(disk_, clock_, "/data", limits_);
    watch_->refresh();
    return *watch_;
  }

  SimDisk disk_;
  ManualClock clock_;
  SpaceLimits limits_;
  std::vector<SpaceState> told_;
  std::optional<SpaceWatch> watch_;
};

TEST_F(SpaceTest, TellsEachStateOnceWhenItChanges) {
  for (const std::uint64_t free :
       {90'000, 50'000, 20'000, 10'000, 5'000, 4'999, 100, 6'000, 30'000, 90'000}) {
    set_free(free);
    watch().refresh();
  }
  EXPECT_THAT(told_,
              ElementsAre(SpaceState::Low, SpaceState::Full, SpaceState::Low, SpaceState::Ok));
}

TEST_F(SpaceTest, ReportsWhatIsUsed) {
  set_free(25'000);
  const auto report = watch().report();
  EXPECT_EQ(report.total_bytes, kTotal);
  EXPECT_EQ(report.free_bytes, 25'000u);
  EXPECT_EQ(report.used_percent, 75u);
  EXPECT_EQ(report.state, SpaceState::Ok);
}

TEST_F(SpaceTest, RefusesBeyondItsPercentage) {
  set_free(6'000);  // 5 % are kept.
  EXPECT_TRUE(watch().has(1'000));
  EXPECT_FALSE(watch().has(1'001));
}

TEST_F(SpaceTest, KeepsAnAbsoluteRestOnASmallDisk) {
  limits_.refuse_percent = 100;
  set_free(1'500);
  EXPECT_TRUE(watch().has(500));
  EXPECT_FALSE(watch().has(501));
}

TEST_F(SpaceTest, CountsWhatIsReserved) {
  set_free(6'000);
  watch().reserve(600);
  EXPECT_TRUE(watch().has(400));
  EXPECT_FALSE(watch().has(401));
  watch().give_back(600);
  EXPECT_TRUE(watch().has(1'000));
}

TEST_F(SpaceTest, LooksAgainNowAndThenWhenThereWasNoRoom) {
  set_free(0);
  EXPECT_FALSE(watch().has(1));
  clock_.advance(std::chrono::milliseconds(100));
  EXPECT_FALSE(watch_->has(1));  // Has just looked.
  set_free(90'000);
  clock_.advance(std::chrono::milliseconds(99));
  EXPECT_FALSE(watch_->has(1));
  clock_.advance(std::chrono::milliseconds(1));
  EXPECT_TRUE(watch_->has(1));
}

TEST_F(SpaceTest, LooksAgainWhenTheClockWasSetBack) {
  set_free(0);
  clock_.advance(std::chrono::hours(1));
  EXPECT_FALSE(watch().has(1));
  set_free(90'000);
  clock_.advance(-std::chrono::hours(1));
  EXPECT_TRUE(watch_->has(1));
}

// A log whose disk is full but for what a test frees.
TEST(LogSpace, TakesWhatMakesRoomOnAFullDisk) {
  SimDisk disk;
  LogOnDisk log(disk);
  ASSERT_TRUE(log.append("a", "one"));
  ASSERT_TRUE(log.append("b", "one"));
  disk.set_free_bytes(0);
  log.log->refresh_space();
  EXPECT_FALSE(log.append("a", "two"));
  EXPECT_TRUE(log.move_start("a", Offset(1)));
  EXPECT_TRUE(log.remove(log.find("b")));
  Write both;
  both.batches.push_back({log.find("a")->partitions[0].get(), batch_of("two")});
  both.starts.push_back({log.find("a"), log.find("a")->partitions[0].get(), Offset(1)});
  EXPECT_FALSE(log.write(std::move(both)));
}

TEST(LogSpace, TellsWatermarksWhileItRuns) {
  SimDisk disk;
  disk.set_total_bytes(1u << 30);
  disk.set_free_bytes(1u << 30);
  auto options = small_options();
  Mutex mutex;
  std::vector<SpaceState> told;
  options.space.on_change = [&](const SpaceReport& report) {
    MutexLock lock(mutex);
    told.push_back(report.state);
  };
  LogOnDisk log(disk, options);
  for (const std::uint64_t free : {1u << 30, 200u << 20, 200u << 20, 10u << 20, 1u << 30}) {
    disk.set_free_bytes(free);
    log.log->refresh_space();
    EXPECT_EQ(log.log->space().free_bytes, free);
  }
  MutexLock lock(mutex);
  EXPECT_THAT(told, ElementsAre(SpaceState::Low, SpaceState::Full, SpaceState::Ok));
}

}  // namespace
}  // namespace myelin::log
