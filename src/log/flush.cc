// The flusher: durable records move from commit buffers to segments, and checkpoints let the
// journal be recycled.
#include <fmt/format.h>
#include <malloc.h>

#include "base/check.h"
#include "log/log.h"

namespace myelin::log {
namespace {

// Beyond so many files one sync of the file system is cheaper than one of each.
constexpr std::size_t kSyncEachMax = 64;
constexpr std::chrono::seconds kRetryInterval{1};

// Kafka's file of the same name; its tools find the topic's id by it.
std::string partition_metadata(const TopicId& topic) {
  static constexpr char kAlphabet[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string id;
  std::uint32_t bits = 0;
  int count = 0;
  for (const auto byte : topic.bytes) {
    bits = (bits << 8) | byte;
    for (count += 8; count >= 6; count -= 6) id.push_back(kAlphabet[(bits >> (count - 6)) & 63]);
  }
  id.push_back(kAlphabet[(bits << (6 - count)) & 63]);
  return "version: 0\ntopic_id: " + id + "\n";
}

}  // namespace

void Log::flush_loop() {
  while (wait_for_flush()) {
    const auto status = flush_and_checkpoint();
    if (status) {
      MutexLock lock(buffer_mutex_);
      out_of_space_ = false;
      continue;
    }
    if (status.error().code() != ErrorCode::Exhausted) return fail(status.error());
    // No space: everything is in the journal and in memory; appends are refused until there is some
    // again.
    refresh_free_space();
    MutexLock lock(buffer_mutex_);
    if (stop_flusher_) return;
    out_of_space_ = true;
    buffer_changed_.notify_all();
    buffer_changed_.wait_for(buffer_mutex_, kRetryInterval);
  }
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
    const auto age = std::chrono::duration_cast<std::chrono::milliseconds>(
        clock_.steady() - buffered_.front()->written);
    if (buffered_bytes_ > options_.buffer_bytes_max / 2 || age >= options_.flush_interval)
      return true;
    buffer_changed_.wait_for(buffer_mutex_, options_.flush_interval - age);
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
  refresh_free_space();
  if (!due) return {};
  MYELIN_TRY_VOID(write_checkpoint(Clean::No));
  MutexLock lock(buffer_mutex_);
  checkpoints_done_ = wanted;
  buffer_changed_.notify_all();
  return {};
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

Status Log::flush_waiting() {
  if (work_commits_.empty()) take_work();
  if (work_commits_.empty()) return {};
  while (!work_.empty()) {
    const auto it = work_.begin();
    MYELIN_TRY_VOID(flush_partition(*it->first, it->second));
    work_.erase(it);
  }
  finish_flush();
  return {};
}

void Log::take_work() {
  {
    MutexLock lock(buffer_mutex_);
    work_commits_.assign(buffered_.begin(), buffered_.end());
  }
  for (const auto& commit : work_commits_) {
    for (const auto& topic : commit->topics) {
      auto& state = state_.topics[topic->spec.id];
      state.name = topic->spec.name;
      state.config = topic->spec.config;
      state.partitions.resize(static_cast<std::size_t>(topic->spec.partitions));
    }
    for (std::size_t i = 0; i < commit->batches.size(); ++i) {
      work_[commit->partitions[i]].push_back(commit->batches[i]);
      state_.last_received = std::max(state_.last_received, commit->batches[i].received);
    }
  }
}

PartitionState& Log::state_of(const Partition& partition) {
  const auto topic = state_.topics.find(partition.id().topic);
  MYELIN_CHECK(topic != state_.topics.end(), "a partition outside the catalogue");
  return topic->second.partitions[static_cast<std::size_t>(partition.id().partition.value)];
}

// What was written is taken off `batches`, so that a failure in between can be tried again.
Status Log::flush_partition(Partition& partition, std::deque<BatchRef>& batches) {
  auto& state = state_of(partition);
  while (!batches.empty()) MYELIN_TRY_VOID(append_some(partition, state, batches));
  return {};
}

Status Log::append_some(Partition& partition, PartitionState& state,
                        std::deque<BatchRef>& batches) {
  const auto fits = [&](std::size_t more) {
    return state.segments.back().log_bytes + more <= options_.segment_bytes;
  };
  if (state.segments.empty() ||
      (state.segments.back().log_bytes > 0 && !fits(batches.front().bytes.size()))) {
    MYELIN_TRY_VOID(add_segment(partition, state, batches.front().base_offset));
  }
  std::vector<BatchRef> fitting;
  std::size_t bytes = 0;
  for (const auto& batch : batches) {
    bytes += batch.bytes.size();
    // A batch larger than a segment has one to itself.
    if (!fitting.empty() && !fits(bytes)) break;
    fitting.push_back(batch);
  }
  // Files stay open until they are synced: one opened later would not hear of an error before.
  if (dirty_files_.size() > options_.open_files_max / 2) MYELIN_TRY_VOID(sync_dirty());
  Segment segment(files_, partition.directory(), partition.id(), state.segments.back().base_offset);
  for (const auto& path : {segment.log_path(), segment.meta_path()}) {
    MYELIN_TRY(file, files_.get(path));
    dirty_files_[path] = std::move(file);
  }
  MYELIN_TRY_VOID(segment.append(fitting, state.segments.back()));
  state.end = fitting.back().last_offset + 1;
  partition.flushed(fitting.size(), state.segments);
  batches.erase(batches.begin(), batches.begin() + static_cast<std::ptrdiff_t>(fitting.size()));
  return {};
}

Status Log::add_segment(Partition& partition, PartitionState& state, Offset base_offset) {
  const auto& directory = partition.directory();
  if (state.segments.empty()) {
    MYELIN_TRY_VOID(disk_.make_directory(directory));
    const auto path = directory + "/partition.metadata";
    MYELIN_TRY(file, files_.create(path, Create::Empty));
    MYELIN_TRY_VOID(file->write_at(0, partition_metadata(partition.id().topic)));
    dirty_files_[path] = std::move(file);
    dirty_directories_.insert(options_.directory + "/topics");
  }
  Segment segment(files_, directory, partition.id(), base_offset);
  MYELIN_TRY_VOID(segment.create());
  dirty_directories_.insert(directory);
  state.segments.push_back({base_offset, 0, 0});
  return {};
}

void Log::finish_flush() {
  state_.through = work_commits_.back()->number;
  state_.replay = work_commits_.back()->end;
  std::size_t bytes = 0;
  for (const auto& commit : work_commits_) {
    for (const auto& batch : commit->batches) bytes += kBatchEntryOverhead + batch.bytes.size();
    for (const auto& topic : commit->topics) bytes += create_topic_bytes(topic->spec);
  }
  unflushed_bytes_ -= bytes;
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

Status Log::sync_dirty() {
  auto status = sync_all_dirty();
  dirty_files_.clear();
  dirty_directories_.clear();
  // A failed sync must not be taken for a full disk and tried again.
  if (!status) return Error(ErrorCode::Unavailable, status.error().message());
  return {};
}

Status Log::sync_all_dirty() {
  if (dirty_files_.size() + dirty_directories_.size() > kSyncEachMax) {
    return disk_.sync_file_system(options_.directory);
  }
  for (const auto& [path, file] : dirty_files_) MYELIN_TRY_VOID(file->sync());
  for (const auto& directory : dirty_directories_) MYELIN_TRY_VOID(disk_.sync_directory(directory));
  return {};
}

Status Log::write_checkpoint(Clean clean) {
  MYELIN_TRY_VOID(sync_dirty());
  state_.clean = clean == Clean::Yes;
  MYELIN_TRY_VOID(replace_file(disk_, options_.directory, "checkpoint", encode_checkpoint(state_)));
  if (journal_) journal_->free_up_to(state_.replay.lap);
  return {};
}

void Log::refresh_free_space() {
  if (const auto free = disk_.free_bytes(options_.directory)) free_bytes_ = *free;
}

}  // namespace myelin::log
