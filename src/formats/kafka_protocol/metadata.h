// Metadata (3): brokers, topics and their partitions.
#pragma once

#include "formats/kafka_protocol/message.h"

namespace myelin::kafka {

inline constexpr Api kMetadata{
    .key = 3, .name = "Metadata", .min = 0, .max = 13, .flexible_from = 9};

struct MetadataRequest {
  static constexpr const Api& kApi = kMetadata;
  struct Topic {
    Uuid topic_id;
    std::optional<std::string_view> name;

    void visit(this auto& self, auto& v) {
      v.field("topic_id", self.topic_id, {.from = 10});
      v.field("name", self.name, {.nullable_from = 10});
    }
  };

  std::optional<List<Topic>> topics;
  bool allow_auto_topic_creation = true;
  bool include_cluster_authorized_operations = false;
  bool include_topic_authorized_operations = false;

  void visit(this auto& self, auto& v) {
    v.field("topics", self.topics, {.nullable_from = 1});
    v.field("allow_auto_topic_creation", self.allow_auto_topic_creation, {.from = 4});
    v.field("include_cluster_authorized_operations", self.include_cluster_authorized_operations,
            {.from = 8, .to = 10});
    v.field("include_topic_authorized_operations", self.include_topic_authorized_operations,
            {.from = 8});
  }
};

struct MetadataResponse {
  static constexpr const Api& kApi = kMetadata;
  struct Broker {
    std::int32_t node_id = 0;
    std::string_view host;
    std::int32_t port = 0;
    std::optional<std::string_view> rack;

    void visit(this auto& self, auto& v) {
      v.field("node_id", self.node_id);
      v.field("host", self.host);
      v.field("port", self.port);
      v.field("rack", self.rack, {.from = 1});
    }
  };
  struct Topic {
    struct Partition {
      std::int16_t error_code = 0;
      std::int32_t partition_index = 0;
      std::int32_t leader_id = 0;
      std::int32_t leader_epoch = -1;
      List<std::int32_t> replica_nodes;
      List<std::int32_t> isr_nodes;
      List<std::int32_t> offline_replicas;

      void visit(this auto& self, auto& v) {
        v.field("error_code", self.error_code);
        v.field("partition_index", self.partition_index);
        v.field("leader_id", self.leader_id);
        v.field("leader_epoch", self.leader_epoch, {.from = 7});
        v.field("replica_nodes", self.replica_nodes);
        v.field("isr_nodes", self.isr_nodes);
        v.field("offline_replicas", self.offline_replicas, {.from = 5});
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
      v.field("name", self.name, {.nullable_from = 12});
      v.field("topic_id", self.topic_id, {.from = 10});
      v.field("is_internal", self.is_internal, {.from = 1});
      v.field("partitions", self.partitions);
      v.field("topic_authorized_operations", self.topic_authorized_operations, {.from = 8});
    }
  };

  std::int32_t throttle_time_ms = 0;
  List<Broker> brokers;
  std::optional<std::string_view> cluster_id;
  std::int32_t controller_id = -1;
  List<Topic> topics;
  std::int32_t cluster_authorized_operations = -2147483648;
  std::int16_t error_code = 0;

  void visit(this auto& self, auto& v) {
    v.field("throttle_time_ms", self.throttle_time_ms, {.from = 3});
    v.field("brokers", self.brokers);
    v.field("cluster_id", self.cluster_id, {.from = 2});
    v.field("controller_id", self.controller_id, {.from = 1});
    v.field("topics", self.topics);
    v.field("cluster_authorized_operations", self.cluster_authorized_operations,
            {.from = 8, .to = 10});
    v.field("error_code", self.error_code, {.from = 13});
  }
};

}  // namespace myelin::kafka
