// ElectLeaders, AlterPartitionReassignments, ListPartitionReassignments: what can be said of
// replicas where there is one.
#include <fmt/format.h>

#include "formats/kafka_protocol/alter_partition_reassignments.h"
#include "formats/kafka_protocol/elect_leaders.h"
#include "formats/kafka_protocol/list_partition_reassignments.h"
#include "servers/kafka/admin.h"
#include "servers/kafka/handlers.h"
#include "servers/kafka/topics.h"

namespace myelin::kafka {
namespace {

using security::Operation;

io::Task<ElectLeadersResponse> elect_leaders(Call& call, const ElectLeadersRequest& request) {
  ElectLeadersResponse response;
  // None named: all of them, and of those only the ones that changed would be told.
  if (!request.topic_partitions) co_return response;
  for (const auto& asked : *request.topic_partitions) {
    auto& topic = response.replica_election_results.add(call.arena());
    topic.topic = asked.topic;
    for (const auto index : asked.partitions) {
      const auto found = find_partition(call, Operation::Alter, asked.topic, index);
      const bool is_there = found.error == KafkaError::None;
      topic.partition_result.add(
          call.arena(), {.partition_id = index,
                         .error_code = code(is_there ? KafkaError::ElectionNotNeeded : found.error),
                         .error_message = is_there ? "there is one replica, and it leads"
                                                   : std::optional<std::string_view>()});
    }
  }
  co_return response;
}

using Wanted = AlterPartitionReassignmentsRequest::Topic::Partition;

Outcome reassign(Call& call, std::string_view topic, const Wanted& wanted) {
  const auto found = find_partition(call, Operation::Alter, topic, wanted.partition_index);
  if (found.error != KafkaError::None) return {found.error, "there is no such partition"};
  if (!wanted.replicas)
    return {KafkaError::NoReassignmentInProgress, "no replica is on its way elsewhere"};
  const auto node = call.server().settings().node_id;
  if (wanted.replicas->size() == 1 && (*wanted.replicas)[0] == node) return {};
  return {KafkaError::InvalidReplicaAssignment, fmt::format("there is one broker, {}", node)};
}

io::Task<AlterPartitionReassignmentsResponse> alter_partition_reassignments(
    Call& call, const AlterPartitionReassignmentsRequest& request) {
  AlterPartitionReassignmentsResponse response;
  for (const auto& asked : request.topics) {
    auto& topic = response.responses.add(call.arena());
    topic.name = asked.name;
    for (const auto& wanted : asked.partitions) {
      const auto outcome = reassign(call, asked.name, wanted);
      topic.partitions.add(call.arena(), {.partition_index = wanted.partition_index,
                                          .error_code = code(outcome.error),
                                          .error_message = message_of(call, outcome)});
    }
  }
  co_return response;
}

io::Task<ListPartitionReassignmentsResponse> list_partition_reassignments(
    Call&, const ListPartitionReassignmentsRequest&) {
  co_return ListPartitionReassignmentsResponse();
}

}  // namespace

std::unique_ptr<Handler> make_elect_leaders() { return make_answer<elect_leaders>(); }
std::unique_ptr<Handler> make_alter_partition_reassignments() {
  return make_answer<alter_partition_reassignments>();
}
std::unique_ptr<Handler> make_list_partition_reassignments() {
  return make_answer<list_partition_reassignments>();
}

}  // namespace myelin::kafka
