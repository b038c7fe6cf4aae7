// CreateTopics, DeleteTopics, CreatePartitions, DeleteRecords.
#include <fmt/format.h>

#include <algorithm>

#include "formats/kafka_protocol/create_partitions.h"
#include "formats/kafka_protocol/create_topics.h"
#include "formats/kafka_protocol/delete_records.h"
#include "formats/kafka_protocol/delete_topics.h"
#include "servers/kafka/admin.h"
#include "servers/kafka/configs.h"
#include "servers/kafka/handlers.h"
#include "servers/kafka/session.h"
#include "servers/kafka/topics.h"

namespace myelin::kafka {
namespace {

using broker::TopicName;
using security::AuditAction;
using security::Operation;

constexpr std::int32_t kDefaultPartitions = -1;
constexpr std::int16_t kDefaultReplicas = -1;
constexpr std::int16_t kTopicIdsFrom = 6;

// CreateTopics.

using WantedTopic = CreateTopicsRequest::Topic;

struct TopicPlan {
  Outcome outcome;
  std::int32_t partitions = 0;
  broker::TopicConfig config{};
};

Outcome check_assignments(Call& call, const WantedTopic& wanted) {
  std::vector<std::int32_t> seen;
  for (const auto& assignment : wanted.assignments) {
    const bool is_ours = assignment.broker_ids.size() == 1 &&
                         assignment.broker_ids[0] == call.server().settings().node_id;
    if (!is_ours) {
      return {KafkaError::InvalidReplicaAssignment,
              fmt::format("partition {}: there is one broker, {}", assignment.partition_index,
                          call.server().settings().node_id)};
    }
    seen.push_back(assignment.partition_index);
  }
  std::ranges::sort(seen);
  for (std::size_t i = 0; i < seen.size(); ++i) {
    if (seen[i] != static_cast<std::int32_t>(i))
      return {KafkaError::InvalidReplicaAssignment, "partitions are to be numbered from 0 on"};
  }
  return {};
}

Outcome check_replicas(Call& call, std::int16_t factor) {
  const bool clamp = call.server().settings().on_replication_factor() == ReplicationFactor::Clamp;
  if (factor == kDefaultReplicas || factor == 1 || (factor > 1 && clamp)) return {};
  return {KafkaError::InvalidReplicationFactor,
          fmt::format("replication factor {}: there is one broker (the setting "
                      "kafka.replication_factor: clamp makes do with one replica)",
                      factor)};
}

TopicPlan plan(Call& call, const WantedTopic& wanted) {
  TopicPlan plan;
  const auto fail = [&](KafkaError error, std::string message) {
    plan.outcome = {error, std::move(message)};
    return plan;
  };
  const auto name = TopicName::from_full(wanted.name);
  if (const auto sound = broker::check_topic_name(name); !sound)
    return fail(KafkaError::InvalidTopic, sound.error().message());
  if (broker::is_internal(name.name))
    return fail(KafkaError::InvalidTopic, "names that begin with __ are the server's own");
  if (plan.outcome = check_access(call, Operation::Create, wanted.name); !plan.outcome.is_ok())
    return plan;
  if (call.server().broker().find(name))
    return fail(KafkaError::TopicAlreadyExists, fmt::format("topic {} exists", wanted.name));
  plan.partitions = wanted.num_partitions;
  if (!wanted.assignments.empty()) {
    if (wanted.num_partitions != kDefaultPartitions ||
        wanted.replication_factor != kDefaultReplicas) {
      return fail(KafkaError::InvalidRequest,
                  "an assignment leaves no room for a number of partitions or replicas");
    }
    plan.partitions = static_cast<std::int32_t>(wanted.assignments.size());
    if (plan.outcome = check_assignments(call, wanted); !plan.outcome.is_ok()) return plan;
  } else if (plan.outcome = check_replicas(call, wanted.replication_factor);
             !plan.outcome.is_ok()) {
    return plan;
  }
  if (plan.partitions == kDefaultPartitions)
    plan.partitions = call.server().broker().settings().partitions_default;
  if (plan.partitions < 1)
    return fail(KafkaError::InvalidPartitions, "a topic has one partition at least");
  for (const auto& config : wanted.configs) {
    if (!config.value) {
      return fail(KafkaError::InvalidConfig,
                  fmt::format("{}: null is no value for a new topic", config.name));
    }
    plan.config[std::string(config.name)] = std::string(*config.value);
  }
  if (const auto sound = broker::check_topic_config(plan.config); !sound)
    return fail(KafkaError::InvalidConfig, sound.error().message());
  return plan;
}

Outcome outcome_of(const Error& error, KafkaError invalid) {
  switch (error.code()) {
    case ErrorCode::InvalidInput: return {invalid, error.message()};
    case ErrorCode::Exhausted: return {KafkaError::PolicyViolation, error.message()};
    default: return {kafka_error(error.code()), error.message()};
  }
}

io::Task<Outcome> create(Call& call, const WantedTopic& wanted, TopicPlan& plan) {
  std::vector<security::AuditSetting> settings;
  for (const auto& [name, value] : plan.config) settings.push_back({name, value});
  const auto recorded =
      co_await record(call, AuditAction::TopicCreated, wanted.name, std::move(settings),
                      {{"partitions", static_cast<std::uint64_t>(plan.partitions)}});
  if (!recorded.is_ok()) co_return recorded;
  auto& broker = call.server().broker();
  const auto made = co_await blocking(call, [&] {
    return broker.create_topic(TopicName::from_full(wanted.name), plan.partitions, plan.config);
  });
  if (made) co_return Outcome{};
  co_return outcome_of(made.error(), KafkaError::InvalidPartitions);
}

void describe_created(Call& call, const TopicPlan& plan, CreateTopicsResponse::Topic& result) {
  const auto topic = find_topic(call, result.name);
  if (topic) result.topic_id = topic->id();
  result.num_partitions = plan.partitions;
  result.replication_factor = 1;
  auto& configs = result.configs.emplace();
  for (const auto& setting : settings_of(call, plan.config, result.name)) {
    configs.add(call.arena(), {.name = setting.name,
                               .value = call.arena().copy(setting.value),
                               .read_only = false,
                               .config_source = static_cast<std::int8_t>(setting.source),
                               .is_sensitive = false});
  }
}

io::Task<CreateTopicsResponse> create_topics(Call& call, const CreateTopicsRequest& request) {
  CreateTopicsResponse response;
  const auto twice = repeated(request.topics, [](const auto& topic) { return topic.name; });
  for (const auto& wanted : request.topics) {
    auto planned = plan(call, wanted);
    auto& outcome = planned.outcome;
    if (twice.contains(wanted.name))
      outcome = {KafkaError::InvalidRequest, "the request names the topic more than once"};
    if (outcome.is_ok() && !request.validate_only) outcome = co_await create(call, wanted, planned);
    auto& result = response.topics.add(call.arena());
    result.name = wanted.name;
    result.error_code = code(outcome.error);
    result.error_message = message_of(call, outcome);
    if (outcome.is_ok()) describe_created(call, planned, result);
  }
  co_return response;
}

// DeleteTopics.

io::Task<Outcome> remove(Call& call, const broker::TopicPtr& topic) {
  const auto name = topic->name.full();
  if (auto denied = check_access(call, Operation::Delete, name); !denied.is_ok()) co_return denied;
  const auto recorded = co_await record(call, AuditAction::TopicDeleted, name);
  if (!recorded.is_ok()) co_return recorded;
  auto& broker = call.server().broker();
  const auto removed = co_await blocking(call, [&] { return broker.remove(topic->name); });
  if (removed) co_return Outcome{};
  co_return outcome_of(removed.error(), KafkaError::InvalidRequest);
}

io::Task<DeleteTopicsResponse::Topic> delete_topic(Call& call, DeleteTopicsRequest::Topic wanted) {
  DeleteTopicsResponse::Topic result;
  result.name = wanted.name;
  result.topic_id = wanted.topic_id;
  Outcome outcome;
  const bool by_id = !wanted.name;
  const auto topic =
      by_id ? call.server().broker().find(wanted.topic_id) : find_topic(call, *wanted.name);
  if (!topic) {
    outcome = by_id ? Outcome{KafkaError::UnknownTopicId, "there is no topic of this id"}
                    : Outcome{KafkaError::UnknownTopicOrPartition, "there is no such topic"};
  } else {
    outcome = co_await remove(call, topic);
    result.name = call.arena().copy(topic->name.full());
    result.topic_id = topic->id();
  }
  result.error_code = code(outcome.error);
  result.error_message = message_of(call, outcome);
  co_return result;
}

io::Task<DeleteTopicsResponse> delete_topics(Call& call, const DeleteTopicsRequest& request) {
  DeleteTopicsResponse response;
  if (call.version() < kTopicIdsFrom) {
    for (const auto name : request.topic_names) {
      const auto result = co_await delete_topic(call, {.name = name, .topic_id = {}});
      response.responses.add(call.arena(), result);
    }
  }
  for (const auto& topic : request.topics) {
    const auto result = co_await delete_topic(call, topic);
    response.responses.add(call.arena(), result);
  }
  co_return response;
}

// CreatePartitions.

Outcome check_growth(Call& call, const CreatePartitionsRequest::Topic& wanted,
                     const broker::TopicPtr& topic) {
  if (!topic) return {KafkaError::UnknownTopicOrPartition, "there is no such topic"};
  const auto now = topic->partition_count();
  if (wanted.count <= now) {
    return {
        KafkaError::InvalidPartitions,
        fmt::format("the topic has {} partitions already, and {} are wanted", now, wanted.count)};
  }
  if (!wanted.assignments) return {};
  if (static_cast<std::int64_t>(wanted.assignments->size()) != wanted.count - now) {
    return {KafkaError::InvalidReplicaAssignment,
            "the assignment is to name each new partition once"};
  }
  for (const auto& assignment : *wanted.assignments) {
    if (assignment.broker_ids.size() != 1 ||
        assignment.broker_ids[0] != call.server().settings().node_id) {
      return {KafkaError::InvalidReplicaAssignment,
              fmt::format("there is one broker, {}", call.server().settings().node_id)};
    }
  }
  return {};
}

io::Task<Outcome> grow(Call& call, CreatePartitionsRequest::Topic wanted, bool validate_only) {
  const auto topic = find_topic(call, wanted.name);
  auto outcome = check_access(call, Operation::Alter, wanted.name);
  if (outcome.is_ok()) outcome = check_growth(call, wanted, topic);
  if (!outcome.is_ok() || validate_only) co_return outcome;
  outcome = co_await record(call, AuditAction::PartitionsAdded, wanted.name, {},
                            {{"partitions", static_cast<std::uint64_t>(wanted.count)}});
  if (!outcome.is_ok()) co_return outcome;
  auto& broker = call.server().broker();
  const auto grown =
      co_await blocking(call, [&] { return broker.add_partitions(topic->name, wanted.count); });
  if (grown) co_return Outcome{};
  co_return outcome_of(grown.error(), KafkaError::InvalidPartitions);
}

io::Task<CreatePartitionsResponse> create_partitions(Call& call,
                                                     const CreatePartitionsRequest& request) {
  CreatePartitionsResponse response;
  const auto twice = repeated(request.topics, [](const auto& topic) { return topic.name; });
  for (const auto& wanted : request.topics) {
    Outcome outcome{KafkaError::InvalidRequest, "the request names the topic more than once"};
    if (!twice.contains(wanted.name)) outcome = co_await grow(call, wanted, request.validate_only);
    response.results.add(call.arena(), {.name = wanted.name,
                                        .error_code = code(outcome.error),
                                        .error_message = message_of(call, outcome)});
  }
  co_return response;
}

// DeleteRecords.

using RecordsResult = DeleteRecordsResponse::Topic::Partition;

bool is_only_compacted(Call& call, const broker::Topic& topic) {
  const auto config = call.server().broker().config_of(topic.name).value_or(broker::TopicConfig());
  const auto policy = config.find("cleanup.policy");
  return policy != config.end() && policy->second.find("delete") == std::string::npos;
}

io::Task<RecordsResult> delete_before(Call& call, std::string_view name,
                                      DeleteRecordsRequest::Topic::Partition wanted) {
  RecordsResult result;
  result.partition_index = wanted.partition_index;
  result.low_watermark = -1;
  const auto found = find_partition(call, Operation::Delete, name, wanted.partition_index);
  result.error_code = code(found.error);
  if (found.error != KafkaError::None) co_return result;
  const auto end = found.partition->high_watermark().value;
  const auto before = wanted.offset == -1 ? end : wanted.offset;
  if (before < 0 || before > end) {
    result.error_code = code(KafkaError::OffsetOutOfRange);
    co_return result;
  }
  if (is_only_compacted(call, *found.topic)) {
    result.error_code = code(KafkaError::PolicyViolation);
    co_return result;
  }
  const auto recorded =
      co_await record(call, AuditAction::RecordsRemoved, name, {},
                      {{"partition", static_cast<std::uint64_t>(wanted.partition_index)},
                       {"keptFromOffset", static_cast<std::uint64_t>(before)}});
  if (!recorded.is_ok()) {
    result.error_code = code(recorded.error);
    co_return result;
  }
  auto& broker = call.server().broker();
  const auto start = co_await blocking(call, [&] {
    return broker.delete_records(found.topic->name, broker::PartitionIndex(wanted.partition_index),
                                 broker::Offset(before));
  });
  if (start) {
    result.low_watermark = start->value;
  } else {
    result.error_code = code(kafka_error(start.error().code()));
  }
  co_return result;
}

io::Task<DeleteRecordsResponse> delete_records(Call& call, const DeleteRecordsRequest& request) {
  DeleteRecordsResponse response;
  for (const auto& topic : request.topics) {
    List<RecordsResult> partitions;
    for (const auto& partition : topic.partitions) {
      const auto result = co_await delete_before(call, topic.name, partition);
      partitions.add(call.arena(), result);
    }
    response.topics.add(call.arena(), {.name = topic.name, .partitions = partitions});
  }
  co_return response;
}

}  // namespace

std::unique_ptr<Handler> make_create_topics() { return make_answer<create_topics>(); }
std::unique_ptr<Handler> make_delete_topics() { return make_answer<delete_topics>(); }
std::unique_ptr<Handler> make_create_partitions() { return make_answer<create_partitions>(); }
std::unique_ptr<Handler> make_delete_records() { return make_answer<delete_records>(); }

}  // namespace myelin::kafka
