// Partition: what is readable of one partition: commit buffers for the newest records, segments for
// the rest.
//
// Thread-safe, but for what says whose it is; its mutex is held for memory work only. The committer
// publishes, the flusher moves records from buffers to segments, anybody reads.
#pragma once

#include <atomic>
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

struct TopicPolicy;

// Where the last batch went, and so where the next one may go.
struct Placement {
  bool open = false;  // The segment takes more.
  Offset segment;     // Its base offset.
  std::uint64_t bytes = 0;
  std::int64_t first_received_ms = 0;
  Offset end;  // Behind the last batch placed.
};

// The answer to a client that asks where an epoch ends: KIP-101 and KIP-320.
struct EpochEnd {
  std::int32_t epoch = -1;  // The largest one up to that asked for.
  Offset end{-1};
};

using Segments = std::shared_ptr<const std::vector<SegmentState>>;

class Partition {
 public:
  Partition(FilePool& files, PartitionId id, std::string directory, const PartitionState& state);

  PartitionId id() const { return id_; }
  const std::string& directory() const { return directory_; }

  // The offset of the first record kept, and of the next one to become visible (the high
  // watermark).
  Offset start() const;
  Offset high_watermark() const;
  // What is in segments, by offset.
  Segments segments() const;

  // Batches from the first that `seek` finds on, at most `bytes_max` but at least one, if commit
  // buffers hold them or nothing is to be had (then empty). Nothing when they must come from a
  // segment: read_stored(). A batch that holds records from the start on is given whole.
  std::optional<std::vector<BatchRef>> read_buffered(Seek seek, std::size_t bytes_max) const;
  // The same from segments, falling through to the buffers at their end. Blocks on the disk.
  Result<std::vector<BatchRef>> read_stored(Seek seek, std::size_t bytes_max) const;
  // Where reading may go on when the batch that `seek` finds is damaged. Blocks on the disk.
  Result<Offset> behind_damage(Seek seek) const;

  // `current` is the server's own epoch. Epoch -1 when nothing is known of `epoch`.
  EpochEnd end_of_epoch(std::int32_t epoch, std::int32_t current) const;

  // Start, segments, and how far these reach, at one moment.
  struct StoredView {
    Offset start;
    Offset end;             // Behind the last record that is in a segment.
    bool is_whole = false;  // Nothing is in buffers alone.
    Segments segments;
  };
  StoredView stored_view() const;
  // What lies below it was compacted.
  Offset compacted_through() const;

  // Committer: durable batches become visible; the start moves up.
  void publish(const BatchRef& batch);
  void move_start(Offset start);
  // Its topic is deleted: nothing is to be read any more.
  void clear();
  // Flusher: the `count` oldest buffered batches are in segments now, which are as `segments` says.
  void flushed(std::size_t count, std::vector<SegmentState> segments);
  void compacted(Offset through);

  // Its segments have the limits of its topic's policy from now on.
  void follow(const TopicPolicy& policy);

  // The next offset to be given. Guarded by Log's queue lock; -1 once the topic is deleted.
  Offset next_offset;
  // As of that offset. Guarded by Log's queue lock.
  Producers producers;
  // Recovery's, then the committer's.
  Placement placement;
  // Its directory is on stable storage. Set by the flusher.
  std::atomic<bool> directory_is_durable;
  // It is written to even when the disk is too full for others. From its topic's policy.
  std::atomic<bool> uses_reserve = false;
  // Limits of its segments, from its topic's policy.
  std::atomic<std::uint64_t> segment_bytes = 1u << 30;
  std::atomic<std::int64_t> segment_ms = std::int64_t{7} * 24 * 3'600'000;

 private:
  std::vector<BatchRef> take_buffered(Seek seek, std::size_t bytes_max) const
      MYELIN_REQUIRES(mutex_);
  bool begins_in_buffers(Seek seek) const MYELIN_REQUIRES(mutex_);
  Result<std::vector<BatchRef>> read_segments(const std::vector<SegmentState>& segments, Seek seek,
                                              std::size_t bytes_max) const;
  Result<std::vector<BatchRef>> from_start(Seek seek, std::size_t bytes_max) const;

  FilePool& files_;
  const PartitionId id_;
  const std::string directory_;
  mutable Mutex mutex_;
  Offset start_ MYELIN_GUARDED_BY(mutex_);
  Offset high_watermark_ MYELIN_GUARDED_BY(mutex_);
  std::vector<BatchRef> buffered_ MYELIN_GUARDED_BY(mutex_);  // Durable, not yet in a segment.
  Segments segments_ MYELIN_GUARDED_BY(mutex_);
  Offset compacted_through_ MYELIN_GUARDED_BY(mutex_);
  std::vector<EpochStart> epochs_ MYELIN_GUARDED_BY(mutex_);
  bool cleared_ MYELIN_GUARDED_BY(mutex_) = false;
};

}  // namespace myelin::log
