// OneShot<T>: one value, set on any thread, awaited on an io thread.
//
// The committer's side of "durable": a door awaits, the log's thread sets thousands at once through
// one WakeupBatch. Embeddable, allocates nothing itself. Ownership as wakeup.h says: it outlives
// its producer, and a waiter whose task was canceled may be gone while the producer is not; share
// it (one allocation for both) when that can be.
#pragma once

#include <optional>
#include <utility>

#include "base/check.h"
#include "io/wakeup.h"

namespace myelin::io {

template <class T>
class OneShot {
 public:
  OneShot() = default;
  OneShot(const OneShot&) = delete;
  OneShot& operator=(const OneShot&) = delete;

  // Any thread, once.
  void set(T value) {
    value_.emplace(std::move(value));
    signal_.raise();
  }
  // The same; the waiter goes on after batch.flush().
  void set(T value, WakeupBatch& batch) {
    value_.emplace(std::move(value));
    signal_.raise(batch);
  }

  // Any thread: the value is there and wait() would not suspend.
  bool ready() const { return signal_.raised(); }
  // When ready: the value. It can be taken once.
  T take() {
    MYELIN_CHECK(ready() && value_, "a one-shot was taken before it was set, or twice");
    T value = std::move(*value_);
    value_.reset();
    return value;
  }

  // One waiter, on one io thread. Cancellation ends the wait, not the producer's duty to set.
  Task<T> wait() {
    if (!ready()) co_await signal_.wait();
    co_return take();
  }
  // Nothing when the time is over first; waiting again is allowed.
  Task<std::optional<T>> wait_until(SteadyTime due) {
    if (!ready() && co_await signal_.wait(due) == WaitOutcome::TimedOut) co_return std::nullopt;
    co_return take();
  }
  Task<T> wait_uncanceled() {
    if (!ready()) co_await signal_.wait_uncanceled();
    co_return take();
  }

 private:
  Signal signal_;
  std::optional<T> value_;
};

}  // namespace myelin::io
