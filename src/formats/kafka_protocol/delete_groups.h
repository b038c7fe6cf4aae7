// DeleteGroups (42): groups without members are deleted. KIP-229.
#pragma once

#include "formats/kafka_protocol/message.h"

namespace myelin::kafka {

inline constexpr Api kDeleteGroups{
    .key = 42, .name = "DeleteGroups", .min = 0, .max = 2, .flexible_from = 2};

struct DeleteGroupsRequest {
  static constexpr const Api& kApi = kDeleteGroups;
  List<std::string_view> groups_names;

  void visit(this auto& self, auto& v) { v.field("groups_names", self.groups_names); }
};

struct DeleteGroupsResponse {
  static constexpr const Api& kApi = kDeleteGroups;
  struct Group {
    std::string_view group_id;
    std::int16_t error_code = 0;

    void visit(this auto& self, auto& v) {
      v.field("group_id", self.group_id);
      v.field("error_code", self.error_code);
    }
  };

  std::int32_t throttle_time_ms = 0;
  List<Group> results;

  void visit(this auto& self, auto& v) {
    v.field("throttle_time_ms", self.throttle_time_ms);
    v.field("results", self.results);
  }
};

}  // namespace myelin::kafka
