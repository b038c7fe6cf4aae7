// Heartbeat (12): a member of a group is alive.
#pragma once

#include "formats/kafka_protocol/message.h"

namespace myelin::kafka {

inline constexpr Api kHeartbeat{
    .key = 12, .name = "Heartbeat", .min = 0, .max = 4, .flexible_from = 4};

struct HeartbeatRequest {
  static constexpr const Api& kApi = kHeartbeat;
  std::string_view group_id;
  std::int32_t generation_id = 0;
  std::string_view member_id;
  std::optional<std::string_view> group_instance_id;

  void visit(this auto& self, auto& v) {
    v.field("group_id", self.group_id);
    v.field("generation_id", self.generation_id);
    v.field("member_id", self.member_id);
    v.field("group_instance_id", self.group_instance_id, {.from = 3});
  }
};

struct HeartbeatResponse {
  static constexpr const Api& kApi = kHeartbeat;
  std::int32_t throttle_time_ms = 0;
  std::int16_t error_code = 0;

  void visit(this auto& self, auto& v) {
    v.field("throttle_time_ms", self.throttle_time_ms, {.from = 1});
    v.field("error_code", self.error_code);
  }
};

}  // namespace myelin::kafka
