#include "base/buffer_pool.h"

#include <sanitizer/asan_interface.h>

#include <bit>
#include <utility>

namespace myelin {
namespace {

constexpr std::size_t bytes_of(std::size_t size_class) {
  return BufferPool::kBytesMin << size_class;
}

}  // namespace

std::shared_ptr<char[]> BufferPool::take(std::size_t bytes) {
  if (bytes < kBytesMin || bytes > kBytesMax) return std::make_shared_for_overwrite<char[]>(bytes);
  const auto size_class = static_cast<std::size_t>(std::bit_width((bytes - 1) / kBytesMin));
  auto* buffer = shared_->take(size_class).release();
  return {buffer,
          [shared = shared_, size_class](char* done) { shared->give(Buffer(done), size_class); }};
}

std::size_t BufferPool::idle_bytes() const { return shared_->idle_bytes(); }

BufferPool::Buffer BufferPool::Shared::take(std::size_t size_class) {
  const auto bytes = bytes_of(size_class);
  {
    MutexLock lock(mutex_);
    auto& idle = idle_[size_class];
    if (!idle.empty()) {
      auto buffer = std::move(idle.back());
      idle.pop_back();
      idle_bytes_ -= bytes;
      ASAN_UNPOISON_MEMORY_REGION(buffer.get(), bytes);
      return buffer;
    }
  }
  return std::make_unique_for_overwrite<char[]>(bytes);
}

void BufferPool::Shared::give(Buffer buffer, std::size_t size_class) {
  const auto bytes = bytes_of(size_class);
  MutexLock lock(mutex_);
  if (idle_bytes_ + bytes > idle_bytes_max_) return;
  ASAN_POISON_MEMORY_REGION(buffer.get(), bytes);
  idle_bytes_ += bytes;
  idle_[size_class].push_back(std::move(buffer));
}

std::size_t BufferPool::Shared::idle_bytes() const {
  MutexLock lock(mutex_);
  return idle_bytes_;
}

}  // namespace myelin
