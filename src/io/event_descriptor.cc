#include "io/event_descriptor.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <cstdint>

#include "base/check.h"
#include "io/io_thread.h"
#include "io/timer_queue.h"

namespace myelin::io {
namespace {

using StreamDescriptor = boost::asio::posix::basic_stream_descriptor<Executor>;

// Borrows the descriptor for one wait, so that the next one may be on another io thread.
class Wait final : Timer {
 public:
  Wait(const Executor& executor, int descriptor, SteadyTime due)
      : stream_(executor, descriptor), timers_(IoThread::of(executor).timers()) {
    if (due != kNever) timers_.add(*this, due);
  }
  ~Wait() override {
    if (armed()) timers_.remove(*this);
    stream_.release();
  }
  Wait(const Wait&) = delete;
  Wait& operator=(const Wait&) = delete;

  Task<void> readable() {
    boost::system::error_code error;
    co_await stream_.async_wait(StreamDescriptor::wait_read,
                                boost::asio::redirect_error(use_task, error));
    if (error == boost::asio::error::operation_aborted && !timed_out_) throw Canceled();
  }

 private:
  void on_timer() override {
    timed_out_ = true;
    stream_.cancel();
  }

  StreamDescriptor stream_;
  TimerQueue& timers_;
  bool timed_out_ = false;
};

}  // namespace

EventDescriptor::EventDescriptor() : descriptor_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  MYELIN_CHECK(descriptor_ >= 0, "no file descriptor is left for an event");
}

EventDescriptor::~EventDescriptor() { ::close(descriptor_); }

void EventDescriptor::raise() {
  const std::uint64_t one = 1;
  // What fails is a counter that is full: then it is raised already.
  [[maybe_unused]] const auto written = ::write(descriptor_, &one, sizeof one);
}

bool EventDescriptor::take() {
  std::uint64_t count = 0;
  return ::read(descriptor_, &count, sizeof count) == sizeof count;
}

Task<bool> EventDescriptor::wait_until(SteadyTime due) {
  const auto executor = co_await boost::asio::this_coro::executor;
  while (!take()) {
    if (due != kNever && std::chrono::steady_clock::now() >= due) co_return false;
    Wait wait(executor, descriptor_, due);
    co_await wait.readable();
  }
  co_return true;
}

}  // namespace myelin::io
