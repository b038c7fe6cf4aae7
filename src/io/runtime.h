// Runtime: the io threads, the pool for blocking work, and their orderly end.
//
// One io_context per thread, as many threads as cores; a task stays on its thread. Work that blocks
// (SQL, fdatasync, name resolution) goes through blocking(). `app` owns the one Runtime: built
// first, stopped last, after every TaskScope; its destructor waits for what still runs.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <string_view>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/logging.h"
#include "io/blocking_pool.h"
#include "io/io_thread.h"
#include "io/one_shot.h"
#include "io/run_blocking.h"
#include "io/task.h"
#include "io/task_scope.h"

namespace myelin::io {

struct RuntimeOptions {
  std::size_t threads = 0;  // 0: one per core.
  std::size_t blocking_threads = 4;
};

class Runtime {
 public:
  // Starts the threads. The logger outlives the runtime.
  explicit Runtime(Logger& logger, RuntimeOptions options = {});
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;
  ~Runtime();

  std::size_t thread_count() const { return threads_.size(); }
  IoThread& thread(std::size_t index) { return *threads_.at(index); }
  bool on_io_thread() const;
  // In turn; any thread.
  IoThread& next_thread() {
    return *threads_[next_.fetch_add(1, std::memory_order_relaxed) % threads_.size()];
  }

  // Tasks that no server owns, in a scope of the runtime's own. See TaskScope.
  bool spawn(std::string_view name, Task<void> task) { return root_->spawn(name, std::move(task)); }
  bool spawn_on(IoThread& thread, std::string_view name, Task<void> task) {
    return root_->spawn_on(thread, name, std::move(task));
  }

  // Runs `work` on the pool and resumes here with what it returned or threw. Canceling does not
  // interrupt it: the caller's frame stays until the work is done, so `work` may hold references
  // into it.
  template <class Work>
  Task<std::invoke_result_t<Work&>> blocking(Work work);

  // Cancels the runtime's own tasks, waits for them up to the deadline, then ends the threads.
  // False when tasks were still running: then the threads run on, and the caller ends the process.
  bool stop(std::chrono::milliseconds time);

  // Runs one task from a thread that is none of ours and waits for it: tests, command line
  // programs. What it throws is thrown here.
  void run_to_end(Task<void> task);

  Logger& logger() { return logger_; }

 private:
  Logger& logger_;
  std::vector<std::unique_ptr<IoThread>> threads_;
  std::vector<std::thread> runners_;
  std::atomic<std::size_t> next_{0};
  BlockingPool pool_;
  std::unique_ptr<TaskScope> root_;
};

// Blocks SIGINT and SIGTERM for the calling thread and those it starts: first thing in main(),
// before any thread.
void block_stop_signals();
// Then waits for one of them and returns it.
int wait_for_stop_signal();

// At least this long, to the millisecond.
Task<void> sleep_until(SteadyTime due);
Task<void> sleep_for(std::chrono::milliseconds time);
// Lets the others of this thread run first.
Task<void> yield();
// The io thread that this task runs on.
Task<IoThread*> this_thread();

// Runs both on this thread until both have ended. When one throws, the other is canceled, and the
// first exception goes on. For the two directions of a connection.
Task<void> both(Task<void> first, Task<void> second);

template <class Work>
Task<std::invoke_result_t<Work&>> Runtime::blocking(Work work) {
  return run_blocking(pool_, std::move(work));
}

}  // namespace myelin::io
