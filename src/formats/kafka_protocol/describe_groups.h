// DescribeGroups (15): state and members of classic groups.
#pragma once

#include "formats/kafka_protocol/message.h"

namespace myelin::kafka {

inline constexpr Api kDescribeGroups{
    .key = 15, .name = "DescribeGroups", .min = 0, .max = 6, .flexible_from = 5};

struct DescribeGroupsRequest {
  static constexpr const Api& kApi = kDescribeGroups;
  List<std::string_view> groups;
  bool include_authorized_operations = false;

  void visit(this auto& self, auto& v) {
    v.field("groups", self.groups);
    v.field("include_authorized_operations", self.include_authorized_operations, {.from = 3});
  }
};

struct DescribeGroupsResponse {
  static constexpr const Api& kApi = kDescribeGroups;
  struct Group {
    struct Member {
      std::string_view member_id;
      std::optional<std::string_view> group_instance_id;
      std::string_view client_id;
      std::string_view client_host;
      Bytes member_metadata;
      Bytes member_assignment;

      void visit(this auto& self, auto& v) {
        v.field("member_id", self.member_id);
        v.field("group_instance_id", self.group_instance_id, {.from = 4});
        v.field("client_id", self.client_id);
        v.field("client_host", self.client_host);
        v.field("member_metadata", self.member_metadata);
        v.field("member_assignment", self.member_assignment);
      }
    };

    std::int16_t error_code = 0;
    std::optional<std::string_view> error_message;
    std::string_view group_id;
    std::string_view group_state;
    std::string_view protocol_type;
    std::string_view protocol_data;
    List<Member> members;
    std::int32_t authorized_operations = -2147483648;

    void visit(this auto& self, auto& v) {
      v.field("error_code", self.error_code);
      v.field("error_message", self.error_message, {.from = 6});
      v.field("group_id", self.group_id);
      v.field("group_state", self.group_state);
      v.field("protocol_type", self.protocol_type);
      v.field("protocol_data", self.protocol_data);
      v.field("members", self.members);
      v.field("authorized_operations", self.authorized_operations, {.from = 3});
    }
  };

  std::int32_t throttle_time_ms = 0;
  List<Group> groups;

  void visit(this auto& self, auto& v) {
    v.field("throttle_time_ms", self.throttle_time_ms, {.from = 1});
    v.field("groups", self.groups);
  }
};

}  // namespace myelin::kafka
