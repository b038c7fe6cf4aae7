// The committer: what waits becomes a journal frame, is synced, then visible, then told.
#include <fmt/format.h>

#include "base/bytes.h"
#include "base/check.h"
#include "formats/kafka/record_batch.h"
#include "log/log.h"

namespace myelin::log {
namespace {

constexpr std::chrono::milliseconds kFreeSpaceInterval{100};

std::size_t entry_bytes(const Write& write) {
  std::size_t bytes = 0;
  for (const auto& topic : write.topics) bytes += create_topic_bytes(topic->spec);
  for (const auto& batch : write.batches) bytes += kBatchEntryOverhead + batch.bytes.size();
  return bytes;
}

std::int32_t last_offset_delta(std::string_view batch) {
  return load_be<std::int32_t>(batch.data() + 23);
}
std::int32_t record_count(std::string_view batch) {
  return load_be<std::int32_t>(batch.data() + 57);
}

// What recovery would refuse must not come in.
Status check_batch(std::string_view bytes) {
  MYELIN_TRY(info, kafka::parse_batch_header(bytes));
  if (info.size_bytes != bytes.size()) {
    return Error(ErrorCode::InvalidInput, "an append takes whole record batches, one at a time");
  }
  return {};
}

}  // namespace

Result<std::vector<Offset>> Log::append(Write write) {
  const auto bytes = entry_bytes(write);
  if (bytes > write_bytes_max_) {
    return Error(
        ErrorCode::InvalidInput,
        fmt::format("{} bytes in one write; the log takes {} at most", bytes, write_bytes_max_));
  }
  for (const auto& batch : write.batches) MYELIN_TRY_VOID(check_batch(batch.bytes));
  MYELIN_TRY_VOID(check_writable(bytes));
  std::vector<Offset> bases;
  bases.reserve(write.batches.size());
  MutexLock lock(queue_mutex_);
  if (closing_) return Error(ErrorCode::Canceled, "the server is stopping");
  // A new topic is small and rare; Exhausted would be taken for too many topics.
  const bool full = !queue_.empty() && queue_bytes_ + bytes > options_.queue_bytes_max;
  if (full && write.topics.empty()) {
    return Error(ErrorCode::Exhausted, "too much waits for the disk");
  }
  last_received_ = std::max(last_received_, clock_.now());
  for (const auto& topic : write.topics) {
    topics_.push_back(topic);
    for (const auto& partition : topic->partitions)
      next_offsets_.emplace(partition.get(), Offset(0));
  }
  for (auto& batch : write.batches) {
    const auto next = next_offsets_.find(batch.partition);
    MYELIN_CHECK(next != next_offsets_.end(), "an append to a partition outside the catalogue");
    kafka::set_base_offset(batch.bytes.data(), next->second.value);
    bases.push_back(next->second);
    next->second = next->second + (std::int64_t{last_offset_delta(batch.bytes)} + 1);
  }
  if (write.waiter) write.waiter->numbered(bases);
  queue_bytes_ += bytes;
  unflushed_bytes_ += bytes;
  queue_.push_back({std::move(write), last_received_, bytes});
  if (committer_waits_) queue_changed_.notify_one();
  return bases;
}

Status Log::writable() { return check_writable(0); }

Status Log::check_writable(std::size_t bytes) {
  if (failed_) return Error(ErrorCode::Unavailable, "the log has failed; see the server's log");
  if (has_space(bytes)) return {};
  return Error(ErrorCode::Unavailable, "no space left for the data directory");
}

// Space is reserved before anything is numbered, so nothing has to be rolled back.
bool Log::has_space(std::size_t bytes) {
  const auto needed = unflushed_bytes_ + bytes + options_.free_bytes_min;
  if (needed <= free_bytes_) return true;
  // The figure is as old as the last flush; somebody may have made room. Asked for now and then,
  // not by each append.
  const auto now = to_ms(clock_.now());
  auto checked = free_bytes_checked_ms_.load();
  const bool due = now - checked >= kFreeSpaceInterval.count() || now < checked;
  if (due && free_bytes_checked_ms_.compare_exchange_strong(checked, now)) refresh_free_space();
  return needed <= free_bytes_;
}

void Log::commit_loop() {
  std::deque<Pending> group;
  while (take_group(group)) {
    commit_group(std::move(group));
    group.clear();
  }
}

// False when everything is committed and the log closes. An empty group closes the tail: a frame
// that proves the one before it.
bool Log::take_group(std::deque<Pending>& group) {
  MutexLock lock(queue_mutex_);
  while (queue_.empty()) {
    if (closing_) return tail_open_ && !failed_;
    committer_waits_ = true;
    const bool woken = !tail_open_ || failed_
                           ? (queue_changed_.wait(queue_mutex_), true)
                           : queue_changed_.wait_for(queue_mutex_, options_.tail_interval);
    committer_waits_ = false;
    if (!woken && queue_.empty()) return true;
  }
  // A small journal takes smaller frames.
  const auto limit = std::min(options_.group_bytes_max, write_bytes_max_);
  std::size_t bytes = 0;
  while (!queue_.empty() && (group.empty() || bytes + queue_.front().bytes <= limit)) {
    bytes += queue_.front().bytes;
    group.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  queue_bytes_ -= bytes;
  return true;
}

void Log::commit_group(std::deque<Pending> group) {
  std::size_t body_bytes = 0;
  for (const auto& pending : group) body_bytes += pending.bytes;
  const auto frame = std::make_shared<FrameBuffer>(static_cast<std::uint32_t>(body_bytes));
  FrameHeader header;
  header.commit = last_commit_ + 1;
  header.durable_through = last_commit_;
  header.body_bytes = static_cast<std::uint32_t>(body_bytes);
  std::vector<std::shared_ptr<AppendWaiter>> waiters;
  for (auto& pending : group) {
    if (pending.write.waiter) waiters.push_back(std::move(pending.write.waiter));
  }
  const auto commit = build(group, frame, header);
  const auto status = failed_ ? Status(Error(ErrorCode::Unavailable, "the log has failed"))
                              : write_frame(*commit, *frame, header);
  if (status) {
    tail_open_ = !group.empty();
    last_commit_ = header.commit;
    publish(commit);
  } else if (status.error().code() == ErrorCode::Canceled) {
    give_up();
  } else {
    fail(status.error());
  }
  for (const auto& waiter : waiters) {
    if (status) {
      waiter->completed(header.commit);
    } else {
      waiter->completed(status.error());
    }
  }
  if (options_.on_committed) options_.on_committed(status ? CommitPtr(commit) : nullptr);
}

std::shared_ptr<Commit> Log::build(std::deque<Pending>& group,
                                   const std::shared_ptr<FrameBuffer>& frame, FrameHeader& header) {
  auto commit = std::make_shared<Commit>();
  commit->number = header.commit;
  char* at = frame->body();
  std::uint32_t first_record = 0;
  for (auto& pending : group) {
    for (auto& topic : pending.write.topics) {
      at = write_create_topic(at, topic->spec);
      commit->topics.push_back(std::move(topic));
      ++header.entry_count;
    }
    for (const auto& batch : pending.write.batches) {
      const auto size = batch.bytes.size();
      at = write_batch_entry(at,
                             {batch.partition->id(), pending.received, first_record, batch.bytes});
      const std::string_view stored(at - size, size);
      const Offset base(load_be<std::int64_t>(stored.data()));
      const auto records = static_cast<std::uint32_t>(record_count(stored));
      commit->batches.push_back({batch.partition->id(), base, base + last_offset_delta(stored),
                                 header.commit, first_record, records, pending.received, stored,
                                 frame});
      commit->partitions.push_back(batch.partition);
      first_record += records;
      ++header.entry_count;
    }
  }
  // A frame without batches pins nothing.
  commit->bytes = commit->batches.empty() ? 0 : frame->capacity();
  return commit;
}

Status Log::write_frame(Commit& commit, FrameBuffer& frame, const FrameHeader& header) {
  const auto position = journal_->next_position(frame.capacity());
  {
    MutexLock lock(buffer_mutex_);
    while (!failed_ &&
           (buffered_bytes_ > options_.buffer_bytes_max || !journal_->is_free(position))) {
      // Nobody waits for room for ever at a stop; what was not acknowledged is refused.
      if (stopping_ && out_of_space_)
        return Error(ErrorCode::Canceled, "the server stops and the disk has no space left");
      if (!journal_->is_free(position)) ++checkpoints_wanted_;
      buffer_changed_.notify_all();
      buffer_changed_.wait(buffer_mutex_);
    }
    // A third of the journal is used with each file: time for a checkpoint.
    if (position.lap != journal_->end().lap) {
      ++checkpoints_wanted_;
      buffer_changed_.notify_all();
    }
  }
  if (failed_) return Error(ErrorCode::Unavailable, "the log has failed");
  MYELIN_TRY(end, journal_->write(header, frame));
  commit.end = end;
  commit.written = clock_.steady();
  return {};
}

void Log::publish(const CommitPtr& commit) {
  for (std::size_t i = 0; i < commit->batches.size(); ++i) {
    commit->partitions[i]->publish(commit->batches[i]);
  }
  MutexLock lock(buffer_mutex_);
  const bool first = buffered_.empty();
  buffered_.push_back(commit);
  buffered_bytes_ += commit->bytes;
  visible_ = commit->number;
  if (first || buffered_bytes_ > options_.buffer_bytes_max / 2) buffer_changed_.notify_all();
}

void Log::fail(const Error& error) {
  if (failed_.exchange(true)) return;
  options_.fail(
      fmt::format("data directory {}: {}. Nothing acknowledged is lost; a restart recovers",
                  options_.directory, error.message()));
  MutexLock lock(buffer_mutex_);
  buffer_changed_.notify_all();
}

// Nothing more is committed: commit numbers have no gaps.
void Log::give_up() {
  failed_ = true;
  MutexLock lock(buffer_mutex_);
  buffer_changed_.notify_all();
}

CommitNumber Log::visible() const {
  MutexLock lock(buffer_mutex_);
  return visible_;
}

std::optional<std::vector<CommitPtr>> Log::commits_after(CommitNumber after,
                                                         std::size_t bytes_max) const {
  std::vector<CommitPtr> commits;
  MutexLock lock(buffer_mutex_);
  if (after < flushed_) return std::nullopt;
  if (buffered_.empty()) return commits;
  std::size_t bytes = 0;
  // Commit numbers are consecutive: the place is known.
  const auto first = buffered_.front()->number.value;
  for (auto i = after.value + 1 - first; i < buffered_.size(); ++i) {
    if (!commits.empty() && bytes + buffered_[i]->bytes > bytes_max) break;
    bytes += buffered_[i]->bytes;
    commits.push_back(buffered_[i]);
  }
  return commits;
}

}  // namespace myelin::log
