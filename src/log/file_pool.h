// FilePool: open segment files by path, at most so many at once, the least recently used closed
// first; and the buffers they are read into.
//
// Thread-safe. A file taken out stays open while its taker holds it.
#pragma once

#include <list>
#include <memory>
#include <string>
#include <unordered_map>

#include "base/buffer_pool.h"
#include "base/mutex.h"
#include "base/result.h"
#include "log/disk.h"
#include "log/read_ahead.h"

namespace myelin::log {

class FilePool {
 public:
  FilePool(Disk& disk, std::size_t open_max, Writes writes = Writes::Buffered)
      : disk_(disk), open_max_(open_max), writes_(writes) {}

  Result<std::shared_ptr<File>> get(const std::string& path);
  // Nothing when it is not open here.
  std::shared_ptr<File> find(const std::string& path);
  Result<std::shared_ptr<File>> create(const std::string& path, Create create);
  // Closes it here; whoever has it keeps it.
  void forget(const std::string& path);
  // The same of all whose path begins with `directory`: it was renamed.
  void forget_below(std::string_view directory);

  BufferPool& buffers() { return buffers_; }
  ReadAhead& read_ahead() { return read_ahead_; }

 private:
  using Item = std::pair<std::string, std::shared_ptr<File>>;
  std::shared_ptr<File> find_locked(const std::string& path) MYELIN_REQUIRES(mutex_);
  Result<std::shared_ptr<File>> open(const std::string& path, Create create)
      MYELIN_REQUIRES(mutex_);

  // A few readers of many partitions, each with an answer in hand while the last one is sent; those
  // that nobody needs any more are freed by the housekeeper.
  static constexpr std::size_t kIdleBufferBytesMax = 64u << 20;

  Disk& disk_;
  BufferPool buffers_{kIdleBufferBytesMax};
  ReadAhead read_ahead_{buffers_};
  const std::size_t open_max_;
  const Writes writes_;
  Mutex mutex_;
  std::list<Item> recent_ MYELIN_GUARDED_BY(mutex_);  // Most recently used first.
  std::unordered_map<std::string, std::list<Item>::iterator> by_path_ MYELIN_GUARDED_BY(mutex_);
};

}  // namespace myelin::log
