#include "base/buffer_pool.h"

#include <sanitizer/asan_interface.h>

#include <algorithm>
#include <iterator>
#include <new>
#include <utility>

namespace myelin {
namespace {

constexpr std::align_val_t kPage{4096};

// An eighth more than a power of two: who reads such an amount often needs a little beside it.
constexpr std::size_t bytes_of(std::size_t size_class) {
  return (BufferPool::kBytesMin << size_class) / 8 * 9;
}

constexpr std::size_t class_of(std::size_t bytes) {
  std::size_t size_class = 0;
  while (bytes_of(size_class) < bytes) ++size_class;
  return size_class;
}

}  // namespace

std::shared_ptr<char[]> BufferPool::take(std::size_t bytes) {
  if (bytes < kBytesMin || bytes > kBytesMax) return std::make_shared_for_overwrite<char[]>(bytes);
  const auto size_class = class_of(bytes);
  auto* buffer = shared_->take(size_class).release();
  return {buffer,
          [shared = shared_, size_class](char* done) { shared->give(Buffer(done), size_class); }};
}

std::size_t BufferPool::idle_bytes() const { return shared_->idle_bytes(); }

void BufferPool::free_unused() { shared_->free_unused(); }

BufferPool::Buffer BufferPool::Shared::take(std::size_t size_class) {
  const auto bytes = bytes_of(size_class);
  {
    MutexLock lock(mutex_);
    auto& [buffers, fewest] = idle_[size_class];
    if (!buffers.empty()) {
      auto buffer = std::move(buffers.back());
      buffers.pop_back();
      fewest = std::min(fewest, buffers.size());
      idle_bytes_ -= bytes;
      ASAN_UNPOISON_MEMORY_REGION(buffer.get(), bytes);
      return buffer;
    }
  }
  return Buffer(static_cast<char*>(::operator new(bytes, kPage)));
}

void BufferPool::Free::operator()(char* buffer) const { ::operator delete(buffer, kPage); }

void BufferPool::Shared::give(Buffer buffer, std::size_t size_class) {
  const auto bytes = bytes_of(size_class);
  MutexLock lock(mutex_);
  if (idle_bytes_ + bytes > idle_bytes_max_) return;
  ASAN_POISON_MEMORY_REGION(buffer.get(), bytes);
  idle_bytes_ += bytes;
  idle_[size_class].buffers.push_back(std::move(buffer));
}

void BufferPool::Shared::free_unused() {
  std::vector<Buffer> unused;  // Freed without the lock.
  MutexLock lock(mutex_);
  for (std::size_t size_class = 0; size_class < kClasses; ++size_class) {
    auto& [buffers, fewest] = idle_[size_class];
    const auto end = buffers.begin() + static_cast<std::ptrdiff_t>(fewest);
    std::move(buffers.begin(), end, std::back_inserter(unused));
    buffers.erase(buffers.begin(), end);
    idle_bytes_ -= fewest * bytes_of(size_class);
    fewest = buffers.size();
  }
}

std::size_t BufferPool::Shared::idle_bytes() const {
  MutexLock lock(mutex_);
  return idle_bytes_;
}

}  // namespace myelin
