// Subscribers: who is to be woken when a topic gets records.
//
// An index from topic to subscribers, so that a commit costs as much as it has readers and not as
// much as there are. Thread-safe: subscribing on io threads, topic creation anywhere, committed()
// on the committer thread. One mutex, held for memory work only.
#pragma once

#include <memory>
#include <unordered_map>
#include <vector>

#include "base/mutex.h"
#include "broker/matcher.h"
#include "io/notifier.h"
#include "log/log.h"

namespace myelin::broker {

struct Subscriber {
  explicit Subscriber(Matcher which) : matcher(std::move(which)) {}
  const Matcher matcher;
  io::Notifier notifier;
};

class Subscribers {
 public:
  // The topics are those that exist; later ones come through topic_created().
  void add(const std::shared_ptr<Subscriber>& subscriber);
  void remove(const std::shared_ptr<Subscriber>& subscriber);
  void topic_created(const TopicName& name, const TopicId& id);
  void topic_removed(const TopicId& id);
  void committed(const log::Commit& commit, io::WakeupBatch& wakeups);

 private:
  using List = std::vector<std::shared_ptr<Subscriber>>;

  Mutex mutex_;
  List all_ MYELIN_GUARDED_BY(mutex_);
  std::unordered_map<TopicId, std::pair<TopicName, List>> topics_ MYELIN_GUARDED_BY(mutex_);
};

}  // namespace myelin::broker
