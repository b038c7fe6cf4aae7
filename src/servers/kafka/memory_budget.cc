#include "servers/kafka/memory_budget.h"

#include <algorithm>

namespace myelin::kafka {

void MemoryBudget::Share::resize(std::size_t bytes) {
  if (budget_ == nullptr || bytes == bytes_) return;
  if (bytes < bytes_) budget_->give_back(bytes_ - bytes);
  if (bytes > bytes_) budget_->overdraw(bytes - bytes_);
  bytes_ = bytes;
}

std::optional<MemoryBudget::Share> MemoryBudget::try_take(std::size_t bytes) {
  bytes = std::min(bytes, bytes_max_);
  MutexLock lock(mutex_);
  if (!waiting_.empty() || used_ + bytes > bytes_max_) return std::nullopt;
  used_ += bytes;
  return std::optional<Share>(std::in_place, *this, bytes);
}

io::Task<MemoryBudget::Share> MemoryBudget::take(std::size_t bytes) {
  if (auto share = try_take(bytes)) co_return std::move(*share);
  auto share = co_await take_until(bytes, io::kNever);
  co_return std::move(*share);
}

io::Task<std::optional<MemoryBudget::Share>> MemoryBudget::take_until(std::size_t bytes,
                                                                      SteadyTime due) {
  if (auto share = try_take(bytes)) co_return share;
  bytes = std::min(bytes, bytes_max_);
  const auto waiter = std::make_shared<Waiter>();
  waiter->bytes = bytes;
  {
    MutexLock lock(mutex_);
    waiting_.push_back(waiter);
    serve();  // Some may have been given back meanwhile.
  }
  // A task that is canceled while it waits leaves its place, or what it was given meanwhile.
  struct Place {
    MemoryBudget& budget;
    const std::shared_ptr<Waiter>& waiter;
    bool taken = false;
    ~Place() {
      if (taken) return;
      std::size_t given = 0;
      {
        MutexLock lock(budget.mutex_);
        if (waiter->served) given = waiter->bytes;
        budget.waiting_.remove(waiter);
      }
      budget.give_back(given);  // Those behind it may fit now.
    }
  } place{*this, waiter};
  const bool served = co_await waiter->notifier.wait_until(due);
  if (!served) co_return std::nullopt;
  place.taken = true;
  co_return std::optional<Share>(std::in_place, *this, bytes);
}

std::size_t MemoryBudget::used_bytes() const {
  MutexLock lock(mutex_);
  return used_;
}

void MemoryBudget::give_back(std::size_t bytes) {
  MutexLock lock(mutex_);
  used_ -= bytes;
  serve();
}

void MemoryBudget::overdraw(std::size_t bytes) {
  MutexLock lock(mutex_);
  used_ += bytes;
}

void MemoryBudget::serve() {
  while (!waiting_.empty() && used_ + waiting_.front()->bytes <= bytes_max_) {
    auto& waiter = *waiting_.front();
    used_ += waiter.bytes;
    waiter.served = true;
    waiter.notifier.notify();
    waiting_.pop_front();
  }
}

}  // namespace myelin::kafka
