// SnapshotTable: the snapshots that clients hold, each until it is released or not renewed in time.
//
// Thread-safe; its mutex is held for memory work only. Time is the caller's.
#pragma once

#include <chrono>
#include <map>
#include <memory>

#include "api/admin/operations.h"
#include "base/mutex.h"
#include "base/result.h"
#include "base/time.h"
#include "base/uuid.h"

namespace myelin::admin {

using SnapshotPtr = std::shared_ptr<const Snapshot>;

class SnapshotTable {
 public:
  SnapshotTable(std::size_t count_max, std::chrono::milliseconds life)
      : count_max_(count_max), life_(life) {}

  // A place for one that is about to be taken, so that there are never more than allowed.
  // Exhausted.
  Status reserve(const Uuid& id, SteadyTime now) MYELIN_EXCLUDES(mutex_);
  // NotFound when the place was given up meanwhile; then nobody holds the snapshot.
  Status put(const Uuid& id, SnapshotPtr snapshot, SteadyTime now) MYELIN_EXCLUDES(mutex_);
  // NotFound.
  Result<SnapshotPtr> find(const Uuid& id, SteadyTime now) MYELIN_EXCLUDES(mutex_);
  Status renew(const Uuid& id, SteadyTime now) MYELIN_EXCLUDES(mutex_);
  Status release(const Uuid& id) MYELIN_EXCLUDES(mutex_);

  // Lets go of those that were not renewed.
  void expire(SteadyTime now) MYELIN_EXCLUDES(mutex_);
  void clear() MYELIN_EXCLUDES(mutex_);
  std::size_t size() const MYELIN_EXCLUDES(mutex_);
  std::chrono::milliseconds life() const { return life_; }

 private:
  struct Held {
    SnapshotPtr snapshot;  // Null while it is being taken.
    SteadyTime expires;
  };

  const std::size_t count_max_;
  const std::chrono::milliseconds life_;
  mutable Mutex mutex_;
  std::map<Uuid, Held> held_ MYELIN_GUARDED_BY(mutex_);
};

}  // namespace myelin::admin
