// WakeupBatch, Signal: a coroutine waits on an io thread, any thread wakes it.
//
// Signal is what OneShot and Notifier are made of; code above io uses those. A Signal has one
// consumer, whose waits all happen on one io thread, and any number of producers.
//
// Whoever owns a Signal keeps it until no producer can raise it any more (a shared_ptr held by both
// sides, or a registration removed under the producer's lock). A raise that has found a waiter
// needs no more care: the waiter does not go on, not even by cancellation or time-out, before that
// wake-up has arrived.
#pragma once

#include <atomic>
#include <boost/asio/async_result.hpp>
#include <cstdint>
#include <exception>
#include <optional>
#include <vector>

#include "io/io_thread.h"
#include "io/task.h"
#include "io/timer_queue.h"

namespace myelin::io {

// Collects wake-ups of many signals and hands them over with one post per io thread. For one
// thread's use; a producer that completes thousands of waiters keeps one and flushes at the end of
// each round. Nothing that was raised into the batch runs before flush(); the destructor flushes.
class WakeupBatch {
 public:
  WakeupBatch() = default;
  WakeupBatch(const WakeupBatch&) = delete;
  WakeupBatch& operator=(const WakeupBatch&) = delete;
  ~WakeupBatch() { flush(); }

  void flush();
  bool empty() const { return lists_.empty(); }

 private:
  friend class Signal;
  struct List {
    IoThread* thread;
    Wakeup* newest;
    Wakeup* oldest;
  };
  void add(Wakeup& wakeup);

  std::vector<List> lists_;  // One per io thread that has something: a handful, searched in order.
};

enum class WaitOutcome : std::uint8_t { Raised, TimedOut };

class Signal : Wakeup, Timer {
 public:
  Signal() = default;
  ~Signal() override = default;

  // Any thread. True after raise() until reset(); what the producer wrote before is visible.
  bool raised() const { return state_.load(std::memory_order_acquire) == State::Raised; }
  // Any thread. Raising what is raised does nothing. After this returns the producer touches the
  // signal no more.
  void raise();
  void raise(WakeupBatch& batch);
  // Consumer's thread, when nobody waits.
  void reset() { state_.store(State::Idle, std::memory_order_relaxed); }
  // The consumer takes a raise, if there is one.
  bool take();

  // Waits until raised or until `due`. Throws Canceled (as boost's operation_aborted) when the task
  // is canceled.
  Task<WaitOutcome> wait(SteadyTime due = kNever);
  // Waits whatever happens: for work that holds references into the caller's frame.
  Task<WaitOutcome> wait_uncanceled();

 private:
  using Handler = boost::asio::async_result<boost::asio::use_awaitable_t<Executor>,
                                            void(std::exception_ptr, WaitOutcome)>::handler_type;
  enum class State : std::uint8_t { Idle, Waiting, Raised };
  enum class Cancelable : bool { No, Yes };

  bool raise_found_waiter();
  void begin(Handler handler, SteadyTime due, Cancelable cancelable);
  void finish(std::exception_ptr error, WaitOutcome outcome);
  void cancel();
  void resume() override;
  void on_timer() override;

  std::atomic<State> state_{State::Idle};
  bool canceled_ = false;
  std::optional<Handler> handler_;
};

}  // namespace myelin::io
