// AlterConfigs (33): all settings of a resource are replaced. KIP-133.
#pragma once

#include "formats/kafka_protocol/message.h"

namespace myelin::kafka {

inline constexpr Api kAlterConfigs{
    .key = 33, .name = "AlterConfigs", .min = 0, .max = 2, .flexible_from = 2};

struct AlterConfigsRequest {
  static constexpr const Api& kApi = kAlterConfigs;
  struct Resource {
    struct Config {
      std::string_view name;
      std::optional<std::string_view> value;

      void visit(this auto& self, auto& v) {
        v.field("name", self.name);
        v.field("value", self.value);
      }
    };

    std::int8_t resource_type = 0;
    std::string_view resource_name;
    List<Config> configs;

    void visit(this auto& self, auto& v) {
      v.field("resource_type", self.resource_type);
      v.field("resource_name", self.resource_name);
      v.field("configs", self.configs);
    }
  };

  List<Resource> resources;
  bool validate_only = false;

  void visit(this auto& self, auto& v) {
    v.field("resources", self.resources);
    v.field("validate_only", self.validate_only);
  }
};

struct AlterConfigsResponse {
  static constexpr const Api& kApi = kAlterConfigs;
  struct Resource {
    std::int16_t error_code = 0;
    std::optional<std::string_view> error_message;
    std::int8_t resource_type = 0;
    std::string_view resource_name;

    void visit(this auto& self, auto& v) {
      v.field("error_code", self.error_code);
      v.field("error_message", self.error_message);
      v.field("resource_type", self.resource_type);
      v.field("resource_name", self.resource_name);
    }
  };

  std::int32_t throttle_time_ms = 0;
  List<Resource> responses;

  void visit(this auto& self, auto& v) {
    v.field("throttle_time_ms", self.throttle_time_ms);
    v.field("responses", self.responses);
  }
};

}  // namespace myelin::kafka
