// CreatePartitions (37): topics get more partitions. KIP-195.
#pragma once

#include "formats/kafka_protocol/message.h"

namespace myelin::kafka {

inline constexpr Api kCreatePartitions{
    .key = 37, .name = "CreatePartitions", .min = 0, .max = 3, .flexible_from = 2};

struct CreatePartitionsRequest {
  static constexpr const Api& kApi = kCreatePartitions;
  struct Topic {
    struct Assignment {
      List<std::int32_t> broker_ids;

      void visit(this auto& self, auto& v) { v.field("broker_ids", self.broker_ids); }
    };

    std::string_view name;
    std::int32_t count = 0;
    std::optional<List<Assignment>> assignments;

    void visit(this auto& self, auto& v) {
      v.field("name", self.name);
      v.field("count", self.count);
      v.field("assignments", self.assignments);
    }
  };

  List<Topic> topics;
  std::int32_t timeout_ms = 0;
  bool validate_only = false;

  void visit(this auto& self, auto& v) {
    v.field("topics", self.topics);
    v.field("timeout_ms", self.timeout_ms);
    v.field("validate_only", self.validate_only);
  }
};

struct CreatePartitionsResponse {
  static constexpr const Api& kApi = kCreatePartitions;
  struct Topic {
    std::string_view name;
    std::int16_t error_code = 0;
    std::optional<std::string_view> error_message;

    void visit(this auto& self, auto& v) {
      v.field("name", self.name);
      v.field("error_code", self.error_code);
      v.field("error_message", self.error_message);
    }
  };

  std::int32_t throttle_time_ms = 0;
  List<Topic> results;

  void visit(this auto& self, auto& v) {
    v.field("throttle_time_ms", self.throttle_time_ms);
    v.field("results", self.results);
  }
};

}  // namespace myelin::kafka
