// ListGroups (16): groups that this broker looks after. KIP-518, KIP-848.
#pragma once

#include "formats/kafka_protocol/message.h"

namespace myelin::kafka {

inline constexpr Api kListGroups{
    .key = 16, .name = "ListGroups", .min = 0, .max = 5, .flexible_from = 3};

struct ListGroupsRequest {
  static constexpr const Api& kApi = kListGroups;
  List<std::string_view> states_filter;
  List<std::string_view> types_filter;

  void visit(this auto& self, auto& v) {
    v.field("states_filter", self.states_filter, {.from = 4});
    v.field("types_filter", self.types_filter, {.from = 5});
  }
};

struct ListGroupsResponse {
  static constexpr const Api& kApi = kListGroups;
  struct Group {
    std::string_view group_id;
    std::string_view protocol_type;
    std::string_view group_state;
    std::string_view group_type;

    void visit(this auto& self, auto& v) {
      v.field("group_id", self.group_id);
      v.field("protocol_type", self.protocol_type);
      v.field("group_state", self.group_state, {.from = 4});
      v.field("group_type", self.group_type, {.from = 5});
    }
  };

  std::int32_t throttle_time_ms = 0;
  std::int16_t error_code = 0;
  List<Group> groups;

  void visit(this auto& self, auto& v) {
    v.field("throttle_time_ms", self.throttle_time_ms, {.from = 1});
    v.field("error_code", self.error_code);
    v.field("groups", self.groups);
  }
};

}  // namespace myelin::kafka
