// DeleteTopics (20): topics are deleted, by name or by id. KIP-516.
#pragma once

#include "formats/kafka_protocol/message.h"

namespace myelin::kafka {

inline constexpr Api kDeleteTopics{
    .key = 20, .name = "DeleteTopics", .min = 1, .max = 6, .flexible_from = 4};

struct DeleteTopicsRequest {
  static constexpr const Api& kApi = kDeleteTopics;
  struct Topic {
    std::optional<std::string_view> name;
    Uuid topic_id;

    void visit(this auto& self, auto& v) {
      v.field("name", self.name);
      v.field("topic_id", self.topic_id);
    }
  };

  List<Topic> topics;
  List<std::string_view> topic_names;
  std::int32_t timeout_ms = 0;

  void visit(this auto& self, auto& v) {
    v.field("topics", self.topics, {.from = 6});
    v.field("topic_names", self.topic_names, {.to = 5});
    v.field("timeout_ms", self.timeout_ms);
  }
};

struct DeleteTopicsResponse {
  static constexpr const Api& kApi = kDeleteTopics;
  struct Topic {
    std::optional<std::string_view> name;
    Uuid topic_id;
    std::int16_t error_code = 0;
    std::optional<std::string_view> error_message;

    void visit(this auto& self, auto& v) {
      v.field("name", self.name, {.nullable_from = 6});
      v.field("topic_id", self.topic_id, {.from = 6});
      v.field("error_code", self.error_code);
      v.field("error_message", self.error_message, {.from = 5});
    }
  };

  std::int32_t throttle_time_ms = 0;
  List<Topic> responses;

  void visit(this auto& self, auto& v) {
    v.field("throttle_time_ms", self.throttle_time_ms);
    v.field("responses", self.responses);
  }
};

}  // namespace myelin::kafka
