#include "io/task_scope.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <utility>

#include "base/check.h"
#include "io/outcome.h"
#include "io/runtime.h"

namespace myelin::io {
namespace {

constexpr std::chrono::seconds kReminder{5};
constexpr std::size_t kNamesMax = 10;

}  // namespace

struct TaskScope::Entry {
  Entry(std::string_view task_name, IoThread& on) : name(task_name), thread(on) {}
  const std::string name;
  IoThread& thread;
  bool canceled = false;  // On the io thread, like the signal.
  boost::asio::cancellation_signal signal;
  Entries::iterator place;
};

TaskScope::TaskScope(Runtime& runtime, std::string name)
    : runtime_(runtime), name_(std::move(name)) {}

TaskScope::~TaskScope() {
  if (size() == 0 && wait_empty(std::chrono::milliseconds(0))) return;
  while (!stop(kReminder)) {
    for (const std::string& task : running())
      runtime_.logger().warn("scope.waits", {{"scope", name_}, {"task", task}});
  }
}

bool TaskScope::spawn(std::string_view name, Task<void> task) {
  return spawn_on(runtime_.next_thread(), name, std::move(task));
}

bool TaskScope::spawn_on(IoThread& thread, std::string_view name, Task<void> task) {
  auto entry = std::make_shared<Entry>(name, thread);
  {
    MutexLock lock(mutex_);
    if (stopping_) return false;
    entries_.push_front(entry);
    entry->place = entries_.begin();
  }
  boost::asio::post(thread, [this, entry, task = std::move(task)]() mutable {
    if (entry->canceled) {
      task = Task<void>();
      finished(*entry, nullptr);
      return;
    }
    auto ended = [this, entry](const std::exception_ptr& outcome) { finished(*entry, outcome); };
    boost::asio::co_spawn(
        entry->thread.get_executor(), std::move(task),
        boost::asio::bind_cancellation_slot(entry->signal.slot(), std::move(ended)));
  });
  return true;
}

void TaskScope::finished(Entry& entry, const std::exception_ptr& outcome) {
  if (const auto trouble = unexpected(outcome))
    runtime_.logger().error("task.failed",
                            {{"scope", name_}, {"task", entry.name}, {"exception", *trouble}});
  MutexLock lock(mutex_);
  entries_.erase(entry.place);
  if (entries_.empty()) empty_.notify_all();
}

void TaskScope::cancel() {
  MutexLock lock(mutex_);
  stopping_ = true;
  if (entries_.empty()) return;  // The io threads may be gone by now.
  for (std::size_t i = 0; i < runtime_.thread_count(); ++i) {
    IoThread& thread = runtime_.thread(i);
    ++pending_cancels_;
    boost::asio::post(thread, [this, &thread] {
      std::vector<std::shared_ptr<Entry>> mine;
      {
        MutexLock inner(mutex_);
        for (const auto& entry : entries_) {
          if (&entry->thread == &thread) mine.push_back(entry);
        }
      }
      for (const auto& entry : mine) {
        entry->canceled = true;
        entry->signal.emit(boost::asio::cancellation_type::terminal);
      }
      MutexLock inner(mutex_);
      --pending_cancels_;
      empty_.notify_all();
    });
  }
}

bool TaskScope::wait_empty(std::chrono::milliseconds time) {
  const auto due = std::chrono::steady_clock::now() + time;
  MutexLock lock(mutex_);
  while (!entries_.empty() || pending_cancels_ > 0) {
    const auto left = due - std::chrono::steady_clock::now();
    if (left <= left.zero()) return false;
    empty_.wait_for(mutex_, left);
  }
  return true;
}

bool TaskScope::stop(std::chrono::milliseconds time) {
  MYELIN_CHECK(!runtime_.on_io_thread(), "a scope is stopped by an io thread");
  cancel();
  return wait_empty(time);
}

bool TaskScope::join(std::chrono::milliseconds time) {
  MYELIN_CHECK(!runtime_.on_io_thread(), "a scope is joined by an io thread");
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  return wait_empty(time);
}

bool TaskScope::stopping() const {
  MutexLock lock(mutex_);
  return stopping_;
}

std::size_t TaskScope::size() const {
  MutexLock lock(mutex_);
  return entries_.size();
}

std::vector<std::string> TaskScope::running() const {
  MutexLock lock(mutex_);
  std::vector<std::string> names;
  for (const auto& entry : entries_) {
    if (names.size() == kNamesMax) break;
    names.push_back(entry->name);
  }
  return names;
}

}  // namespace myelin::io
