// SyncGroup (14): the leader hands in the assignment, each member gets its own.
#pragma once

#include "formats/kafka_protocol/message.h"

namespace myelin::kafka {

inline constexpr Api kSyncGroup{
    .key = 14, .name = "SyncGroup", .min = 0, .max = 5, .flexible_from = 4};

struct SyncGroupRequest {
  static constexpr const Api& kApi = kSyncGroup;
  struct Assignment {
    std::string_view member_id;
    Bytes assignment;

    void visit(this auto& self, auto& v) {
      v.field("member_id", self.member_id);
      v.field("assignment", self.assignment);
    }
  };

  std::string_view group_id;
  std::int32_t generation_id = 0;
  std::string_view member_id;
  std::optional<std::string_view> group_instance_id;
  std::optional<std::string_view> protocol_type;
  std::optional<std::string_view> protocol_name;
  List<Assignment> assignments;

  void visit(this auto& self, auto& v) {
    v.field("group_id", self.group_id);
    v.field("generation_id", self.generation_id);
    v.field("member_id", self.member_id);
    v.field("group_instance_id", self.group_instance_id, {.from = 3});
    v.field("protocol_type", self.protocol_type, {.from = 5});
    v.field("protocol_name", self.protocol_name, {.from = 5});
    v.field("assignments", self.assignments);
  }
};

struct SyncGroupResponse {
  static constexpr const Api& kApi = kSyncGroup;
  std::int32_t throttle_time_ms = 0;
  std::int16_t error_code = 0;
  std::optional<std::string_view> protocol_type;
  std::optional<std::string_view> protocol_name;
  Bytes assignment;

  void visit(this auto& self, auto& v) {
    v.field("throttle_time_ms", self.throttle_time_ms, {.from = 1});
    v.field("error_code", self.error_code);
    v.field("protocol_type", self.protocol_type, {.from = 5});
    v.field("protocol_name", self.protocol_name, {.from = 5});
    v.field("assignment", self.assignment);
  }
};

}  // namespace myelin::kafka
