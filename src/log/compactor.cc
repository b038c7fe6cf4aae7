#include "log/compactor.h"

#include <algorithm>
#include <thread>

#include "formats/kafka/compaction.h"
#include "log/compaction_scan.h"
#include "log/epochs.h"

namespace myelin::log {
namespace {

constexpr std::size_t kReadBytes = 1u << 20;

std::uint64_t bytes_of(std::span<const SegmentState> segments) {
  std::uint64_t bytes = 0;
  for (const auto& segment : segments) bytes += segment.log_bytes;
  return bytes;
}

// Whether it is the bytes that are wrong, and not the disk or the server that ends.
bool is_unreadable(const Error& error) {
  return error.code() == ErrorCode::Corrupt || error.code() == ErrorCode::InvalidInput;
}

// A batch that unpacks to more than we take is one that cannot be read; where the disk or the open
// files are exhausted, that is another matter.
template <class T>
Result<T> of_batch(Result<T> result) {
  if (result || result.error().code() != ErrorCode::Exhausted) return result;
  return Error(ErrorCode::InvalidInput, result.error().message());
}

}  // namespace

std::vector<SegmentState> segments_to_compact(const std::vector<SegmentState>& segments,
                                              Offset through, const TopicPolicy& policy,
                                              std::int64_t now_ms) {
  std::vector<SegmentState> closed;
  std::uint64_t dirty_bytes = 0;
  bool overdue = false;
  for (std::size_t i = 0; i + 1 < segments.size(); ++i) {
    const auto& segment = segments[i];
    if (now_ms - segment.last_received_ms < policy.compaction_lag_min.count()) break;
    closed.push_back(segment);
    if (segments[i + 1].base_offset <= through) continue;
    dirty_bytes += segment.log_bytes;
    overdue |= policy.compaction_lag_max &&
               now_ms - segment.first_received_ms > policy.compaction_lag_max->count();
  }
  const auto ratio = static_cast<double>(dirty_bytes) /
                     static_cast<double>(std::max<std::uint64_t>(bytes_of(closed), 1));
  if (dirty_bytes == 0 || (!overdue && ratio < policy.dirty_ratio_min)) return {};
  return closed;
}

// One partition, once.
class PartitionCompaction {
 public:
  PartitionCompaction(Compactor& compactor, Partition& partition, const TopicPolicy& policy,
                      std::vector<SegmentState> segments)
      : compactor_(compactor),
        log_(compactor.log_),
        partition_(partition),
        policy_(policy),
        segments_(std::move(segments)),
        now_ms_(to_ms(log_.clock().now())),
        keys_(compactor.options_.key_map_bytes_max, compactor.options_.hash_key),
        scan_(keys_, partition.compacted_through(), compactor.options_.unpacked_bytes_max) {}

  Status run() {
    MYELIN_TRY_VOID(scan());
    end_ = scan_.end();
    if (end_ <= partition_.compacted_through()) return {};
    // What lies wholly behind the end of the scan is not written anew.
    while (!segments_.empty() && segments_.back().base_offset >= end_) segments_.pop_back();
    std::size_t at = 0;
    while (at < segments_.size()) {
      const auto count = group_at(at);
      const auto through = at + count == segments_.size() ? end_ : Offset(0);
      MYELIN_TRY_VOID(compact_group(std::span(segments_).subspan(at, count), through));
      at += count;
    }
    if (first_error_) return *first_error_;
    return {};
  }

 private:
  // Calls `take` with each batch of a segment; `take` says whether to go on.
  template <class Take>
  Result<bool> each_batch(const SegmentState& state, Take take) {
    const Segment segment(log_.files(), partition_.directory(), partition_.id(), state);
    for (Offset next = state.base_offset;;) {
      if (compactor_.canceled_) return Error(ErrorCode::Canceled, "the server is stopping");
      MYELIN_TRY(batches, segment.read(state, Seek::to(next), kReadBytes));
      if (batches.empty()) return true;
      std::uint64_t bytes = 0;
      for (const auto& batch : batches) {
        bytes += batch.bytes.size();
        MYELIN_TRY(more, take(batch));
        if (!more) return false;
      }
      next = batches.back().last_offset + 1;
      pace(bytes);
    }
  }

  void pace(std::uint64_t bytes) {
    compactor_.read_bytes_ += bytes;
    const auto rate = compactor_.options_.read_bytes_per_second;
    if (rate > 0) std::this_thread::sleep_for(std::chrono::microseconds(bytes * 1'000'000 / rate));
  }

  Status scan() {
    for (std::size_t i = 0; i < segments_.size(); ++i) {
      auto more = each_batch(segments_[i],
                             [&](const BatchRef& batch) { return of_batch(scan_.add(batch)); });
      if (!more) {
        // The rest of its keys is not known, so it replaces nothing; and it is not written anew.
        MYELIN_TRY_VOID(leave_damaged(segments_[i], std::move(more).error()));
        continue;
      }
      if (!*more) return {};
    }
    return {};
  }

  // Goes on without a segment that cannot be read; gives the error back when it is another one.
  Status leave_damaged(const SegmentState& segment, Error error) {
    if (!is_listed(segment))
      return Error(ErrorCode::Conflict, "the segments were removed meanwhile");
    if (!is_unreadable(error)) return error;
    damaged_.push_back(segment.base_offset);
    scan_.skip(segment.base_offset);
    if (!first_error_) first_error_ = std::move(error);
    return {};
  }

  // Of a deleted topic nothing is.
  bool is_listed(const SegmentState& segment) const {
    const auto now = partition_.segments();
    return std::find(now->begin(), now->end(), segment) != now->end();
  }

  bool is_damaged(const SegmentState& segment) const {
    return std::find(damaged_.begin(), damaged_.end(), segment.base_offset) != damaged_.end();
  }

  // How many segments from `at` on become one.
  std::size_t group_at(std::size_t at) const {
    if (is_damaged(segments_[at])) return 1;
    std::size_t count = 0;
    std::uint64_t bytes = 0;
    for (; at + count < segments_.size() && !is_damaged(segments_[at + count]); ++count) {
      bytes += segments_[at + count].log_bytes;
      if (count > 0 && bytes > policy_.segment_bytes) break;
    }
    return count;
  }

  Status compact_group(std::span<const SegmentState> group, Offset through) {
    if (is_damaged(group.front())) return leave(group, through);
    if (!has_room(group))
      return Error(ErrorCode::Exhausted, "too little space on the disk to compact");
    SegmentState fresh{group.front().base_offset, 0, 0};
    for (const auto& segment : group)
      fresh.generation = std::max(fresh.generation, segment.generation);
    ++fresh.generation;
    Segment output(log_.files(), partition_.directory(), partition_.id(), fresh);
    auto status = write_group(group, output, fresh);
    const bool same = status && group.size() == 1 && !changed_;
    if (same || !status) remove(output);
    if (same) return leave(group, through);
    if (!status) {
      // Damage that the scan did not come to, or did not see yet.
      MYELIN_TRY_VOID(leave_damaged(*unread_, std::move(status).error()));
      for (const auto& segment : group)
        MYELIN_TRY_VOID(
            compact_group(std::span(&segment, 1), &segment == &group.back() ? through : Offset(0)));
      return {};
    }
    auto replaced = log_.replace_segments(partition_, group, fresh, through);
    if (!replaced) {
      remove(output);
      return replaced;
    }
    compactor_.removed_records_ += removed_;
    compactor_.written_bytes_ += fresh.log_bytes;
    return {};
  }

  Status leave(std::span<const SegmentState> group, Offset through) {
    return log_.replace_segments(partition_, group, group.front(), through);
  }

  // What is compacted stays until the result is durable, and must not take what records need.
  bool has_room(std::span<const SegmentState> group) const {
    const auto& limits = log_.options().space;
    return log_.space().free_bytes > bytes_of(group) + limits.free_bytes_min;
  }

  void remove(const Segment& output) {
    for (const auto& path : {output.log_path(), output.meta_path()}) {
      log_.files().forget(path);
      // A file that stays is swept at the next start.
      [[maybe_unused]] const auto removed = log_.disk().remove(path);
    }
  }

  Status write_group(std::span<const SegmentState> group, Segment& output, SegmentState& fresh) {
    unread_ = group.data();
    changed_ = false;
    removed_ = 0;
    // An earlier attempt may have left something.
    remove(output);
    MYELIN_TRY_VOID(output.create());
    for (const auto& segment : group) {
      unread_ = &segment;
      std::vector<BatchRef> pending;
      std::size_t bytes = 0;
      MYELIN_TRY(all, each_batch(segment, [&](const BatchRef& batch) -> Result<bool> {
                   MYELIN_TRY(kept, of_batch(rewrite(batch)));
                   if (!kept) return true;
                   bytes += kept->bytes.size();
                   pending.push_back(std::move(*kept));
                   if (bytes < kReadBytes) return true;
                   MYELIN_TRY_VOID(output.append(pending, fresh));
                   pending.clear();
                   bytes = 0;
                   return true;
                 }));
      MYELIN_CHECK(all, "a segment is rewritten to its end");
      MYELIN_TRY_VOID(output.append(pending, fresh));
    }
    // Also of a segment that has become empty.
    fresh.first_received_ms = group.front().first_received_ms;
    fresh.last_received_ms = group.back().last_received_ms;
    fresh.last_commit = group.back().last_commit;
    for (const auto& path : {output.log_path(), output.meta_path()}) {
      MYELIN_TRY(file, log_.files().get(path));
      MYELIN_TRY_VOID(file->sync());
    }
    return {};
  }

  // What is left of a batch, with everything that its companion's entry says.
  Result<std::optional<BatchRef>> rewrite(const BatchRef& batch) {
    auto kept = batch;
    kept.in_segment = false;
    if (batch.base_offset >= end_) return std::optional(std::move(kept));
    MYELIN_TRY(info, kafka::parse_batch_header(batch.bytes));
    const bool whole = batch.last_offset < end_ && scan_.knows_all_before(info);
    kafka::RewriteOptions options;
    options.unpacked_bytes_max = compactor_.options_.unpacked_bytes_max;
    if (scan_.is_last_of_producer(info)) options.when_empty = kafka::WhenEmpty::KeepHeader;
    // Markers stay for good, so nothing is to be said of when they may go.
    if (whole && !info.is_control())
      options.delete_horizon_ms = now_ms_ + policy_.tombstone_time.count();
    MYELIN_TRY(rewritten, kafka::rewrite_batch(batch.bytes, keeper(info), options));
    using Outcome = kafka::RewrittenBatch::Outcome;
    if (rewritten.outcome == Outcome::Unchanged) return std::optional(std::move(kept));
    changed_ = true;
    removed_ += static_cast<std::uint64_t>(info.record_count - rewritten.records_kept);
    if (rewritten.outcome == Outcome::Dropped) return std::optional<BatchRef>();
    auto bytes = std::make_shared<const std::string>(std::move(rewritten.bytes));
    kept.bytes = *bytes;
    kept.owner = std::move(bytes);
    kept.record_count = static_cast<std::uint32_t>(rewritten.records_kept);
    return std::optional(std::move(kept));
  }

  std::function<bool(const kafka::RecordView&)> keeper(const kafka::BatchInfo& info) const {
    if (info.is_control()) return [](const kafka::RecordView&) { return true; };
    const auto horizon = kafka::delete_horizon(info);
    const bool tombstones_go = horizon && *horizon < now_ms_;
    const bool aborted = scan_.is_aborted(info);
    return
        [this, base = info.base_offset, tombstones_go, aborted](const kafka::RecordView& record) {
          const Offset offset(base + record.offset_delta);
          if (offset >= end_) return true;
          if (aborted) return false;
          // Nobody can tell what replaces a record without a key.
          if (!record.key) return true;
          if (!record.value && tombstones_go) return false;
          return !scan_.is_replaced(*record.key, offset);
        };
  }

  Compactor& compactor_;
  Log& log_;
  Partition& partition_;
  const TopicPolicy& policy_;
  std::vector<SegmentState> segments_;
  const std::int64_t now_ms_;
  KeyMap keys_;
  CompactionScan scan_;
  Offset end_;                   // Of the scan: records from here on stay as they are.
  std::vector<Offset> damaged_;  // Base offsets of segments that could not be read to their end.
  std::optional<Error> first_error_;
  // Of the group under way.
  const SegmentState* unread_ = nullptr;  // It is read.
  bool changed_ = false;                  // It is not what it was.
  std::uint64_t removed_ = 0;             // Records.
};

Compactor::Compactor(Log& log, CompactionOptions options) : log_(log), options_(options) {}

Status Compactor::pass() {
  Status first;
  const auto now = to_ms(log_.clock().now());
  for (const auto& topic : log_.topics()) {
    const auto policy = topic->policy.get();
    if (!policy || !policy->compact) continue;
    for (const auto& partition : topic->partitions) {
      if (canceled_) return first;
      auto segments =
          segments_to_compact(*partition->segments(), partition->compacted_through(), *policy, now);
      if (segments.empty()) continue;
      auto status = PartitionCompaction(*this, *partition, *policy, std::move(segments)).run();
      if (status) {
        ++passes_;
      } else if (first && status.error().code() != ErrorCode::Conflict) {
        first = std::move(status).error().with_context("topic " + topic->spec.name);
      }
    }
  }
  return first;
}

CompactionCounts Compactor::counts() const {
  return {passes_, removed_records_, read_bytes_, written_bytes_};
}

}  // namespace myelin::log
