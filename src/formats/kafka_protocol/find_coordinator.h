// FindCoordinator (10): which broker looks after a group or a transaction. KIP-699.
#pragma once

#include "formats/kafka_protocol/message.h"

namespace myelin::kafka {

inline constexpr Api kFindCoordinator{
    .key = 10, .name = "FindCoordinator", .min = 0, .max = 6, .flexible_from = 3};

struct FindCoordinatorRequest {
  static constexpr const Api& kApi = kFindCoordinator;
  std::string_view key;
  std::int8_t key_type = 0;
  List<std::string_view> coordinator_keys;

  void visit(this auto& self, auto& v) {
    v.field("key", self.key, {.to = 3});
    v.field("key_type", self.key_type, {.from = 1});
    v.field("coordinator_keys", self.coordinator_keys, {.from = 4});
  }
};

struct FindCoordinatorResponse {
  static constexpr const Api& kApi = kFindCoordinator;
  struct Coordinator {
    std::string_view key;
    std::int32_t node_id = 0;
    std::string_view host;
    std::int32_t port = 0;
    std::int16_t error_code = 0;
    std::optional<std::string_view> error_message;

    void visit(this auto& self, auto& v) {
      v.field("key", self.key);
      v.field("node_id", self.node_id);
      v.field("host", self.host);
      v.field("port", self.port);
      v.field("error_code", self.error_code);
      v.field("error_message", self.error_message);
    }
  };

  std::int32_t throttle_time_ms = 0;
  std::int16_t error_code = 0;
  std::optional<std::string_view> error_message;
  std::int32_t node_id = 0;
  std::string_view host;
  std::int32_t port = 0;
  List<Coordinator> coordinators;

  void visit(this auto& self, auto& v) {
    v.field("throttle_time_ms", self.throttle_time_ms, {.from = 1});
    v.field("error_code", self.error_code, {.to = 3});
    v.field("error_message", self.error_message, {.from = 1, .to = 3});
    v.field("node_id", self.node_id, {.to = 3});
    v.field("host", self.host, {.to = 3});
    v.field("port", self.port, {.to = 3});
    v.field("coordinators", self.coordinators, {.from = 4});
  }
};

}  // namespace myelin::kafka
