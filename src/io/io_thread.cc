#include "io/io_thread.h"

#include <boost/asio/post.hpp>

namespace myelin::io {

IoThread::IoThread(std::size_t index) : boost::asio::io_context(1), index_(index), timers_(*this) {}

void IoThread::wake(Wakeup* first, Wakeup* last) {
  Wakeup* head = woken_.load(std::memory_order_relaxed);
  do {
    last->next_ = head;
  } while (!woken_.compare_exchange_weak(head, first, std::memory_order_release,
                                         std::memory_order_relaxed));
  if (head == nullptr) boost::asio::post(*this, [this] { drain(); });
}

void IoThread::drain() {
  Wakeup* newest_first = woken_.exchange(nullptr, std::memory_order_acquire);
  Wakeup* next = nullptr;
  while (newest_first != nullptr) {
    Wakeup* const older = newest_first->next_;
    newest_first->next_ = next;
    next = newest_first;
    newest_first = older;
  }
  while (next != nullptr) {
    Wakeup* const wakeup = next;
    next = wakeup->next_;
    wakeup->resume();
  }
}

}  // namespace myelin::io
