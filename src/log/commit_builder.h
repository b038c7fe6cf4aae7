// CommitBuilder: turns the writes of one commit into the body of its frame and into what readers
// and the flusher share.
//
// Adding a write places its batches in segments and writes large ones there at once, so nothing
// that was added may be dropped: when adding fails, the log has failed. One commit, one builder;
// belongs to the committer.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "log/commit.h"
#include "log/frame_buffer.h"
#include "log/large_batch.h"

namespace myelin::log {

class CommitBuilder {
 public:
  CommitBuilder(LargeBatchWriter& large_batches, std::size_t large_batch_bytes)
      : large_batches_(large_batches), large_batch_bytes_(large_batch_bytes) {}

  // Unavailable when a large batch could not be made durable.
  Status add(Write write, Timestamp received);

  std::uint32_t body_bytes() const { return static_cast<std::uint32_t>(body_bytes_); }
  // Of batches that went straight to segments.
  std::uint64_t large_bytes() const { return large_bytes_; }

  // Writes the entries into the frame's body and completes the commit, whose number is set. Gives
  // the number of entries.
  std::uint32_t finish(const std::shared_ptr<FrameBuffer>& frame, Commit& commit);

 private:
  struct Item {
    Partition* partition = nullptr;
    std::string bytes;
    Placed placed;
    std::optional<BlockEdges> stored;  // It is in its segment but for these edges.
  };
  struct Part {
    Write write;
    Timestamp received;
  };

  Status place_batch(NewBatch& batch, Timestamp received);
  char* finish_batch(char* to, Item& item, Timestamp received, Commit& commit,
                     const std::shared_ptr<FrameBuffer>& frame);

  LargeBatchWriter& large_batches_;
  const std::size_t large_batch_bytes_;
  std::vector<Part> parts_;
  std::vector<Item> items_;  // Of all parts, in order.
  std::size_t body_bytes_ = 0;
  std::uint64_t large_bytes_ = 0;
  std::uint32_t first_record_ = 0;
};

}  // namespace myelin::log
