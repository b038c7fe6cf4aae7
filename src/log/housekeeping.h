// Housekeeper: what a log needs done now and then: retention, compaction, removal of files that
// nothing names any more, a look at the disk's free space, and the scrub.
//
// Two threads of its own, because compaction and scrubbing take their time. The log must outlive
// it. Nothing is removed before Options::before_removal has agreed, so that it can be audited
// first.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "log/compactor.h"
#include "log/log.h"
#include "log/retention.h"
#include "log/scrubber.h"

namespace myelin::log {

struct HousekeepingOptions {
  std::chrono::milliseconds interval{30'000};  // Between two looks at retention and compaction.
  // Blocks until the removal is on record; on an error nothing is removed, and the next look tries
  // again.
  std::function<Status(const RemovedRecords&)> before_removal;
  // Something failed that is tried again: a sentence for the server's log.
  std::function<void(std::string_view what, const Error&)> on_error;
  ScrubOptions scrub;
  CompactionOptions compaction;
  std::uint64_t freed_at_once = 32u << 20;  // Larger files are removed piece by piece.
};

struct HousekeepingCounts {
  std::uint64_t removed_records = 0;
  std::uint64_t removed_bytes = 0;
  std::uint64_t removed_files = 0;
  std::uint64_t passes = 0;
};

class Housekeeper {
 public:
  Housekeeper(Log& log, HousekeepingOptions options);
  ~Housekeeper();

  void start();
  // Ends what is under way at the next batch.
  void stop();

  // One look at everything but the scrub, on the caller's thread: for tests, and for an
  // administrator who does not want to wait. One at a time.
  void pass();

  HousekeepingCounts counts() const;
  const Scrubber& scrubber() const { return scrubber_; }
  const Compactor& compactor() const { return compactor_; }

 private:
  void loop();
  // Starts that move with one write, and what goes with them.
  struct Removal {
    Write write;
    std::uint64_t records = 0;
    std::uint64_t bytes = 0;
  };
  void retain();
  void retain_topic(const TopicPtr& topic, std::int64_t now_ms, Removal& removal);
  Status move_starts(Removal removal);
  bool wait_until(const std::function<bool()>& done);
  bool wait_for_checkpoint();
  void remove_files();
  void sweep();
  struct Owner {
    TopicPtr topic;  // Which keeps the partition.
    const Partition* partition;
  };
  struct LeftOver {
    Owner of;
    std::string path;
  };
  Status find_left_over(const Owner& of, std::vector<LeftOver>& found);
  Status sweep_deleted();
  Status remove_directory(const std::string& path);
  Status remove_segment(const std::string& path);
  Status remove_gently(const std::function<Status()>& remove);
  void shrink(File& file);
  void rest(SteadyTime::duration time);
  void report(std::string_view what, const Status& status) const;

  Log& log_;
  const HousekeepingOptions options_;
  Compactor compactor_;
  Scrubber scrubber_;
  Mutex pass_mutex_;
  bool swept_ = false;  // The pass's.

  std::atomic<std::uint64_t> removed_records_ = 0;
  std::atomic<std::uint64_t> removed_bytes_ = 0;
  std::atomic<std::uint64_t> removed_files_ = 0;
  std::atomic<std::uint64_t> passes_ = 0;
  std::atomic<bool> stopping_ = false;
  Mutex mutex_;
  CondVar wake_;
  std::thread thread_;
};

}  // namespace myelin::log
