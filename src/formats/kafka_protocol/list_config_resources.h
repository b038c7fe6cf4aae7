// ListConfigResources (74): resources that have settings. KIP-1142.
#pragma once

#include "formats/kafka_protocol/message.h"

namespace myelin::kafka {

inline constexpr Api kListConfigResources{
    .key = 74, .name = "ListConfigResources", .min = 0, .max = 1, .flexible_from = 0};

struct ListConfigResourcesRequest {
  static constexpr const Api& kApi = kListConfigResources;
  List<std::int8_t> resource_types;

  void visit(this auto& self, auto& v) {
    v.field("resource_types", self.resource_types, {.from = 1});
  }
};

struct ListConfigResourcesResponse {
  static constexpr const Api& kApi = kListConfigResources;
  struct Resource {
    std::string_view resource_name;
    std::int8_t resource_type = 16;

    void visit(this auto& self, auto& v) {
      v.field("resource_name", self.resource_name);
      v.field("resource_type", self.resource_type, {.from = 1});
    }
  };

  std::int32_t throttle_time_ms = 0;
  std::int16_t error_code = 0;
  List<Resource> config_resources;

  void visit(this auto& self, auto& v) {
    v.field("throttle_time_ms", self.throttle_time_ms);
    v.field("error_code", self.error_code);
    v.field("config_resources", self.config_resources);
  }
};

}  // namespace myelin::kafka
