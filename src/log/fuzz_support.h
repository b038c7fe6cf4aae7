// What the fuzz targets of whole data directories share: randomness that repeats, appends that are
// waited for, and damage behind right checksums.
#pragma once

#include <cstdint>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "log/frame.h"
#include "log/log.h"

namespace myelin::log {

// The same in each run, so that an input means the same damage.
class FixedRandom final : public Random {
 public:
  void fill(void* to, std::size_t size) override {
    auto* bytes = static_cast<std::uint8_t*>(to);
    for (std::size_t i = 0; i < size; ++i) bytes[i] = ++last_;
  }

 private:
  std::uint8_t last_ = 0;
};

// By path.
using Files = std::vector<std::pair<std::string, std::string>>;

// Whether the write became durable.
inline bool append_and_wait(Log& log, Write write) {
  struct Waiter final : AppendWaiter {
    void numbered(const std::vector<BatchOutcome>&) override {}
    void completed(Result<CommitNumber> commit) override { done.set_value(commit.has_value()); }
    std::promise<bool> done;
  };
  const auto waiter = std::make_shared<Waiter>();
  write.waiter = waiter;
  return log.append(std::move(write)) && waiter->done.get_future().get();
}

inline void seal_checkpoint(std::string& content) {
  constexpr std::size_t kHeaderBytes = 24;
  if (content.size() < kHeaderBytes) return;
  store_le(content.data() + 12, crc32c(std::string_view(content).substr(kHeaderBytes)));
  store_le(content.data() + 16, std::uint64_t{content.size() - kHeaderBytes});
}

// The frame that the byte at `place` lies in, if that is in its first block.
inline void seal_frame(std::string& content, std::size_t place) {
  const auto from = place / kBlockBytes * kBlockBytes;
  const auto header = decode_frame_header(std::string_view(content).substr(from));
  const auto body_at = from + kFrameHeaderBytes;
  if (!header || body_at + header->body_bytes > content.size()) return;
  encode_frame_header(content.data() + from, *header,
                      std::string_view(content).substr(body_at, header->body_bytes));
}

}  // namespace myelin::log
