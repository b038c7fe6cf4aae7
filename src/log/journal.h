// Journal: a ring of preallocated files that takes frames in commit order, each durable when its
// write returns.
//
// Lap N lives in file N % file_count; a lap may begin once the checkpoint no longer needs the lap
// that the file held before. JournalWriter belongs to the committer thread, but for free_up_to()
// and prepare(), which any thread may call.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "base/time.h"
#include "log/checkpoint.h"
#include "log/disk.h"
#include "log/frame.h"
#include "log/frame_buffer.h"

namespace myelin::log {

struct JournalGeometry {
  std::string directory;
  std::uint64_t file_bytes = 128u << 20;
  std::uint32_t file_count = 3;

  std::string path(std::uint64_t lap) const;
  // The longest frame a file of this size takes: two fit a file.
  std::uint32_t frame_bytes_max() const;
};

// How long a commit is held back when so much of the journal, 0 to 1, is covered by no checkpoint:
// not at all up to two thirds, then ever longer, `max` when it is full.
SteadyTime::duration throttle_delay(double used, std::chrono::milliseconds max);

// Who writes frames: one start of one directory.
struct JournalWriterId {
  Uuid directory;
  std::uint64_t incarnation = 0;
  std::uint64_t secret = 0;

  bool wrote(const FrameHeader& header) const {
    return header.directory == directory && header.incarnation == incarnation &&
           header.secret == secret;
  }
};

// Corrupt when a file is missing or of another size.
Status check_journal(Disk& disk, const JournalGeometry& geometry);
// Corrupt when a later start than `last` has written here: then its checkpoint is missing.
Status check_no_later_start(Disk& disk, const JournalGeometry& geometry,
                            const JournalWriterId& last);

// Makes the files, preallocated, that of `first_lap` filled with zeros, and syncs them and their
// directory.
Status create_journal(Disk& disk, const JournalGeometry& geometry, std::uint64_t first_lap);

class JournalWriter {
 public:
  // Begins at the start of `lap`. What lies before is the checkpoint's.
  JournalWriter(Disk& disk, JournalGeometry geometry, JournalWriterId id, std::uint64_t lap);

  Status open();

  // Where the next frame of this size goes; a new lap when it does not fit the rest of the file.
  JournalPosition next_position(std::uint64_t bytes) const;
  // True when that lap may begin; false until the checkpoint has freed its file.
  bool is_free(const JournalPosition& position) const;

  // Writes the frame whose body (header.body_bytes) is in the buffer already; completes
  // header.directory, incarnation and lap. Durable on success. After a failure the journal is not
  // to be used any more.
  Result<JournalPosition> write(FrameHeader header, FrameBuffer& frame);

  // The position right behind the last frame.
  JournalPosition end() const { return end_; }
  // From the first lap that is needed to the end. Any thread.
  std::uint64_t used_bytes() const { return end_bytes_ - first_needed_lap_ * geometry_.file_bytes; }

  // Laps before `lap` are needed no more.
  void free_up_to(std::uint64_t lap) { first_needed_lap_ = lap; }

  // Fills the files that were never written with zeros, one piece a call, so that later writes need
  // not convert extents. False when nothing is left to fill. Never touches a file once a lap has
  // begun in it.
  Result<bool> prepare();
  // Ends prepare() for all files.
  void stop_preparing();

 private:
  File& file(std::uint64_t lap) { return *files_[lap % geometry_.file_count]; }
  void claim(std::uint64_t lap);

  Disk& disk_;
  const JournalGeometry geometry_;
  const JournalWriterId id_;
  const std::uint64_t first_lap_;
  JournalPosition end_;
  std::vector<std::unique_ptr<File>> files_;
  std::atomic<std::uint64_t> end_bytes_;  // As if laps were one file.
  std::atomic<std::uint64_t> first_needed_lap_;

  Mutex prepare_mutex_;
  struct Filling {
    std::uint64_t filled = 0;
    bool claimed = false;
  };
  std::vector<Filling> filling_ MYELIN_GUARDED_BY(prepare_mutex_);
};

// A frame read back.
struct StoredFrame {
  FrameHeader header;
  std::shared_ptr<FrameBuffer> buffer;
  JournalPosition end;

  std::string_view body() const { return buffer->body_view(); }
};

// Reads the frames behind a checkpoint in order and tells a torn tail from corruption.
class JournalReader {
 public:
  // `id`: who wrote them.
  JournalReader(Disk& disk, JournalGeometry geometry, JournalWriterId id, JournalPosition from,
                CommitNumber through);

  // The next frame, or nothing at the end (a torn tail is an end). Corrupt, naming file and byte,
  // when a later frame proves that the one missing here was synced.
  Result<std::optional<StoredFrame>> next();

  // The last lap in which a frame was found; the one it started in when there was none.
  std::uint64_t lap() const { return position_.lap; }

 private:
  Result<std::optional<StoredFrame>> read_at(const JournalPosition& position);
  Status check_nothing_follows();
  Result<bool> lap_proves(std::uint64_t lap, std::uint64_t from_byte);

  Disk& disk_;
  const JournalGeometry geometry_;
  const JournalWriterId id_;
  JournalPosition position_;
  CommitNumber last_;
};

}  // namespace myelin::log
