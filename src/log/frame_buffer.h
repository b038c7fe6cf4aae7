// FrameBuffer: memory for one journal frame, aligned as O_DIRECT wants it, kept afterwards as the
// commit buffer that live readers and the flusher share.
#pragma once

#include <cstdlib>
#include <cstring>
#include <memory>
#include <string_view>

#include "base/check.h"
#include "log/frame.h"

namespace myelin::log {

class FrameBuffer {
 public:
  // Room for a body of `body_bytes` behind the header; the padding after it is zero.
  explicit FrameBuffer(std::uint32_t body_bytes)
      : capacity_(frame_bytes(body_bytes)),
        data_(static_cast<char*>(std::aligned_alloc(kBlockBytes, capacity_))) {
    MYELIN_CHECK(data_ != nullptr, "out of memory");
    const auto used = kFrameHeaderBytes + body_bytes;
    std::memset(data_.get() + used, 0, capacity_ - used);
  }

  std::size_t capacity() const { return capacity_; }
  char* data() { return data_.get(); }
  char* body() { return data_.get() + kFrameHeaderBytes; }
  std::string_view body_view(std::size_t bytes) const {
    return {data_.get() + kFrameHeaderBytes, bytes};
  }
  std::string_view whole() const { return {data_.get(), capacity_}; }

 private:
  struct Free {
    void operator()(char* memory) const { std::free(memory); }
  };
  std::size_t capacity_;
  std::unique_ptr<char, Free> data_;
};

}  // namespace myelin::log
