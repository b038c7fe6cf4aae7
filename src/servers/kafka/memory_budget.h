// MemoryBudget: how much memory something may take together, and who waits for a share.
//
// Thread-safe; its mutex is held for memory work only. Whoever waits is served in the order of
// asking, so nobody starves. A share larger than all there is counts as all there is.
#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <optional>
#include <utility>

#include "base/mutex.h"
#include "base/time.h"
#include "io/notifier.h"

namespace myelin::kafka {

class MemoryBudget {
 public:
  // Given back when it goes.
  class Share {
   public:
    Share() = default;
    Share(MemoryBudget& budget, std::size_t bytes) : budget_(&budget), bytes_(bytes) {}
    Share(Share&& other) noexcept
        : budget_(std::exchange(other.budget_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
    Share& operator=(Share&& other) noexcept {
      std::swap(budget_, other.budget_);
      std::swap(bytes_, other.bytes_);
      return *this;
    }
    ~Share() { resize(0); }

    std::size_t bytes() const { return bytes_; }
    // Never waits: more than there is keeps others waiting until it is given back.
    void resize(std::size_t bytes);

   private:
    MemoryBudget* budget_ = nullptr;
    std::size_t bytes_ = 0;
  };

  explicit MemoryBudget(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  // Nothing when it would have to wait.
  std::optional<Share> try_take(std::size_t bytes);
  // Waits for it.
  io::Task<Share> take(std::size_t bytes);
  // Nothing when the time is over first.
  io::Task<std::optional<Share>> take_until(std::size_t bytes, SteadyTime due);
  std::size_t used_bytes() const;

 private:
  struct Waiter {
    std::size_t bytes = 0;
    bool served = false;
    io::Notifier notifier;
  };

  void give_back(std::size_t bytes);
  void overdraw(std::size_t bytes);
  void serve() MYELIN_REQUIRES(mutex_);

  const std::size_t bytes_max_;
  mutable Mutex mutex_;
  std::size_t used_ MYELIN_GUARDED_BY(mutex_) = 0;
  std::list<std::shared_ptr<Waiter>> waiting_ MYELIN_GUARDED_BY(mutex_);
};

}  // namespace myelin::kafka
