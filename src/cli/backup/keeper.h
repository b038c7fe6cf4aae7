// Keeper: a thread that, while a command works, waits for SIGINT, SIGTERM and SIGHUP and keeps a
// server's snapshot from expiring.
//
// A signal, or a snapshot that is gone, raises the flag that the work looks at. Made before other
// threads: the signals are blocked for them too, and for good.
#pragma once

#include <atomic>
#include <thread>

#include "base/mutex.h"
#include "base/result.h"
#include "cli/backup/back_up.h"

namespace myelin::cli::backup {

class Keeper {
 public:
  Keeper();
  ~Keeper();
  Keeper(const Keeper&) = delete;
  Keeper& operator=(const Keeper&) = delete;

  const std::atomic<bool>& stop() const { return stop_; }
  // Renews it from now on, until forget() returns.
  void keep(HeldSnapshot& snapshot) MYELIN_EXCLUDES(mutex_);
  void forget() MYELIN_EXCLUDES(mutex_);
  // The snapshot is gone, however the work ended.
  bool lost() const { return lost_; }

 private:
  void watch();
  void renew() MYELIN_EXCLUDES(mutex_);

  std::atomic<bool> stop_ = false;
  std::atomic<bool> lost_ = false;
  std::atomic<bool> done_ = false;
  Mutex mutex_;  // Held while it renews.
  HeldSnapshot* snapshot_ MYELIN_GUARDED_BY(mutex_) = nullptr;
  std::thread thread_;
};

}  // namespace myelin::cli::backup
