#include "base/mutex.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace myelin {
namespace {

using namespace std::chrono_literals;

TEST(Mutex, LetsOneThreadInAtATime) {
  Mutex mutex;
  int count = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 5000; ++i) {
        MutexLock lock(mutex);
        ++count;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(count, 20'000);
}

TEST(CondVar, WakesWhoWaits) {
  Mutex mutex;
  CondVar changed;
  bool ready = false;
  std::thread other([&] {
    MutexLock lock(mutex);
    ready = true;
    changed.notify_all();
  });
  {
    MutexLock lock(mutex);
    while (!ready) changed.wait(mutex);
    EXPECT_TRUE(ready);
  }
  other.join();
}

TEST(CondVar, SaysWhenTheTimeRanOut) {
  Mutex mutex;
  CondVar never;
  MutexLock lock(mutex);
  // A spurious wake-up may come first.
  while (never.wait_for(mutex, 1ms)) {
  }
}

}  // namespace
}  // namespace myelin
