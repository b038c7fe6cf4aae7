#include "io/runtime.h"

#include <atomic>
#include <stdexcept>

#include "io/test_support.h"

namespace myelin::io {
namespace {

using namespace std::chrono_literals;
using testing::eventually;

class RuntimeTest : public testing::IoTest {};

Task<void> set_flag(std::atomic<bool>* flag) {
  *flag = true;
  co_return;
}

Task<void> sleep_forever(std::atomic<int>* started, std::atomic<int>* ended) {
  struct Guard {
    std::atomic<int>* count;
    ~Guard() { ++*count; }
  };
  const Guard guard{ended};
  ++*started;
  co_await sleep_for(std::chrono::hours(1));
}

Task<void> fail() {
  co_await yield();
  throw std::invalid_argument("text of a peer");
}

Task<void> throw_broken() {
  co_await yield();
  throw Broken("reset");
}

TEST_F(RuntimeTest, RunsASpawnedTask) {
  std::atomic<bool> ran = false;
  EXPECT_TRUE(runtime_.spawn("flag", set_flag(&ran)));
  EXPECT_TRUE(eventually([&] { return ran.load(); }));
}

TEST_F(RuntimeTest, SpreadsTasksOverItsThreads) {
  std::atomic<int> seen[2] = {0, 0};
  auto count = [](std::atomic<int>* counts) -> Task<void> {
    IoThread* const thread = co_await this_thread();
    ++counts[thread->index()];
  };
  for (int i = 0; i < 10; ++i) runtime_.spawn("count", count(seen));
  EXPECT_TRUE(eventually([&] { return seen[0] + seen[1] == 10; }));
  EXPECT_EQ(seen[0], 5);
}

TEST_F(RuntimeTest, StopCancelsTasksAndWaitsForTheirFrames) {
  std::atomic<int> started = 0;
  std::atomic<int> ended = 0;
  TaskScope scope(runtime_, "scope");
  for (int i = 0; i < 100; ++i) scope.spawn("sleeper", sleep_forever(&started, &ended));
  EXPECT_TRUE(eventually([&] { return started == 100; }));
  EXPECT_TRUE(scope.stop(10s));
  EXPECT_EQ(ended, 100);
  EXPECT_EQ(scope.size(), 0u);
}

TEST_F(RuntimeTest, StopRightAfterSpawnEndsTheTaskToo) {
  for (int i = 0; i < 200; ++i) {
    std::atomic<int> started = 0;
    std::atomic<int> ended = 0;
    TaskScope scope(runtime_, "scope");
    scope.spawn("sleeper", sleep_forever(&started, &ended));
    EXPECT_TRUE(scope.stop(10s));
    EXPECT_EQ(started, ended);
  }
}

TEST_F(RuntimeTest, DropsATaskThatIsSpawnedAfterStop) {
  std::atomic<bool> ran = false;
  TaskScope scope(runtime_, "scope");
  scope.cancel();
  EXPECT_FALSE(scope.spawn("late", set_flag(&ran)));
  EXPECT_TRUE(scope.stop(10s));
  EXPECT_FALSE(ran);
}

TEST_F(RuntimeTest, StopSaysWhenATaskDoesNotEnd) {
  std::atomic<bool> release = false;
  auto stuck = [](Runtime* runtime, std::atomic<bool>* go) -> Task<void> {
    co_await runtime->blocking([go] {
      while (!go->load()) std::this_thread::sleep_for(1ms);
    });
  };
  TaskScope scope(runtime_, "scope");
  scope.spawn("stuck", stuck(&runtime_, &release));
  EXPECT_FALSE(scope.stop(20ms));
  EXPECT_EQ(scope.running(), std::vector<std::string>{"stuck"});
  release = true;
  EXPECT_TRUE(scope.stop(10s));
}

TEST_F(RuntimeTest, AnEmptyScopeMayOutliveTheThreads) {
  std::atomic<bool> ran = false;
  TaskScope scope(runtime_, "scope");
  scope.spawn("flag", set_flag(&ran));
  EXPECT_TRUE(scope.join(10s));
  EXPECT_TRUE(runtime_.stop(10s));
  EXPECT_TRUE(scope.stop(10s));
}

TEST_F(RuntimeTest, JoinWaitsWithoutCanceling) {
  std::atomic<bool> finished = false;
  auto slow = [](std::atomic<bool>* flag) -> Task<void> {
    co_await sleep_for(30ms);
    *flag = true;
  };
  TaskScope scope(runtime_, "scope");
  scope.spawn("slow", slow(&finished));
  EXPECT_TRUE(scope.join(10s));
  EXPECT_TRUE(finished);
}

TEST_F(RuntimeTest, LogsAnUnexpectedExceptionByTypeWithoutItsText) {
  runtime_.spawn("feed.reader", fail());
  EXPECT_TRUE(eventually([&] { return log_.text().find("task.failed") != std::string::npos; }));
  EXPECT_NE(log_.text().find("feed.reader"), std::string::npos);
  EXPECT_NE(log_.text().find("std::invalid_argument"), std::string::npos);
  EXPECT_EQ(log_.text().find("text of a peer"), std::string::npos);
}

TEST_F(RuntimeTest, TakesABrokenConnectionAsAnOrdinaryEnd) {
  TaskScope scope(runtime_, "scope");
  scope.spawn("connection", throw_broken());
  EXPECT_TRUE(scope.join(10s));
  EXPECT_EQ(log_.text(), "");
}

TEST_F(RuntimeTest, BlockingWorkRunsOnThePoolAndComesBackToTheCallersThread) {
  auto check = [](Runtime* runtime) -> Task<void> {
    IoThread* const before = co_await this_thread();
    const auto caller = std::this_thread::get_id();
    const auto worker = co_await runtime->blocking([] { return std::this_thread::get_id(); });
    IoThread* const after = co_await this_thread();
    EXPECT_NE(worker, caller);
    EXPECT_EQ(std::this_thread::get_id(), caller);
    EXPECT_EQ(before, after);
  };
  runtime_.run_to_end(check(&runtime_));
}

TEST_F(RuntimeTest, BlockingWorkHandsItsExceptionOn) {
  auto check = [](Runtime* runtime) -> Task<void> {
    co_await runtime->blocking([]() -> int { throw std::runtime_error("no"); });
  };
  EXPECT_THROW(runtime_.run_to_end(check(&runtime_)), std::runtime_error);
}

TEST_F(RuntimeTest, SleepsEndInTheOrderOfTheirTimes) {
  std::vector<int> order;
  auto sleeper = [](std::vector<int>* ended, int ms) -> Task<void> {
    co_await sleep_for(std::chrono::milliseconds(ms));
    ended->push_back(ms);
  };
  TaskScope scope(runtime_, "scope");
  for (const int ms : {60, 20, 100, 40, 80})
    scope.spawn_on(runtime_.thread(0), "sleeper", sleeper(&order, ms));
  EXPECT_TRUE(scope.join(10s));
  EXPECT_EQ(order, (std::vector<int>{20, 40, 60, 80, 100}));
}

TEST_F(RuntimeTest, BothEndsWhenBothHaveEnded) {
  auto check = []() -> Task<void> {
    int ended = 0;
    auto half = [](int* count, int ms) -> Task<void> {
      co_await sleep_for(std::chrono::milliseconds(ms));
      ++*count;
    };
    co_await both(half(&ended, 1), half(&ended, 20));
    EXPECT_EQ(ended, 2);
  };
  runtime_.run_to_end(check());
}

TEST_F(RuntimeTest, BothCancelsTheOtherHalfWhenOneThrows) {
  std::atomic<int> started = 0;
  std::atomic<int> ended = 0;
  EXPECT_THROW(runtime_.run_to_end(both(sleep_forever(&started, &ended), throw_broken())), Broken);
  EXPECT_EQ(started, 1);
  EXPECT_EQ(ended, 1);
}

TEST_F(RuntimeTest, CancelingBothEndsItsHalvesFirst) {
  std::atomic<int> started = 0;
  std::atomic<int> ended = 0;
  TaskScope scope(runtime_, "scope");
  scope.spawn("both", both(sleep_forever(&started, &ended), sleep_forever(&started, &ended)));
  EXPECT_TRUE(eventually([&] { return started == 2; }));
  EXPECT_TRUE(scope.stop(10s));
  EXPECT_EQ(ended, 2);
}

}  // namespace
}  // namespace myelin::io
