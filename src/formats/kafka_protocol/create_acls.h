// CreateAcls (30): access control entries are added.
#pragma once

#include "formats/kafka_protocol/message.h"

namespace myelin::kafka {

inline constexpr Api kCreateAcls{
    .key = 30, .name = "CreateAcls", .min = 1, .max = 3, .flexible_from = 2};

struct CreateAclsRequest {
  static constexpr const Api& kApi = kCreateAcls;
  struct Acl {
    std::int8_t resource_type = 0;
    std::string_view resource_name;
    std::int8_t resource_pattern_type = 3;
    std::string_view principal;
    std::string_view host;
    std::int8_t operation = 0;
    std::int8_t permission_type = 0;

    void visit(this auto& self, auto& v) {
      v.field("resource_type", self.resource_type);
      v.field("resource_name", self.resource_name);
      v.field("resource_pattern_type", self.resource_pattern_type);
      v.field("principal", self.principal);
      v.field("host", self.host);
      v.field("operation", self.operation);
      v.field("permission_type", self.permission_type);
    }
  };

  List<Acl> creations;

  void visit(this auto& self, auto& v) { v.field("creations", self.creations); }
};

struct CreateAclsResponse {
  static constexpr const Api& kApi = kCreateAcls;
  struct Acl {
    std::int16_t error_code = 0;
    std::optional<std::string_view> error_message;

    void visit(this auto& self, auto& v) {
      v.field("error_code", self.error_code);
      v.field("error_message", self.error_message);
    }
  };

  std::int32_t throttle_time_ms = 0;
  List<Acl> results;

  void visit(this auto& self, auto& v) {
    v.field("throttle_time_ms", self.throttle_time_ms);
    v.field("results", self.results);
  }
};

}  // namespace myelin::kafka
