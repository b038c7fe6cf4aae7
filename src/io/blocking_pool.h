// BlockingPool: threads for calls that block. Runtime::blocking is its face for tasks.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "base/mutex.h"

namespace myelin::io {

// Thread-safe. Jobs start in order. The destructor runs what waits and joins. A job must not throw.
class BlockingPool {
 public:
  explicit BlockingPool(std::size_t threads);
  BlockingPool(const BlockingPool&) = delete;
  BlockingPool& operator=(const BlockingPool&) = delete;
  ~BlockingPool();

  void submit(std::function<void()> job) MYELIN_EXCLUDES(mutex_);
  // After this, nothing may be submitted.
  void stop() MYELIN_EXCLUDES(mutex_);

 private:
  void work() MYELIN_EXCLUDES(mutex_);

  Mutex mutex_;
  CondVar changed_;
  std::deque<std::function<void()>> jobs_ MYELIN_GUARDED_BY(mutex_);
  bool stopping_ MYELIN_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace myelin::io
