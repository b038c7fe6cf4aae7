// Arena: memory that is handed out piece by piece and taken back all at once.
//
// For what lives as long as one request: nothing in it is destroyed, so it holds trivial types
// only. clear() keeps a block, so an arena that is used again and again stops allocating. Who reads
// what a peer has sent uses try_make(); who builds an answer uses make() and copy(), which throw
// ArenaFull, for the root of the peer's task to catch. Not thread-safe.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <exception>
#include <limits>
#include <memory>
#include <new>
#include <string_view>
#include <type_traits>
#include <vector>

namespace myelin {

class ArenaFull final : public std::exception {
 public:
  const char* what() const noexcept override { return "the arena is full"; }
};

class Arena {
 public:
  // Hands out at most `bytes_max`, blocks' unused ends not counted.
  explicit Arena(std::size_t bytes_max = std::numeric_limits<std::size_t>::max())
      : bytes_max_(bytes_max) {}
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // `count` values, as T's initializers make them. Null when that is beyond the limit.
  template <class T>
  T* try_make(std::size_t count) {
    static_assert(std::is_trivially_destructible_v<T> && alignof(T) <= kAlignment);
    if (count > (bytes_max_ - used_) / sizeof(T)) return nullptr;
    T* const first = static_cast<T*>(take(count * sizeof(T)));
    for (std::size_t i = 0; i < count; ++i) ::new (first + i) T();
    return first;
  }
  template <class T>
  T* make(std::size_t count) {
    T* const first = try_make<T>(count);
    if (first == nullptr) throw ArenaFull();
    return first;
  }
  std::string_view copy(std::string_view bytes) {
    if (bytes.size() > bytes_max_ - used_) throw ArenaFull();
    char* const to = static_cast<char*>(take(bytes.size()));
    std::copy(bytes.begin(), bytes.end(), to);
    return {to, bytes.size()};
  }

  // Takes everything back; the first block stays if it is not larger than `keep_bytes_max`.
  void clear(std::size_t keep_bytes_max = std::size_t{64} << 10) {
    if (blocks_.size() > 1) blocks_.resize(1);
    if (!blocks_.empty() && blocks_.front().size > keep_bytes_max) blocks_.clear();
    at_ = blocks_.empty() ? nullptr : blocks_.front().bytes.get();
    left_ = blocks_.empty() ? 0 : blocks_.front().size;
    used_ = 0;
  }

  std::size_t used_bytes() const { return used_; }
  std::size_t blocks_made() const { return blocks_made_; }
  void set_bytes_max(std::size_t bytes_max) { bytes_max_ = std::max(bytes_max, used_); }

 private:
  static constexpr std::size_t kAlignment = alignof(std::max_align_t);
  static constexpr std::size_t kBlockBytesMin = 1u << 10;
  static constexpr std::size_t kBlockBytesMax = 1u << 20;
  struct Block {
    std::unique_ptr<char[]> bytes;
    std::size_t size;
  };

  void* take(std::size_t size) {
    const std::size_t whole = (size + kAlignment - 1) / kAlignment * kAlignment;
    if (whole > left_ || at_ == nullptr) grow(whole);
    char* const taken = at_;
    at_ += whole;
    left_ -= whole;
    used_ += size;
    return taken;
  }
  void grow(std::size_t size) {
    const std::size_t usual =
        blocks_.empty() ? kBlockBytesMin : std::min(2 * blocks_.back().size, kBlockBytesMax);
    const std::size_t bytes = std::max(size, usual);
    ++blocks_made_;
    blocks_.push_back({std::make_unique_for_overwrite<char[]>(bytes), bytes});
    at_ = blocks_.back().bytes.get();
    left_ = bytes;
  }

  std::size_t bytes_max_;
  std::size_t used_ = 0;
  std::size_t blocks_made_ = 0;
  char* at_ = nullptr;
  std::size_t left_ = 0;
  std::vector<Block> blocks_;
};

}  // namespace myelin
