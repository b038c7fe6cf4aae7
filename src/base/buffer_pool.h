// BufferPool: large buffers that are used again. The pages of a fresh one cost more than what fills
// them: a fault for each, zeroed by the system, given back after one use.
//
// Thread-safe. A buffer may outlive the pool.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <vector>

#include "base/mutex.h"

namespace myelin {

class BufferPool {
 public:
  // Smaller ones come from the heap, which keeps them; larger ones are rare.
  static constexpr std::size_t kBytesMin = 64u << 10;
  static constexpr std::size_t kBytesMax = (4u << 20) / 8 * 9;

  explicit BufferPool(std::size_t idle_bytes_max)
      : shared_(std::make_shared<Shared>(idle_bytes_max)) {}

  // `bytes` bytes of anything; those that wait here begin on a page. Once its last owner lets go,
  // it waits here for the next use unless idle_bytes_max wait already.
  std::shared_ptr<char[]> take(std::size_t bytes);
  std::size_t idle_bytes() const;
  // Frees those that nobody needed since the last call; call it now and then.
  void free_unused();

 private:
  struct Free {
    void operator()(char* buffer) const;
  };
  using Buffer = std::unique_ptr<char[], Free>;

  class Shared {
   public:
    explicit Shared(std::size_t idle_bytes_max) : idle_bytes_max_(idle_bytes_max) {}
    Buffer take(std::size_t size_class);
    void give(Buffer buffer, std::size_t size_class);
    std::size_t idle_bytes() const;
    void free_unused();

   private:
    static constexpr std::size_t kClasses = 7;  // kBytesMin << 0 to 6.

    const std::size_t idle_bytes_max_;
    mutable Mutex mutex_;
    struct Idle {
      std::vector<Buffer> buffers;  // The last one given is the first one taken.
      std::size_t fewest = 0;       // Since the last free_unused().
    };
    std::array<Idle, kClasses> idle_ MYELIN_GUARDED_BY(mutex_);
    std::size_t idle_bytes_ MYELIN_GUARDED_BY(mutex_) = 0;
  };

  std::shared_ptr<Shared> shared_;
};

}  // namespace myelin
