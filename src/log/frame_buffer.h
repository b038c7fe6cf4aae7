// FrameBuffer: memory for one journal frame, aligned as O_DIRECT wants it, kept afterwards as the
// commit buffer that live readers and the flusher share.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string_view>

#include "base/check.h"
#include "log/frame.h"

namespace myelin::log {

class FrameBuffer {
 public:
  // For a body of `body_bytes`, to be written in place.
  explicit FrameBuffer(std::uint32_t body_bytes) : FrameBuffer() {
    extend(body_bytes);
    finish();
  }
  // For a body that grows by extend(); finish() ends it.
  FrameBuffer() : used_(kFrameHeaderBytes) {}

  // Where the next `bytes` of the body go. What was written before may move.
  char* extend(std::size_t bytes) {
    reserve(used_ + bytes);
    const auto at = used_;
    used_ += bytes;
    return data_.get() + at;
  }
  void reserve_body(std::size_t bytes) { reserve(kFrameHeaderBytes + bytes); }
  // The padding behind the body is zero, and no more memory is kept than twice what is needed.
  // Nothing moves any more.
  void finish() {
    reserve(used_);
    if (capacity_ > 2 * size()) move_to(size());
    std::memset(data_.get() + used_, 0, size() - used_);
  }

  std::size_t size() const { return frame_bytes(body_bytes()); }  // In the journal.
  std::size_t capacity() const { return capacity_; }              // In memory.
  std::uint32_t body_bytes() const { return static_cast<std::uint32_t>(used_ - kFrameHeaderBytes); }
  char* data() { return data_.get(); }
  char* body() { return data_.get() + kFrameHeaderBytes; }
  std::string_view body_view() const {
    return {data_.get() + kFrameHeaderBytes, used_ - kFrameHeaderBytes};
  }
  std::string_view whole() const { return {data_.get(), size()}; }

 private:
  struct Free {
    void operator()(char* memory) const { std::free(memory); }
  };

  void reserve(std::size_t bytes) {
    if (bytes <= capacity_) return;
    const auto wanted = std::max(bytes, capacity_ + capacity_ / 2);
    move_to((wanted + kBlockBytes - 1) / kBlockBytes * kBlockBytes);
  }
  void move_to(std::size_t capacity) {
    std::unique_ptr<char, Free> data(static_cast<char*>(std::aligned_alloc(kBlockBytes, capacity)));
    MYELIN_CHECK(data != nullptr, "out of memory");
    if (data_ != nullptr) std::memcpy(data.get(), data_.get(), used_);
    data_ = std::move(data);
    capacity_ = capacity;
  }

  std::size_t used_;
  std::size_t capacity_ = 0;
  std::unique_ptr<char, Free> data_;
};

}  // namespace myelin::log
