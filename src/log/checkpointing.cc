// The flusher's second half: what was flushed is synced and becomes the checkpoint's state; what no
// checkpoint names any more may be removed.
#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
#include "log/epochs.h"
#include "log/log.h"

namespace myelin::log {
namespace {

// Beyond so many files one sync of the file system is cheaper than one of each.
constexpr std::size_t kSyncEachMax = 64;

}  // namespace

// A compaction that waits for the flusher to put its result in place.
struct Log::Replacement {
  Partition& partition;
  std::span<const SegmentState> old;
  const SegmentState& fresh;
  Offset compacted_through;
  std::optional<Status> status{};
};

// Files stay open until they are synced: one opened later would not hear of an error before. Beyond
// kSyncEachMax the whole file system is synced, which hears of every file's errors.
void Log::mark_dirty(const std::string& path, std::shared_ptr<File> file) {
  if (sync_everything_) return;
  dirty_files_[path] = std::move(file);
  note_many_dirty();
}

void Log::mark_dirty(const std::string& directory) {
  if (sync_everything_) return;
  dirty_directories_.insert(directory);
  note_many_dirty();
}

void Log::note_many_dirty() {
  if (dirty_files_.size() + dirty_directories_.size() <= kSyncEachMax) return;
  sync_everything_ = true;
  dirty_files_.clear();
  dirty_directories_.clear();
}

Status Log::sync_dirty() {
  auto status = sync_all_dirty();
  sync_everything_ = false;
  dirty_files_.clear();
  dirty_directories_.clear();
  // A failed sync must not be taken for a full disk and tried again.
  if (!status) return Error(ErrorCode::Unavailable, status.error().message());
  for (auto* partition : new_directories_) partition->directory_is_durable = true;
  new_directories_.clear();
  return {};
}

Status Log::sync_all_dirty() {
  if (sync_everything_) return disk_.sync_file_system(options_.directory);
  for (const auto& [path, file] : dirty_files_) MYELIN_TRY_VOID(file->sync());
  for (const auto& directory : dirty_directories_) MYELIN_TRY_VOID(disk_.sync_directory(directory));
  return {};
}

Status Log::write_checkpoint(Clean clean) {
  MYELIN_TRY_VOID(sync_dirty());
  expire_stored_producers();
  state_.clean = clean == Clean::Yes;
  MYELIN_TRY_VOID(replace_file(disk_, options_.directory, "checkpoint", encode_checkpoint(state_)));
  if (journal_) journal_->free_up_to(state_.replay.lap);
  return release_removable();
}

void Log::expire_stored_producers() {
  const auto last = clock_.now() - options_.producer_expiry;
  for (auto& [id, topic] : state_.topics) {
    for (auto& partition : topic.partitions) partition.producers.expire(last, stored_producers_);
  }
}

// One for each of those who wait for this checkpoint or an earlier one: appends need the lock, and
// a state may be large.
std::vector<Checkpoint> Log::copies_for_snapshots(std::uint64_t checkpoint) {
  std::ptrdiff_t count = 0;
  {
    MutexLock lock(buffer_mutex_);
    count = std::count_if(snapshots_wanted_.begin(), snapshots_wanted_.end(),
                          [&](const auto& wanted) { return wanted.checkpoint <= checkpoint; });
  }
  return std::vector<Checkpoint>(static_cast<std::size_t>(count), state_);
}

// Only to those who asked before it began: theirs holds all that they had seen.
void Log::give_snapshots(std::vector<Checkpoint> copies) {
  const auto done = checkpoints_done_;
  snapshots_ += std::erase_if(snapshots_wanted_, [&](const WantedSnapshot& wanted) {
    const bool now = wanted.checkpoint <= done;
    if (now) {
      *wanted.state = std::move(copies.back());
      copies.pop_back();
    }
    return now;
  });
}

// What those are told who would wait for nobody knows how long.
Error Log::cannot_checkpoint() const {
  if (failed_ || stop_flusher_)
    return Error(ErrorCode::Canceled, "the log has failed or is closed");
  return Error(ErrorCode::Exhausted, "no space left for a checkpoint");
}

std::uint64_t Log::request_checkpoint() {
  MutexLock lock(buffer_mutex_);
  buffer_changed_.notify_all();
  return ++checkpoints_wanted_;
}

Result<std::shared_ptr<const Snapshot>> Log::snapshot() {
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->release = [] {};
  MutexLock lock(buffer_mutex_);
  snapshots_wanted_.push_back({++checkpoints_wanted_, &snapshot->state});
  buffer_changed_.notify_all();
  const auto is_mine = [&](const WantedSnapshot& wanted) {
    return wanted.state == &snapshot->state;
  };
  const auto waits = [&]() MYELIN_REQUIRES(buffer_mutex_) {
    return std::any_of(snapshots_wanted_.begin(), snapshots_wanted_.end(), is_mine);
  };
  while (waits()) {
    if (failed_ || stop_flusher_ || out_of_space_) {
      std::erase_if(snapshots_wanted_, is_mine);
      return cannot_checkpoint();
    }
    buffer_changed_.wait(buffer_mutex_);
  }
  snapshot->release = [this] {
    MutexLock released(buffer_mutex_);
    --snapshots_;
  };
  return std::shared_ptr<const Snapshot>(std::move(snapshot));
}

void Log::apply_starts() {
  for (const auto& [partition, start] : work_starts_) {
    auto* state = find_state(*partition);
    if (state == nullptr || start <= state->start) continue;
    state->start = start;
    forget_epochs(state->epochs, start);
    drop_segments(*partition, *state);
    partition->flushed(0, state->segments);
  }
  work_starts_.clear();
}

// Segments that hold nothing from the start on; the last one too, when the start is the end.
void Log::drop_segments(const Partition& partition, PartitionState& state) {
  auto keep = state.segments.begin();
  for (; keep != state.segments.end(); ++keep) {
    const auto next = keep + 1;
    const auto end = next == state.segments.end() ? state.end : next->base_offset;
    if (end > state.start) break;
    remove_segment(partition, *keep);
  }
  state.segments.erase(state.segments.begin(), keep);
}

void Log::remove_segment(const Partition& partition, const SegmentState& segment) {
  for (const auto file : {SegmentFile::Log, SegmentFile::Meta}) {
    auto path = segment_path(partition.directory(), segment.base_offset, segment.generation, file);
    dirty_files_.erase(path);
    doomed_files_.push_back(std::move(path));
  }
}

void Log::apply_deletions() {
  for (const auto& topic : work_deleted_) {
    for (auto& partition : state_.topics[topic->spec.id].partitions)
      partition.producers.clear(stored_producers_);
    state_.topics.erase(topic->spec.id);
    for (const auto& partition : topic->partitions) {
      std::erase(new_directories_, partition.get());
      doomed_directories_.emplace_back(
          partition->directory(),
          fmt::format("{}/topics/{}-{}.deleted", options_.directory, topic->spec.id.to_string(),
                      partition->id().partition.value));
    }
  }
  work_deleted_.clear();
}

// After a checkpoint. Directories leave their names at once, because a topic of the same name may
// come, and would share its files with what is removed: one that cannot is tried again, as long as
// the disk has no room, or ends the log. The rest is for whoever takes it.
Status Log::release_removable() {
  for (auto& path : doomed_files_) {
    files_.forget(path);
    large_batches_.forget(path);
    removables_.add(std::move(path));
  }
  doomed_files_.clear();
  while (!doomed_directories_.empty()) {
    const auto& [from, to] = doomed_directories_.back();
    const auto moved = removables_.move(from, to);
    // A partition without records has none.
    if (!moved && moved.error().code() != ErrorCode::NotFound) return moved;
    files_.forget_below(from + "/");
    large_batches_.forget_below(from + "/");
    doomed_directories_.pop_back();
  }
  doomed_names_.clear();
  return {};
}

bool Log::has_snapshot() const {
  MutexLock lock(buffer_mutex_);
  return snapshots_ > 0;
}

void Log::add_removable(const Partition& partition, std::string path) {
  removables_.add_if(std::move(path), [&] {
    MutexLock lock(queue_mutex_);
    return topics_.contains(partition.id().topic);
  });
}

Status Log::replace_segments(Partition& partition, std::span<const SegmentState> old,
                             const SegmentState& fresh, Offset compacted_through) {
  // An earlier attempt may have left its files under the same names.
  for (const auto file : {SegmentFile::Log, SegmentFile::Meta})
    removables_.forget(
        segment_path(partition.directory(), fresh.base_offset, fresh.generation, file));
  Replacement mine{partition, old, fresh, compacted_through};
  MutexLock lock(buffer_mutex_);
  replacements_.push_back(&mine);
  ++checkpoints_wanted_;
  buffer_changed_.notify_all();
  while (!mine.status) {
    // Once taken it is finished, whatever else happens.
    if ((failed_ || stop_flusher_ || out_of_space_) && std::erase(replacements_, &mine) > 0)
      return cannot_checkpoint();
    buffer_changed_.wait(buffer_mutex_);
  }
  return *mine.status;
}

void Log::apply_replacements() {
  std::vector<Replacement*> waiting;
  {
    MutexLock lock(buffer_mutex_);
    waiting.swap(replacements_);
  }
  std::vector<Status> done;
  done.reserve(waiting.size());
  for (auto* replacement : waiting) done.push_back(apply(*replacement));
  if (waiting.empty()) return;
  MutexLock lock(buffer_mutex_);
  for (std::size_t i = 0; i < waiting.size(); ++i) waiting[i]->status = std::move(done[i]);
  buffer_changed_.notify_all();
}

Status Log::apply(Replacement& replacement) {
  auto* state = find_state(replacement.partition);
  const Error gone(ErrorCode::Conflict, "the segments were removed meanwhile");
  if (state == nullptr) return gone;
  auto& segments = state->segments;
  const auto first =
      std::search(segments.begin(), segments.end(), replacement.old.begin(), replacement.old.end());
  if (first == segments.end()) return gone;
  state->compacted_through = std::max(state->compacted_through, replacement.compacted_through);
  replacement.partition.compacted(state->compacted_through);
  if (*first == replacement.fresh) return {};  // There was nothing to gain.
  const auto last = first + static_cast<std::ptrdiff_t>(replacement.old.size());
  for (auto it = first; it != last; ++it) remove_segment(replacement.partition, *it);
  *first = replacement.fresh;
  segments.erase(first + 1, last);
  mark_dirty(replacement.partition.directory());
  replacement.partition.flushed(0, segments);
  return {};
}

}  // namespace myelin::log
