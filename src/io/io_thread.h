// IoThread: one io_context, its timers and its queue of wake-ups. Owned by Runtime; run by one
// thread.
//
// Every task's executor belongs to an IoThread, so of(executor) is a cast.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <cstddef>

#include "io/task.h"
#include "io/timer_queue.h"

namespace myelin::io {

class IoThread;

// Something to resume on one io thread: a link in the lists that carry wake-ups across threads.
// Embedded in what waits.
class Wakeup {
 protected:
  Wakeup() = default;
  Wakeup(const Wakeup&) = delete;
  Wakeup& operator=(const Wakeup&) = delete;
  ~Wakeup() = default;

  // On the io thread. `this` may be gone when it returns.
  virtual void resume() = 0;

 private:
  friend class IoThread;
  friend class WakeupBatch;
  friend class Signal;
  Wakeup* next_ = nullptr;
  IoThread* thread_ = nullptr;
};

class IoThread : public boost::asio::io_context {
 public:
  explicit IoThread(std::size_t index);

  std::size_t index() const { return index_; }
  TimerQueue& timers() { return timers_; }
  bool is_current() { return get_executor().running_in_this_thread(); }

  // Any thread. A chain of wake-ups linked by next_, newest first; one post at most for the whole
  // chain, none when an earlier chain still waits.
  void wake(Wakeup* first, Wakeup* last);

  static IoThread& of(const Executor& executor) {
    return static_cast<IoThread&>(executor.context());
  }

 private:
  void drain();

  const std::size_t index_;
  std::atomic<Wakeup*> woken_{nullptr};  // Newest first.
  TimerQueue timers_;
};

}  // namespace myelin::io
