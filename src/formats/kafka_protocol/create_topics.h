// CreateTopics (19): topics are made. KIP-464, KIP-525.
#pragma once

#include "formats/kafka_protocol/message.h"

namespace myelin::kafka {

inline constexpr Api kCreateTopics{
    .key = 19, .name = "CreateTopics", .min = 2, .max = 7, .flexible_from = 5};

struct CreateTopicsRequest {
  static constexpr const Api& kApi = kCreateTopics;
  struct Topic {
    struct Assignment {
      std::int32_t partition_index = 0;
      List<std::int32_t> broker_ids;

      void visit(this auto& self, auto& v) {
        v.field("partition_index", self.partition_index);
        v.field("broker_ids", self.broker_ids);
      }
    };
    struct Config {
      std::string_view name;
      std::optional<std::string_view> value;

      void visit(this auto& self, auto& v) {
        v.field("name", self.name);
        v.field("value", self.value);
      }
    };

    std::string_view name;
    std::int32_t num_partitions = 0;
    std::int16_t replication_factor = 0;
    List<Assignment> assignments;
    List<Config> configs;

    void visit(this auto& self, auto& v) {
      v.field("name", self.name);
      v.field("num_partitions", self.num_partitions);
      v.field("replication_factor", self.replication_factor);
      v.field("assignments", self.assignments);
      v.field("configs", self.configs);
    }
  };

  List<Topic> topics;
  std::int32_t timeout_ms = 60000;
  bool validate_only = false;

  void visit(this auto& self, auto& v) {
    v.field("topics", self.topics);
    v.field("timeout_ms", self.timeout_ms);
    v.field("validate_only", self.validate_only);
  }
};

struct CreateTopicsResponse {
  static constexpr const Api& kApi = kCreateTopics;
  struct Topic {
    struct Config {
      std::string_view name;
      std::optional<std::string_view> value;
      bool read_only = false;
      std::int8_t config_source = -1;
      bool is_sensitive = false;

      void visit(this auto& self, auto& v) {
        v.field("name", self.name);
        v.field("value", self.value);
        v.field("read_only", self.read_only);
        v.field("config_source", self.config_source);
        v.field("is_sensitive", self.is_sensitive);
      }
    };

    static constexpr bool kHasTags = true;
    std::string_view name;
    Uuid topic_id;
    std::int16_t error_code = 0;
    std::optional<std::string_view> error_message;
    std::int16_t topic_config_error_code = 0;
    std::int32_t num_partitions = -1;
    std::int16_t replication_factor = -1;
    std::optional<List<Config>> configs;

    void visit(this auto& self, auto& v) {
      v.field("name", self.name);
      v.field("topic_id", self.topic_id, {.from = 7});
      v.field("error_code", self.error_code);
      v.field("error_message", self.error_message);
      v.field("num_partitions", self.num_partitions, {.from = 5});
      v.field("replication_factor", self.replication_factor, {.from = 5});
      v.field("configs", self.configs, {.from = 5});
      v.field("topic_config_error_code", self.topic_config_error_code, {.from = 5, .tag = 0});
    }
  };

  std::int32_t throttle_time_ms = 0;
  List<Topic> topics;

  void visit(this auto& self, auto& v) {
    v.field("throttle_time_ms", self.throttle_time_ms);
    v.field("topics", self.topics);
  }
};

}  // namespace myelin::kafka
