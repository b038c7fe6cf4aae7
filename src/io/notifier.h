// Notifier: "there is more", again and again.
//
// Any thread notifies; one coroutine waits. Notifications before a wait, or many between two waits,
// are one. The waiter looks for itself what there is: a notification carries nothing. Ownership as
// wakeup.h says.
#pragma once

#include "io/wakeup.h"

namespace myelin::io {

class Notifier {
 public:
  Notifier() = default;
  Notifier(const Notifier&) = delete;
  Notifier& operator=(const Notifier&) = delete;

  // Any thread; costs one atomic exchange when nobody waits.
  void notify() { signal_.raise(); }
  void notify(WakeupBatch& batch) { signal_.raise(batch); }

  // True when a notification was taken, false when the time was over first.
  Task<bool> wait_until(SteadyTime due) {
    if (signal_.take()) co_return true;
    const auto outcome = co_await signal_.wait(due);
    if (outcome == WaitOutcome::TimedOut) co_return false;
    co_return signal_.take();
  }
  Task<void> wait() {
    if (!signal_.take()) {
      co_await signal_.wait();
      signal_.take();
    }
  }

 private:
  Signal signal_;
};

}  // namespace myelin::io
