#include "broker/partition_watchers.h"

#include <algorithm>

namespace myelin::broker {

void PartitionWatchers::Watch::set(std::span<const PartitionId> partitions) {
  if (std::ranges::equal(partitions, partitions_)) return;
  MutexLock lock(watchers_.mutex_);
  for (const auto& id : partitions_) {
    const auto found = watchers_.partitions_.find(id);
    if (found == watchers_.partitions_.end()) continue;
    std::erase(found->second, notifier_);
    if (found->second.empty()) watchers_.partitions_.erase(found);
  }
  partitions_.assign(partitions.begin(), partitions.end());
  for (const auto& id : partitions_) watchers_.partitions_[id].push_back(notifier_);
}

void PartitionWatchers::committed(const log::Commit& commit, io::WakeupBatch& wakeups) {
  MutexLock lock(mutex_);
  if (partitions_.empty()) return;
  for (const auto& batch : commit.batches) {
    const auto found = partitions_.find(batch.partition);
    if (found == partitions_.end()) continue;
    for (const auto& notifier : found->second) notifier->notify(wakeups);
  }
}

}  // namespace myelin::broker
