// SpaceWatch: whether the disk has room for what is about to be appended.
//
// Space is reserved when a write is numbered and given back when the flusher has put it into
// segments, so nothing that was numbered has to be rolled back. Low and Full are told once each.
// Thread-safe; asks the file system now and then, never for each append.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>

#include "base/mutex.h"
#include "base/result.h"
#include "base/time.h"
#include "log/disk.h"

namespace myelin::log {

enum class SpaceState : std::uint8_t {
  Ok,
  Low,   // Beyond warn_percent: somebody should make room.
  Full,  // Beyond refuse_percent, or less than free_bytes_min left: writes are refused.
};
std::string_view to_string(SpaceState state);

struct SpaceReport {
  SpaceState state = SpaceState::Ok;
  std::uint64_t total_bytes = 0;  // Of the file system, as far as we may use it.
  std::uint64_t free_bytes = 0;
  std::uint32_t used_percent = 0;
};

struct SpaceLimits {
  std::uint32_t warn_percent = 80;
  std::uint32_t refuse_percent = 95;
  std::uint64_t free_bytes_min = 64u << 20;
  // Called on whichever thread saw the change.
  std::function<void(const SpaceReport&)> on_change;
};

class SpaceWatch {
 public:
  SpaceWatch(Disk& disk, const Clock& clock, const std::string& directory, SpaceLimits limits)
      : disk_(disk), clock_(clock), directory_(directory), limits_(std::move(limits)) {}

  // Whether `bytes` more may be appended.
  bool has(std::size_t bytes);
  // The same for what must go on when the disk is full (the audit of reads and removals): down to a
  // quarter of free_bytes_min.
  bool has_reserve(std::size_t bytes);
  void reserve(std::size_t bytes) { reserved_ += bytes; }
  void give_back(std::size_t bytes) { reserved_ -= bytes; }
  void reset() { reserved_ = 0; }

  // The file system has said that there is no room, whatever it reports (a quota, no inodes): Full
  // until it takes something again.
  void set_blocked(bool blocked);
  bool blocked() const { return blocked_; }

  void refresh();
  SpaceReport report() const;

 private:
  bool fits(std::size_t bytes) const;
  bool fits_reserve(std::size_t bytes) const;
  bool refresh_if_due();

  Disk& disk_;
  const Clock& clock_;
  const std::string directory_;
  const SpaceLimits limits_;
  std::atomic<std::uint64_t> free_bytes_ = 0;
  std::atomic<std::uint64_t> total_bytes_ = 0;
  std::atomic<std::uint64_t> reserved_ = 0;
  std::atomic<bool> blocked_ = false;
  std::atomic<std::int64_t> refreshed_ms_ = 0;
  Mutex mutex_;  // Of telling.
  SpaceState told_ MYELIN_GUARDED_BY(mutex_) = SpaceState::Ok;
};

}  // namespace myelin::log
