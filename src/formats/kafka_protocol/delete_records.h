// DeleteRecords (21): the records of a partition below an offset go. KIP-107.
#pragma once

#include "formats/kafka_protocol/message.h"

namespace myelin::kafka {

inline constexpr Api kDeleteRecords{
    .key = 21, .name = "DeleteRecords", .min = 0, .max = 2, .flexible_from = 2};

struct DeleteRecordsRequest {
  static constexpr const Api& kApi = kDeleteRecords;
  struct Topic {
    struct Partition {
      std::int32_t partition_index = 0;
      std::int64_t offset = 0;

      void visit(this auto& self, auto& v) {
        v.field("partition_index", self.partition_index);
        v.field("offset", self.offset);
      }
    };

    std::string_view name;
    List<Partition> partitions;

    void visit(this auto& self, auto& v) {
      v.field("name", self.name);
      v.field("partitions", self.partitions);
    }
  };

  List<Topic> topics;
  std::int32_t timeout_ms = 0;

  void visit(this auto& self, auto& v) {
    v.field("topics", self.topics);
    v.field("timeout_ms", self.timeout_ms);
  }
};

struct DeleteRecordsResponse {
  static constexpr const Api& kApi = kDeleteRecords;
  struct Topic {
    struct Partition {
      std::int32_t partition_index = 0;
      std::int64_t low_watermark = 0;
      std::int16_t error_code = 0;

      void visit(this auto& self, auto& v) {
        v.field("partition_index", self.partition_index);
        v.field("low_watermark", self.low_watermark);
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

  std::int32_t throttle_time_ms = 0;
  List<Topic> topics;

  void visit(this auto& self, auto& v) {
    v.field("throttle_time_ms", self.throttle_time_ms);
    v.field("topics", self.topics);
  }
};

}  // namespace myelin::kafka
