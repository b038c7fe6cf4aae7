// Scrubber: reads everything that is stored, slowly and over and over, so that damage is known long
// before somebody needs the record.
//
// A thread of its own that reads at most so many bytes a second. What it finds is kept in a list
// and told once; damage that a later round no longer finds (a disk was replaced, records had their
// time) leaves the list. The log must outlive it. Thread-safe.
#pragma once

#include <atomic>
#include <functional>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "base/time.h"
#include "log/log.h"
#include "log/verify.h"

namespace myelin::log {

struct ScrubOptions {
  std::uint64_t bytes_per_second = 4u << 20;               // 0: no scrub.
  std::chrono::milliseconds pause{std::chrono::hours(1)};  // Between two rounds.
  // Called for damage that was not known.
  std::function<void(const TopicPtr&, PartitionIndex, const Damage&)> on_damage;
};

struct DamagedRange {
  TopicPtr topic;
  PartitionIndex partition;
  Damage damage;
};

struct ScrubReport {
  std::uint64_t rounds = 0;  // That were finished.
  std::uint64_t bytes = 0;   // Verified since the start.
  Timestamp last_round;      // Its end; the epoch before the first one.
};

class Scrubber {
 public:
  Scrubber(Log& log, ScrubOptions options);
  ~Scrubber();

  void start();
  void stop();

  // One round on the caller's thread, as fast as it goes: for tests and an administrator.
  void round();

  // What is damaged as far as is known, by topic and place; at most 1,000 ranges.
  std::vector<DamagedRange> damage() const;
  std::size_t damage_count() const;
  ScrubReport report() const;

 private:
  enum class Pace : std::uint8_t { Budget, None };
  void loop();
  void round(Pace pace);
  void scrub_partition(const TopicPtr& topic, const Partition& partition, Pace pace,
                       std::vector<DamagedRange>& found);
  void scrub_segment(const TopicPtr& topic, const Partition& partition, const SegmentState& state,
                     Offset end, Pace pace, std::vector<DamagedRange>& found);
  void keep_known(const Partition& partition, const SegmentState& state,
                  std::vector<DamagedRange>& found) const;
  void found_damage(DamagedRange range, std::vector<DamagedRange>& found);
  void rest(std::chrono::microseconds time);

  Log& log_;
  const ScrubOptions options_;
  std::atomic<bool> stopping_ = false;
  std::atomic<std::uint64_t> bytes_ = 0;
  mutable Mutex mutex_;
  CondVar wake_;
  std::vector<DamagedRange> damage_ MYELIN_GUARDED_BY(mutex_);
  std::uint64_t rounds_ MYELIN_GUARDED_BY(mutex_) = 0;
  Timestamp last_round_ MYELIN_GUARDED_BY(mutex_){};
  std::thread thread_;
};

}  // namespace myelin::log
