#include "io/wakeup.h"

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <utility>

#include "base/check.h"

namespace myelin::io {

void WakeupBatch::add(Wakeup& wakeup) {
  for (List& list : lists_) {
    if (list.thread != wakeup.thread_) continue;
    wakeup.next_ = list.newest;
    list.newest = &wakeup;
    return;
  }
  wakeup.next_ = nullptr;
  lists_.push_back({wakeup.thread_, &wakeup, &wakeup});
}

void WakeupBatch::flush() {
  for (const List& list : lists_) list.thread->wake(list.newest, list.oldest);
  lists_.clear();
}

bool Signal::raise_found_waiter() {
  return state_.exchange(State::Raised, std::memory_order_acq_rel) == State::Waiting;
}

void Signal::raise() {
  if (raise_found_waiter()) thread_->wake(this, this);
}

void Signal::raise(WakeupBatch& batch) {
  if (raise_found_waiter()) batch.add(*this);
}

bool Signal::take() {
  State expected = State::Raised;
  return state_.compare_exchange_strong(expected, State::Idle, std::memory_order_acquire,
                                        std::memory_order_relaxed);
}

Task<WaitOutcome> Signal::wait(SteadyTime due) {
  return boost::asio::async_initiate<const boost::asio::use_awaitable_t<Executor>&,
                                     void(std::exception_ptr, WaitOutcome)>(
      [this, due](Handler handler) { begin(std::move(handler), due, Cancelable::Yes); }, use_task);
}

Task<WaitOutcome> Signal::wait_uncanceled() {
  return boost::asio::async_initiate<const boost::asio::use_awaitable_t<Executor>&,
                                     void(std::exception_ptr, WaitOutcome)>(
      [this](Handler handler) { begin(std::move(handler), kNever, Cancelable::No); }, use_task);
}

void Signal::begin(Handler handler, SteadyTime due, Cancelable cancelable) {
  MYELIN_CHECK(!handler_, "two tasks wait for one signal");
  thread_ = &IoThread::of(handler.get_executor());
  canceled_ = false;
  auto slot = boost::asio::get_associated_cancellation_slot(handler);
  if (cancelable == Cancelable::Yes && slot.is_connected())
    slot.assign([this](boost::asio::cancellation_type) { cancel(); });
  if (due != kNever) thread_->timers().add(*this, due);
  handler_.emplace(std::move(handler));
  State expected = State::Idle;
  if (!state_.compare_exchange_strong(expected, State::Waiting, std::memory_order_acq_rel))
    thread_->wake(this, this);  // Raised meanwhile; a handler must not run inside its initiation.
}

void Signal::cancel() {
  State expected = State::Waiting;
  if (!state_.compare_exchange_strong(expected, State::Idle, std::memory_order_acquire,
                                      std::memory_order_relaxed))
    return;  // The wake-up is on its way.
  canceled_ = true;
  if (Timer::armed()) thread_->timers().remove(*this);
  thread_->wake(this, this);
}

void Signal::on_timer() {
  State expected = State::Waiting;
  if (state_.compare_exchange_strong(expected, State::Idle, std::memory_order_acquire,
                                     std::memory_order_relaxed))
    finish(nullptr, WaitOutcome::TimedOut);
}

void Signal::resume() {
  finish(canceled_ ? std::make_exception_ptr(Canceled()) : nullptr, WaitOutcome::Raised);
}

void Signal::finish(std::exception_ptr error, WaitOutcome outcome) {
  if (Timer::armed()) thread_->timers().remove(*this);
  Handler handler = std::move(*handler_);
  handler_.reset();
  std::move(handler)(std::move(error), outcome);
}

}  // namespace myelin::io
