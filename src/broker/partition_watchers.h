// PartitionWatchers: who is to be woken when a partition gets records.
//
// For readers of some partitions that wait again and again: a watch stays registered while its
// reader works, and waking one that does not wait costs an atomic exchange. An index from partition
// to watches, so that a commit costs as much as it has readers. Thread-safe; one mutex, held for
// memory work only.
#pragma once

#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/mutex.h"
#include "broker/types.h"
#include "io/notifier.h"
#include "log/commit.h"

namespace myelin::broker {

class PartitionWatchers {
 public:
  // A reader's side: the partitions that it waits for. Belongs to one task.
  class Watch {
   public:
    explicit Watch(PartitionWatchers& watchers) : watchers_(watchers) {}
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;
    ~Watch() { set({}); }

    // From now on these and no others. Cheap when they are the same as before, in the same order.
    void set(std::span<const PartitionId> partitions);
    // A notification may be about what the reader has seen already.
    io::Notifier& notifier() { return *notifier_; }

   private:
    PartitionWatchers& watchers_;
    const std::shared_ptr<io::Notifier> notifier_ = std::make_shared<io::Notifier>();
    std::vector<PartitionId> partitions_;
  };

  // Committer's.
  void committed(const log::Commit& commit, io::WakeupBatch& wakeups);

 private:
  using List = std::vector<std::shared_ptr<io::Notifier>>;

  Mutex mutex_;
  std::unordered_map<PartitionId, List> partitions_ MYELIN_GUARDED_BY(mutex_);
};

}  // namespace myelin::broker
