// Mutex, MutexLock, CondVar: std::mutex with clang's thread-safety annotations, so that
// -Wthread-safety holds what a header says about its locks.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

#define MYELIN_CAPABILITY(x) __attribute__((capability(x)))
#define MYELIN_SCOPED_CAPABILITY __attribute__((scoped_lockable))
#define MYELIN_GUARDED_BY(x) __attribute__((guarded_by(x)))
#define MYELIN_REQUIRES(...) __attribute__((requires_capability(__VA_ARGS__)))
#define MYELIN_EXCLUDES(...) __attribute__((locks_excluded(__VA_ARGS__)))
#define MYELIN_ACQUIRE(...) __attribute__((acquire_capability(__VA_ARGS__)))
#define MYELIN_RELEASE(...) __attribute__((release_capability(__VA_ARGS__)))
#define MYELIN_NO_THREAD_SAFETY_ANALYSIS __attribute__((no_thread_safety_analysis))

namespace myelin {

class MYELIN_CAPABILITY("mutex") Mutex {
 public:
  void lock() MYELIN_ACQUIRE() { mutex_.lock(); }
  void unlock() MYELIN_RELEASE() { mutex_.unlock(); }

 private:
  friend class CondVar;
  std::mutex mutex_;
};

class MYELIN_SCOPED_CAPABILITY MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) MYELIN_ACQUIRE(mutex) : mutex_(mutex) { mutex_.lock(); }
  ~MutexLock() MYELIN_RELEASE() { mutex_.unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

// Waits with the mutex that its caller holds.
class CondVar {
 public:
  void wait(Mutex& mutex) MYELIN_REQUIRES(mutex) {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    condition_.wait(lock);
    lock.release();
  }

  // False when the time ran out.
  template <class Rep, class Period>
  bool wait_for(Mutex& mutex, std::chrono::duration<Rep, Period> time) MYELIN_REQUIRES(mutex) {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    const auto status = condition_.wait_for(lock, time);
    lock.release();
    return status == std::cv_status::no_timeout;
  }

  void notify_one() { condition_.notify_one(); }
  void notify_all() { condition_.notify_all(); }

 private:
  std::condition_variable condition_;
};

}  // namespace myelin
