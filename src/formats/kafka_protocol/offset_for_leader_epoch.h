// OffsetForLeaderEpoch (23): where an epoch of a partition ends. KIP-101, KIP-320.
#pragma once

#include "formats/kafka_protocol/message.h"

namespace myelin::kafka {

inline constexpr Api kOffsetForLeaderEpoch{
    .key = 23, .name = "OffsetForLeaderEpoch", .min = 2, .max = 4, .flexible_from = 4};

struct OffsetForLeaderEpochRequest {
  static constexpr const Api& kApi = kOffsetForLeaderEpoch;
  struct Topic {
    struct Partition {
      std::int32_t partition = 0;
      std::int32_t current_leader_epoch = -1;
      std::int32_t leader_epoch = 0;

      void visit(this auto& self, auto& v) {
        v.field("partition", self.partition);
        v.field("current_leader_epoch", self.current_leader_epoch);
        v.field("leader_epoch", self.leader_epoch);
      }
    };

    std::string_view topic;
    List<Partition> partitions;

    void visit(this auto& self, auto& v) {
      v.field("topic", self.topic);
      v.field("partitions", self.partitions);
    }
  };

  std::int32_t replica_id = -2;
  List<Topic> topics;

  void visit(this auto& self, auto& v) {
    v.field("replica_id", self.replica_id, {.from = 3});
    v.field("topics", self.topics);
  }
};

struct OffsetForLeaderEpochResponse {
  static constexpr const Api& kApi = kOffsetForLeaderEpoch;
  struct Topic {
    struct EpochEndOffset {
      std::int16_t error_code = 0;
      std::int32_t partition = 0;
      std::int32_t leader_epoch = -1;
      std::int64_t end_offset = -1;

      void visit(this auto& self, auto& v) {
        v.field("error_code", self.error_code);
        v.field("partition", self.partition);
        v.field("leader_epoch", self.leader_epoch);
        v.field("end_offset", self.end_offset);
      }
    };

    std::string_view topic;
    List<EpochEndOffset> partitions;

    void visit(this auto& self, auto& v) {
      v.field("topic", self.topic);
      v.field("partitions", self.partitions);
    }
  };

  std::int32_t throttle_time_ms = 0;
  List<Topic> topics;

  void visit(this auto& self, auto& v) {
    v.field("throttle_time_ms", self.throttle_time_ms);
    v.field("topics", self.topics);
  }
};

}  // namespace myelin::kafka
