#include "io/wakeup.h"

#include <atomic>
#include <deque>
#include <memory>

#include "io/notifier.h"
#include "io/one_shot.h"
#include "io/test_support.h"

namespace myelin::io {
namespace {

using namespace std::chrono_literals;
using testing::eventually;

class OneShotTest : public testing::IoTest {};
class NotifierTest : public testing::IoTest {};

Task<void> add_to(OneShot<int>* shot, std::atomic<int>* sum) {
  const int value = co_await shot->wait();
  *sum += value;
}

TEST_F(OneShotTest, GivesAValueThatWasSetBeforeTheWait) {
  OneShot<int> shot;
  std::atomic<int> sum = 0;
  shot.set(7);
  EXPECT_TRUE(shot.ready());
  runtime_.run_to_end(add_to(&shot, &sum));
  EXPECT_EQ(sum, 7);
}

TEST_F(OneShotTest, WakesAWaiterFromAnotherThread) {
  for (int i = 0; i < 500; ++i) {
    OneShot<int> shot;
    std::atomic<int> sum = 0;
    std::thread producer([&] { shot.set(3); });
    runtime_.run_to_end(add_to(&shot, &sum));
    producer.join();
    EXPECT_EQ(sum, 3);
  }
}

TEST_F(OneShotTest, ResumesOnTheWaitersThread) {
  OneShot<int> shot;
  std::atomic<bool> waiting = false;
  auto check = [](OneShot<int>* one, std::atomic<bool>* flag) -> Task<void> {
    const auto before = std::this_thread::get_id();
    *flag = true;
    co_await one->wait();
    EXPECT_EQ(std::this_thread::get_id(), before);
  };
  std::thread producer([&] {
    EXPECT_TRUE(eventually([&] { return waiting.load(); }));
    shot.set(1);
  });
  runtime_.run_to_end(check(&shot, &waiting));
  producer.join();
}

TEST_F(OneShotTest, ABatchWakesNobodyBeforeItsFlush) {
  constexpr int kWaiters = 1000;
  std::deque<OneShot<int>> shots(kWaiters);
  std::atomic<int> sum = 0;
  std::atomic<int> waiting = 0;
  auto wait = [](OneShot<int>* shot, std::atomic<int>* started,
                 std::atomic<int>* total) -> Task<void> {
    ++*started;
    *total += co_await shot->wait();
  };
  TaskScope scope(runtime_, "scope");
  for (auto& shot : shots) scope.spawn("waiter", wait(&shot, &waiting, &sum));
  ASSERT_TRUE(eventually([&] { return waiting == kWaiters; }));
  // All tasks suspend in the same turn as they count; one more turn of each thread proves it.
  auto nothing = []() -> Task<void> { co_return; };
  for (std::size_t i = 0; i < 2; ++i) {
    TaskScope turn(runtime_, "turn");
    turn.spawn_on(runtime_.thread(i), "turn", nothing());
    ASSERT_TRUE(turn.join(10s));
  }
  WakeupBatch batch;
  for (auto& shot : shots) shot.set(1, batch);
  EXPECT_EQ(sum, 0);
  batch.flush();
  EXPECT_TRUE(scope.join(10s));
  EXPECT_EQ(sum, kWaiters);
}

TEST_F(OneShotTest, WakesABatchInTheOrderItWasSet) {
  constexpr int kWaiters = 100;
  std::deque<OneShot<int>> shots(kWaiters);
  std::vector<int> order;
  std::atomic<int> waiting = 0;
  auto wait = [](OneShot<int>* shot, std::atomic<int>* started,
                 std::vector<int>* seen) -> Task<void> {
    ++*started;
    const int value = co_await shot->wait();
    seen->push_back(value);
  };
  TaskScope scope(runtime_, "scope");
  for (auto& shot : shots)
    scope.spawn_on(runtime_.thread(0), "waiter", wait(&shot, &waiting, &order));
  ASSERT_TRUE(eventually([&] { return waiting == kWaiters; }));
  {
    WakeupBatch batch;
    for (int i = 0; i < kWaiters; ++i) shots[static_cast<std::size_t>(i)].set(i, batch);
  }
  ASSERT_TRUE(scope.join(10s));
  for (int i = 0; i < kWaiters; ++i) EXPECT_EQ(order[static_cast<std::size_t>(i)], i);
}

TEST_F(OneShotTest, ATimedWaitEndsWithoutAValueAndCanBeRepeated) {
  OneShot<int> shot;
  auto check = [](OneShot<int>* one) -> Task<void> {
    const auto nothing = co_await one->wait_until(std::chrono::steady_clock::now() + 5ms);
    EXPECT_FALSE(nothing);
    one->set(4);
    const auto value = co_await one->wait_until(std::chrono::steady_clock::now() + 1h);
    EXPECT_EQ(value, 4);
  };
  runtime_.run_to_end(check(&shot));
}

TEST_F(OneShotTest, ACanceledWaiterLeavesTheProducerFreeToSet) {
  for (int i = 0; i < 300; ++i) {
    auto shot = std::make_shared<OneShot<int>>();
    auto wait = [](std::shared_ptr<OneShot<int>> one) -> Task<void> { co_await one->wait(); };
    TaskScope scope(runtime_, "scope");
    scope.spawn("waiter", wait(shot));
    std::thread producer([shot] { shot->set(1); });
    EXPECT_TRUE(scope.stop(10s));
    producer.join();
  }
}

TEST_F(NotifierTest, TakesManyNotificationsAsOne) {
  Notifier notifier;
  notifier.notify();
  notifier.notify();
  auto check = [](Notifier* n) -> Task<void> {
    EXPECT_TRUE(co_await n->wait_until(std::chrono::steady_clock::now() + 1h));
    EXPECT_FALSE(co_await n->wait_until(std::chrono::steady_clock::now() + 5ms));
  };
  runtime_.run_to_end(check(&notifier));
}

TEST_F(NotifierTest, MissesNothingWhileManyThreadsNotify) {
  constexpr int kProducers = 4;
  constexpr int kEach = 20'000;
  Notifier notifier;
  std::atomic<int> produced = 0;
  auto consume = [](Notifier* n, std::atomic<int>* count) -> Task<void> {
    while (count->load() < kProducers * kEach) co_await n->wait();
  };
  std::vector<std::thread> producers;
  for (int p = 0; p < kProducers; ++p) {
    producers.emplace_back([&] {
      for (int i = 0; i < kEach; ++i) {
        ++produced;
        notifier.notify();
      }
    });
  }
  runtime_.run_to_end(consume(&notifier, &produced));
  for (auto& producer : producers) producer.join();
  EXPECT_EQ(produced, kProducers * kEach);
}

TEST_F(NotifierTest, SurvivesNotificationsThatRaceWithTimeOuts) {
  Notifier notifier;
  std::atomic<bool> done = false;
  std::thread producer([&] {
    while (!done) {
      notifier.notify();
      std::this_thread::sleep_for(900us);
    }
  });
  auto consume = [](Notifier* n) -> Task<void> {
    for (int i = 0; i < 300; ++i) co_await n->wait_until(std::chrono::steady_clock::now() + 1ms);
  };
  runtime_.run_to_end(consume(&notifier));
  done = true;
  producer.join();
}

}  // namespace
}  // namespace myelin::io
