// Fetch (1): record batches of partitions from given offsets on; waits for some to come. KIP-74,
// KIP-227, KIP-320, KIP-516.
#pragma once

#include <limits>

#include "formats/kafka_protocol/message.h"

namespace myelin::kafka {

inline constexpr Api kFetch{.key = 1, .name = "Fetch", .min = 4, .max = 18, .flexible_from = 12};

struct FetchRequest {
  static constexpr const Api& kApi = kFetch;
  struct ReplicaState {
    std::int32_t replica_id = -1;
    std::int64_t replica_epoch = -1;

    void visit(this auto& self, auto& v) {
      v.field("replica_id", self.replica_id);
      v.field("replica_epoch", self.replica_epoch);
    }
    friend bool operator==(const ReplicaState&, const ReplicaState&) = default;
  };
  struct Topic {
    struct Partition {
      static constexpr bool kHasTags = true;
      std::int32_t partition = 0;
      std::int32_t current_leader_epoch = -1;
      std::int64_t fetch_offset = 0;
      std::int32_t last_fetched_epoch = -1;
      std::int64_t log_start_offset = -1;
      std::int32_t partition_max_bytes = 0;
      Uuid replica_directory_id;
      std::int64_t high_watermark = std::numeric_limits<std::int64_t>::max();

      void visit(this auto& self, auto& v) {
        v.field("partition", self.partition);
        v.field("current_leader_epoch", self.current_leader_epoch, {.from = 9});
        v.field("fetch_offset", self.fetch_offset);
        v.field("last_fetched_epoch", self.last_fetched_epoch, {.from = 12});
        v.field("log_start_offset", self.log_start_offset, {.from = 5});
        v.field("partition_max_bytes", self.partition_max_bytes);
        v.field("replica_directory_id", self.replica_directory_id, {.from = 17, .tag = 0});
        v.field("high_watermark", self.high_watermark,
                {.from = 18, .tag = 1, .left_out = std::numeric_limits<std::int64_t>::max()});
      }
    };

    std::string_view topic;
    Uuid topic_id;
    List<Partition> partitions;

    void visit(this auto& self, auto& v) {
      v.field("topic", self.topic, {.to = 12});
      v.field("topic_id", self.topic_id, {.from = 13});
      v.field("partitions", self.partitions);
    }
  };
  struct ForgottenTopic {
    std::string_view topic;
    Uuid topic_id;
    List<std::int32_t> partitions;

    void visit(this auto& self, auto& v) {
      v.field("topic", self.topic, {.to = 12});
      v.field("topic_id", self.topic_id, {.from = 13});
      v.field("partitions", self.partitions);
    }
  };

  static constexpr bool kHasTags = true;
  std::optional<std::string_view> cluster_id;
  std::int32_t replica_id = -1;
  ReplicaState replica_state;
  std::int32_t max_wait_ms = 0;
  std::int32_t min_bytes = 0;
  std::int32_t max_bytes = std::numeric_limits<std::int32_t>::max();
  std::int8_t isolation_level = 0;
  std::int32_t session_id = 0;
  std::int32_t session_epoch = -1;
  List<Topic> topics;
  List<ForgottenTopic> forgotten_topics_data;
  std::string_view rack_id;

  void visit(this auto& self, auto& v) {
    v.field("replica_id", self.replica_id, {.to = 14});
    v.field("max_wait_ms", self.max_wait_ms);
    v.field("min_bytes", self.min_bytes);
    v.field("max_bytes", self.max_bytes);
    v.field("isolation_level", self.isolation_level);
    v.field("session_id", self.session_id, {.from = 7});
    v.field("session_epoch", self.session_epoch, {.from = 7});
    v.field("topics", self.topics);
    v.field("forgotten_topics_data", self.forgotten_topics_data, {.from = 7});
    v.field("rack_id", self.rack_id, {.from = 11});
    v.field("cluster_id", self.cluster_id, {.from = 12, .tag = 0});
    v.field("replica_state", self.replica_state, {.from = 15, .tag = 1});
  }
};

struct FetchResponse {
  static constexpr const Api& kApi = kFetch;
  struct Topic {
    struct Partition {
      struct EpochEndOffset {
        std::int32_t epoch = -1;
        std::int64_t end_offset = -1;

        void visit(this auto& self, auto& v) {
          v.field("epoch", self.epoch);
          v.field("end_offset", self.end_offset);
        }
        friend bool operator==(const EpochEndOffset&, const EpochEndOffset&) = default;
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
      struct SnapshotId {
        std::int64_t end_offset = -1;
        std::int32_t epoch = -1;

        void visit(this auto& self, auto& v) {
          v.field("end_offset", self.end_offset);
          v.field("epoch", self.epoch);
        }
        friend bool operator==(const SnapshotId&, const SnapshotId&) = default;
      };
      struct AbortedTransaction {
        std::int64_t producer_id = 0;
        std::int64_t first_offset = 0;

        void visit(this auto& self, auto& v) {
          v.field("producer_id", self.producer_id);
          v.field("first_offset", self.first_offset);
        }
      };

      static constexpr bool kHasTags = true;
      std::int32_t partition_index = 0;
      std::int16_t error_code = 0;
      std::int64_t high_watermark = 0;
      std::int64_t last_stable_offset = -1;
      std::int64_t log_start_offset = -1;
      EpochEndOffset diverging_epoch;
      LeaderIdAndEpoch current_leader;
      SnapshotId snapshot_id;
      std::optional<List<AbortedTransaction>> aborted_transactions;
      std::int32_t preferred_read_replica = -1;
      Records records;

      void visit(this auto& self, auto& v) {
        v.field("partition_index", self.partition_index);
        v.field("error_code", self.error_code);
        v.field("high_watermark", self.high_watermark);
        v.field("last_stable_offset", self.last_stable_offset);
        v.field("log_start_offset", self.log_start_offset, {.from = 5});
        v.field("aborted_transactions", self.aborted_transactions);
        v.field("preferred_read_replica", self.preferred_read_replica, {.from = 11});
        v.field("records", self.records);
        v.field("diverging_epoch", self.diverging_epoch, {.from = 12, .tag = 0});
        v.field("current_leader", self.current_leader, {.from = 12, .tag = 1});
        v.field("snapshot_id", self.snapshot_id, {.from = 12, .tag = 2});
      }
    };

    std::string_view topic;
    Uuid topic_id;
    List<Partition> partitions;

    void visit(this auto& self, auto& v) {
      v.field("topic", self.topic, {.to = 12});
      v.field("topic_id", self.topic_id, {.from = 13});
      v.field("partitions", self.partitions);
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
  std::int32_t throttle_time_ms = 0;
  std::int16_t error_code = 0;
  std::int32_t session_id = 0;
  List<Topic> responses;
  List<NodeEndpoint> node_endpoints;

  void visit(this auto& self, auto& v) {
    v.field("throttle_time_ms", self.throttle_time_ms);
    v.field("error_code", self.error_code, {.from = 7});
    v.field("session_id", self.session_id, {.from = 7});
    v.field("responses", self.responses);
    v.field("node_endpoints", self.node_endpoints, {.from = 16, .tag = 0});
  }
};

}  // namespace myelin::kafka
