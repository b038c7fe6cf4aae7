#include "log/partition.h"

#include <algorithm>

namespace myelin::log {

Partition::Partition(FilePool& files, PartitionId id, std::string directory,
                     const PartitionState& state)
    : files_(files),
      id_(id),
      directory_(std::move(directory)),
      start_(state.start),
      high_watermark_(state.end),
      segments_(std::make_shared<const std::vector<SegmentState>>(state.segments)) {}

Offset Partition::start() const {
  MutexLock lock(mutex_);
  return start_;
}

Offset Partition::high_watermark() const {
  MutexLock lock(mutex_);
  return high_watermark_;
}

std::vector<BatchRef> Partition::take_buffered(Seek seek, std::size_t bytes_max) const {
  std::vector<BatchRef> batches;
  std::size_t bytes = 0;
  auto it = std::partition_point(buffered_.begin(), buffered_.end(),
                                 [&](const BatchRef& batch) { return !seek.reached_by(batch); });
  for (; it != buffered_.end(); ++it) {
    if (!batches.empty() && bytes + it->bytes.size() > bytes_max) break;
    bytes += it->bytes.size();
    batches.push_back(*it);
  }
  return batches;
}

std::optional<std::vector<BatchRef>> Partition::read_buffered(Seek seek,
                                                              std::size_t bytes_max) const {
  MutexLock lock(mutex_);
  if (seek.by == Seek::By::Offset &&
      seek.value >= static_cast<std::uint64_t>(high_watermark_.value)) {
    return std::vector<BatchRef>();
  }
  if (!segments_->empty() && !begins_in_buffers(seek)) return std::nullopt;
  return take_buffered(seek, bytes_max);
}

// Whether no batch before the first buffered one can be the first to reach the value.
bool Partition::begins_in_buffers(Seek seek) const {
  if (buffered_.empty()) return false;
  const auto& first = buffered_.front();
  switch (seek.by) {
    case Seek::By::Offset: return seek.value >= static_cast<std::uint64_t>(first.base_offset.value);
    // Another batch of the same commit, or of the same millisecond, may be in a segment already.
    case Seek::By::Commit: return seek.value > first.commit.value;
    case Seek::By::Received: return seek.value > static_cast<std::uint64_t>(to_ms(first.received));
  }
  return false;
}

Result<std::vector<BatchRef>> Partition::read_stored(Seek seek, std::size_t bytes_max) const {
  std::shared_ptr<const std::vector<SegmentState>> segments;
  {
    MutexLock lock(mutex_);
    segments = segments_;
  }
  auto it = segments->begin();
  if (seek.by == Seek::By::Offset) {
    // The last segment that begins at or before the offset: nothing before it can reach it.
    it = std::upper_bound(segments->begin(), segments->end(), seek.value,
                          [](std::uint64_t value, const SegmentState& segment) {
                            return value < static_cast<std::uint64_t>(segment.base_offset.value);
                          });
    if (it != segments->begin()) --it;
  }
  for (; it != segments->end(); ++it) {
    const Segment segment(files_, directory_, id_, it->base_offset);
    MYELIN_TRY(batches, segment.read(*it, seek, bytes_max));
    if (!batches.empty()) return batches;
  }
  {
    // The flusher may have moved records out of the buffers since the list was taken; then the
    // buffers begin behind what the list ends with, and the caller must look again.
    MutexLock lock(mutex_);
    if (segments == segments_) return take_buffered(seek, bytes_max);
  }
  return read_stored(seek, bytes_max);
}

void Partition::publish(const BatchRef& batch) {
  MutexLock lock(mutex_);
  buffered_.push_back(batch);
  high_watermark_ = batch.last_offset + 1;
}

void Partition::flushed(std::size_t count, std::vector<SegmentState> segments) {
  auto fresh = std::make_shared<const std::vector<SegmentState>>(std::move(segments));
  std::vector<BatchRef> released;  // Freed outside of the lock.
  released.reserve(count);
  MutexLock lock(mutex_);
  for (std::size_t i = 0; i < count; ++i) {
    released.push_back(std::move(buffered_.front()));
    buffered_.pop_front();
  }
  segments_ = std::move(fresh);
}

}  // namespace myelin::log
