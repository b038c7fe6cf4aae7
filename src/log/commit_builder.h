// CommitBuilder: turns the writes of one commit, as they come, into its frame and into what readers
// and the flusher share.
//
// Adding a write places its batches in segments and writes large ones there at once, so nothing
// that was added may be dropped: when adding fails, the log has failed. LargeBatchWriter::sync()
// comes before the frame is written. One commit, one builder; belongs to the committer.
#pragma once

#include <memory>

#include "log/commit.h"
#include "log/frame_buffer.h"
#include "log/large_batch.h"

namespace myelin::log {

// What commits are like, lately.
struct UsualCommit {
  std::size_t writes = 1;
  std::size_t body_bytes = 0;  // The last one's.
  bool in_bulk = false;        // The writes of the last one were large.
};

class CommitBuilder {
 public:
  // `expected` is only a guess.
  CommitBuilder(LargeBatchWriter& large_batches, std::size_t large_batch_bytes, CommitNumber number,
                UsualCommit expected);

  // Takes out what it keeps. Unavailable when a large batch could not be written.
  Status add(Write& write, Timestamp received);

  // Of batches that went straight to segments.
  std::uint64_t large_bytes() const { return large_bytes_; }

  // Once, after the last write.
  struct Built {
    std::shared_ptr<Commit> commit;
    std::shared_ptr<FrameBuffer> frame;
    std::uint32_t entry_count = 0;
  };
  Built finish();

 private:
  Status add_batch(NewBatch& batch, Timestamp received);
  void add_stored(BatchRef& ref, std::string bytes, const BlockEdges& edges, const Placed& placed);

  LargeBatchWriter& large_batches_;
  const std::size_t large_batch_bytes_;
  const UsualCommit expected_;
  const std::shared_ptr<Commit> commit_;
  const std::shared_ptr<FrameBuffer> frame_;
  struct InBody {
    std::size_t at = 0;
    std::size_t bytes = 0;  // None when the batch is elsewhere.
  };
  std::vector<InBody> places_;  // Of the commit's batches.
  std::uint64_t large_bytes_ = 0;
  std::uint32_t entries_ = 0;
  std::uint32_t first_record_ = 0;
};

}  // namespace myelin::log
