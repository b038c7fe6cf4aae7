// PosixFile: a file of the machine's file system.
//
// A buffered file's large appends go around the page cache all the same: a page for each 4 KiB that
// is found, filled, written and thrown away costs more than everything else that is done for a
// record. What was written so is read so, once; who reads it again fills the page cache with it.
#pragma once

#include <unistd.h>

#include <optional>
#include <string>

#include "base/buffer_pool.h"
#include "base/mutex.h"
#include "log/disk.h"

namespace myelin::log {

// "<what> <path>: <the system's words>".
Error system_error(const char* what, const std::string& path, int code);

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

class PosixFile final : public File {
 public:
  PosixFile(int fd, std::string path, Writes writes, BufferPool buffers)
      : fd_(fd), path_(std::move(path)), writes_(writes), buffers_(std::move(buffers)) {}

  Result<std::size_t> read_at(std::uint64_t position, char* to, std::size_t size) override;
  Status write_at(std::uint64_t position, std::string_view bytes) override;
  Status write_pieces_at(std::uint64_t position, std::span<const std::string_view> pieces) override;
  Status sync() override;
  void start_writeback(std::uint64_t position, std::uint64_t bytes) override;
  void start_read(std::uint64_t position, std::uint64_t bytes) override;
  bool reads_disk(std::uint64_t position, std::size_t size) override;
  Status truncate(std::uint64_t size) override;
  Status allocate(std::uint64_t size) override;
  Result<std::uint64_t> size_bytes() override;

 private:
  Status write_buffered(std::uint64_t position, std::span<const std::string_view> pieces);
  Status write_around(std::uint64_t position, std::span<const std::string_view> pieces,
                      std::size_t bytes, int direct);
  Status write_blocks(std::uint64_t position, std::string_view blocks, int direct);
  bool read_around(std::uint64_t position, char* to, std::size_t size);
  // A second descriptor of the file, around the page cache; negative when there is none.
  int direct() MYELIN_REQUIRES(mutex_);
  bool may_read_around(std::uint64_t position, std::size_t size) const MYELIN_REQUIRES(mutex_);
  void note_written(std::uint64_t from, std::uint64_t to) MYELIN_REQUIRES(mutex_);

  const Descriptor fd_;
  const std::string path_;
  const Writes writes_;
  BufferPool buffers_;

  mutable Mutex mutex_;
  std::optional<Descriptor> direct_ MYELIN_GUARDED_BY(mutex_);  // Once it was needed.
  // What was written around the page cache, but for a little in between, and up to where it was
  // read.
  std::uint64_t written_from_ MYELIN_GUARDED_BY(mutex_) = 0;
  std::uint64_t written_to_ MYELIN_GUARDED_BY(mutex_) = 0;
  std::uint64_t read_to_ MYELIN_GUARDED_BY(mutex_) = 0;
};

}  // namespace myelin::log
