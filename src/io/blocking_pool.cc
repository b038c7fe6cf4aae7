#include "io/blocking_pool.h"

#include <pthread.h>

#include <utility>

#include "base/check.h"

namespace myelin::io {

BlockingPool::BlockingPool(std::size_t threads) {
  for (std::size_t i = 0; i < threads; ++i) {
    threads_.emplace_back([this, i] {
      ::pthread_setname_np(::pthread_self(), ("blocking-" + std::to_string(i)).c_str());
      work();
    });
  }
}

BlockingPool::~BlockingPool() { stop(); }

void BlockingPool::submit(std::function<void()> job) {
  MutexLock lock(mutex_);
  MYELIN_CHECK(!stopping_, "blocking work was submitted after the runtime's stop");
  jobs_.push_back(std::move(job));
  changed_.notify_one();
}

void BlockingPool::stop() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

void BlockingPool::work() {
  for (;;) {
    std::function<void()> job;
    {
      MutexLock lock(mutex_);
      while (jobs_.empty() && !stopping_) changed_.wait(mutex_);
      if (jobs_.empty()) return;
      job = std::move(jobs_.front());
      jobs_.pop_front();
    }
    job();
  }
}

}  // namespace myelin::io
