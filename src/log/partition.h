// Partition: what is readable of one partition: commit buffers for the newest records, segments for
// the rest.
//
// Thread-safe; its mutex is held for memory work only. The committer publishes, the flusher moves
// records from buffers to segments, anybody reads. The sequencer's number (the next offset) is not
// here: Log guards it.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "log/checkpoint.h"
#include "log/segment.h"
#include "log/types.h"

namespace myelin::log {

class Partition {
 public:
  Partition(FilePool& files, PartitionId id, std::string directory, const PartitionState& state);

  PartitionId id() const { return id_; }
  const std::string& directory() const { return directory_; }

  // The offset of the first record kept, and of the next one to become visible (the high
  // watermark).
  Offset start() const;
  Offset high_watermark() const;

  // Batches from the first that `seek` finds on, at most `bytes_max` but at least one, if commit
  // buffers hold them or nothing is to be had (then empty). Nothing when they must come from a
  // segment: read_stored().
  std::optional<std::vector<BatchRef>> read_buffered(Seek seek, std::size_t bytes_max) const;
  // The same from segments, falling through to the buffers at their end. Blocks on the disk.
  Result<std::vector<BatchRef>> read_stored(Seek seek, std::size_t bytes_max) const;

  // Committer: durable batches become visible.
  void publish(const BatchRef& batch);
  // Flusher: the `count` oldest buffered batches are in segments now, which are as `segments` says.
  void flushed(std::size_t count, std::vector<SegmentState> segments);

 private:
  std::vector<BatchRef> take_buffered(Seek seek, std::size_t bytes_max) const
      MYELIN_REQUIRES(mutex_);

  bool begins_in_buffers(Seek seek) const MYELIN_REQUIRES(mutex_);

  FilePool& files_;
  const PartitionId id_;
  const std::string directory_;
  mutable Mutex mutex_;
  Offset start_ MYELIN_GUARDED_BY(mutex_);
  Offset high_watermark_ MYELIN_GUARDED_BY(mutex_);
  std::deque<BatchRef> buffered_ MYELIN_GUARDED_BY(mutex_);  // Durable, not yet in a segment.
  std::shared_ptr<const std::vector<SegmentState>> segments_ MYELIN_GUARDED_BY(mutex_);
};

}  // namespace myelin::log
