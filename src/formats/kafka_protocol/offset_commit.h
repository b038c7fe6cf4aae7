// OffsetCommit (8): a consumer group's positions are stored.
#pragma once

#include "formats/kafka_protocol/message.h"

namespace myelin::kafka {

inline constexpr Api kOffsetCommit{
    .key = 8, .name = "OffsetCommit", .min = 2, .max = 10, .flexible_from = 8};

struct OffsetCommitRequest {
  static constexpr const Api& kApi = kOffsetCommit;
  struct Topic {
    struct Partition {
      std::int32_t partition_index = 0;
      std::int64_t committed_offset = 0;
      std::int32_t committed_leader_epoch = -1;
      std::optional<std::string_view> committed_metadata;

      void visit(this auto& self, auto& v) {
        v.field("partition_index", self.partition_index);
        v.field("committed_offset", self.committed_offset);
        v.field("committed_leader_epoch", self.committed_leader_epoch, {.from = 6});
        v.field("committed_metadata", self.committed_metadata);
      }
    };

    std::string_view name;
    Uuid topic_id;
    List<Partition> partitions;

    void visit(this auto& self, auto& v) {
      v.field("name", self.name, {.to = 9});
      v.field("topic_id", self.topic_id, {.from = 10});
      v.field("partitions", self.partitions);
    }
  };

  std::string_view group_id;
  std::int32_t generation_id_or_member_epoch = -1;
  std::string_view member_id;
  std::optional<std::string_view> group_instance_id;
  std::int64_t retention_time_ms = -1;
  List<Topic> topics;

  void visit(this auto& self, auto& v) {
    v.field("group_id", self.group_id);
    v.field("generation_id_or_member_epoch", self.generation_id_or_member_epoch);
    v.field("member_id", self.member_id);
    v.field("group_instance_id", self.group_instance_id, {.from = 7});
    v.field("retention_time_ms", self.retention_time_ms, {.to = 4});
    v.field("topics", self.topics);
  }
};

struct OffsetCommitResponse {
  static constexpr const Api& kApi = kOffsetCommit;
  struct Topic {
    struct Partition {
      std::int32_t partition_index = 0;
      std::int16_t error_code = 0;

      void visit(this auto& self, auto& v) {
        v.field("partition_index", self.partition_index);
        v.field("error_code", self.error_code);
      }
    };

    std::string_view name;
    Uuid topic_id;
    List<Partition> partitions;

    void visit(this auto& self, auto& v) {
      v.field("name", self.name, {.to = 9});
      v.field("topic_id", self.topic_id, {.from = 10});
      v.field("partitions", self.partitions);
    }
  };

  std::int32_t throttle_time_ms = 0;
  List<Topic> topics;

  void visit(this auto& self, auto& v) {
    v.field("throttle_time_ms", self.throttle_time_ms, {.from = 3});
    v.field("topics", self.topics);
  }
};

}  // namespace myelin::kafka
