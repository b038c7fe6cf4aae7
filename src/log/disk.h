// Disk and File: everything the log asks of a file system, so that a test can be the disk, tear its
// writes and cut its power.
//
// Paths are absolute. Calls block; none is made on an io thread. All are thread-safe; two writes to
// one range of a file at once are the caller's mistake. Errors: Unavailable (the message has the
// system's own words and the path), NotFound, Conflict (locked), Exhausted (no space).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace myelin::log {

// The unit of journal writes: aligned for O_DIRECT on every common file system.
inline constexpr std::size_t kBlockBytes = 4096;

class File {
 public:
  virtual ~File() = default;

  // Reads until `size` bytes or the end of the file; gives how many were read.
  virtual Result<std::size_t> read_at(std::uint64_t position, char* to, std::size_t size) = 0;
  // Writes all of it. Durable on return only for a file opened with Writes::Synced.
  virtual Status write_at(std::uint64_t position, std::string_view bytes) = 0;
  // The same of pieces that follow each other.
  virtual Status write_pieces_at(std::uint64_t position, std::span<const std::string_view> pieces);
  // Data and the size needed to reach it are on stable storage after success. After a failure
  // nothing may be assumed of any write since the last success, and the call is never repeated on
  // this file.
  virtual Status sync() = 0;
  // The disk may begin to write the range, so that a sync finds less to do. Promises nothing; an
  // error is the next sync's.
  virtual void start_writeback(std::uint64_t /*position*/, std::uint64_t /*bytes*/) {}
  // Whether a read of the range now would ask the disk itself, and nothing would keep what it
  // gives.
  virtual bool reads_disk(std::uint64_t /*position*/, std::size_t /*size*/) { return false; }
  // The range is about to be read, or written in part. Promises nothing.
  virtual void start_read(std::uint64_t /*position*/, std::uint64_t /*bytes*/) {}
  virtual Status truncate(std::uint64_t size) = 0;
  // Reserves space; the bytes read as zeros.
  virtual Status allocate(std::uint64_t size) = 0;
  virtual Result<std::uint64_t> size_bytes() = 0;
};

enum class Writes : std::uint8_t {
  None,      // Read only.
  Buffered,  // Reach the disk at sync().
  Direct,    // The same, around the page cache; position, size and memory are multiples of
             // kBlockBytes.
  Synced,    // As Direct, and each write is durable on return.
};

enum class Create : std::uint8_t {
  No,
  IfMissing,
  Empty,  // What was there is gone.
};

// Held until destroyed.
class DirectoryLock {
 public:
  virtual ~DirectoryLock() = default;
};

struct DirectoryEntry {
  std::string name;
  bool is_directory = false;
};

// Of a file system, as far as an ordinary process may use it.
struct DiskSpace {
  std::uint64_t free_bytes = 0;
  std::uint64_t total_bytes = 0;  // Free and used; 0 when it is not known.
};

class Disk {
 public:
  virtual ~Disk() = default;

  virtual Result<std::unique_ptr<File>> open(const std::string& path, Writes writes,
                                             Create create) = 0;
  virtual Status rename(const std::string& from, const std::string& to) = 0;
  virtual Status remove(const std::string& path) = 0;          // A file, or an empty directory.
  virtual Status make_directory(const std::string& path) = 0;  // Fine when it exists.
  virtual Result<std::vector<DirectoryEntry>> list(const std::string& path) = 0;
  virtual Result<bool> exists(const std::string& path) = 0;
  // The entries of a directory (creations, renames, removals) are durable after success.
  virtual Status sync_directory(const std::string& path) = 0;
  // Everything written to the file system that holds `path`.
  virtual Status sync_file_system(const std::string& path) = 0;
  virtual Result<DiskSpace> space(const std::string& path) = 0;
  // Conflict, naming the holder's process id, when another process has it. The file at `path` is
  // made.
  virtual Result<std::unique_ptr<DirectoryLock>> lock(const std::string& path) = 0;
  // Says why writes of this file system may be slower or weaker than asked for; empty when all is
  // well.
  virtual std::string describe_weakness(const std::string& path) = 0;
};

// The machine's file system. The process's only one is made by app (or a test's main).
std::unique_ptr<Disk> make_posix_disk();

// Reads a whole file of at most `bytes_max`; Corrupt when it is longer.
Result<std::string> read_file(Disk& disk, const std::string& path, std::uint64_t bytes_max);
// Replaces `path` so that after a crash either the old or the new content is there, whole: a
// temporary file is written and synced, renamed, and the directory synced.
Status replace_file(Disk& disk, const std::string& directory, const std::string& name,
                    std::string_view content);

}  // namespace myelin::log
