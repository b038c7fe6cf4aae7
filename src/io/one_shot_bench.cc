// What one completion across threads costs: a producer sets, a coroutine that waits goes on.
#include <benchmark/benchmark.h>
#include <unistd.h>

#include <atomic>
#include <deque>
#include <latch>

#include "base/logging.h"
#include "base/time.h"
#include "io/one_shot.h"
#include "io/runtime.h"

namespace {

using namespace myelin;
using namespace myelin::io;

constexpr int kWaiters = 1024;

struct Round {
  std::deque<OneShot<int>> shots{kWaiters};
  std::atomic<int> waiting = 0;
  std::latch done{kWaiters};
};

Task<void> wait(Round* round, std::size_t index) {
  ++round->waiting;
  benchmark::DoNotOptimize(co_await round->shots[index].wait());
  round->done.count_down();
}

// The time is that of setting kWaiters and of all of them having gone on.
void complete(benchmark::State& state, bool batched) {
  SystemClock clock;
  Logger logger({}, clock, STDERR_FILENO);
  Runtime runtime(logger, {.threads = 2});
  for (auto _ : state) {
    state.PauseTiming();
    {
      Round round;
      TaskScope scope(runtime, "bench");
      for (std::size_t i = 0; i < kWaiters; ++i) scope.spawn("waiter", wait(&round, i));
      while (round.waiting < kWaiters) std::this_thread::yield();
      state.ResumeTiming();
      if (batched) {
        WakeupBatch batch;
        for (auto& shot : round.shots) shot.set(1, batch);
      } else {
        for (auto& shot : round.shots) shot.set(1);
      }
      round.done.wait();
      state.PauseTiming();
      scope.join(std::chrono::seconds(10));
    }
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations() * kWaiters);
}

void set_in_a_batch(benchmark::State& state) { complete(state, true); }
void set_one_by_one(benchmark::State& state) { complete(state, false); }

}  // namespace

BENCHMARK(set_in_a_batch)->UseRealTime();
BENCHMARK(set_one_by_one)->UseRealTime();
