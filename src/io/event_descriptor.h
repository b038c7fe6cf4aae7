// EventDescriptor: a wake-up through a file descriptor, for libraries that write to one when they
// have something (librdkafka's queues).
//
// Owns an eventfd. Any thread raises it, by raise() or by writing eight bytes as eventfd(2) says;
// one coroutine at a time waits, on whichever io thread it runs. Raises before a wait, or many
// between two waits, are one. It outlives whoever may write to it.
#pragma once

#include "base/time.h"
#include "io/task.h"

namespace myelin::io {

class EventDescriptor {
 public:
  // Ends the process when the process has no descriptor left to give.
  EventDescriptor();
  EventDescriptor(const EventDescriptor&) = delete;
  EventDescriptor& operator=(const EventDescriptor&) = delete;
  ~EventDescriptor();

  // Does not block.
  int descriptor() const { return descriptor_; }
  void raise();

  // True when a raise was taken, false when the time was over first. Throws when the task is
  // canceled.
  Task<bool> wait_until(SteadyTime due);

 private:
  bool take();

  const int descriptor_;
};

}  // namespace myelin::io
