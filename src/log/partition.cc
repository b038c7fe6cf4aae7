#include "log/partition.h"

#include <algorithm>

#include "formats/kafka/record_batch.h"
#include "log/epochs.h"
#include "log/frame.h"
#include "log/policy.h"

namespace myelin::log {
namespace {

Segments share(std::vector<SegmentState> segments) {
  return std::make_shared<const std::vector<SegmentState>>(std::move(segments));
}

std::uint64_t as_seek(Offset offset) { return static_cast<std::uint64_t>(offset.value); }

// Whether nothing in the segment can reach the value, as far as the state tells.
bool ends_before(const SegmentState& segment, Seek seek) {
  switch (seek.by) {
    case Seek::By::Offset: return false;
    case Seek::By::Commit: return segment.last_commit.value < seek.value;
    case Seek::By::Received:
      return segment.last_received_ms < static_cast<std::int64_t>(seek.value);
    case Seek::By::Claimed:
      return segment.meta_version > 1 &&
             segment.max_timestamp_ms < static_cast<std::int64_t>(seek.value);
  }
  return false;
}

}  // namespace

Partition::Partition(FilePool& files, PartitionId id, std::string directory,
                     const PartitionState& state)
    : next_offset(state.end),
      directory_is_durable(!state.segments.empty()),
      files_(files),
      id_(id),
      directory_(std::move(directory)),
      start_(state.start),
      high_watermark_(state.end),
      segments_(share(state.segments)),
      compacted_through_(state.compacted_through),
      epochs_(state.epochs) {
  placement.end = state.end;
  if (state.segments.empty()) return;
  const auto& active = state.segments.back();
  // A segment of an older format is not written to any more.
  if (active.meta_version != kMetaVersion) return;
  placement = {true, active.base_offset, active.log_bytes, active.first_received_ms, state.end};
}

Offset Partition::start() const {
  MutexLock lock(mutex_);
  return start_;
}

Offset Partition::high_watermark() const {
  MutexLock lock(mutex_);
  return high_watermark_;
}

Segments Partition::segments() const {
  MutexLock lock(mutex_);
  return segments_;
}

Offset Partition::compacted_through() const {
  MutexLock lock(mutex_);
  return compacted_through_;
}

void Partition::compacted(Offset through) {
  MutexLock lock(mutex_);
  compacted_through_ = std::max(compacted_through_, through);
}

Partition::StoredView Partition::stored_view() const {
  MutexLock lock(mutex_);
  const auto end = buffered_.empty() ? high_watermark_ : buffered_.front().base_offset;
  return {start_, end, buffered_.empty(), segments_};
}

std::vector<BatchRef> Partition::take_buffered(Seek seek, std::size_t bytes_max) const {
  std::vector<BatchRef> batches;
  std::size_t bytes = 0;
  const auto before = [start = start_, &seek](const BatchRef& batch) {
    return batch.last_offset < start || !seek.reached_by(batch);
  };
  // Times that clients claim rise and fall.
  auto it = seek.by == Seek::By::Claimed
                ? std::find_if_not(buffered_.begin(), buffered_.end(), before)
                : std::partition_point(buffered_.begin(), buffered_.end(), before);
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
  if (seek.by == Seek::By::Offset) {
    seek.value = std::max(seek.value, as_seek(start_));
    if (seek.value >= as_seek(high_watermark_)) return std::vector<BatchRef>();
  }
  if (!segments_->empty() && !begins_in_buffers(seek)) return std::nullopt;
  return take_buffered(seek, bytes_max);
}

// Whether no batch before the first buffered one can be the first to reach the value.
bool Partition::begins_in_buffers(Seek seek) const {
  if (buffered_.empty()) return false;
  const auto& first = buffered_.front();
  switch (seek.by) {
    case Seek::By::Offset: return seek.value >= as_seek(first.base_offset);
    // Another batch of the same commit, or of the same millisecond, may be in a segment already.
    case Seek::By::Commit: return seek.value > first.commit.value;
    case Seek::By::Received: return seek.value > static_cast<std::uint64_t>(to_ms(first.received));
    case Seek::By::Claimed: return false;
  }
  return false;
}

Result<std::vector<BatchRef>> Partition::read_segments(const std::vector<SegmentState>& segments,
                                                       Seek seek, std::size_t bytes_max) const {
  auto it = segments.begin();
  if (seek.by == Seek::By::Offset) {
    // The last segment that begins at or before the offset: nothing before it can reach it.
    it = std::upper_bound(segments.begin(), segments.end(), seek.value,
                          [](std::uint64_t value, const SegmentState& segment) {
                            return value < as_seek(segment.base_offset);
                          });
    if (it != segments.begin()) --it;
  }
  for (; it != segments.end(); ++it) {
    if (ends_before(*it, seek)) continue;
    MYELIN_TRY(batches, Segment(files_, directory_, id_, *it).read(*it, seek, bytes_max));
    if (!batches.empty()) return batches;
  }
  return std::vector<BatchRef>();
}

Result<std::vector<BatchRef>> Partition::read_stored(Seek seek, std::size_t bytes_max) const {
  for (;;) {
    Segments segments;
    {
      MutexLock lock(mutex_);
      segments = segments_;
      if (seek.by == Seek::By::Offset) seek.value = std::max(seek.value, as_seek(start_));
    }
    auto batches = read_segments(*segments, seek, bytes_max);
    // The flusher may have moved records out of the buffers since the list was taken, or taken
    // files away; then look again.
    {
      MutexLock lock(mutex_);
      // By now its paths may be another topic's.
      if (cleared_) return std::vector<BatchRef>();
      if (segments != segments_ && (!batches || batches->empty())) continue;
      if (!batches) return batches;
      if (batches->empty()) return take_buffered(seek, bytes_max);
      if (batches->front().last_offset >= start_) return batches;
    }
    return from_start(seek, bytes_max);
  }
}

// The seek found a batch that is kept no more; what it asks for is at the start or behind it.
Result<std::vector<BatchRef>> Partition::from_start(Seek seek, std::size_t bytes_max) const {
  for (auto next = start();;) {
    MYELIN_TRY(batches, read_stored(Seek::to(next), bytes_max));
    if (batches.empty() || seek.reached_by(batches.front())) return batches;
    const auto found = std::find_if(batches.begin(), batches.end(),
                                    [&](const BatchRef& batch) { return seek.reached_by(batch); });
    next = batches.back().last_offset + 1;
    batches.erase(batches.begin(), found);
    if (!batches.empty()) return batches;
  }
}

Result<Offset> Partition::behind_damage(Seek seek) const {
  const auto segments = this->segments();
  bool past = false;
  for (const auto& segment : *segments) {
    if (past) return segment.base_offset;
    const auto* next = &segment + 1;
    const bool last = next == segments->data() + segments->size();
    const bool before = seek.by == Seek::By::Offset
                            ? !last && as_seek(next->base_offset) <= seek.value
                            : ends_before(segment, seek);
    if (before) continue;
    MYELIN_TRY(behind, Segment(files_, directory_, id_, segment).behind_damage(segment, seek));
    if (behind) return *behind;
    past = true;
  }
  MutexLock lock(mutex_);
  return buffered_.empty() ? high_watermark_ : buffered_.front().base_offset;
}

EpochEnd Partition::end_of_epoch(std::int32_t epoch, std::int32_t current) const {
  MutexLock lock(mutex_);
  if (epoch > current || epoch < 0) return {};
  const auto higher =
      std::upper_bound(epochs_.begin(), epochs_.end(), epoch,
                       [](std::int32_t value, const EpochStart& at) { return value < at.epoch; });
  const auto floor = epoch == current || higher == epochs_.begin() ? epoch : (higher - 1)->epoch;
  return {floor, higher == epochs_.end() ? high_watermark_ : higher->start};
}

void Partition::follow(const TopicPolicy& policy) {
  segment_bytes = std::min(policy.segment_bytes, kSegmentBytesMax - 1);
  segment_ms = policy.segment_time.count();
  uses_reserve = policy.uses_reserve;
}

void Partition::publish(const BatchRef& batch) {
  MutexLock lock(mutex_);
  buffered_.push_back(batch);
  high_watermark_ = batch.last_offset + 1;
  note_epoch(epochs_, batch);
}

void Partition::move_start(Offset start) {
  MutexLock lock(mutex_);
  start_ = std::max(start_, start);
  forget_epochs(epochs_, start_);
}

void Partition::clear() {
  auto none = share({});
  std::vector<BatchRef> released;  // Freed outside of the lock.
  MutexLock lock(mutex_);
  cleared_ = true;
  start_ = high_watermark_;
  released.swap(buffered_);
  segments_ = std::move(none);
}

void Partition::flushed(std::size_t count, std::vector<SegmentState> segments) {
  auto fresh = share(std::move(segments));
  std::vector<BatchRef> released;  // Freed outside of the lock.
  MutexLock lock(mutex_);
  if (cleared_) return;
  if (count == buffered_.size()) {
    released.swap(buffered_);
  } else {
    const auto end = buffered_.begin() + static_cast<std::ptrdiff_t>(count);
    released.assign(std::make_move_iterator(buffered_.begin()), std::make_move_iterator(end));
    buffered_.erase(buffered_.begin(), end);
  }
  segments_ = std::move(fresh);
}

}  // namespace myelin::log
