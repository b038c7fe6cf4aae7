// Timer, TimerQueue: one io thread's deadlines in a heap of its own, with one kernel timer for all.
//
// Adding and removing touch memory only, unless the new deadline is earlier than all others. Due
// times are kept to the millisecond, never early. All of it on the queue's io thread.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <cstddef>
#include <limits>
#include <vector>

#include "base/time.h"
#include "io/task.h"

namespace myelin::io {

class TimerQueue;

inline constexpr SteadyTime kNever = SteadyTime::max();

// A place in the queue, embedded in what waits. Removes itself when destroyed.
class Timer {
 public:
  Timer() = default;
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  bool armed() const { return queue_ != nullptr; }
  SteadyTime due() const { return due_; }

 protected:
  virtual ~Timer();
  // Called once when due; the timer is out of the queue and may be added again or destroyed.
  virtual void on_timer() = 0;

 private:
  friend class TimerQueue;
  TimerQueue* queue_ = nullptr;
  std::size_t index_ = 0;
  SteadyTime due_{};
};

class TimerQueue {
 public:
  explicit TimerQueue(boost::asio::io_context& context);
  TimerQueue(const TimerQueue&) = delete;
  TimerQueue& operator=(const TimerQueue&) = delete;
  ~TimerQueue();

  // Moves the timer when it is in the queue already.
  void add(Timer& timer, SteadyTime due);
  void remove(Timer& timer);
  std::size_t size() const { return heap_.size(); }

 private:
  void place(Timer* timer, std::size_t index);
  void sift_up(std::size_t index);
  void sift_down(std::size_t index);
  void arm(SteadyTime due);
  void fire();

  std::vector<Timer*> heap_;
  boost::asio::basic_waitable_timer<std::chrono::steady_clock,
                                    boost::asio::wait_traits<std::chrono::steady_clock>, Executor>
      kernel_timer_;
  SteadyTime armed_for_ = kNever;
};

// A time-out that is moved often and fires seldom: moving it later stores a value, the queue is
// touched when the old due time comes. One per direction of a connection.
class Deadline final : Timer {
 public:
  // `fire` is called on the io thread once the deadline has passed.
  Deadline(TimerQueue& queue, void (*fire)(void*), void* owner)
      : queue_(queue), fire_(fire), owner_(owner) {}

  void set(SteadyTime due);
  void clear() { due_ = kNever; }

 private:
  void on_timer() override;

  TimerQueue& queue_;
  void (*const fire_)(void*);
  void* const owner_;
  SteadyTime due_ = kNever;
};

}  // namespace myelin::io
