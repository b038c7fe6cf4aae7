// DeleteAcls (31): access control entries that match are removed.
#pragma once

#include "formats/kafka_protocol/message.h"

namespace myelin::kafka {

inline constexpr Api kDeleteAcls{
    .key = 31, .name = "DeleteAcls", .min = 1, .max = 3, .flexible_from = 2};

struct DeleteAclsRequest {
  static constexpr const Api& kApi = kDeleteAcls;
  struct Filter {
    std::int8_t resource_type_filter = 0;
    std::optional<std::string_view> resource_name_filter;
    std::int8_t pattern_type_filter = 3;
    std::optional<std::string_view> principal_filter;
    std::optional<std::string_view> host_filter;
    std::int8_t operation = 0;
    std::int8_t permission_type = 0;

    void visit(this auto& self, auto& v) {
      v.field("resource_type_filter", self.resource_type_filter);
      v.field("resource_name_filter", self.resource_name_filter);
      v.field("pattern_type_filter", self.pattern_type_filter);
      v.field("principal_filter", self.principal_filter);
      v.field("host_filter", self.host_filter);
      v.field("operation", self.operation);
      v.field("permission_type", self.permission_type);
    }
  };

  List<Filter> filters;

  void visit(this auto& self, auto& v) { v.field("filters", self.filters); }
};

struct DeleteAclsResponse {
  static constexpr const Api& kApi = kDeleteAcls;
  struct FilterResult {
    struct Acl {
      std::int16_t error_code = 0;
      std::optional<std::string_view> error_message;
      std::int8_t resource_type = 0;
      std::string_view resource_name;
      std::int8_t pattern_type = 3;
      std::string_view principal;
      std::string_view host;
      std::int8_t operation = 0;
      std::int8_t permission_type = 0;

      void visit(this auto& self, auto& v) {
        v.field("error_code", self.error_code);
        v.field("error_message", self.error_message);
        v.field("resource_type", self.resource_type);
        v.field("resource_name", self.resource_name);
        v.field("pattern_type", self.pattern_type);
        v.field("principal", self.principal);
        v.field("host", self.host);
        v.field("operation", self.operation);
        v.field("permission_type", self.permission_type);
      }
    };

    std::int16_t error_code = 0;
    std::optional<std::string_view> error_message;
    List<Acl> matching_acls;

    void visit(this auto& self, auto& v) {
      v.field("error_code", self.error_code);
      v.field("error_message", self.error_message);
      v.field("matching_acls", self.matching_acls);
    }
  };

  std::int32_t throttle_time_ms = 0;
  List<FilterResult> filter_results;

  void visit(this auto& self, auto& v) {
    v.field("throttle_time_ms", self.throttle_time_ms);
    v.field("filter_results", self.filter_results);
  }
};

}  // namespace myelin::kafka
