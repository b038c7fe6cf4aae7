// DescribeConfigs (32): settings of topics and brokers. KIP-569.
#pragma once

#include "formats/kafka_protocol/message.h"

namespace myelin::kafka {

inline constexpr Api kDescribeConfigs{
    .key = 32, .name = "DescribeConfigs", .min = 1, .max = 4, .flexible_from = 4};

struct DescribeConfigsRequest {
  static constexpr const Api& kApi = kDescribeConfigs;
  struct Resource {
    std::int8_t resource_type = 0;
    std::string_view resource_name;
    std::optional<List<std::string_view>> configuration_keys;

    void visit(this auto& self, auto& v) {
      v.field("resource_type", self.resource_type);
      v.field("resource_name", self.resource_name);
      v.field("configuration_keys", self.configuration_keys);
    }
  };

  List<Resource> resources;
  bool include_synonyms = false;
  bool include_documentation = false;

  void visit(this auto& self, auto& v) {
    v.field("resources", self.resources);
    v.field("include_synonyms", self.include_synonyms);
    v.field("include_documentation", self.include_documentation, {.from = 3});
  }
};

struct DescribeConfigsResponse {
  static constexpr const Api& kApi = kDescribeConfigs;
  struct Resource {
    struct Config {
      struct Synonym {
        std::string_view name;
        std::optional<std::string_view> value;
        std::int8_t source = 0;

        void visit(this auto& self, auto& v) {
          v.field("name", self.name);
          v.field("value", self.value);
          v.field("source", self.source);
        }
      };

      std::string_view name;
      std::optional<std::string_view> value;
      bool read_only = false;
      std::int8_t config_source = -1;
      bool is_sensitive = false;
      List<Synonym> synonyms;
      std::int8_t config_type = 0;
      std::optional<std::string_view> documentation;

      void visit(this auto& self, auto& v) {
        v.field("name", self.name);
        v.field("value", self.value);
        v.field("read_only", self.read_only);
        v.field("config_source", self.config_source);
        v.field("is_sensitive", self.is_sensitive);
        v.field("synonyms", self.synonyms);
        v.field("config_type", self.config_type, {.from = 3});
        v.field("documentation", self.documentation, {.from = 3});
      }
    };

    std::int16_t error_code = 0;
    std::optional<std::string_view> error_message;
    std::int8_t resource_type = 0;
    std::string_view resource_name;
    List<Config> configs;

    void visit(this auto& self, auto& v) {
      v.field("error_code", self.error_code);
      v.field("error_message", self.error_message);
      v.field("resource_type", self.resource_type);
      v.field("resource_name", self.resource_name);
      v.field("configs", self.configs);
    }
  };

  std::int32_t throttle_time_ms = 0;
  List<Resource> results;

  void visit(this auto& self, auto& v) {
    v.field("throttle_time_ms", self.throttle_time_ms);
    v.field("results", self.results);
  }
};

}  // namespace myelin::kafka
