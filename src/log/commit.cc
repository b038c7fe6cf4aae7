// The committer: what waits becomes a journal frame, is synced, then visible, then told.
#include <fmt/format.h>

#include <algorithm>

#include "log/commit_builder.h"
#include "log/log.h"

namespace myelin::log {
namespace {

// A checkpoint is asked for when so much went to segments since the last one: a restart verifies
// it.
constexpr std::uint64_t kLargeBytesACheckpoint = 512u << 20;

// Of a write on average, from which on its sender is after throughput.
constexpr std::size_t kBulkBytes = 8u << 10;

}  // namespace

// What becomes one commit.
struct Log::Group {
  CommitBuilder builder;
  std::vector<std::shared_ptr<AppendWaiter>> waiters{};
  std::size_t writes = 0;
  std::size_t bytes = 0;
  std::size_t journal_bytes = 0;
  bool deletes = false;
  bool whole = false;  // Takes no more.
};

void Log::commit_loop() {
  while (wait_for_writes()) commit_group();
}

// False when everything is committed and the log closes. True without a write closes the tail: a
// frame that proves the one before it.
bool Log::wait_for_writes() {
  MutexLock lock(queue_mutex_);
  // Half of those that were just told: the others come while these are put into a frame. Few are
  // not worth a second waking.
  await_writes(usual_.in_bulk ? usual_.writes : (usual_.writes + 1) / 2);
  awaited_ = usual_.in_bulk && !queue_.empty();
  while (queue_.empty()) {
    if (closing_) return tail_open_ && !failed_;
    committer_wants_ = 1;
    bool silent = false;
    if (tail_open_ && !failed_) {
      silent = !queue_changed_.wait_for(queue_mutex_, options_.tail_interval);
    } else {
      queue_changed_.wait(queue_mutex_);
    }
    committer_wants_ = 0;
    if (silent && queue_.empty()) return true;
  }
  return true;
}

// Writers that wait for their acknowledgments come back together after a commit. Writing what the
// first of them brings would split them into halves that take turns, at twice the syncs: so the
// committer waits for as many as came lately. Not longer than a sync takes each time: that would
// cost more than a second one. A few writers of single records gain nothing by it, and those who
// send without waiting for acknowledgments would only have theirs later: at 10,000 records a second
// 0.5 instead of 0.35 ms. A few that send much are after throughput: one Kafka producer has five
// requests of 16 KB under way, and two thirds of the processor time of a commit are its own,
// whatever is in it.
void Log::await_writes(std::size_t count) {
  constexpr SteadyTime::duration kWaitMax = std::chrono::microseconds(250);
  constexpr std::size_t kManyWriters = 8;
  if (usual_.writes < kManyWriters && !usual_.in_bulk) return;
  committer_wants_ = count;
  // Woken before by nothing but what it waits for, the end, or a whim of the system.
  if (queue_.size() < count && !closing_ && !failed_)
    queue_changed_.wait_for(queue_mutex_, std::min(last_sync_, kWaitMax));
  committer_wants_ = 0;
}

// Moves what the group has room for to taken_; false when there was nothing more for it.
bool Log::take(Group& group) {
  // A small journal takes smaller frames; a large batch may have to go into one after all.
  const auto limit = std::min(options_.group_bytes_max, write_bytes_max_);
  const auto limit_of_all =
      std::min(std::max(options_.large_group_bytes_max, limit), write_bytes_max_);
  if (group.whole) return false;
  MutexLock lock(queue_mutex_);
  if (queue_.empty() && group.writes > 0) {
    if (!awaited_) await_writes(usual_.writes - group.writes);
    group.whole = true;
  }
  while (!queue_.empty()) {
    const auto& next = queue_.front();
    const bool fits = group.bytes + next.bytes <= limit_of_all &&
                      group.journal_bytes + next.journal_bytes <= limit;
    // A new topic may have the name of a deleted one; the flusher separates them by commit.
    const bool reuses = group.deletes && !next.write.topics.empty();
    if (group.writes > 0 && (!fits || reuses)) {
      group.whole = true;
      break;
    }
    ++group.writes;
    group.deletes = group.deletes || !next.write.deleted.empty();
    group.bytes += next.bytes;
    group.journal_bytes += next.journal_bytes;
    queue_bytes_ -= next.bytes;
    taken_.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  group.whole = group.whole || group.writes >= usual_.writes;
  return !taken_.empty();
}

Status Log::build(Group& group) {
  auto status = failed_ ? Status(Error(ErrorCode::Unavailable, "the log has failed")) : Status();
  while (take(group)) {
    for (auto& [write, received, bytes, journal_bytes] : taken_) {
      if (write.waiter) group.waiters.push_back(std::move(write.waiter));
      if (status) status = group.builder.add(write, received);
    }
    taken_.clear();
  }
  if (status) status = large_batches_.sync();
  usual_.writes = std::max({group.writes, usual_.writes - (usual_.writes + 7) / 8, std::size_t{1}});
  usual_.in_bulk = group.writes > 0 && group.bytes >= kBulkBytes * group.writes;
  large_bytes_ += group.builder.large_bytes();
  return status;
}

void Log::commit_group() {
  Group group{CommitBuilder(large_batches_, options_.large_batch_bytes, last_commit_ + 1, usual_)};
  auto status = build(group);
  const auto [commit, frame, entry_count] = group.builder.finish();
  FrameHeader header;
  header.commit = commit->number;
  header.durable_through = last_commit_;
  header.body_bytes = usual_.body_bytes = frame->body_bytes();
  header.entry_count = entry_count;
  commit->reserved = group.bytes;
  if (status) status = write_frame(*commit, *frame, header);
  if (status) {
    tail_open_ = group.writes > 0;
    last_commit_ = header.commit;
    publish(commit);
  } else if (status.error().code() == ErrorCode::Canceled) {
    give_up(status.error());
  } else {
    fail(status.error());
  }
  for (const auto& waiter : group.waiters) {
    if (status) {
      waiter->completed(header.commit);
    } else {
      waiter->completed(status.error());
    }
  }
  if (options_.on_committed) options_.on_committed(status ? CommitPtr(commit) : nullptr);
}

// Smooth: the nearer the journal is to its end, the longer each commit waits, so that producers
// slow down before they would stand still.
void Log::throttle() {
  const auto delay = throttle_delay(journal_used(), options_.throttle_max);
  if (delay == SteadyTime::duration::zero()) return;
  const auto due = clock_.steady() + delay;
  MutexLock lock(buffer_mutex_);
  for (auto now = clock_.steady(); now < due && !failed_ && !stopping_; now = clock_.steady()) {
    // A checkpoint may come in between.
    if (throttle_delay(journal_used(), options_.throttle_max) == SteadyTime::duration::zero())
      return;
    buffer_changed_.wait_for(buffer_mutex_,
                             std::chrono::duration_cast<std::chrono::microseconds>(due - now));
  }
}

double Log::journal_used() const {
  const auto total = static_cast<double>(geometry_.file_bytes) * geometry_.file_count;
  return static_cast<double>(journal_->used_bytes()) / total;
}

Status Log::wait_for_journal(std::size_t frame_bytes) {
  throttle();
  const auto position = journal_->next_position(frame_bytes);
  MutexLock lock(buffer_mutex_);
  while (!failed_ &&
         (buffered_bytes_ > options_.buffer_bytes_max || !journal_->is_free(position))) {
    // Nobody waits for room for ever at a stop; what was not acknowledged is refused.
    if (stopping_ && out_of_space_) return Error(ErrorCode::Canceled, no_space_);
    if (!journal_->is_free(position) && checkpoints_wanted_ == checkpoints_done_)
      ++checkpoints_wanted_;
    buffer_changed_.notify_all();
    buffer_changed_.wait(buffer_mutex_);
  }
  // A third of the journal is used with each file: time for a checkpoint.
  if (position.lap != journal_->end().lap || large_bytes_ >= kLargeBytesACheckpoint) {
    large_bytes_ = 0;
    ++checkpoints_wanted_;
    buffer_changed_.notify_all();
  }
  return {};
}

Status Log::write_frame(Commit& commit, FrameBuffer& frame, const FrameHeader& header) {
  MYELIN_TRY_VOID(wait_for_journal(frame.size()));
  if (failed_) return Error(ErrorCode::Unavailable, "the log has failed");
  const auto began = clock_.steady();
  MYELIN_TRY(end, journal_->write(header, frame));
  commit.end = end;
  commit.written = clock_.steady();
  last_sync_ = commit.written - began;
  return {};
}

void Log::publish(const CommitPtr& commit) {
  for (std::size_t i = 0; i < commit->batches.size(); ++i) {
    commit->partitions[i]->publish(commit->batches[i]);
  }
  for (const auto& start : commit->starts) start.partition->move_start(start.start);
  for (const auto& topic : commit->deleted) {
    for (const auto& partition : topic->partitions) partition->clear();
  }
  MutexLock lock(buffer_mutex_);
  const bool first = buffered_.empty();
  const bool had_enough = buffered_bytes_ >= options_.flush_bytes;
  buffered_.push_back(commit);
  buffered_bytes_ += commit->bytes;
  visible_ = commit->number;
  const bool enough = buffered_bytes_ >= options_.flush_bytes;
  if (first || enough != had_enough || buffered_bytes_ > options_.buffer_bytes_max / 2)
    buffer_changed_.notify_all();
}

void Log::fail(const Error& error) {
  {
    MutexLock lock(buffer_mutex_);
    if (failed_.exchange(true)) return;
    failure_ = error.message();
  }
  options_.fail(
      fmt::format("data directory {}: {}. Nothing acknowledged is lost; a restart recovers",
                  options_.directory, error.message()));
  MutexLock lock(buffer_mutex_);
  buffer_changed_.notify_all();
}

// Nothing more is committed: commit numbers have no gaps.
void Log::give_up(const Error& error) {
  MutexLock lock(buffer_mutex_);
  if (!failed_.exchange(true)) failure_ = error.message();
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
