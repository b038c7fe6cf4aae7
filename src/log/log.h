// Log: the durable log of one data directory. Read docs/formats/ for its bytes.
//
// Appends are numbered at once and made durable together: a committer thread writes what waits as
// one journal frame, one write in flight, and then completes the waiters. Records are visible when
// durable, served from memory until the flusher thread has written them to segments; a checkpoint
// then lets the journal be recycled. A failed journal write or segment sync ends the process
// (Options::fail); a restart recovers everything that was acknowledged.
//
// Thread-safe, but for open() and close(). append() never blocks on the disk.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "base/time.h"
#include "log/checkpoint.h"
#include "log/disk.h"
#include "log/file_pool.h"
#include "log/frame.h"
#include "log/journal.h"
#include "log/partition.h"
#include "log/types.h"

namespace myelin::log {

struct Options {
  std::string directory;
  std::uint64_t journal_file_bytes = 128u << 20;
  std::uint32_t journal_file_count = 3;
  std::uint64_t segment_bytes = 1u << 30;
  std::size_t group_bytes_max = 1u << 20;    // A commit is closed at this size.
  std::size_t queue_bytes_max = 64u << 20;   // What may wait for the committer.
  std::size_t buffer_bytes_max = 64u << 20;  // What may wait for the flusher.
  std::chrono::milliseconds flush_interval{5000};
  std::chrono::milliseconds tail_interval{50};  // Silence after which the tail is closed.
  std::uint64_t free_bytes_min = 64u << 20;
  std::size_t open_files_max = 1024;
  // Called from the committer after the waiters of a commit were told; without one when it failed.
  std::function<void(const std::shared_ptr<const struct Commit>&)> on_committed;
  // What to do when durability can no longer be promised. Must not return outside of tests.
  std::function<void(const std::string&)> fail;
};

// A topic's partitions. Lives as long as the Log.
struct Topic {
  TopicSpec spec;
  std::vector<std::unique_ptr<Partition>> partitions;
};

// A durable commit: a commit buffer that live readers and the flusher share.
struct Commit {
  CommitNumber number;
  std::vector<BatchRef> batches;               // In order. They share one buffer.
  std::vector<Partition*> partitions;          // Of the batches, in their order.
  std::vector<std::shared_ptr<Topic>> topics;  // New in the catalogue.
  std::size_t bytes = 0;                       // Of memory that it pins.
  JournalPosition end;
  SteadyTime written;
};
using CommitPtr = std::shared_ptr<const Commit>;

// Told once, on the committer thread, whether a write became durable. Must not block.
class AppendWaiter {
 public:
  virtual ~AppendWaiter() = default;
  // Before anything else, within append(): the base offsets of the write's batches.
  virtual void numbered(const std::vector<Offset>& bases) = 0;
  virtual void completed(Result<CommitNumber> commit) = 0;
};

struct NewBatch {
  Partition* partition = nullptr;
  std::string bytes;  // One record batch v2 that checks; its base offset is set by append().
};

// What is made durable all of it or none.
struct Write {
  std::vector<std::shared_ptr<Topic>> topics;  // From make_topic(); become part of the catalogue.
  std::vector<NewBatch> batches;
  std::shared_ptr<AppendWaiter> waiter;  // May be empty.
};

class Log {
 public:
  // Opens or makes the directory and recovers it. Errors, each a sentence that names the directory:
  // Conflict (in use, a newer format, not ours), Corrupt, Unavailable (read-only, no space).
  static Result<std::unique_ptr<Log>> open(Disk& disk, const Clock& clock, Random& random,
                                           Options options);
  ~Log();

  // Commits what waits, flushes and checkpoints. Later appends are refused as Canceled.
  Status close();

  Uuid directory_id() const { return directory_id_; }
  std::uint64_t incarnation() const { return incarnation_; }
  // What a person should know about where the data lies; empty when all is well.
  const std::string& weakness() const { return weakness_; }

  // The catalogue: every topic that a write carried, durable or about to be.
  std::vector<std::shared_ptr<Topic>> topics() const;
  // A topic that is not in the catalogue until a Write carries it.
  std::shared_ptr<Topic> make_topic(TopicSpec spec);

  // Numbers the batches and queues the write; gives the base offsets in their order. Errors:
  // Exhausted (too much waits), Unavailable (no space, or the log has failed), Canceled (closing),
  // InvalidInput (larger than a frame takes).
  Result<std::vector<Offset>> append(Write write);

  // The largest sum of batch bytes that one Write may have.
  std::size_t write_bytes_max() const { return write_bytes_max_; }

  // Whether appends would be taken now: Unavailable says why not.
  Status writable();

  // The last commit that is visible.
  CommitNumber visible() const;
  // Visible commits behind `after`, oldest first, about `bytes_max`; nothing when some of them are
  // no longer in memory.
  std::optional<std::vector<CommitPtr>> commits_after(CommitNumber after,
                                                      std::size_t bytes_max) const;

  // Flushes everything and writes a checkpoint.
  Status checkpoint();

 private:
  struct Pending {
    Write write;
    Timestamp received;
    std::size_t bytes = 0;
  };
  Log(Disk& disk, const Clock& clock, Options options);

  // recovery.cc
  Status open_directory(Random& random);
  Status initialize(Random& random);
  Status recover(Checkpoint checkpoint, Random& random);
  Status remove_mark();
  JournalWriterId writer_id() const;
  Status load();
  Result<std::uint64_t> replay();
  Result<CommitPtr> commit_of(const StoredFrame& frame);
  void add_topic(const std::shared_ptr<Topic>& topic);
  Status finish_recovery(std::uint64_t lap, Random& random);
  Status cut_segments();
  void start_threads();

  // commit.cc
  void commit_loop();
  bool take_group(std::deque<Pending>& group);
  void commit_group(std::deque<Pending> group);
  static std::shared_ptr<Commit> build(std::deque<Pending>& group,
                                       const std::shared_ptr<FrameBuffer>& frame,
                                       FrameHeader& header);
  Status write_frame(Commit& commit, FrameBuffer& frame, const FrameHeader& header);
  void publish(const CommitPtr& commit);
  Status check_writable(std::size_t bytes);
  bool has_space(std::size_t bytes);
  void fail(const Error& error);
  void give_up();

  // flush.cc
  void flush_loop();
  bool wait_for_flush();
  Status flush_waiting();
  void take_work();
  Status flush_partition(Partition& partition, std::deque<BatchRef>& batches);
  Status add_segment(Partition& partition, PartitionState& state, Offset base_offset);
  Status append_some(Partition& partition, PartitionState& state, std::deque<BatchRef>& batches);
  void finish_flush();
  Status sync_dirty();
  Status sync_all_dirty();
  enum class Clean : std::uint8_t { No, Yes };
  Status write_checkpoint(Clean clean);
  Status flush_and_checkpoint();
  void refresh_free_space();
  PartitionState& state_of(const Partition& partition);

  Disk& disk_;
  const Clock& clock_;
  const Options options_;
  std::unique_ptr<DirectoryLock> lock_;
  FilePool files_;
  std::string weakness_;
  JournalGeometry geometry_;
  bool fresh_ = false;  // Made by this open.
  Uuid directory_id_;
  std::uint64_t incarnation_ = 0;
  std::size_t write_bytes_max_ = 0;
  std::unique_ptr<JournalWriter> journal_;
  CommitNumber last_commit_;  // Committer only.
  bool tail_open_ = false;    // Committer only: the last frame is not yet proven by a later one.

  // The sequencer: what is numbered and waits to be committed.
  mutable Mutex queue_mutex_;
  CondVar queue_changed_;
  std::deque<Pending> queue_ MYELIN_GUARDED_BY(queue_mutex_);
  std::size_t queue_bytes_ MYELIN_GUARDED_BY(queue_mutex_) = 0;
  std::unordered_map<const Partition*, Offset> next_offsets_ MYELIN_GUARDED_BY(queue_mutex_);
  std::vector<std::shared_ptr<Topic>> topics_ MYELIN_GUARDED_BY(queue_mutex_);
  Timestamp last_received_ MYELIN_GUARDED_BY(queue_mutex_){};
  bool closing_ MYELIN_GUARDED_BY(queue_mutex_) = false;
  bool committer_waits_ MYELIN_GUARDED_BY(queue_mutex_) = false;

  // Durable commits that the flusher has not yet written.
  mutable Mutex buffer_mutex_;
  CondVar buffer_changed_;
  std::deque<CommitPtr> buffered_ MYELIN_GUARDED_BY(buffer_mutex_);
  std::size_t buffered_bytes_ MYELIN_GUARDED_BY(buffer_mutex_) = 0;
  CommitNumber visible_ MYELIN_GUARDED_BY(buffer_mutex_);
  CommitNumber flushed_
      MYELIN_GUARDED_BY(buffer_mutex_);  // Commits up to it are in segments alone.
  std::uint64_t checkpoints_wanted_ MYELIN_GUARDED_BY(buffer_mutex_) = 0;
  std::uint64_t checkpoints_done_ MYELIN_GUARDED_BY(buffer_mutex_) = 0;
  bool stopping_ MYELIN_GUARDED_BY(buffer_mutex_) = false;      // close() has begun.
  bool memory_kept_ MYELIN_GUARDED_BY(buffer_mutex_) = false;   // Since the last flush.
  bool out_of_space_ MYELIN_GUARDED_BY(buffer_mutex_) = false;  // The flusher waits for room.
  bool stop_flusher_ MYELIN_GUARDED_BY(buffer_mutex_) = false;

  std::atomic<bool> failed_ = false;
  std::atomic<std::uint64_t> free_bytes_ = 0;
  std::atomic<std::int64_t> free_bytes_checked_ms_ = 0;
  std::atomic<std::uint64_t> unflushed_bytes_ = 0;

  // The flusher's (recovery's before there is one): the state as of the last flushed commit, what
  // it is about to write, and what must be synced before it is checkpointed.
  Checkpoint state_;
  std::map<Partition*, std::deque<BatchRef>> work_;
  std::vector<CommitPtr> work_commits_;
  std::map<std::string, std::shared_ptr<File>> dirty_files_;
  std::set<std::string> dirty_directories_;
  std::unordered_map<PartitionId, Partition*> partitions_;

  std::thread committer_;
  std::thread flusher_;
  std::thread preparer_;
};

}  // namespace myelin::log
