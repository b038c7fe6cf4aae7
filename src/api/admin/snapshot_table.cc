#include "api/admin/snapshot_table.h"

#include <fmt/format.h>

#include <vector>

namespace myelin::admin {
namespace {

Error not_held() {
  return Error(ErrorCode::NotFound, "there is no such snapshot; it may have expired");
}

}  // namespace

Status SnapshotTable::reserve(const Uuid& id, SteadyTime now) {
  expire(now);
  MutexLock lock(mutex_);
  if (held_.size() >= count_max_) {
    return Error(ErrorCode::Exhausted,
                 fmt::format("{} snapshots are held already, as many as may be", held_.size()));
  }
  held_[id] = {nullptr, now + life_};
  return {};
}

Status SnapshotTable::put(const Uuid& id, SnapshotPtr snapshot, SteadyTime now) {
  MutexLock lock(mutex_);
  const auto held = held_.find(id);
  if (held == held_.end()) return not_held();
  held->second = {std::move(snapshot), now + life_};
  return {};
}

Result<SnapshotPtr> SnapshotTable::find(const Uuid& id, SteadyTime now) {
  MutexLock lock(mutex_);
  const auto held = held_.find(id);
  if (held == held_.end() || !held->second.snapshot || held->second.expires <= now)
    return not_held();
  return held->second.snapshot;
}

Status SnapshotTable::renew(const Uuid& id, SteadyTime now) {
  MutexLock lock(mutex_);
  const auto held = held_.find(id);
  // One that is late is gone: files may be removed from now on.
  if (held == held_.end() || !held->second.snapshot || held->second.expires <= now)
    return not_held();
  held->second.expires = now + life_;
  return {};
}

Status SnapshotTable::release(const Uuid& id) {
  SnapshotPtr released;  // Let go of outside of the lock.
  MutexLock lock(mutex_);
  const auto held = held_.find(id);
  if (held == held_.end()) return not_held();
  released = std::move(held->second.snapshot);
  held_.erase(held);
  return {};
}

void SnapshotTable::expire(SteadyTime now) {
  std::vector<SnapshotPtr> released;
  MutexLock lock(mutex_);
  for (auto it = held_.begin(); it != held_.end();) {
    if (it->second.expires > now) {
      ++it;
      continue;
    }
    released.push_back(std::move(it->second.snapshot));
    it = held_.erase(it);
  }
}

void SnapshotTable::clear() {
  std::map<Uuid, Held> released;
  MutexLock lock(mutex_);
  released.swap(held_);
}

std::size_t SnapshotTable::size() const {
  MutexLock lock(mutex_);
  return held_.size();
}

}  // namespace myelin::admin
