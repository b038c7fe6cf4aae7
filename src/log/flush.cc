// The flusher: durable records move from commit buffers to segments. checkpointing.cc goes on from
// there.
#include <fmt/format.h>
#include <malloc.h>

#include <algorithm>

#include "base/check.h"
#include "formats/kafka/record_batch.h"
#include "log/directory.h"
#include "log/epochs.h"
#include "log/log.h"

namespace myelin::log {
namespace {

constexpr std::chrono::seconds kRetryInterval{1};

}  // namespace

void Log::flush_loop() {
  while (wait_for_flush()) {
    const auto status = flush_and_checkpoint();
    if (status) {
      space_.set_blocked(false);
      MutexLock lock(buffer_mutex_);
      out_of_space_ = false;
      continue;
    }
    if (status.error().code() != ErrorCode::Exhausted) return fail(status.error());
    {
      MutexLock lock(buffer_mutex_);
      no_space_ = status.error().message();
    }
    // No space: everything is in the journal and in memory; appends are refused until there is some
    // again.
    space_.set_blocked(true);
    if (!wait_for_space()) return;
  }
}

// Until it is time to try again, whoever asks meanwhile; false when the log closes.
bool Log::wait_for_space() {
  const auto due = clock_.steady() + kRetryInterval;
  MutexLock lock(buffer_mutex_);
  out_of_space_ = true;
  buffer_changed_.notify_all();
  for (auto now = clock_.steady(); now < due && !stop_flusher_ && !failed_; now = clock_.steady())
    buffer_changed_.wait_for(buffer_mutex_, due - now);
  return !stop_flusher_;
}

// Waits until there is something to do; false when there is nothing more and the log closes.
bool Log::wait_for_flush() {
  MutexLock lock(buffer_mutex_);
  while (checkpoints_wanted_ == checkpoints_done_) {
    if (stop_flusher_ || failed_) return false;
    if (buffered_.empty()) {
      // After a load the allocator keeps what the commit buffers took; a quiet server gives it
      // back.
      if (!memory_kept_) {
        buffer_changed_.wait(buffer_mutex_);
      } else if (!buffer_changed_.wait_for(buffer_mutex_, options_.flush_interval)) {
        ::malloc_trim(0);
        memory_kept_ = false;
      }
      continue;
    }
    const auto now = clock_.steady();
    // Little and often: what is written at once keeps the journal's writes from the disk, and the
    // other threads from a processor.
    auto due = buffered_.front()->written + options_.flush_interval;
    if (buffered_bytes_ >= options_.flush_bytes)
      due = std::min(due, last_flush_ + options_.flush_pause);
    if (buffered_bytes_ > options_.buffer_bytes_max / 2 || now >= due) {
      last_flush_ = now;
      return true;
    }
    buffer_changed_.wait_for(buffer_mutex_, due - now);
  }
  return !failed_;
}

Status Log::flush_and_checkpoint() {
  std::uint64_t wanted = 0;
  bool due = false;
  {
    MutexLock lock(buffer_mutex_);
    wanted = checkpoints_wanted_;
    due = wanted != checkpoints_done_;
  }
  // What an earlier attempt could not finish comes first.
  if (!work_commits_.empty()) MYELIN_TRY_VOID(flush_waiting());
  MYELIN_TRY_VOID(flush_waiting());
  space_.refresh();
  apply_replacements();
  if (!due) return {};
  MYELIN_TRY_VOID(write_checkpoint(Clean::No));
  auto copies = copies_for_snapshots(wanted);
  MutexLock lock(buffer_mutex_);
  checkpoints_done_ = wanted;
  give_snapshots(std::move(copies));
  out_of_space_ = false;  // Before anybody knows that it is done.
  buffer_changed_.notify_all();
  return {};
}

std::uint64_t Log::checkpoint_count() const {
  MutexLock lock(buffer_mutex_);
  return checkpoints_done_;
}

Status Log::checkpoint() {
  MutexLock lock(buffer_mutex_);
  const auto mine = ++checkpoints_wanted_;
  buffer_changed_.notify_all();
  while (checkpoints_done_ < mine && !failed_ && !stop_flusher_)
    buffer_changed_.wait(buffer_mutex_);
  if (checkpoints_done_ < mine)
    return Error(ErrorCode::Unavailable, "the log has failed or is closed");
  return {};
}

// Everything that is buffered, in units that end before a topic takes the name, and so the
// directories, of one whose deletion no checkpoint knows yet.
Status Log::flush_waiting() {
  for (;;) {
    if (work_commits_.empty()) take_work();
    if (!work_commits_.empty()) {
      while (!work_.empty()) {
        const auto it = work_.begin();
        MYELIN_TRY_VOID(flush_partition(*it->first, it->second));
        work_.erase(it);
      }
      finish_flush();
    }
    bool name_is_taken = false;
    {
      MutexLock lock(buffer_mutex_);
      name_is_taken = !buffered_.empty() && !fits_unit(*buffered_.front());
    }
    if (!name_is_taken) return {};
    MYELIN_TRY_VOID(write_checkpoint(Clean::No));
  }
}

bool Log::fits_unit(const Commit& commit) const {
  return std::none_of(commit.topics.begin(), commit.topics.end(), [&](const TopicPtr& topic) {
    return doomed_names_.contains(topic->spec.name);
  });
}

void Log::take_work() {
  std::vector<CommitPtr> waiting;
  {
    MutexLock lock(buffer_mutex_);
    waiting.assign(buffered_.begin(), buffered_.end());
  }
  for (const auto& commit : waiting) {
    if (!fits_unit(*commit)) return;
    take_commit(commit);
  }
}

void Log::take_commit(const CommitPtr& commit) {
  work_commits_.push_back(commit);
  for (const auto& topic : commit->topics) {
    auto& state = state_.topics[topic->spec.id];
    state.name = topic->spec.name;
    state.config = topic->spec.config;
    state.partitions.resize(static_cast<std::size_t>(topic->spec.partitions));
  }
  for (const auto& grown : commit->grown) {
    const auto topic = state_.topics.find(grown.topic->spec.id);
    if (topic != state_.topics.end())
      topic->second.partitions.resize(static_cast<std::size_t>(grown.count));
  }
  for (std::size_t i = 0; i < commit->batches.size(); ++i) {
    work_[commit->partitions[i]].push_back(commit->batches[i]);
    state_.last_received = std::max(state_.last_received, commit->batches[i].received);
  }
  for (const auto& config : commit->configs) {
    const auto topic = state_.topics.find(config.topic->spec.id);
    if (topic != state_.topics.end()) topic->second.config = config.config;
  }
  for (const auto& start : commit->starts) {
    auto& furthest = work_starts_[start.partition];
    furthest = std::max(furthest, start.start);
  }
  for (const auto& topic : commit->deleted) {
    // Its records need not reach segments any more.
    for (const auto& partition : topic->partitions) {
      work_.erase(partition.get());
      work_starts_.erase(partition.get());
    }
    doomed_names_.insert(topic->spec.name);
    work_deleted_.push_back(topic);
  }
}

PartitionState* Log::find_state(const Partition& partition) {
  const auto topic = state_.topics.find(partition.id().topic);
  const auto index = static_cast<std::size_t>(partition.id().partition.value);
  // One that is new may not have come so far.
  if (topic == state_.topics.end() || index >= topic->second.partitions.size()) return nullptr;
  return &topic->second.partitions[index];
}

// What was written is taken off `batches`, so that a failure in between can be tried again.
Status Log::flush_partition(Partition& partition, std::deque<BatchRef>& batches) {
  auto* state = find_state(partition);
  MYELIN_CHECK(state != nullptr, "a partition outside the catalogue");
  while (!batches.empty()) MYELIN_TRY_VOID(append_some(partition, *state, batches));
  return {};
}

// Batches that lie in one segment.
Status Log::append_some(Partition& partition, PartitionState& state,
                        std::deque<BatchRef>& batches) {
  const auto base = batches.front().segment;
  if (state.segments.empty() || state.segments.back().base_offset != base)
    MYELIN_TRY_VOID(add_segment(partition, state, base));
  std::vector<BatchRef> same;
  for (const auto& batch : batches) {
    if (batch.segment != base) break;
    same.push_back(batch);
  }
  auto& segment_state = state.segments.back();
  MYELIN_CHECK(segment_state.log_bytes == same.front().position, "a batch has its place");
  Segment segment(files_, partition.directory(), partition.id(), segment_state);
  for (const auto& path : {segment.log_path(), segment.meta_path()}) {
    MYELIN_TRY(file, files_.get(path));
    mark_dirty(path, std::move(file));
  }
  MYELIN_TRY_VOID(segment.append(same, segment_state));
  state.end = same.back().last_offset + 1;
  for (const auto& batch : same) {
    note_epoch(state.epochs, batch);
    if (!has_producer(batch.bytes)) continue;
    const auto info = kafka::parse_batch_header(batch.bytes);
    state.producers.note(*info, batch.received, stored_producers_);
  }
  partition.flushed(same.size(), state.segments);
  batches.erase(batches.begin(), batches.begin() + static_cast<std::ptrdiff_t>(same.size()));
  return {};
}

Status Log::add_segment(Partition& partition, PartitionState& state, Offset base_offset) {
  const auto& directory = partition.directory();
  if (state.segments.empty()) {
    MYELIN_TRY_VOID(disk_.make_directory(directory));
    const auto path = directory + "/partition.metadata";
    MYELIN_TRY(file, files_.create(path, Create::Empty));
    MYELIN_TRY_VOID(file->write_at(0, partition_metadata(partition.id().topic)));
    mark_dirty(path, std::move(file));
    mark_dirty(options_.directory + "/topics");
    new_directories_.push_back(&partition);
  }
  Segment segment(files_, directory, partition.id(), base_offset);
  MYELIN_TRY_VOID(segment.create());
  mark_dirty(directory);
  state.segments.push_back({base_offset, 0, 0});
  // In a recovery: its files may be there already.
  if (!committer_.joinable()) to_cut_.insert(partition.id());
  return {};
}

void Log::finish_flush() {
  apply_starts();
  apply_deletions();
  state_.through = work_commits_.back()->number;
  state_.replay = work_commits_.back()->end;
  for (const auto& commit : work_commits_) space_.give_back(commit->reserved);
  std::vector<CommitPtr> released;  // Freed outside of the lock.
  MutexLock lock(buffer_mutex_);
  for (std::size_t i = 0; i < work_commits_.size() && !buffered_.empty(); ++i) {
    buffered_bytes_ -= buffered_.front()->bytes;
    released.push_back(std::move(buffered_.front()));
    buffered_.pop_front();
  }
  flushed_ = state_.through;
  work_commits_.clear();
  memory_kept_ = true;
  buffer_changed_.notify_all();
}

}  // namespace myelin::log
