// DescribeTopicPartitions (75): partitions of topics, page by page. KIP-966.
#pragma once

#include "formats/kafka_protocol/message.h"

namespace myelin::kafka {

inline constexpr Api kDescribeTopicPartitions{
    .key = 75, .name = "DescribeTopicPartitions", .min = 0, .max = 0, .flexible_from = 0};

struct DescribeTopicPartitionsRequest {
  static constexpr const Api& kApi = kDescribeTopicPartitions;
  struct Topic {
    std::string_view name;

    void visit(this auto& self, auto& v) { v.field("name", self.name); }
  };
  struct Cursor {
    std::string_view topic_name;
    std::int32_t partition_index = 0;

    void visit(this auto& self, auto& v) {
      v.field("topic_name", self.topic_name);
      v.field("partition_index", self.partition_index);
    }
  };

  List<Topic> topics;
  std::int32_t response_partition_limit = 2000;
  std::optional<Cursor> cursor;

  void visit(this auto& self, auto& v) {
    v.field("topics", self.topics);
    v.field("response_partition_limit", self.response_partition_limit);
    v.field("cursor", self.cursor);
  }
};

struct DescribeTopicPartitionsResponse {
  static constexpr const Api& kApi = kDescribeTopicPartitions;
  struct Topic {
    struct Partition {
      std::int16_t error_code = 0;
      std::int32_t partition_index = 0;
      std::int32_t leader_id = 0;
      std::int32_t leader_epoch = -1;
      List<std::int32_t> replica_nodes;
      List<std::int32_t> isr_nodes;
      std::optional<List<std::int32_t>> eligible_leader_replicas;
      std::optional<List<std::int32_t>> last_known_elr;
      List<std::int32_t> offline_replicas;

      void visit(this auto& self, auto& v) {
        v.field("error_code", self.error_code);
        v.field("partition_index", self.partition_index);
        v.field("leader_id", self.leader_id);
        v.field("leader_epoch", self.leader_epoch);
        v.field("replica_nodes", self.replica_nodes);
        v.field("isr_nodes", self.isr_nodes);
        v.field("eligible_leader_replicas", self.eligible_leader_replicas);
        v.field("last_known_elr", self.last_known_elr);
        v.field("offline_replicas", self.offline_replicas);
      }
    };

    std::int16_t error_code = 0;
    std::optional<std::string_view> name;
    Uuid topic_id;
    bool is_internal = false;
    List<Partition> partitions;
    std::int32_t topic_authorized_operations = -2147483648;

    void visit(this auto& self, auto& v) {
      v.field("error_code", self.error_code);
      v.field("name", self.name);
      v.field("topic_id", self.topic_id);
      v.field("is_internal", self.is_internal);
      v.field("partitions", self.partitions);
      v.field("topic_authorized_operations", self.topic_authorized_operations);
    }
  };
  struct Cursor {
    std::string_view topic_name;
    std::int32_t partition_index = 0;

    void visit(this auto& self, auto& v) {
      v.field("topic_name", self.topic_name);
      v.field("partition_index", self.partition_index);
    }
  };

  std::int32_t throttle_time_ms = 0;
  List<Topic> topics;
  std::optional<Cursor> next_cursor;

  void visit(this auto& self, auto& v) {
    v.field("throttle_time_ms", self.throttle_time_ms);
    v.field("topics", self.topics);
    v.field("next_cursor", self.next_cursor);
  }
};

}  // namespace myelin::kafka
