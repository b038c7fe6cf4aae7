#include "io/timer_queue.h"

#include <gtest/gtest.h>

#include <random>

namespace myelin::io {
namespace {

using namespace std::chrono_literals;

class Recorder final : public Timer {
 public:
  Recorder(std::vector<int>& fired, int id) : fired_(fired), id_(id) {}
  void on_timer() override { fired_.push_back(id_); }

 private:
  std::vector<int>& fired_;
  const int id_;
};

TEST(TimerQueue, FiresInOrderOfDueTimesWhateverTheOrderOfAdding) {
  boost::asio::io_context context;
  TimerQueue queue(context);
  std::vector<int> fired;
  std::vector<std::unique_ptr<Recorder>> timers;
  std::vector<int> ids(200);
  for (int i = 0; i < 200; ++i) ids[static_cast<std::size_t>(i)] = i;
  std::shuffle(ids.begin(), ids.end(), std::mt19937(1));
  const auto start = std::chrono::steady_clock::now();
  for (const int id : ids) {
    timers.push_back(std::make_unique<Recorder>(fired, id));
    queue.add(*timers.back(), start + std::chrono::microseconds(100 * id));
  }
  context.run();
  std::vector<int> expected(200);
  for (int i = 0; i < 200; ++i) expected[static_cast<std::size_t>(i)] = i;
  EXPECT_EQ(fired, expected);
}

TEST(TimerQueue, ARemovedOrDestroyedTimerDoesNotFire) {
  boost::asio::io_context context;
  TimerQueue queue(context);
  std::vector<int> fired;
  Recorder kept(fired, 1);
  Recorder removed(fired, 2);
  const auto due = std::chrono::steady_clock::now() + 2ms;
  {
    Recorder destroyed(fired, 3);
    queue.add(destroyed, due);
    queue.add(kept, due);
    queue.add(removed, due);
    queue.remove(removed);
  }
  context.run();
  EXPECT_EQ(fired, std::vector<int>{1});
  EXPECT_EQ(queue.size(), 0u);
}

TEST(TimerQueue, AddingAgainMovesTheTimer) {
  boost::asio::io_context context;
  TimerQueue queue(context);
  std::vector<int> fired;
  Recorder first(fired, 1);
  Recorder second(fired, 2);
  const auto now = std::chrono::steady_clock::now();
  queue.add(first, now + 1ms);
  queue.add(second, now + 2ms);
  queue.add(first, now + 5ms);
  context.run();
  EXPECT_EQ(fired, (std::vector<int>{2, 1}));
}

TEST(Deadline, FiresOnceAtTheLastTimeThatWasSet) {
  boost::asio::io_context context;
  TimerQueue queue(context);
  std::vector<SteadyTime> fired;
  Deadline deadline(
      queue,
      [](void* list) {
        static_cast<std::vector<SteadyTime>*>(list)->push_back(std::chrono::steady_clock::now());
      },
      &fired);
  const auto last = std::chrono::steady_clock::now() + 20ms;
  deadline.set(last - 15ms);
  deadline.set(last);
  context.run();
  ASSERT_EQ(fired.size(), 1u);
  EXPECT_GE(fired[0], last);
}

TEST(Deadline, CanBeMovedEarlier) {
  boost::asio::io_context context;
  TimerQueue queue(context);
  int fired = 0;
  Deadline deadline(queue, [](void* count) { ++*static_cast<int*>(count); }, &fired);
  deadline.set(std::chrono::steady_clock::now() + 1h);
  deadline.set(std::chrono::steady_clock::now() + 1ms);
  context.run_one();
  while (fired == 0) context.run_one();
  EXPECT_EQ(fired, 1);
}

TEST(Deadline, DoesNotFireAfterClear) {
  boost::asio::io_context context;
  TimerQueue queue(context);
  int fired = 0;
  Deadline deadline(queue, [](void* count) { ++*static_cast<int*>(count); }, &fired);
  deadline.set(std::chrono::steady_clock::now() + 2ms);
  deadline.clear();
  context.run();
  EXPECT_EQ(fired, 0);
}

}  // namespace
}  // namespace myelin::io
