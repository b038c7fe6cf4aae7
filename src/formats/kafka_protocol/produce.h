// Produce (0): record batches to be appended to partitions.
#pragma once

#include "formats/kafka_protocol/message.h"

namespace myelin::kafka {

inline constexpr Api kProduce{.key = 0, .name = "Produce", .min = 3, .max = 13, .flexible_from = 9};

struct ProduceRequest {
  static constexpr const Api& kApi = kProduce;
  struct Topic {
    struct Partition {
      std::int32_t index = 0;
      Records records;

      void visit(this auto& self, auto& v) {
        v.field("index", self.index);
        v.field("records", self.records);
      }
    };

    std::string_view name;
    Uuid topic_id;
    List<Partition> partition_data;

    void visit(this auto& self, auto& v) {
      v.field("name", self.name, {.to = 12});
      v.field("topic_id", self.topic_id, {.from = 13});
      v.field("partition_data", self.partition_data);
    }
  };

  std::optional<std::string_view> transactional_id;
  std::int16_t acks = 0;
  std::int32_t timeout_ms = 0;
  List<Topic> topic_data;

  void visit(this auto& self, auto& v) {
    v.field("transactional_id", self.transactional_id);
    v.field("acks", self.acks);
    v.field("timeout_ms", self.timeout_ms);
    v.field("topic_data", self.topic_data);
  }
};

struct ProduceResponse {
  static constexpr const Api& kApi = kProduce;
  struct Topic {
    struct Partition {
      struct RecordError {
        std::int32_t batch_index = 0;
        std::optional<std::string_view> batch_index_error_message;

        void visit(this auto& self, auto& v) {
          v.field("batch_index", self.batch_index);
          v.field("batch_index_error_message", self.batch_index_error_message);
        }
      };
      struct LeaderIdAndEpoch {
        std::int32_t leader_id = -1;
        std::int32_t leader_epoch = -1;

        void visit(this auto& self, auto& v) {
          v.field("leader_id", self.leader_id);
          v.field("leader_epoch", self.leader_epoch);
        }
        friend bool operator==(const LeaderIdAndEpoch&, const LeaderIdAndEpoch&) = default;
      };

      static constexpr bool kHasTags = true;
      std::int32_t index = 0;
      std::int16_t error_code = 0;
      std::int64_t base_offset = 0;
      std::int64_t log_append_time_ms = -1;
      std::int64_t log_start_offset = -1;
      List<RecordError> record_errors;
      std::optional<std::string_view> error_message;
      LeaderIdAndEpoch current_leader;

      void visit(this auto& self, auto& v) {
        v.field("index", self.index);
        v.field("error_code", self.error_code);
        v.field("base_offset", self.base_offset);
        v.field("log_append_time_ms", self.log_append_time_ms);
        v.field("log_start_offset", self.log_start_offset, {.from = 5});
        v.field("record_errors", self.record_errors, {.from = 8});
        v.field("error_message", self.error_message, {.from = 8});
        v.field("current_leader", self.current_leader, {.from = 10, .tag = 0});
      }
    };

    std::string_view name;
    Uuid topic_id;
    List<Partition> partition_responses;

    void visit(this auto& self, auto& v) {
      v.field("name", self.name, {.to = 12});
      v.field("topic_id", self.topic_id, {.from = 13});
      v.field("partition_responses", self.partition_responses);
    }
  };
  struct NodeEndpoint {
    std::int32_t node_id = 0;
    std::string_view host;
    std::int32_t port = 0;
    std::optional<std::string_view> rack;

    void visit(this auto& self, auto& v) {
      v.field("node_id", self.node_id);
      v.field("host", self.host);
      v.field("port", self.port);
      v.field("rack", self.rack);
    }
  };

  static constexpr bool kHasTags = true;
  List<Topic> responses;
  std::int32_t throttle_time_ms = 0;
  List<NodeEndpoint> node_endpoints;

  void visit(this auto& self, auto& v) {
    v.field("responses", self.responses);
    v.field("throttle_time_ms", self.throttle_time_ms);
    v.field("node_endpoints", self.node_endpoints, {.from = 10, .tag = 0});
  }
};

}  // namespace myelin::kafka
