// LeaveGroup (13): members leave their group. KIP-345.
#pragma once

#include "formats/kafka_protocol/message.h"

namespace myelin::kafka {

inline constexpr Api kLeaveGroup{
    .key = 13, .name = "LeaveGroup", .min = 0, .max = 5, .flexible_from = 4};

struct LeaveGroupRequest {
  static constexpr const Api& kApi = kLeaveGroup;
  struct Member {
    std::string_view member_id;
    std::optional<std::string_view> group_instance_id;
    std::optional<std::string_view> reason;

    void visit(this auto& self, auto& v) {
      v.field("member_id", self.member_id);
      v.field("group_instance_id", self.group_instance_id);
      v.field("reason", self.reason, {.from = 5});
    }
  };

  std::string_view group_id;
  std::string_view member_id;
  List<Member> members;

  void visit(this auto& self, auto& v) {
    v.field("group_id", self.group_id);
    v.field("member_id", self.member_id, {.to = 2});
    v.field("members", self.members, {.from = 3});
  }
};

struct LeaveGroupResponse {
  static constexpr const Api& kApi = kLeaveGroup;
  struct Member {
    std::string_view member_id;
    std::optional<std::string_view> group_instance_id;
    std::int16_t error_code = 0;

    void visit(this auto& self, auto& v) {
      v.field("member_id", self.member_id);
      v.field("group_instance_id", self.group_instance_id);
      v.field("error_code", self.error_code);
    }
  };

  std::int32_t throttle_time_ms = 0;
  std::int16_t error_code = 0;
  List<Member> members;

  void visit(this auto& self, auto& v) {
    v.field("throttle_time_ms", self.throttle_time_ms, {.from = 1});
    v.field("error_code", self.error_code);
    v.field("members", self.members, {.from = 3});
  }
};

}  // namespace myelin::kafka
