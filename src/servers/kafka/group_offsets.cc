// OffsetCommit, OffsetFetch, OffsetDelete.
#include "broker/group_coordinator.h"
#include "formats/kafka_protocol/offset_commit.h"
#include "formats/kafka_protocol/offset_delete.h"
#include "formats/kafka_protocol/offset_fetch.h"
#include "servers/kafka/groups.h"
#include "servers/kafka/handlers.h"
#include "servers/kafka/kafka_server.h"
#include "servers/kafka/session.h"
#include "servers/kafka/topics.h"

namespace myelin::kafka {
namespace {

using broker::GroupError;
using security::Operation;

constexpr std::int16_t kTopicIdsFrom = 10;
constexpr std::int16_t kManyGroupsFrom = 8;
constexpr std::int16_t kGenerationErrorBefore = 9;

// OffsetCommit.

class OffsetCommitHandler final : public Handler {
 public:
  io::Task<void> start(Call& call) override;
  io::Task<void> finish(Call& call) override;

 private:
  // What the whole request is refused with, or what each partition is.
  void prepare(Call& call, broker::CommitRequest& commit);
  KafkaError check(Call& call, const broker::TopicPtr& topic, std::int32_t partition) const;

  OffsetCommitRequest request_;
  std::vector<KafkaError> errors_;  // Of each partition, in order; None: the coordinator's say.
  KafkaError error_ = KafkaError::None;
  bool is_asked_ = false;
  Awaited<broker::CommitReply> awaited_;
};

KafkaError OffsetCommitHandler::check(Call& call, const broker::TopicPtr& topic,
                                      std::int32_t partition) const {
  if (!topic) {
    return call.version() >= kTopicIdsFrom ? KafkaError::UnknownTopicId
                                           : KafkaError::UnknownTopicOrPartition;
  }
  if (!call.session().may(Operation::Read, security::Resource::topic(topic->name.full())))
    return KafkaError::TopicAuthorizationFailed;
  if (partition < 0 || partition >= topic->partition_count())
    return KafkaError::UnknownTopicOrPartition;
  return KafkaError::None;
}

void OffsetCommitHandler::prepare(Call& call, broker::CommitRequest& commit) {
  for (const auto& asked : request_.topics) {
    const auto topic = call.version() >= kTopicIdsFrom ? call.server().broker().find(asked.topic_id)
                                                       : find_topic(call, asked.name);
    broker::TopicToCommit wanted;
    if (topic) {
      wanted.topic = topic->name.full();
      wanted.id = topic->id();
    }
    for (const auto& partition : asked.partitions) {
      const auto error = check(call, topic, partition.partition_index);
      errors_.push_back(error);
      if (error != KafkaError::None) continue;
      wanted.partitions.push_back(
          {.partition = broker::PartitionIndex(partition.partition_index),
           .offset = broker::Offset(partition.committed_offset),
           .leader_epoch = partition.committed_leader_epoch,
           .metadata = std::string(partition.committed_metadata.value_or(""))});
    }
    if (!wanted.partitions.empty()) commit.topics.push_back(std::move(wanted));
  }
}

io::Task<void> OffsetCommitHandler::start(Call& call) {
  auto request = call.decode<OffsetCommitRequest>();
  if (!request) {
    call.refuse(request.error());
    co_return;
  }
  request_ = *request;
  broker::CommitRequest commit;
  commit.group_id = request_.group_id;
  commit.generation = broker::Generation(request_.generation_id_or_member_epoch);
  commit.member_id = request_.member_id;
  if (request_.group_instance_id) commit.instance_id = std::string(*request_.group_instance_id);
  if (request_.retention_time_ms >= 0)
    commit.retention = std::chrono::milliseconds(request_.retention_time_ms);
  prepare(call, commit);
  if (!may_use_group(call, Operation::Read, request_.group_id)) {
    error_ = KafkaError::GroupAuthorizationFailed;
    co_return;
  }
  if (commit.topics.empty()) co_return;
  is_asked_ = true;
  call.server().broker().groups().commit(std::move(commit), awaited_.callback());
}

io::Task<void> OffsetCommitHandler::finish(Call& call) {
  broker::CommitReply reply;
  if (is_asked_) reply = co_await awaited_.wait();
  if (reply.error == GroupError::GroupIdNotFound && call.version() < kGenerationErrorBefore)
    reply.error = GroupError::IllegalGeneration;
  if (error_ == KafkaError::None) error_ = kafka_error(reply.error);
  OffsetCommitResponse response;
  std::size_t i = 0;
  std::size_t replied_topic = 0;
  for (const auto& asked : request_.topics) {
    auto& topic = response.topics.add(call.arena());
    topic.name = asked.name;
    topic.topic_id = asked.topic_id;
    std::size_t replied = 0;
    for (const auto& partition : asked.partitions) {
      auto error = error_ == KafkaError::None ? errors_[i] : error_;
      if (error == KafkaError::None && replied_topic < reply.topics.size())
        error = kafka_error(reply.topics[replied_topic].partitions[replied++].error);
      ++i;
      topic.partitions.add(
          call.arena(), {.partition_index = partition.partition_index, .error_code = code(error)});
    }
    if (replied > 0) ++replied_topic;
  }
  call.answer(response);
}

// OffsetFetch.

// The answer for one group, in the form of version 8; earlier ones are made of it.
class OffsetFetcher {
 public:
  using Group = OffsetFetchResponse::Group;

  OffsetFetcher(Call& call, std::string_view group_id) : call_(call) {
    group_.group_id = group_id;
    request_.group_id = group_id;
  }

  template <class Topics>
  Group fetch(const std::optional<Topics>& topics) {
    if (!may_use_group(call_, Operation::Describe, group_.group_id)) {
      group_.error_code = code(KafkaError::GroupAuthorizationFailed);
      return group_;
    }
    if (!topics) {
      const auto reply = call_.server().broker().groups().fetch(request_);
      group_.error_code = code(kafka_error(reply.error));
      for (const auto& topic : reply.topics) add(topic);
      return group_;
    }
    for (const auto& topic : *topics) fetch_topic(topic);
    return group_;
  }

 private:
  template <class Topic>
  void fetch_topic(const Topic& asked) {
    Uuid id;
    if constexpr (requires { asked.topic_id; }) id = asked.topic_id;
    broker::TopicPtr topic;
    const bool by_id = call_.version() >= kTopicIdsFrom;
    if (by_id) topic = call_.server().broker().find(id);
    if (by_id && !topic) return fail(asked, id, KafkaError::UnknownTopicId);
    broker::TopicPartitions wanted;
    wanted.topic = topic ? topic->name.full() : std::string(asked.name);
    if (!call_.session().may(Operation::Describe, security::Resource::topic(wanted.topic)))
      return fail(asked, id, KafkaError::TopicAuthorizationFailed);
    for (const auto partition : asked.partition_indexes) wanted.partitions.emplace_back(partition);
    auto request = request_;
    request.topics.emplace().push_back(std::move(wanted));
    const auto reply = call_.server().broker().groups().fetch(request);
    if (reply.error != GroupError::None) group_.error_code = code(kafka_error(reply.error));
    for (const auto& found : reply.topics) add(found).topic_id = id;
  }

  template <class Topic>
  void fail(const Topic& asked, const Uuid& id, KafkaError error) {
    auto& topic = group_.topics.add(call_.arena());
    topic.name = asked.name;
    topic.topic_id = id;
    for (const auto index : asked.partition_indexes) {
      auto& partition = topic.partitions.add(call_.arena());
      partition.partition_index = index;
      partition.committed_offset = -1;
      partition.metadata = "";
      partition.error_code = code(error);
    }
  }

  Group::GroupTopic& add(const broker::FetchedTopic& found) {
    auto& topic = group_.topics.add(call_.arena());
    topic.name = call_.arena().copy(found.topic);
    topic.topic_id = found.id;
    for (const auto& offset : found.partitions) {
      auto& partition = topic.partitions.add(call_.arena());
      partition.partition_index = offset.partition.value;
      partition.committed_offset = offset.offset.value;
      partition.committed_leader_epoch = offset.leader_epoch;
      partition.metadata = call_.arena().copy(offset.metadata);
    }
    return topic;
  }

  Call& call_;
  broker::FetchRequest request_;
  Group group_;
};

// The form of the versions that ask for one group.
void add_single(Call& call, const OffsetFetcher::Group& group, OffsetFetchResponse& response) {
  response.error_code = group.error_code;
  for (const auto& found : group.topics) {
    auto& topic = response.topics.add(call.arena());
    topic.name = found.name;
    for (const auto& one : found.partitions) {
      topic.partitions.add(call.arena(), {.partition_index = one.partition_index,
                                          .committed_offset = one.committed_offset,
                                          .committed_leader_epoch = one.committed_leader_epoch,
                                          .metadata = one.metadata,
                                          .error_code = one.error_code});
    }
  }
}

io::Task<OffsetFetchResponse> offset_fetch(Call& call, const OffsetFetchRequest& request) {
  OffsetFetchResponse response;
  if (call.version() < kManyGroupsFrom) {
    add_single(call, OffsetFetcher(call, request.group_id).fetch(request.topics), response);
    co_return response;
  }
  for (const auto& group : request.groups)
    response.groups.add(call.arena(), OffsetFetcher(call, group.group_id).fetch(group.topics));
  co_return response;
}

// OffsetDelete.

io::Task<OffsetDeleteResponse> offset_delete(Call& call, const OffsetDeleteRequest& request) {
  OffsetDeleteResponse response;
  if (!may_use_group(call, Operation::Delete, request.group_id)) {
    response.error_code = code(KafkaError::GroupAuthorizationFailed);
    co_return response;
  }
  broker::DeleteOffsetsRequest wanted;
  wanted.group_id = request.group_id;
  for (const auto& topic : request.topics) {
    auto& named = wanted.topics.emplace_back();
    named.topic = topic.name;
    for (const auto& partition : topic.partitions)
      named.partitions.emplace_back(partition.partition_index);
  }
  Awaited<broker::DeleteOffsetsReply> awaited;
  call.server().broker().groups().delete_offsets(wanted, awaited.callback());
  const auto reply = co_await awaited.wait();
  response.error_code = code(kafka_error(reply.error));
  for (const auto& done : reply.topics) {
    auto& topic = response.topics.add(call.arena());
    topic.name = call.arena().copy(done.topic);
    for (const auto& partition : done.partitions) {
      topic.partitions.add(call.arena(), {.partition_index = partition.partition.value,
                                          .error_code = code(kafka_error(partition.error))});
    }
  }
  co_return response;
}

}  // namespace

std::unique_ptr<Handler> make_offset_commit() { return std::make_unique<OffsetCommitHandler>(); }
std::unique_ptr<Handler> make_offset_fetch() { return make_answer<offset_fetch>(); }
std::unique_ptr<Handler> make_offset_delete() { return make_answer<offset_delete>(); }

}  // namespace myelin::kafka
