// ListOffsets (2): offsets by timestamp, and the first and last ones. KIP-79.
#pragma once

#include "formats/kafka_protocol/message.h"

namespace myelin::kafka {

inline constexpr Api kListOffsets{
    .key = 2, .name = "ListOffsets", .min = 1, .max = 11, .flexible_from = 6};

struct ListOffsetsRequest {
  static constexpr const Api& kApi = kListOffsets;
  struct Topic {
    struct Partition {
      std::int32_t partition_index = 0;
      std::int32_t current_leader_epoch = -1;
      std::int64_t timestamp = 0;

      void visit(this auto& self, auto& v) {
        v.field("partition_index", self.partition_index);
        v.field("current_leader_epoch", self.current_leader_epoch, {.from = 4});
        v.field("timestamp", self.timestamp);
      }
    };

    std::string_view name;
    List<Partition> partitions;

    void visit(this auto& self, auto& v) {
      v.field("name", self.name);
      v.field("partitions", self.partitions);
    }
  };

  std::int32_t replica_id = 0;
  std::int8_t isolation_level = 0;
  List<Topic> topics;
  std::int32_t timeout_ms = 0;

  void visit(this auto& self, auto& v) {
    v.field("replica_id", self.replica_id);
    v.field("isolation_level", self.isolation_level, {.from = 2});
    v.field("topics", self.topics);
    v.field("timeout_ms", self.timeout_ms, {.from = 10});
  }
};

struct ListOffsetsResponse {
  static constexpr const Api& kApi = kListOffsets;
  struct Topic {
    struct Partition {
      std::int32_t partition_index = 0;
      std::int16_t error_code = 0;
      std::int64_t timestamp = -1;
      std::int64_t offset = -1;
      std::int32_t leader_epoch = -1;

      void visit(this auto& self, auto& v) {
        v.field("partition_index", self.partition_index);
        v.field("error_code", self.error_code);
        v.field("timestamp", self.timestamp);
        v.field("offset", self.offset);
        v.field("leader_epoch", self.leader_epoch, {.from = 4});
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
  List<Topic> topics;

  void visit(this auto& self, auto& v) {
    v.field("throttle_time_ms", self.throttle_time_ms, {.from = 2});
    v.field("topics", self.topics);
  }
};

}  // namespace myelin::kafka
