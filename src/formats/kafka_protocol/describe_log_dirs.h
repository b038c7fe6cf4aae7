// DescribeLogDirs (35): what partitions take on the disk. KIP-113, KIP-827.
#pragma once

#include "formats/kafka_protocol/message.h"

namespace myelin::kafka {

inline constexpr Api kDescribeLogDirs{
    .key = 35, .name = "DescribeLogDirs", .min = 1, .max = 5, .flexible_from = 2};

struct DescribeLogDirsRequest {
  static constexpr const Api& kApi = kDescribeLogDirs;
  struct Topic {
    std::string_view topic;
    List<std::int32_t> partitions;

    void visit(this auto& self, auto& v) {
      v.field("topic", self.topic);
      v.field("partitions", self.partitions);
    }
  };

  std::optional<List<Topic>> topics;

  void visit(this auto& self, auto& v) { v.field("topics", self.topics); }
};

struct DescribeLogDirsResponse {
  static constexpr const Api& kApi = kDescribeLogDirs;
  struct LogDir {
    struct Topic {
      struct Partition {
        std::int32_t partition_index = 0;
        std::int64_t partition_size = 0;
        std::int64_t offset_lag = 0;
        bool is_future_key = false;

        void visit(this auto& self, auto& v) {
          v.field("partition_index", self.partition_index);
          v.field("partition_size", self.partition_size);
          v.field("offset_lag", self.offset_lag);
          v.field("is_future_key", self.is_future_key);
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
    std::string_view log_dir;
    List<Topic> topics;
    std::int64_t total_bytes = -1;
    std::int64_t usable_bytes = -1;
    bool is_cordoned = false;

    void visit(this auto& self, auto& v) {
      v.field("error_code", self.error_code);
      v.field("log_dir", self.log_dir);
      v.field("topics", self.topics);
      v.field("total_bytes", self.total_bytes, {.from = 4});
      v.field("usable_bytes", self.usable_bytes, {.from = 4});
      v.field("is_cordoned", self.is_cordoned, {.from = 5});
    }
  };

  std::int32_t throttle_time_ms = 0;
  std::int16_t error_code = 0;
  List<LogDir> results;

  void visit(this auto& self, auto& v) {
    v.field("throttle_time_ms", self.throttle_time_ms);
    v.field("error_code", self.error_code, {.from = 3});
    v.field("results", self.results);
  }
};

}  // namespace myelin::kafka
