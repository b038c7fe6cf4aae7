// DescribeGroups, ListGroups, DeleteGroups.
#include "broker/group_coordinator.h"
#include "formats/kafka_protocol/delete_groups.h"
#include "formats/kafka_protocol/describe_groups.h"
#include "formats/kafka_protocol/list_groups.h"
#include "servers/kafka/groups.h"
#include "servers/kafka/handlers.h"
#include "servers/kafka/kafka_server.h"
#include "servers/kafka/operations.h"

namespace myelin::kafka {
namespace {

using security::Operation;

constexpr std::int16_t kNotFoundFrom = 6;

// What is due is done first: who has waited a member's session out finds it gone, whether or not
// the timer was already there.
broker::GroupCoordinator& groups_of_now(Call& call) {
  auto& groups = call.server().broker().groups();
  groups.tick();
  return groups;
}

DescribeGroupsResponse::Group describe(Call& call, std::string_view group_id, bool operations) {
  DescribeGroupsResponse::Group group;
  group.group_id = group_id;
  if (!may_use_group(call, Operation::Describe, group_id)) {
    group.error_code = code(KafkaError::GroupAuthorizationFailed);
    return group;
  }
  const auto found = groups_of_now(call).describe(std::string(group_id));
  // Before version 6 a group that is not there is one that is dead: KIP-1043.
  const bool is_missing = found.error == broker::GroupError::GroupIdNotFound;
  if (!is_missing || call.version() >= kNotFoundFrom) {
    group.error_code = code(kafka_error(found.error));
    if (is_missing) group.error_message = "there is no such group";
  }
  auto& arena = call.arena();
  group.group_state = broker::to_string(found.state);
  group.protocol_type = arena.copy(found.protocol_type);
  group.protocol_data = arena.copy(found.protocol);
  for (const auto& member : found.members) {
    auto& added = group.members.add(arena);
    added.member_id = arena.copy(member.member_id);
    if (member.instance_id) added.group_instance_id = arena.copy(*member.instance_id);
    added.client_id = arena.copy(member.client_id);
    added.client_host = arena.copy(member.client_host);
    added.member_metadata = {arena.copy(member.metadata)};
    added.member_assignment = {arena.copy(member.assignment)};
  }
  if (operations) group.authorized_operations = group_operations(call);
  return group;
}

io::Task<DescribeGroupsResponse> describe_groups(Call& call, const DescribeGroupsRequest& request) {
  DescribeGroupsResponse response;
  for (const auto group : request.groups) {
    response.groups.add(call.arena(), describe(call, group, request.include_authorized_operations));
  }
  co_return response;
}

io::Task<ListGroupsResponse> list_groups(Call& call, const ListGroupsRequest& request) {
  ListGroupsResponse response;
  broker::ListRequest wanted;
  for (const auto state : request.states_filter) wanted.states.emplace_back(state);
  for (const auto type : request.types_filter) wanted.types.emplace_back(type);
  const auto reply = groups_of_now(call).list(wanted);
  response.error_code = code(kafka_error(reply.error));
  for (const auto& group : reply.groups) {
    if (!may_use_group(call, Operation::Describe, group.group_id)) continue;
    response.groups.add(call.arena(), {.group_id = call.arena().copy(group.group_id),
                                       .protocol_type = call.arena().copy(group.protocol_type),
                                       .group_state = broker::to_string(group.state),
                                       .group_type = "classic"});
  }
  co_return response;
}

io::Task<DeleteGroupsResponse> delete_groups(Call& call, const DeleteGroupsRequest& request) {
  DeleteGroupsResponse response;
  for (const auto group : request.groups_names) {
    auto& result = response.results.add(call.arena());
    result.group_id = group;
    if (!may_use_group(call, Operation::Delete, group)) {
      result.error_code = code(KafkaError::GroupAuthorizationFailed);
      continue;
    }
    Awaited<broker::GroupError> awaited;
    groups_of_now(call).delete_group(std::string(group), awaited.callback());
    const auto error = co_await awaited.wait();
    result.error_code = code(kafka_error(error));
  }
  co_return response;
}

}  // namespace

std::unique_ptr<Handler> make_describe_groups() { return make_answer<describe_groups>(); }
std::unique_ptr<Handler> make_list_groups() { return make_answer<list_groups>(); }
std::unique_ptr<Handler> make_delete_groups() { return make_answer<delete_groups>(); }

}  // namespace myelin::kafka
