// OffsetFetch (9): a consumer group's stored positions. KIP-709.
#pragma once

#include "formats/kafka_protocol/message.h"

namespace myelin::kafka {

inline constexpr Api kOffsetFetch{
    .key = 9, .name = "OffsetFetch", .min = 1, .max = 10, .flexible_from = 6};

struct OffsetFetchRequest {
  static constexpr const Api& kApi = kOffsetFetch;
  struct Topic {
    std::string_view name;
    List<std::int32_t> partition_indexes;

    void visit(this auto& self, auto& v) {
      v.field("name", self.name);
      v.field("partition_indexes", self.partition_indexes);
    }
  };
  struct Group {
    struct GroupTopic {
      std::string_view name;
      Uuid topic_id;
      List<std::int32_t> partition_indexes;

      void visit(this auto& self, auto& v) {
        v.field("name", self.name, {.to = 9});
        v.field("topic_id", self.topic_id, {.from = 10});
        v.field("partition_indexes", self.partition_indexes);
      }
    };

    std::string_view group_id;
    std::optional<std::string_view> member_id;
    std::int32_t member_epoch = -1;
    std::optional<List<GroupTopic>> topics;

    void visit(this auto& self, auto& v) {
      v.field("group_id", self.group_id);
      v.field("member_id", self.member_id, {.from = 9});
      v.field("member_epoch", self.member_epoch, {.from = 9});
      v.field("topics", self.topics);
    }
  };

  std::string_view group_id;
  std::optional<List<Topic>> topics;
  List<Group> groups;
  bool require_stable = false;

  void visit(this auto& self, auto& v) {
    v.field("group_id", self.group_id, {.to = 7});
    v.field("topics", self.topics, {.to = 7, .nullable_from = 2});
    v.field("groups", self.groups, {.from = 8});
    v.field("require_stable", self.require_stable, {.from = 7});
  }
};

struct OffsetFetchResponse {
  static constexpr const Api& kApi = kOffsetFetch;
  struct Topic {
    struct Partition {
      std::int32_t partition_index = 0;
      std::int64_t committed_offset = 0;
      std::int32_t committed_leader_epoch = -1;
      std::optional<std::string_view> metadata;
      std::int16_t error_code = 0;

      void visit(this auto& self, auto& v) {
        v.field("partition_index", self.partition_index);
        v.field("committed_offset", self.committed_offset);
        v.field("committed_leader_epoch", self.committed_leader_epoch, {.from = 5});
        v.field("metadata", self.metadata);
        v.field("error_code", self.error_code);
      }
    };

    std::string_view name;
    List<Partition> partitions;

    void visit(this auto& self, auto& v) {
      v.field("name", self.name);
      v.field("partitions", self.partitions);
    }
  };
  struct Group {
    struct GroupTopic {
      struct Partition {
        std::int32_t partition_index = 0;
        std::int64_t committed_offset = 0;
        std::int32_t committed_leader_epoch = -1;
        std::optional<std::string_view> metadata;
        std::int16_t error_code = 0;

        void visit(this auto& self, auto& v) {
          v.field("partition_index", self.partition_index);
          v.field("committed_offset", self.committed_offset);
          v.field("committed_leader_epoch", self.committed_leader_epoch);
          v.field("metadata", self.metadata);
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

    std::string_view group_id;
    List<GroupTopic> topics;
    std::int16_t error_code = 0;

    void visit(this auto& self, auto& v) {
      v.field("group_id", self.group_id);
      v.field("topics", self.topics);
      v.field("error_code", self.error_code);
    }
  };

  std::int32_t throttle_time_ms = 0;
  List<Topic> topics;
  std::int16_t error_code = 0;
  List<Group> groups;

  void visit(this auto& self, auto& v) {
    v.field("throttle_time_ms", self.throttle_time_ms, {.from = 3});
    v.field("topics", self.topics, {.to = 7});
    v.field("error_code", self.error_code, {.from = 2, .to = 7});
    v.field("groups", self.groups, {.from = 8});
  }
};

}  // namespace myelin::kafka
