#include "io/timer_queue.h"

#include <utility>

#include "base/check.h"

namespace myelin::io {

Timer::~Timer() {
  if (queue_ != nullptr) queue_->remove(*this);
}

TimerQueue::TimerQueue(boost::asio::io_context& context) : kernel_timer_(context.get_executor()) {}

TimerQueue::~TimerQueue() {
  for (Timer* timer : heap_) timer->queue_ = nullptr;
}

void TimerQueue::place(Timer* timer, std::size_t index) {
  heap_[index] = timer;
  timer->index_ = index;
}

void TimerQueue::sift_up(std::size_t index) {
  Timer* const timer = heap_[index];
  while (index > 0) {
    const std::size_t parent = (index - 1) / 2;
    if (heap_[parent]->due_ <= timer->due_) break;
    place(heap_[parent], index);
    index = parent;
  }
  place(timer, index);
}

void TimerQueue::sift_down(std::size_t index) {
  Timer* const timer = heap_[index];
  for (;;) {
    std::size_t child = 2 * index + 1;
    if (child >= heap_.size()) break;
    if (child + 1 < heap_.size() && heap_[child + 1]->due_ < heap_[child]->due_) ++child;
    if (timer->due_ <= heap_[child]->due_) break;
    place(heap_[child], index);
    index = child;
  }
  place(timer, index);
}

void TimerQueue::add(Timer& timer, SteadyTime due) {
  if (timer.queue_ != nullptr) remove(timer);
  timer.queue_ = this;
  timer.due_ = due;
  heap_.push_back(&timer);
  timer.index_ = heap_.size() - 1;
  sift_up(timer.index_);
  if (due < armed_for_) arm(due);
}

void TimerQueue::remove(Timer& timer) {
  MYELIN_CHECK(timer.queue_ == this, "a timer is removed from a queue that does not hold it");
  const std::size_t index = timer.index_;
  Timer* const last = heap_.back();
  heap_.pop_back();
  timer.queue_ = nullptr;
  if (last == &timer) return;
  place(last, index);
  sift_up(index);
  sift_down(last->index_);
}

void TimerQueue::arm(SteadyTime due) {
  // Rounded up, so that deadlines of one millisecond share a wake-up.
  armed_for_ = std::chrono::ceil<std::chrono::milliseconds>(due);
  kernel_timer_.expires_at(armed_for_);
  kernel_timer_.async_wait([this](boost::system::error_code error) {
    if (!error) fire();
  });
}

void TimerQueue::fire() {
  armed_for_ = kNever;
  // One reading for the round: a timer that is added again with no delay waits for the next one.
  const auto now = std::chrono::steady_clock::now();
  while (!heap_.empty() && heap_.front()->due_ <= now) {
    Timer& timer = *heap_.front();
    remove(timer);
    timer.on_timer();
  }
  if (!heap_.empty() && heap_.front()->due_ < armed_for_) arm(heap_.front()->due_);
}

void Deadline::set(SteadyTime due) {
  due_ = due;
  if (due == kNever) return;
  if (!armed() || due < Timer::due()) queue_.add(*this, due);
}

void Deadline::on_timer() {
  if (due_ == kNever) return;
  if (std::chrono::steady_clock::now() < due_) {
    queue_.add(*this, due_);
    return;
  }
  due_ = kNever;
  fire_(owner_);
}

}  // namespace myelin::io
