// OffsetDelete (47): stored positions of a group are deleted. KIP-496.
#pragma once

#include "formats/kafka_protocol/message.h"

namespace myelin::kafka {

inline constexpr Api kOffsetDelete{
    .key = 47, .name = "OffsetDelete", .min = 0, .max = 0, .flexible_from = kNever};

struct OffsetDeleteRequest {
  static constexpr const Api& kApi = kOffsetDelete;
  struct Topic {
    struct Partition {
      std::int32_t partition_index = 0;

      void visit(this auto& self, auto& v) { v.field("partition_index", self.partition_index); }
    };

    std::string_view name;
    List<Partition> partitions;

    void visit(this auto& self, auto& v) {
      v.field("name", self.name);
      v.field("partitions", self.partitions);
    }
  };

  std::string_view group_id;
  List<Topic> topics;

  void visit(this auto& self, auto& v) {
    v.field("group_id", self.group_id);
    v.field("topics", self.topics);
  }
};

struct OffsetDeleteResponse {
  static constexpr const Api& kApi = kOffsetDelete;
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
    List<Partition> partitions;

    void visit(this auto& self, auto& v) {
      v.field("name", self.name);
      v.field("partitions", self.partitions);
    }
  };

  std::int16_t error_code = 0;
  std::int32_t throttle_time_ms = 0;
  List<Topic> topics;

  void visit(this auto& self, auto& v) {
    v.field("error_code", self.error_code);
    v.field("throttle_time_ms", self.throttle_time_ms);
    v.field("topics", self.topics);
  }
};

}  // namespace myelin::kafka
