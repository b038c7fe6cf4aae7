#include "log/read_ahead.h"

#include <algorithm>

namespace myelin::log {
namespace {

constexpr std::size_t kReadMin = 256u << 10;  // Shorter ones are no reading through.
// The next read may be a little longer than this one.
constexpr std::size_t kSurplusBytes = 64u << 10;
constexpr int kSecondsMax = 2;  // Nobody comes for it any more.

}  // namespace

ReadAhead::~ReadAhead() {
  std::thread thread;
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
    thread.swap(thread_);
  }
  if (thread.joinable()) thread.join();
}

Result<std::size_t> ReadAhead::read(const std::shared_ptr<File>& file, std::uint64_t position,
                                    char* to, std::size_t size, std::uint64_t end) {
  if (size < kReadMin) return file->read_at(position, to, size);
  const auto fetched = take(*file, position, size);
  Result<std::size_t> got = size;
  if (!fetched) got = file->read_at(position, to, size);
  // Before what is there is copied: the disk has nothing to do.
  const bool on = goes_on(*file, position, position + size);
  if (on && got && *got == size) fetch(file, position + size, size + kSurplusBytes, end);
  if (fetched) std::copy_n(fetched->data(), size, to);
  return got;
}

// Whether one of the last few reads ended where this one begins, which takes its place.
bool ReadAhead::goes_on(const File& file, std::uint64_t position, std::uint64_t end) {
  MutexLock lock(mutex_);
  const auto before = std::ranges::find_if(
      steps_, [&](const Step& step) { return step.file == &file && step.end == position; });
  const bool found = before != steps_.end();
  if (found) *before = {};
  steps_[next_step_++ % kSteps] = {&file, end};
  return found;
}

// Waits for what is under way. Nothing when it is not, or was not fetched whole.
std::shared_ptr<ReadAhead::Range> ReadAhead::take(const File& file, std::uint64_t position,
                                                  std::size_t size) {
  MutexLock lock(mutex_);
  const auto found = std::ranges::find_if(ranges_, [&](const auto& range) {
    return range->file.get() == &file && range->position == position;
  });
  if (found == ranges_.end()) return nullptr;
  auto range = std::move(*found);
  bytes_ -= range->size;
  ranges_.erase(found);
  if (range->size < size) return nullptr;
  // Not begun, it is read sooner by who wants it.
  while (range->state == State::UnderWay) changed_.wait(mutex_);
  return range->state == State::There ? range : nullptr;
}

void ReadAhead::fetch(const std::shared_ptr<File>& file, std::uint64_t position, std::size_t size,
                      std::uint64_t end) {
  if (position >= end) return;
  size = std::min<std::uint64_t>(size, end - position);
  if (size < kReadMin || !file->reads_disk(position, size)) return;
  auto range = std::make_shared<Range>();
  range->file = file;
  range->position = position;
  range->size = size;
  range->buffer = buffers_.take(position % kBlockBytes + size);
  MutexLock lock(mutex_);
  // Whoever wanted the oldest has not come for longest.
  while (bytes_ + size > kBytesMax && !ranges_.empty() && ranges_.front()->is_over()) drop_oldest();
  if (bytes_ + size > kBytesMax || stopping_) return;
  bytes_ += size;
  ranges_.push_back(std::move(range));
  if (!thread_.joinable()) thread_ = std::thread([this] { loop(); });
  changed_.notify_all();
}

void ReadAhead::drop_oldest() {
  bytes_ -= ranges_.front()->size;
  ranges_.pop_front();
}

void ReadAhead::loop() {
  while (const auto range = next()) {
    const auto got = range->file->read_at(range->position, range->data(), range->size);
    MutexLock lock(mutex_);
    range->state = got && *got == range->size ? State::There : State::Failed;
    changed_.notify_all();
  }
}

std::shared_ptr<ReadAhead::Range> ReadAhead::next() {
  MutexLock lock(mutex_);
  while (!stopping_) {
    for (const auto& range : ranges_) {
      if (range->state != State::Waits) continue;
      range->state = State::UnderWay;
      return range;
    }
    if (ranges_.empty()) {
      changed_.wait(mutex_);
    } else if (!changed_.wait_for(mutex_, std::chrono::seconds(1))) {
      for (const auto& range : ranges_) ++range->seconds;
      while (!ranges_.empty() && ranges_.front()->seconds > kSecondsMax) drop_oldest();
    }
  }
  return nullptr;
}

}  // namespace myelin::log
