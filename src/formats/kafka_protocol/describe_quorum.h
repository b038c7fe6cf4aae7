// DescribeQuorum (55): state of the metadata quorum. KIP-595.
#pragma once

#include "formats/kafka_protocol/message.h"

namespace myelin::kafka {

inline constexpr Api kDescribeQuorum{
    .key = 55, .name = "DescribeQuorum", .min = 0, .max = 2, .flexible_from = 0};

struct DescribeQuorumRequest {
  static constexpr const Api& kApi = kDescribeQuorum;
  struct Topic {
    struct Partition {
      std::int32_t partition_index = 0;

      void visit(this auto& self, auto& v) { v.field("partition_index", self.partition_index); }
    };

    std::string_view topic_name;
    List<Partition> partitions;

    void visit(this auto& self, auto& v) {
      v.field("topic_name", self.topic_name);
      v.field("partitions", self.partitions);
    }
  };

  List<Topic> topics;

  void visit(this auto& self, auto& v) { v.field("topics", self.topics); }
};

struct DescribeQuorumResponse {
  static constexpr const Api& kApi = kDescribeQuorum;
  struct ReplicaState {
    std::int32_t replica_id = 0;
    Uuid replica_directory_id;
    std::int64_t log_end_offset = 0;
    std::int64_t last_fetch_timestamp = -1;
    std::int64_t last_caught_up_timestamp = -1;

    void visit(this auto& self, auto& v) {
      v.field("replica_id", self.replica_id);
      v.field("replica_directory_id", self.replica_directory_id, {.from = 2});
      v.field("log_end_offset", self.log_end_offset);
      v.field("last_fetch_timestamp", self.last_fetch_timestamp, {.from = 1});
      v.field("last_caught_up_timestamp", self.last_caught_up_timestamp, {.from = 1});
    }
  };
  struct Topic {
    struct Partition {
      std::int32_t partition_index = 0;
      std::int16_t error_code = 0;
      std::optional<std::string_view> error_message;
      std::int32_t leader_id = 0;
      std::int32_t leader_epoch = 0;
      std::int64_t high_watermark = 0;
      List<ReplicaState> current_voters;
      List<ReplicaState> observers;

      void visit(this auto& self, auto& v) {
        v.field("partition_index", self.partition_index);
        v.field("error_code", self.error_code);
        v.field("error_message", self.error_message, {.from = 2});
        v.field("leader_id", self.leader_id);
        v.field("leader_epoch", self.leader_epoch);
        v.field("high_watermark", self.high_watermark);
        v.field("current_voters", self.current_voters);
        v.field("observers", self.observers);
      }
    };

    std::string_view topic_name;
    List<Partition> partitions;

    void visit(this auto& self, auto& v) {
      v.field("topic_name", self.topic_name);
      v.field("partitions", self.partitions);
    }
  };
  struct Node {
    struct Listener {
      std::string_view name;
      std::string_view host;
      std::uint16_t port = 0;

      void visit(this auto& self, auto& v) {
        v.field("name", self.name);
        v.field("host", self.host);
        v.field("port", self.port);
      }
    };

    std::int32_t node_id = 0;
    List<Listener> listeners;

    void visit(this auto& self, auto& v) {
      v.field("node_id", self.node_id);
      v.field("listeners", self.listeners);
    }
  };

  std::int16_t error_code = 0;
  std::optional<std::string_view> error_message;
  List<Topic> topics;
  List<Node> nodes;

  void visit(this auto& self, auto& v) {
    v.field("error_code", self.error_code);
    v.field("error_message", self.error_message, {.from = 2});
    v.field("topics", self.topics);
    v.field("nodes", self.nodes, {.from = 2});
  }
};

}  // namespace myelin::kafka
