#include "servers/kafka/fetch_state.h"

#include <limits>

namespace myelin::kafka {
namespace {

constexpr std::int32_t kFinalEpoch = -1;   // No session, or the end of one.
constexpr std::int32_t kInitialEpoch = 0;  // A new one.

std::size_t count(const FetchRequest& request) {
  std::size_t partitions = 0;
  for (const auto& topic : request.topics) partitions += topic.partitions.size();
  return partitions;
}

std::int32_t epoch_after(std::int32_t epoch) {
  return epoch == std::numeric_limits<std::int32_t>::max() ? 1 : epoch + 1;
}

}  // namespace

std::size_t FetchState::Hash::operator()(const FetchKey& key) const noexcept {
  return std::hash<std::string>()(key.topic) ^ std::hash<Uuid>()(key.topic_id) ^
         (static_cast<std::size_t>(key.partition) * 0x9e3779b97f4a7c15ull);
}

io::Task<void> FetchState::take_turn() {
  while (is_taken_) co_await ended_.wait();
  is_taken_ = true;
}

void FetchState::end_turn() {
  is_taken_ = false;
  ended_.notify();
}

FetchTarget FetchState::make_target(const FetchRequest::Topic& topic,
                                    const FetchRequest::Topic::Partition& partition) {
  FetchTarget target;
  target.key = {std::string(topic.topic), topic.topic_id, partition.partition};
  target.offset = partition.fetch_offset;
  target.bytes_max = partition.partition_max_bytes;
  target.current_leader_epoch = partition.current_leader_epoch;
  target.last_fetched_epoch = partition.last_fetched_epoch;
  return target;
}

FetchState::Begun FetchState::begin(const FetchRequest& request, std::int32_t fresh_id) {
  if (count(request) > kFetchPartitionsMax) return {.error = KafkaError::InvalidRequest};
  if (request.session_epoch == kFinalEpoch || request.session_epoch == kInitialEpoch) {
    replace(request);
    session_id_ = request.session_epoch == kInitialEpoch ? fresh_id : 0;
    next_epoch_ = 1;
    return {.session_id = session_id_, .targets = all()};
  }
  if (session_id_ == 0 || request.session_id != session_id_)
    return {.error = KafkaError::FetchSessionIdNotFound};
  if (request.session_epoch != next_epoch_) return {.error = KafkaError::InvalidFetchSessionEpoch};
  if (!update(request)) return {.error = KafkaError::InvalidRequest};
  forget(request);
  next_epoch_ = epoch_after(next_epoch_);
  return {.session_id = session_id_, .incremental = true, .targets = all()};
}

void FetchState::replace(const FetchRequest& request) {
  targets_.clear();
  index_.clear();
  update(request);
}

bool FetchState::update(const FetchRequest& request) {
  for (const auto& topic : request.topics) {
    for (const auto& partition : topic.partitions) {
      auto target = make_target(topic, partition);
      const auto found = index_.find(target.key);
      if (found == index_.end()) {
        if (targets_.size() >= kFetchPartitionsMax) return false;
        targets_.push_back(std::move(target));
        index_.emplace(targets_.back().key, std::prev(targets_.end()));
      } else {
        target.told_high_watermark = found->second->told_high_watermark;
        target.told_start = found->second->told_start;
        *found->second = std::move(target);
      }
    }
  }
  return true;
}

void FetchState::forget(const FetchRequest& request) {
  for (const auto& topic : request.forgotten_topics_data) {
    for (const auto partition : topic.partitions) {
      const auto found = index_.find({std::string(topic.topic), topic.topic_id, partition});
      if (found == index_.end()) continue;
      targets_.erase(found->second);
      index_.erase(found);
    }
  }
}

std::vector<FetchTarget*> FetchState::all() {
  std::vector<FetchTarget*> all;
  all.reserve(targets_.size());
  for (auto& target : targets_) all.push_back(&target);
  return all;
}

void FetchState::delivered(FetchTarget& target) {
  const auto found = index_.find(target.key);
  if (found != index_.end()) targets_.splice(targets_.end(), targets_, found->second);
}

}  // namespace myelin::kafka
