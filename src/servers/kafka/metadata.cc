#include "formats/kafka_protocol/metadata.h"

#include "formats/kafka_protocol/describe_cluster.h"
#include "formats/kafka_protocol/describe_topic_partitions.h"
#include "servers/kafka/admin.h"
#include "servers/kafka/handlers.h"
#include "servers/kafka/kafka_server.h"
#include "servers/kafka/operations.h"
#include "servers/kafka/session.h"
#include "servers/kafka/topics.h"

namespace myelin::kafka {
namespace {

using TopicAnswer = MetadataResponse::Topic;

constexpr std::int16_t kNullForAllFrom = 1;

List<std::int32_t> this_node(Call& call) {
  List<std::int32_t> nodes;
  nodes.add(call.arena(), call.server().settings().node_id);
  return nodes;
}

TopicAnswer describe(Call& call, const broker::Topic& topic, bool operations) {
  TopicAnswer answer;
  answer.name = call.arena().copy(topic.name.full());
  answer.topic_id = topic.id();
  answer.is_internal = broker::is_internal(topic.name.name);
  const auto nodes = this_node(call);
  const auto count = topic.partition_count();
  answer.partitions.reserve(call.arena(), static_cast<std::size_t>(count));
  for (std::int32_t i = 0; i < count; ++i) {
    auto& partition = answer.partitions.add(call.arena());
    partition.partition_index = i;
    partition.leader_id = call.server().settings().node_id;
    partition.leader_epoch = call.server().leader_epoch();
    partition.replica_nodes = nodes;
    partition.isr_nodes = nodes;
  }
  if (operations) answer.topic_authorized_operations = topic_operations(call, topic);
  return answer;
}

TopicAnswer failed(std::string_view name, KafkaError error) {
  TopicAnswer answer;
  answer.error_code = code(error);
  answer.name = name;
  return answer;
}

// One that was asked for by name; nothing where it is to be made.
std::optional<TopicAnswer> find_by_name(Call& call, std::string_view name,
                                        const MetadataRequest& request) {
  const auto resource = security::Resource::topic(name);
  const auto wanted = broker::TopicName::from_full(name);
  if (!broker::check_topic_name(wanted)) return failed(name, KafkaError::InvalidTopic);
  if (!call.session().may(security::Operation::Describe, resource))
    return failed(name, KafkaError::TopicAuthorizationFailed);
  auto& broker = call.server().broker();
  if (const auto topic = broker.find(wanted))
    return describe(call, *topic, request.include_topic_authorized_operations);
  const bool make = request.allow_auto_topic_creation &&
                    call.server().settings().auto_create_topics &&
                    !broker::is_internal(wanted.name) &&
                    call.session().may(security::Operation::Create, resource);
  if (make) return std::nullopt;
  return failed(name, KafkaError::UnknownTopicOrPartition);
}

io::Task<TopicAnswer> make(Call& call, std::string_view name, const MetadataRequest& request) {
  const auto recorded = co_await record(call, security::AuditAction::TopicCreated, name);
  if (!recorded.is_ok()) co_return failed(name, recorded.error);
  const auto made = call.server().broker().ensure(broker::TopicName::from_full(name));
  if (made) co_return describe(call, **made, request.include_topic_authorized_operations);
  const auto error = made.error().code();
  co_return failed(
      name, error == ErrorCode::Exhausted ? KafkaError::PolicyViolation : kafka_error(error));
}

TopicAnswer find_by_id(Call& call, const Uuid& id, bool operations) {
  const auto topic = call.server().broker().find(id);
  const bool visible = topic && call.session().may(security::Operation::Describe,
                                                   security::Resource::topic(topic->name.full()));
  if (visible) return describe(call, *topic, operations);
  TopicAnswer answer;
  answer.error_code = code(KafkaError::UnknownTopicId);
  answer.topic_id = id;
  return answer;
}

void add_all(Call& call, const MetadataRequest& request, MetadataResponse& response) {
  const auto topics = call.server().broker().all_topics();
  response.topics.reserve(call.arena(), topics.size());
  for (const auto& topic : topics) {
    if (!call.session().may(security::Operation::Describe,
                            security::Resource::topic(topic->name.full())))
      continue;
    response.topics.add(call.arena(),
                        describe(call, *topic, request.include_topic_authorized_operations));
  }
}

io::Task<MetadataResponse> metadata(Call& call, const MetadataRequest& request) {
  MetadataResponse response;
  const auto& settings = call.server().settings();
  response.brokers.add(call.arena(), {.node_id = settings.node_id,
                                      .host = call.arena().copy(call.session().advertised_host()),
                                      .port = call.session().advertised_port(),
                                      .rack = std::nullopt});
  response.cluster_id = call.server().cluster_id();
  response.controller_id = settings.node_id;
  if (request.include_cluster_authorized_operations)
    response.cluster_authorized_operations = cluster_operations(call);
  const bool all = !request.topics || (call.version() < kNullForAllFrom && request.topics->empty());
  if (all) {
    add_all(call, request, response);
    co_return response;
  }
  for (const auto& topic : *request.topics) {
    auto answer =
        topic.name ? find_by_name(call, *topic.name, request)
                   : find_by_id(call, topic.topic_id, request.include_topic_authorized_operations);
    if (!answer) answer = co_await make(call, *topic.name, request);
    response.topics.add(call.arena(), *answer);
  }
  co_return response;
}

io::Task<DescribeClusterResponse> describe_cluster(Call& call,
                                                   const DescribeClusterRequest& request) {
  DescribeClusterResponse response;
  constexpr std::int8_t kBrokers = 1;
  if (request.endpoint_type != kBrokers) {
    response.error_code = code(KafkaError::InvalidRequest);
    response.error_message = "only brokers can be described here";
    co_return response;
  }
  const auto& settings = call.server().settings();
  response.endpoint_type = kBrokers;
  response.cluster_id = call.server().cluster_id();
  response.controller_id = settings.node_id;
  response.brokers.add(call.arena(), {.broker_id = settings.node_id,
                                      .host = call.arena().copy(call.session().advertised_host()),
                                      .port = call.session().advertised_port(),
                                      .rack = std::nullopt,
                                      .is_fenced = false});
  if (request.include_cluster_authorized_operations)
    response.cluster_authorized_operations = cluster_operations(call);
  co_return response;
}

}  // namespace

std::unique_ptr<Handler> make_metadata() { return make_answer<metadata>(); }
std::unique_ptr<Handler> make_describe_cluster() { return make_answer<describe_cluster>(); }

}  // namespace myelin::kafka
