// TaskScope: the tasks that one owner (a server, a listener, a subscription) has started, and their
// common end.
//
// spawn() is the only way to start a task: it has a name, its outcome is looked at, and its scope
// waits for it. Broken and Canceled are ordinary ends; any other exception is a bug of ours and is
// logged with the task's name (the exception's type, not its text, which may hold what a peer
// sent). Thread-safe. The scope outlives its tasks: the destructor cancels and waits; it must not
// run on an io thread unless the scope is empty.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "io/io_thread.h"
#include "io/task.h"

namespace myelin::io {

class Runtime;

class TaskScope {
 public:
  TaskScope(Runtime& runtime, std::string name);
  TaskScope(const TaskScope&) = delete;
  TaskScope& operator=(const TaskScope&) = delete;
  ~TaskScope();

  Runtime& runtime() { return runtime_; }

  // Starts a task on the next io thread in turn, or on the one named. Once the scope is stopping
  // the task is dropped unstarted, and false comes back. The task never begins inside this call.
  bool spawn(std::string_view name, Task<void> task);
  bool spawn_on(IoThread& thread, std::string_view name, Task<void> task);

  // No task starts any more, and each running one is canceled: its present wait throws. Returns at
  // once.
  void cancel();
  // cancel(), then waits for all tasks; false when some still run when the time is over. Not on an
  // io thread.
  bool stop(std::chrono::milliseconds time);
  // Waits for all tasks without canceling; no task starts any more. Not on an io thread.
  bool join(std::chrono::milliseconds time);

  bool stopping() const;
  std::size_t size() const;
  // Names of running tasks, for the log line of a stop that takes too long; 10 at most.
  std::vector<std::string> running() const;

 private:
  struct Entry;
  using Entries = std::list<std::shared_ptr<Entry>>;

  bool wait_empty(std::chrono::milliseconds time) MYELIN_EXCLUDES(mutex_);
  void finished(Entry& entry, const std::exception_ptr& outcome) MYELIN_EXCLUDES(mutex_);

  Runtime& runtime_;
  const std::string name_;
  mutable Mutex mutex_;
  CondVar empty_;
  bool stopping_ MYELIN_GUARDED_BY(mutex_) = false;
  Entries entries_ MYELIN_GUARDED_BY(mutex_);
  std::size_t pending_cancels_ MYELIN_GUARDED_BY(mutex_) = 0;  // Posted to io threads, not yet run.
};

}  // namespace myelin::io
