#include "broker/group_offsets.h"

#include <algorithm>

namespace myelin::broker {
namespace {

FetchedOffset fetched(PartitionIndex partition, const CommittedOffset& offset) {
  return {partition, offset.offset, offset.leader_epoch, offset.metadata};
}

// A time that stored bytes claim: sums with it stay in range.
Timestamp stored_time(std::int64_t ms) {
  constexpr std::int64_t kYear9999 = 253'402'300'799'999;
  return timestamp_from_ms(std::clamp(ms, std::int64_t{0}, kYear9999));
}

bool is_of(const CommittedOffset& offset, const TopicId& topic) {
  return offset.topic_id.is_nil() || topic.is_nil() || offset.topic_id == topic;
}

}  // namespace

void GroupOffsets::put(const OffsetPlace& place, CommittedOffset offset) {
  topics_[place.topic].insert_or_assign(place.partition, std::move(offset));
}

void GroupOffsets::erase(const OffsetPlace& place) {
  const auto topic = topics_.find(place.topic);
  if (topic == topics_.end()) return;
  topic->second.erase(place.partition);
  if (topic->second.empty()) topics_.erase(topic);
}

const CommittedOffset* GroupOffsets::find(std::string_view topic, PartitionIndex partition) const {
  const auto partitions = topics_.find(topic);
  if (partitions == topics_.end()) return nullptr;
  const auto offset = partitions->second.find(partition);
  return offset == partitions->second.end() ? nullptr : &offset->second;
}

std::size_t GroupOffsets::size() const {
  std::size_t size = 0;
  for (const auto& [topic, partitions] : topics_) size += partitions.size();
  return size;
}

void GroupOffsets::end_commit(const OffsetPlace& place) {
  const auto count = committing_.find(place);
  if (count != committing_.end() && --count->second == 0) committing_.erase(count);
}

bool GroupOffsets::is_known(const OffsetPlace& place) const {
  return find(place.topic, place.partition) != nullptr || committing_.contains(place);
}

std::vector<OffsetPlace> GroupOffsets::places() const {
  std::vector<OffsetPlace> places;
  for (const auto& [topic, partitions] : topics_) {
    for (const auto& [partition, offset] : partitions) places.push_back({topic, partition});
  }
  for (const auto& [place, count] : committing_) {
    if (find(place.topic, place.partition) == nullptr) places.push_back(place);
  }
  return places;
}

std::vector<OffsetPlace> GroupOffsets::places(std::string_view topic) const {
  std::vector<OffsetPlace> places;
  const auto partitions = topics_.find(topic);
  if (partitions != topics_.end()) {
    for (const auto& [partition, offset] : partitions->second) {
      places.push_back({partitions->first, partition});
    }
  }
  for (const auto& [place, count] : committing_) {
    if (place.topic == topic && find(topic, place.partition) == nullptr) places.push_back(place);
  }
  return places;
}

FetchReply GroupOffsets::fetch(const FetchRequest& request) const {
  FetchReply reply;
  if (!request.topics) {
    for (const auto& [topic, partitions] : topics_) {
      FetchedTopic& answer = reply.topics.emplace_back(FetchedTopic{.topic = topic});
      for (const auto& [partition, offset] : partitions) {
        answer.id = offset.topic_id;
        answer.partitions.push_back(fetched(partition, offset));
      }
    }
    return reply;
  }
  for (const TopicPartitions& asked : *request.topics) {
    FetchedTopic& answer =
        reply.topics.emplace_back(FetchedTopic{.topic = asked.topic, .id = asked.id});
    for (const PartitionIndex partition : asked.partitions) {
      const CommittedOffset* offset = find(asked.topic, partition);
      answer.partitions.push_back(offset != nullptr && is_of(*offset, asked.id)
                                      ? fetched(partition, *offset)
                                      : FetchedOffset{.partition = partition});
    }
  }
  return reply;
}

GroupOffsets::Expired GroupOffsets::expired(
    Timestamp now, std::chrono::milliseconds retention, std::optional<Timestamp> empty_since,
    const std::function<bool(std::string_view)>& keeps) const {
  Expired found;
  for (const auto& [topic, partitions] : topics_) {
    const bool kept = keeps(topic);
    for (const auto& [partition, offset] : partitions) {
      const Timestamp goes =
          offset.expires.value_or(empty_since.value_or(offset.committed) + retention);
      OffsetPlace place{topic, partition};
      if (goes > now) {
        found.next = std::min(found.next.value_or(goes), goes);
      } else if (kept || committing_.contains(place)) {
        found.kept = true;
      } else {
        found.places.push_back(std::move(place));
      }
    }
  }
  return found;
}

GroupRecord offset_record(std::string_view group, const OffsetPlace& place,
                          const CommittedOffset& offset) {
  const kafka::OffsetCommitValue value{
      .offset = offset.offset.value,
      .leader_epoch = offset.leader_epoch,
      .metadata = offset.metadata,
      .commit_timestamp = to_ms(offset.committed),
      .expire_timestamp = offset.expires ? to_ms(*offset.expires) : -1,
      .topic_id = offset.topic_id};
  return {kafka::encode_offset_commit_key(group, place.topic, place.partition.value),
          kafka::encode_offset_commit_value(value)};
}

GroupRecord offset_tombstone(std::string_view group, const OffsetPlace& place) {
  return {kafka::encode_offset_commit_key(group, place.topic, place.partition.value), std::nullopt};
}

CommittedOffset committed_offset(kafka::OffsetCommitValue value) {
  CommittedOffset offset{.offset = Offset(value.offset),
                         .leader_epoch = value.leader_epoch,
                         .metadata = std::move(value.metadata),
                         .committed = stored_time(value.commit_timestamp),
                         .topic_id = value.topic_id};
  if (value.expire_timestamp != -1) offset.expires = stored_time(value.expire_timestamp);
  return offset;
}

}  // namespace myelin::broker
