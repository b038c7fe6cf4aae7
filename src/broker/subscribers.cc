#include "broker/subscribers.h"

#include <algorithm>

namespace myelin::broker {

void Subscribers::add(const std::shared_ptr<Subscriber>& subscriber) {
  MutexLock lock(mutex_);
  all_.push_back(subscriber);
  for (auto& [id, topic] : topics_) {
    if (subscriber->matcher.matches(topic.first)) topic.second.push_back(subscriber);
  }
}

void Subscribers::remove(const std::shared_ptr<Subscriber>& subscriber) {
  MutexLock lock(mutex_);
  std::erase(all_, subscriber);
  for (auto& [id, topic] : topics_) std::erase(topic.second, subscriber);
}

void Subscribers::topic_created(const TopicName& name, const TopicId& id) {
  MutexLock lock(mutex_);
  auto& topic = topics_[id];
  topic.first = name;
  for (const auto& subscriber : all_) {
    if (subscriber->matcher.matches(name)) topic.second.push_back(subscriber);
  }
}

void Subscribers::topic_removed(const TopicId& id) {
  MutexLock lock(mutex_);
  topics_.erase(id);
}

void Subscribers::committed(const log::Commit& commit, io::WakeupBatch& wakeups) {
  const TopicId* last = nullptr;
  MutexLock lock(mutex_);
  for (const auto& batch : commit.batches) {
    // Groups are mostly of few topics in runs; notifying twice is cheap.
    if (last != nullptr && *last == batch.partition.topic) continue;
    last = &batch.partition.topic;
    const auto found = topics_.find(batch.partition.topic);
    if (found == topics_.end()) continue;
    for (const auto& subscriber : found->second.second) subscriber->notifier.notify(wakeups);
  }
}

}  // namespace myelin::broker
