// ReadAhead: what a reader will want next of a file is fetched from the disk while it is busy with
// what it has.
//
// Only where reading asks the disk itself (File::reads_disk): the page cache has a read-ahead of
// its own. Thread-safe; one thread, from the first time on that something is fetched.
#pragma once

#include <array>
#include <list>
#include <memory>
#include <thread>

#include "base/buffer_pool.h"
#include "base/mutex.h"
#include "base/result.h"
#include "log/disk.h"

namespace myelin::log {

class ReadAhead {
 public:
  // Of all that waits to be read.
  static constexpr std::size_t kBytesMax = 16u << 20;

  explicit ReadAhead(BufferPool& buffers) : buffers_(buffers) {}
  ~ReadAhead();

  // As File::read_at. Up to `end` the file's bytes do not change any more.
  Result<std::size_t> read(const std::shared_ptr<File>& file, std::uint64_t position, char* to,
                           std::size_t size, std::uint64_t end);

 private:
  enum class State : std::uint8_t { Waits, UnderWay, There, Failed };
  struct Range {
    std::shared_ptr<File> file;
    std::uint64_t position = 0;
    std::size_t size = 0;
    std::shared_ptr<char[]> buffer;
    State state = State::Waits;
    int seconds = 0;  // That nobody came for it.

    bool is_over() const { return state == State::There || state == State::Failed; }

    char* data() const { return buffer.get() + position % kBlockBytes; }
  };

  // Up to where a file was read, lately.
  struct Step {
    const File* file = nullptr;
    std::uint64_t end = 0;
  };
  static constexpr std::size_t kSteps = 16;

  bool goes_on(const File& file, std::uint64_t position, std::uint64_t end);
  std::shared_ptr<Range> take(const File& file, std::uint64_t position, std::size_t size);
  void fetch(const std::shared_ptr<File>& file, std::uint64_t position, std::size_t size,
             std::uint64_t end);
  void drop_oldest() MYELIN_REQUIRES(mutex_);
  void loop();
  std::shared_ptr<Range> next();

  BufferPool& buffers_;
  Mutex mutex_;
  CondVar changed_;
  std::list<std::shared_ptr<Range>> ranges_ MYELIN_GUARDED_BY(mutex_);  // Oldest first.
  std::array<Step, kSteps> steps_ MYELIN_GUARDED_BY(mutex_);
  std::size_t next_step_ MYELIN_GUARDED_BY(mutex_) = 0;
  std::size_t bytes_ MYELIN_GUARDED_BY(mutex_) = 0;
  bool stopping_ MYELIN_GUARDED_BY(mutex_) = false;
  std::thread thread_ MYELIN_GUARDED_BY(mutex_);
};

}  // namespace myelin::log
