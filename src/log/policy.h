// TopicPolicy: what is kept of a topic, and how its records are cut into segments. The log follows
// it; the broker makes it from the topic's configuration.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>

#include "base/mutex.h"

namespace myelin::log {

struct TopicPolicy {
  // Written to even when the disk is too full for others: an audit without which nobody could read.
  bool uses_reserve = false;

  // Records go when all of their segment's were received so long ago. Nothing: never.
  std::optional<std::chrono::milliseconds> retention_time;
  // The oldest segments of a partition go while the rest has so many bytes. Nothing: never.
  std::optional<std::uint64_t> retention_bytes;

  bool compact = false;                             // Only the last record of each key is kept.
  std::chrono::milliseconds compaction_lag_min{0};  // Records younger than this are not touched.
  // Records older than this are compacted, however little there is to gain.
  std::optional<std::chrono::milliseconds> compaction_lag_max;
  double dirty_ratio_min = 0.5;  // Of the bytes not yet compacted to all that could be.
  std::chrono::milliseconds tombstone_time{std::chrono::hours(24)};

  std::uint64_t segment_bytes = 1u << 30;
  std::chrono::milliseconds segment_time{std::chrono::hours(24 * 7)};
};

// Read by many, replaced now and then. Thread-safe.
class PolicyBox {
 public:
  std::shared_ptr<const TopicPolicy> get() const {
    MutexLock lock(mutex_);
    return policy_;
  }
  void set(std::shared_ptr<const TopicPolicy> policy) {
    MutexLock lock(mutex_);
    policy_ = std::move(policy);
  }

 private:
  mutable Mutex mutex_;
  std::shared_ptr<const TopicPolicy> policy_ MYELIN_GUARDED_BY(mutex_);
};

}  // namespace myelin::log
