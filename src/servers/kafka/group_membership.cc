// FindCoordinator, JoinGroup, SyncGroup, Heartbeat, LeaveGroup.
#include "broker/group_coordinator.h"
#include "formats/kafka_protocol/find_coordinator.h"
#include "formats/kafka_protocol/heartbeat.h"
#include "formats/kafka_protocol/join_group.h"
#include "formats/kafka_protocol/leave_group.h"
#include "formats/kafka_protocol/sync_group.h"
#include "servers/kafka/groups.h"
#include "servers/kafka/handlers.h"
#include "servers/kafka/kafka_server.h"
#include "servers/kafka/session.h"

namespace myelin::kafka {
namespace {

using security::Operation;
using std::chrono::milliseconds;

constexpr std::int8_t kGroupKey = 0;
constexpr std::int16_t kManyKeysFrom = 4;
constexpr std::int16_t kRebalanceTimeoutFrom = 1;
constexpr std::int16_t kMemberIdRequiredFrom = 4;
constexpr std::int16_t kSkipAssignmentFrom = 9;
constexpr std::int16_t kManyMembersFrom = 3;

std::optional<std::string> owned(std::optional<std::string_view> text) {
  return text ? std::optional<std::string>(*text) : std::nullopt;
}

// FindCoordinator.

FindCoordinatorResponse::Coordinator coordinator_of(Call& call, std::string_view key,
                                                    std::int8_t key_type) {
  FindCoordinatorResponse::Coordinator found;
  found.key = key;
  found.node_id = -1;
  found.port = -1;
  if (key_type != kGroupKey) {
    found.error_code = code(KafkaError::InvalidRequest);
    found.error_message = "only groups have a coordinator here";
  } else if (!may_use_group(call, Operation::Describe, key)) {
    found.error_code = code(KafkaError::GroupAuthorizationFailed);
  } else {
    found.node_id = call.server().settings().node_id;
    found.host = call.arena().copy(call.session().advertised_host());
    found.port = call.session().advertised_port();
  }
  return found;
}

io::Task<FindCoordinatorResponse> find_coordinator(Call& call,
                                                   const FindCoordinatorRequest& request) {
  FindCoordinatorResponse response;
  if (call.version() < kManyKeysFrom) {
    const auto found = coordinator_of(call, request.key, request.key_type);
    response.error_code = found.error_code;
    response.error_message = found.error_message;
    response.node_id = found.node_id;
    response.host = found.host;
    response.port = found.port;
    co_return response;
  }
  for (const auto key : request.coordinator_keys)
    response.coordinators.add(call.arena(), coordinator_of(call, key, request.key_type));
  co_return response;
}

// JoinGroup.

class JoinGroupHandler final : public Handler {
 public:
  ~JoinGroupHandler() override {
    if (groups_ != nullptr) groups_->give_up_join(group_id_, ticket_);
  }
  io::Task<void> start(Call& call) override {
    const auto request = call.decode<JoinGroupRequest>();
    if (!request) {
      call.refuse(request.error());
      co_return;
    }
    if (!may_use_group(call, Operation::Read, request->group_id)) {
      awaited_.callback()({.error = broker::GroupError::None});
      is_forbidden_ = true;
      co_return;
    }
    group_id_ = request->group_id;
    auto& groups = call.server().broker().groups();
    ticket_ = groups.join(join_request(call, *request), awaited_.callback());
    groups_ = &groups;
  }

  io::Task<void> finish(Call& call) override {
    reply_ = co_await awaited_.wait();
    groups_ = nullptr;
    JoinGroupResponse response;
    response.error_code =
        code(is_forbidden_ ? KafkaError::GroupAuthorizationFailed : kafka_error(reply_.error));
    response.generation_id = reply_.generation.value;
    response.protocol_type = reply_.protocol_type;
    response.protocol_name = reply_.protocol;
    response.leader = reply_.leader;
    response.skip_assignment = reply_.skip_assignment;
    response.member_id = reply_.member_id;
    for (const auto& member : reply_.members) {
      response.members.add(call.arena(), {.member_id = member.member_id,
                                          .group_instance_id = member.instance_id,
                                          .metadata = {member.metadata}});
    }
    call.answer(response);
  }

 private:
  static broker::JoinRequest join_request(Call& call, const JoinGroupRequest& request) {
    broker::JoinRequest join;
    join.group_id = request.group_id;
    join.member_id = request.member_id;
    join.instance_id = owned(request.group_instance_id);
    join.client_id = call.header().client_id.value_or("");
    join.client_host = "/" + call.session().peer_host();
    join.protocol_type = request.protocol_type;
    for (const auto& protocol : request.protocols)
      join.protocols.push_back({std::string(protocol.name), std::string(protocol.metadata.view)});
    join.session_timeout = milliseconds(request.session_timeout_ms);
    join.rebalance_timeout =
        milliseconds(call.version() < kRebalanceTimeoutFrom ? request.session_timeout_ms
                                                            : request.rebalance_timeout_ms);
    join.knows_member_id_required = call.version() >= kMemberIdRequiredFrom;
    join.knows_skip_assignment = call.version() >= kSkipAssignmentFrom;
    return join;
  }

  bool is_forbidden_ = false;
  broker::GroupCoordinator* groups_ = nullptr;  // While the answer is waited for.
  std::string group_id_;
  broker::JoinTicket ticket_ = 0;
  Awaited<broker::JoinReply> awaited_;
  broker::JoinReply reply_;
};

// SyncGroup.

class SyncGroupHandler final : public Handler {
 public:
  io::Task<void> start(Call& call) override {
    const auto request = call.decode<SyncGroupRequest>();
    if (!request) {
      call.refuse(request.error());
      co_return;
    }
    if (!may_use_group(call, Operation::Read, request->group_id)) {
      awaited_.callback()({.error = broker::GroupError::None});
      is_forbidden_ = true;
      co_return;
    }
    broker::SyncRequest sync;
    sync.group_id = request->group_id;
    sync.generation = broker::Generation(request->generation_id);
    sync.member_id = request->member_id;
    sync.instance_id = owned(request->group_instance_id);
    sync.protocol_type = owned(request->protocol_type);
    sync.protocol = owned(request->protocol_name);
    for (const auto& one : request->assignments)
      sync.assignments.push_back({std::string(one.member_id), std::string(one.assignment.view)});
    call.server().broker().groups().sync(sync, awaited_.callback());
  }

  io::Task<void> finish(Call& call) override {
    reply_ = co_await awaited_.wait();
    SyncGroupResponse response;
    response.error_code =
        code(is_forbidden_ ? KafkaError::GroupAuthorizationFailed : kafka_error(reply_.error));
    response.protocol_type = reply_.protocol_type;
    response.protocol_name = reply_.protocol;
    response.assignment = {reply_.assignment};
    call.answer(response);
  }

 private:
  bool is_forbidden_ = false;
  Awaited<broker::SyncReply> awaited_;
  broker::SyncReply reply_;
};

// Heartbeat, LeaveGroup.

io::Task<HeartbeatResponse> heartbeat(Call& call, const HeartbeatRequest& request) {
  HeartbeatResponse response;
  if (!may_use_group(call, Operation::Read, request.group_id)) {
    response.error_code = code(KafkaError::GroupAuthorizationFailed);
    co_return response;
  }
  const auto error = call.server().broker().groups().heartbeat(
      {.group_id = std::string(request.group_id),
       .generation = broker::Generation(request.generation_id),
       .member_id = std::string(request.member_id),
       .instance_id = owned(request.group_instance_id)});
  response.error_code = code(kafka_error(error));
  co_return response;
}

io::Task<LeaveGroupResponse> leave_group(Call& call, const LeaveGroupRequest& request) {
  LeaveGroupResponse response;
  if (!may_use_group(call, Operation::Read, request.group_id)) {
    response.error_code = code(KafkaError::GroupAuthorizationFailed);
    co_return response;
  }
  broker::LeaveRequest leave{.group_id = std::string(request.group_id)};
  if (call.version() < kManyMembersFrom)
    leave.members.push_back({.member_id = std::string(request.member_id)});
  for (const auto& member : request.members) {
    leave.members.push_back({.member_id = std::string(member.member_id),
                             .instance_id = owned(member.group_instance_id)});
  }
  const auto reply = call.server().broker().groups().leave(leave);
  response.error_code = code(kafka_error(reply.error));
  if (call.version() < kManyMembersFrom && reply.error == broker::GroupError::None &&
      !reply.members.empty()) {
    response.error_code = code(kafka_error(reply.members.front().error));
  }
  for (const auto& member : reply.members) {
    auto& left = response.members.add(call.arena());
    left.member_id = call.arena().copy(member.member_id);
    if (member.instance_id) left.group_instance_id = call.arena().copy(*member.instance_id);
    left.error_code = code(kafka_error(member.error));
  }
  co_return response;
}

}  // namespace

std::unique_ptr<Handler> make_find_coordinator() { return make_answer<find_coordinator>(); }
std::unique_ptr<Handler> make_join_group() { return std::make_unique<JoinGroupHandler>(); }
std::unique_ptr<Handler> make_sync_group() { return std::make_unique<SyncGroupHandler>(); }
std::unique_ptr<Handler> make_heartbeat() { return make_answer<heartbeat>(); }
std::unique_ptr<Handler> make_leave_group() { return make_answer<leave_group>(); }

}  // namespace myelin::kafka
