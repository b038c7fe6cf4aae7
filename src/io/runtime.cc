#include "io/runtime.h"

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <array>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <future>

#include "base/check.h"

namespace myelin::io {
namespace {

constexpr std::chrono::hours kForever{24};

// All signals are blocked in the threads that are started while this lives: they are the main
// thread's.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_;
};

std::size_t count_or_cores(std::size_t threads) {
  if (threads > 0) return threads;
  return std::max(1u, std::thread::hardware_concurrency());
}

sigset_t stop_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  return set;
}

// Shares the promise: the waiting thread may be through with it before set_value() has returned.
Task<void> relay(Task<void> task, std::shared_ptr<std::promise<void>> ended) {
  try {
    co_await std::move(task);
  } catch (...) {
    ended->set_exception(std::current_exception());
    co_return;
  }
  ended->set_value();
}

}  // namespace

Runtime::Runtime(Logger& logger, RuntimeOptions options)
    : logger_(logger),
      pool_((SignalsBlocked(), std::max<std::size_t>(1, options.blocking_threads))) {
  const SignalsBlocked blocked;
  for (std::size_t i = 0; i < count_or_cores(options.threads); ++i)
    threads_.push_back(std::make_unique<IoThread>(i));
  root_ = std::make_unique<TaskScope>(*this, "runtime");
  for (const auto& thread : threads_) {
    runners_.emplace_back([&thread = *thread] {
      ::pthread_setname_np(::pthread_self(), ("io-" + std::to_string(thread.index())).c_str());
      const auto guard = boost::asio::make_work_guard(thread);
      thread.run();
    });
  }
}

Runtime::~Runtime() {
  while (!runners_.empty() && !stop(kForever)) {
  }
}

bool Runtime::stop(std::chrono::milliseconds time) {
  if (runners_.empty()) return true;
  if (!root_->stop(time)) return false;
  pool_.stop();
  for (const auto& thread : threads_) thread->stop();
  for (std::thread& runner : runners_) runner.join();
  runners_.clear();
  return true;
}

bool Runtime::on_io_thread() const {
  return std::ranges::any_of(threads_, [](const auto& thread) { return thread->is_current(); });
}

void Runtime::run_to_end(Task<void> task) {
  MYELIN_CHECK(!on_io_thread(), "an io thread waits for a task of its own");
  const auto ended = std::make_shared<std::promise<void>>();
  auto outcome = ended->get_future();
  MYELIN_CHECK(root_->spawn("run_to_end", relay(std::move(task), ended)), "the runtime is stopped");
  outcome.get();
}

void block_stop_signals() {
  const sigset_t set = stop_signals();
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

int wait_for_stop_signal() {
  const sigset_t set = stop_signals();
  int signal = 0;
  while (::sigwait(&set, &signal) != 0) {
  }
  return signal;
}

Task<void> sleep_until(SteadyTime due) {
  Signal never_raised;
  co_await never_raised.wait(due);
}

Task<void> sleep_for(std::chrono::milliseconds time) {
  return sleep_until(std::chrono::steady_clock::now() + time);
}

Task<void> yield() { return boost::asio::post(use_task); }

Task<IoThread*> this_thread() {
  const Executor executor = co_await boost::asio::this_coro::executor;
  co_return &IoThread::of(executor);
}

namespace {

// Shared by both halves and the task that waits for them; all on one thread.
struct BothState {
  std::array<boost::asio::cancellation_signal, 2> signals;
  std::exception_ptr thrown;
  int running = 2;
  Signal ended;

  void cancel() {
    for (auto& signal : signals) signal.emit(boost::asio::cancellation_type::terminal);
  }
  void end(std::size_t half, const std::exception_ptr& outcome) {
    --running;
    if (outcome && !thrown) {
      thrown = outcome;
      if (running > 0) signals[1 - half].emit(boost::asio::cancellation_type::terminal);
    }
    if (running == 0) ended.raise();
  }
};

void start_half(const Executor& executor, const std::shared_ptr<BothState>& state, std::size_t half,
                Task<void> task) {
  boost::asio::co_spawn(
      executor, std::move(task),
      boost::asio::bind_cancellation_slot(
          state->signals[half].slot(),
          [state, half](const std::exception_ptr& outcome) { state->end(half, outcome); }));
}

}  // namespace

Task<void> both(Task<void> first, Task<void> second) {
  const Executor executor = co_await boost::asio::this_coro::executor;
  const auto state = std::make_shared<BothState>();
  start_half(executor, state, 0, std::move(first));
  start_half(executor, state, 1, std::move(second));
  bool canceled = false;
  try {
    co_await state->ended.wait();
  } catch (const Canceled&) {
    canceled = true;
  }
  if (canceled) {
    state->cancel();
    // The halves may refer to our caller's frame: they end before we do.
    co_await boost::asio::this_coro::throw_if_cancelled(false);
    co_await state->ended.wait_uncanceled();
    throw Canceled();
  }
  if (state->thrown) std::rethrow_exception(state->thrown);
}

}  // namespace myelin::io
