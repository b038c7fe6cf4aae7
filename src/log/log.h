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
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "base/time.h"
#include "log/checkpoint.h"
#include "log/commit.h"
#include "log/commit_builder.h"
#include "log/disk.h"
#include "log/file_pool.h"
#include "log/journal.h"
#include "log/large_batch.h"
#include "log/options.h"
#include "log/removables.h"
#include "log/snapshot.h"
#include "log/space.h"
#include "log/types.h"

namespace myelin::log {

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
  // Of records appended since this start: Kafka's leader epoch.
  std::int32_t leader_epoch() const { return static_cast<std::int32_t>(incarnation_) - 1; }

  // The catalogue: every topic that a write carried, durable or about to be.
  std::vector<TopicPtr> topics() const;
  // A topic that is not in the catalogue until a Write carries it.
  TopicPtr make_topic(TopicSpec spec);
  // Takes effect at once; not stored: whoever reads configurations sets it after each start. Not
  // while a write gives the topic more partitions, which follow it too.
  void set_policy(Topic& topic, const TopicPolicy& policy) const;

  // Numbers the batches and queues the write; says of each batch, in their order, what becomes of
  // it. Those that are not appended are no part of the write, which completes when all that was
  // numbered before it is durable: so a duplicate is acknowledged when the first one is. Errors:
  // Exhausted (too much waits), Unavailable (no space, or the log has failed), Canceled (closing),
  // InvalidInput (larger than a frame takes, not whole batches), NotFound (the topic is deleted).
  Result<std::vector<BatchOutcome>> append(Write write);

  // For a producer that will write with sequences; given once in the life of a directory, without a
  // write: the incarnation, and a number. Exhausted after 2^32 since the start.
  Result<std::int64_t> next_producer_id();
  // Those that the partition remembers, idle for longest first. Appends wait while they are copied.
  std::vector<ProducerState> producers(const Partition& partition) const;
  // Forgets those idle for producer_expiry; call it now and then.
  void expire_producers();

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
  // Asks for one without waiting: it is written once checkpoint_count() is at what is given.
  std::uint64_t request_checkpoint();
  std::uint64_t checkpoint_count() const;

  // Looks at the disk again; call it now and then.
  void refresh_space() { space_.refresh(); }
  SpaceReport space() const { return space_.report(); }
  // Of the journal: how much of it no checkpoint covers, 0 to 1.
  double journal_used() const;

  // Segments of a partition that were written anew as one, synced: it takes their place, and they
  // are removed once that is durable. The first of them itself as `fresh` leaves them as they are.
  // Conflict when they are no longer all there, Exhausted when the flusher waits for space; then
  // the new one is to be removed. Blocks until the flusher has done it.
  Status replace_segments(Partition& partition, std::span<const SegmentState> old,
                          const SegmentState& fresh, Offset compacted_through);
  Removables& removables() { return removables_; }
  // A file of the partition that no checkpoint names.
  void add_removable(const Partition& partition, std::string path);
  // Writes a checkpoint and gives its state. As long as the snapshot lives none of the files that
  // it names is removed; those of a topic that is deleted meanwhile move to
  // topics/<topic id>-<partition>.deleted. Blocks on the disk; Exhausted when it has no space.
  Result<std::shared_ptr<const Snapshot>> snapshot();
  bool has_snapshot() const;

  Disk& disk() { return disk_; }
  const Clock& clock() const { return clock_; }
  const Options& options() const { return options_; }
  FilePool& files() { return files_; }

 private:
  struct Pending {
    Write write;
    Timestamp received;
    std::size_t bytes = 0;          // Of all that it holds.
    std::size_t journal_bytes = 0;  // Of what is expected to go to the journal.
  };
  struct Group;
  struct Replacement;
  Log(Disk& disk, const Clock& clock, Options options);

  // recovery.cc
  Status open_directory(Random& random);
  Status initialize(Random& random);
  Status recover(Checkpoint checkpoint, Random& random);
  Status remove_mark();
  JournalWriterId writer_id() const;
  Status load();
  Status check_partition(PartitionId id, const std::string& directory, PartitionState& state);
  void describe_segments(PartitionId id, const std::string& directory, PartitionState& state);
  Result<std::uint64_t> replay();
  std::unique_ptr<Partition> make_partition(const TopicSpec& spec, PartitionIndex index,
                                            const PartitionState& state);
  void add_topic(const TopicPtr& topic);
  Status finish_recovery(std::uint64_t lap, Random& random);
  Status cut_segments();
  Status cut_partition(const Partition& partition, const PartitionState& state);
  void start_threads();

  // append.cc
  Status make_missing(NewPartitions& grown);
  Status check_catalogue(const Write& write) const MYELIN_REQUIRES(queue_mutex_);
  Status number(Write& write, Timestamp received, std::vector<BatchOutcome>& outcomes)
      MYELIN_REQUIRES(queue_mutex_);
  BatchOutcome check_producer(const NewBatch& batch, Timestamp received)
      MYELIN_REQUIRES(queue_mutex_);
  std::size_t journal_bytes_of(const Write& write, std::size_t bytes) const;
  Status check_writable(const Write& write, std::size_t bytes);
  bool is_stuck() const;

  // commit.cc
  void commit_loop();
  bool wait_for_writes();
  void await_writes(std::size_t count) MYELIN_REQUIRES(queue_mutex_);
  bool take(Group& group);
  Status build(Group& group);
  void commit_group();
  Status wait_for_journal(std::size_t frame_bytes);
  void throttle();
  Status write_frame(Commit& commit, FrameBuffer& frame, const FrameHeader& header);
  void publish(const CommitPtr& commit);
  void fail(const Error& error);
  void give_up(const Error& error);

  // flush.cc
  void flush_loop();
  bool wait_for_flush();
  bool wait_for_space();
  Status flush_waiting();
  void take_work();
  bool fits_unit(const Commit& commit) const;
  void take_commit(const CommitPtr& commit);
  Status flush_partition(Partition& partition, std::deque<BatchRef>& batches);
  Status add_segment(Partition& partition, PartitionState& state, Offset base_offset);
  Status append_some(Partition& partition, PartitionState& state, std::deque<BatchRef>& batches);
  void finish_flush();
  Status flush_and_checkpoint();
  std::vector<Checkpoint> copies_for_snapshots(std::uint64_t checkpoint);
  void give_snapshots(std::vector<Checkpoint> copies) MYELIN_REQUIRES(buffer_mutex_);
  PartitionState* find_state(const Partition& partition);

  // checkpointing.cc
  void mark_dirty(const std::string& path, std::shared_ptr<File> file);
  void mark_dirty(const std::string& directory);
  void note_many_dirty();
  Status sync_dirty();
  Status sync_all_dirty();
  enum class Clean : std::uint8_t { No, Yes };
  Status write_checkpoint(Clean clean);
  void expire_stored_producers();
  void apply_starts();
  void apply_deletions();
  void drop_segments(const Partition& partition, PartitionState& state);
  void remove_segment(const Partition& partition, const SegmentState& segment);
  void apply_replacements();
  Status apply(Replacement& replacement);
  Status release_removable();
  Error cannot_checkpoint() const MYELIN_REQUIRES(buffer_mutex_);

  Disk& disk_;
  const Clock& clock_;
  const Options options_;
  std::unique_ptr<DirectoryLock> lock_;
  FilePool files_;
  Removables removables_{disk_, [this] { return has_snapshot(); }};
  std::string weakness_;
  JournalGeometry geometry_;
  bool fresh_ = false;  // Made by this open.
  Uuid directory_id_;
  std::uint64_t incarnation_ = 0;
  std::size_t write_bytes_max_ = 0;
  std::unique_ptr<JournalWriter> journal_;
  SpaceWatch space_;

  // The committer's.
  LargeBatchWriter large_batches_;
  CommitNumber last_commit_;
  bool tail_open_ = false;         // The last frame is not yet proven by a later one.
  std::uint64_t large_bytes_ = 0;  // Written to segments since a checkpoint was last asked for.
  std::vector<Pending> taken_;
  SteadyTime::duration last_sync_{};
  UsualCommit usual_;
  bool awaited_ = false;  // The writes of this commit were waited for.

  // The sequencer: what is numbered and waits to be committed.
  mutable Mutex queue_mutex_;
  CondVar queue_changed_;
  std::deque<Pending> queue_ MYELIN_GUARDED_BY(queue_mutex_);
  std::size_t queue_bytes_ MYELIN_GUARDED_BY(queue_mutex_) = 0;
  std::map<TopicId, TopicPtr> topics_ MYELIN_GUARDED_BY(queue_mutex_);
  Timestamp last_received_ MYELIN_GUARDED_BY(queue_mutex_){};
  ProducerTotal producers_total_ MYELIN_GUARDED_BY(queue_mutex_);
  bool closing_ MYELIN_GUARDED_BY(queue_mutex_) = false;
  std::size_t committer_wants_ MYELIN_GUARDED_BY(queue_mutex_) = 0;  // It waits for so many.

  // Durable commits that the flusher has not yet written.
  mutable Mutex buffer_mutex_;
  CondVar buffer_changed_;
  std::deque<CommitPtr> buffered_ MYELIN_GUARDED_BY(buffer_mutex_);
  std::size_t buffered_bytes_ MYELIN_GUARDED_BY(buffer_mutex_) = 0;
  CommitNumber visible_ MYELIN_GUARDED_BY(buffer_mutex_);
  CommitNumber flushed_ MYELIN_GUARDED_BY(buffer_mutex_);  // Up to it: in segments alone.
  std::uint64_t checkpoints_wanted_ MYELIN_GUARDED_BY(buffer_mutex_) = 0;
  std::uint64_t checkpoints_done_ MYELIN_GUARDED_BY(buffer_mutex_) = 0;
  bool stopping_ MYELIN_GUARDED_BY(buffer_mutex_) = false;      // close() has begun.
  bool memory_kept_ MYELIN_GUARDED_BY(buffer_mutex_) = false;   // Since the last flush.
  bool out_of_space_ MYELIN_GUARDED_BY(buffer_mutex_) = false;  // The flusher waits for room.
  bool stop_flusher_ MYELIN_GUARDED_BY(buffer_mutex_) = false;
  std::string no_space_ MYELIN_GUARDED_BY(buffer_mutex_);  // What the disk said last.
  std::string failure_ MYELIN_GUARDED_BY(buffer_mutex_);   // Why it has failed.

  std::vector<Replacement*> replacements_ MYELIN_GUARDED_BY(buffer_mutex_);
  struct WantedSnapshot {
    std::uint64_t checkpoint = 0;  // The first that will do.
    Checkpoint* state = nullptr;
  };
  std::vector<WantedSnapshot> snapshots_wanted_ MYELIN_GUARDED_BY(buffer_mutex_);
  std::size_t snapshots_ MYELIN_GUARDED_BY(buffer_mutex_) = 0;
  std::atomic<bool> failed_ = false;
  std::atomic<std::uint64_t> producer_ids_ = 0;

  // The flusher's (recovery's before there is one): the state as of the last flushed commit, what
  // it is about to write, and what must be synced before it is checkpointed.
  SteadyTime last_flush_{};
  Checkpoint state_;
  ProducerTotal stored_producers_;  // In it.
  std::map<Partition*, std::deque<BatchRef>> work_;
  std::vector<CommitPtr> work_commits_;
  std::map<Partition*, Offset> work_starts_;
  std::vector<TopicPtr> work_deleted_;
  std::map<std::string, std::shared_ptr<File>> dirty_files_;
  std::set<std::string> dirty_directories_;
  std::set<PartitionId> to_cut_;             // Recovery's: behind whose ends something may lie.
  bool sync_everything_ = false;             // Too many are dirty to sync each.
  std::vector<Partition*> new_directories_;  // Of partitions, durable with the next sync.
  // Named by the last durable checkpoint and by nothing later.
  std::vector<std::string> doomed_files_;
  std::vector<std::pair<std::string, std::string>> doomed_directories_;  // From, to.
  std::set<std::string> doomed_names_;  // Topics whose directories are not out of the way yet.

  std::thread committer_;
  std::thread flusher_;
  std::thread preparer_;
};

}  // namespace myelin::log
