// JoinGroup (11): a member asks to be part of the next generation of its group. KIP-345, KIP-394.
#pragma once

#include "formats/kafka_protocol/message.h"

namespace myelin::kafka {

inline constexpr Api kJoinGroup{
    .key = 11, .name = "JoinGroup", .min = 0, .max = 9, .flexible_from = 6};

struct JoinGroupRequest {
  static constexpr const Api& kApi = kJoinGroup;
  struct Protocol {
    std::string_view name;
    Bytes metadata;

    void visit(this auto& self, auto& v) {
      v.field("name", self.name);
      v.field("metadata", self.metadata);
    }
  };

  std::string_view group_id;
  std::int32_t session_timeout_ms = 0;
  std::int32_t rebalance_timeout_ms = -1;
  std::string_view member_id;
  std::optional<std::string_view> group_instance_id;
  std::string_view protocol_type;
  List<Protocol> protocols;
  std::optional<std::string_view> reason;

  void visit(this auto& self, auto& v) {
    v.field("group_id", self.group_id);
    v.field("session_timeout_ms", self.session_timeout_ms);
    v.field("rebalance_timeout_ms", self.rebalance_timeout_ms, {.from = 1});
    v.field("member_id", self.member_id);
    v.field("group_instance_id", self.group_instance_id, {.from = 5});
    v.field("protocol_type", self.protocol_type);
    v.field("protocols", self.protocols);
    v.field("reason", self.reason, {.from = 8});
  }
};

struct JoinGroupResponse {
  static constexpr const Api& kApi = kJoinGroup;
  struct Member {
    std::string_view member_id;
    std::optional<std::string_view> group_instance_id;
    Bytes metadata;

    void visit(this auto& self, auto& v) {
      v.field("member_id", self.member_id);
      v.field("group_instance_id", self.group_instance_id, {.from = 5});
      v.field("metadata", self.metadata);
    }
  };

  std::int32_t throttle_time_ms = 0;
  std::int16_t error_code = 0;
  std::int32_t generation_id = -1;
  std::optional<std::string_view> protocol_type;
  std::optional<std::string_view> protocol_name;
  std::string_view leader;
  bool skip_assignment = false;
  std::string_view member_id;
  List<Member> members;

  void visit(this auto& self, auto& v) {
    v.field("throttle_time_ms", self.throttle_time_ms, {.from = 2});
    v.field("error_code", self.error_code);
    v.field("generation_id", self.generation_id);
    v.field("protocol_type", self.protocol_type, {.from = 7});
    v.field("protocol_name", self.protocol_name, {.nullable_from = 7});
    v.field("leader", self.leader);
    v.field("skip_assignment", self.skip_assignment, {.from = 9});
    v.field("member_id", self.member_id);
    v.field("members", self.members);
  }
};

}  // namespace myelin::kafka
