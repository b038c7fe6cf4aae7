// AlterPartitionReassignments (45): replicas of partitions are to move. KIP-455.
#pragma once

#include "formats/kafka_protocol/message.h"

namespace myelin::kafka {

inline constexpr Api kAlterPartitionReassignments{
    .key = 45, .name = "AlterPartitionReassignments", .min = 0, .max = 1, .flexible_from = 0};

struct AlterPartitionReassignmentsRequest {
  static constexpr const Api& kApi = kAlterPartitionReassignments;
  struct Topic {
    struct Partition {
      std::int32_t partition_index = 0;
      std::optional<List<std::int32_t>> replicas;

      void visit(this auto& self, auto& v) {
        v.field("partition_index", self.partition_index);
        v.field("replicas", self.replicas);
      }
    };

    std::string_view name;
    List<Partition> partitions;

    void visit(this auto& self, auto& v) {
      v.field("name", self.name);
      v.field("partitions", self.partitions);
    }
  };

  std::int32_t timeout_ms = 60000;
  bool allow_replication_factor_change = true;
  List<Topic> topics;

  void visit(this auto& self, auto& v) {
    v.field("timeout_ms", self.timeout_ms);
    v.field("allow_replication_factor_change", self.allow_replication_factor_change, {.from = 1});
    v.field("topics", self.topics);
  }
};

struct AlterPartitionReassignmentsResponse {
  static constexpr const Api& kApi = kAlterPartitionReassignments;
  struct Topic {
    struct Partition {
      std::int32_t partition_index = 0;
      std::int16_t error_code = 0;
      std::optional<std::string_view> error_message;

      void visit(this auto& self, auto& v) {
        v.field("partition_index", self.partition_index);
        v.field("error_code", self.error_code);
        v.field("error_message", self.error_message);
      }
    };

    std::string_view name;
    List<Partition> partitions;

    void visit(this auto& self, auto& v) {
      v.field("name", self.name);
      v.field("partitions", self.partitions);
    }
  };

  std::int32_t throttle_time_ms = 0;
  bool allow_replication_factor_change = true;
  std::int16_t error_code = 0;
  std::optional<std::string_view> error_message;
  List<Topic> responses;

  void visit(this auto& self, auto& v) {
    v.field("throttle_time_ms", self.throttle_time_ms);
    v.field("allow_replication_factor_change", self.allow_replication_factor_change, {.from = 1});
    v.field("error_code", self.error_code);
    v.field("error_message", self.error_message);
    v.field("responses", self.responses);
  }
};

}  // namespace myelin::kafka
