// ListPartitionReassignments (46): replicas of partitions that are moving. KIP-455.
#pragma once

#include "formats/kafka_protocol/message.h"

namespace myelin::kafka {

inline constexpr Api kListPartitionReassignments{
    .key = 46, .name = "ListPartitionReassignments", .min = 0, .max = 0, .flexible_from = 0};

struct ListPartitionReassignmentsRequest {
  static constexpr const Api& kApi = kListPartitionReassignments;
  struct Topic {
    std::string_view name;
    List<std::int32_t> partition_indexes;

    void visit(this auto& self, auto& v) {
      v.field("name", self.name);
      v.field("partition_indexes", self.partition_indexes);
    }
  };

  std::int32_t timeout_ms = 60000;
  std::optional<List<Topic>> topics;

  void visit(this auto& self, auto& v) {
    v.field("timeout_ms", self.timeout_ms);
    v.field("topics", self.topics);
  }
};

struct ListPartitionReassignmentsResponse {
  static constexpr const Api& kApi = kListPartitionReassignments;
  struct Topic {
    struct Partition {
      std::int32_t partition_index = 0;
      List<std::int32_t> replicas;
      List<std::int32_t> adding_replicas;
      List<std::int32_t> removing_replicas;

      void visit(this auto& self, auto& v) {
        v.field("partition_index", self.partition_index);
        v.field("replicas", self.replicas);
        v.field("adding_replicas", self.adding_replicas);
        v.field("removing_replicas", self.removing_replicas);
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
  std::int16_t error_code = 0;
  std::optional<std::string_view> error_message;
  List<Topic> topics;

  void visit(this auto& self, auto& v) {
    v.field("throttle_time_ms", self.throttle_time_ms);
    v.field("error_code", self.error_code);
    v.field("error_message", self.error_message);
    v.field("topics", self.topics);
  }
};

}  // namespace myelin::kafka
