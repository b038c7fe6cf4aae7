#include "servers/kafka/topics.h"

#include "servers/kafka/kafka_server.h"
#include "servers/kafka/session.h"

namespace myelin::kafka {
namespace {

FoundPartition check(Call& call, security::Operation operation, broker::TopicPtr topic,
                     std::int32_t partition) {
  if (operation == security::Operation::Write && broker::is_internal(topic->name.name))
    return {.error = KafkaError::InvalidTopic, .topic = nullptr};
  if (!call.session().may(operation, security::Resource::topic(topic->name.full())))
    return {.error = KafkaError::TopicAuthorizationFailed, .topic = nullptr};
  if (partition < 0 || partition >= topic->partition_count())
    return {.error = KafkaError::UnknownTopicOrPartition, .topic = nullptr};
  auto& found = topic->partition(broker::PartitionIndex(partition));
  return {.topic = std::move(topic), .partition = &found};
}

}  // namespace

KafkaError kafka_error(ErrorCode code) {
  switch (code) {
    case ErrorCode::InvalidInput: return KafkaError::InvalidRequest;
    case ErrorCode::NotFound: return KafkaError::UnknownTopicOrPartition;
    case ErrorCode::Conflict: return KafkaError::TopicAlreadyExists;
    case ErrorCode::Unauthenticated: return KafkaError::TopicAuthorizationFailed;
    case ErrorCode::Forbidden: return KafkaError::TopicAuthorizationFailed;
    case ErrorCode::Exhausted: return KafkaError::RequestTimedOut;
    case ErrorCode::Unavailable: return KafkaError::KafkaStorageError;
    case ErrorCode::Canceled: return KafkaError::NotLeaderOrFollower;
    case ErrorCode::Corrupt: return KafkaError::CorruptMessage;
    case ErrorCode::Internal: return KafkaError::UnknownServerError;
  }
  return KafkaError::UnknownServerError;
}

broker::TopicPtr find_topic(Call& call, std::string_view name) {
  return call.server().broker().find(broker::TopicName::from_full(name));
}

FoundPartition find_partition(Call& call, security::Operation operation, std::string_view name,
                              std::int32_t partition) {
  auto topic = find_topic(call, name);
  if (!topic) return {.error = KafkaError::UnknownTopicOrPartition, .topic = nullptr};
  return check(call, operation, std::move(topic), partition);
}

FoundPartition find_partition(Call& call, security::Operation operation, const Uuid& id,
                              std::int32_t partition) {
  auto topic = call.server().broker().find(id);
  if (!topic) return {.error = KafkaError::UnknownTopicId, .topic = nullptr};
  return check(call, operation, std::move(topic), partition);
}

KafkaError check_leader_epoch(Call& call, std::int32_t current_leader_epoch) {
  const auto ours = call.server().leader_epoch();
  if (current_leader_epoch < 0 || current_leader_epoch == ours) return KafkaError::None;
  return current_leader_epoch < ours ? KafkaError::FencedLeaderEpoch
                                     : KafkaError::UnknownLeaderEpoch;
}

}  // namespace myelin::kafka
