// DescribeProducers (61): producers that are active on partitions. KIP-664.
#pragma once

#include "formats/kafka_protocol/message.h"

namespace myelin::kafka {

inline constexpr Api kDescribeProducers{
    .key = 61, .name = "DescribeProducers", .min = 0, .max = 0, .flexible_from = 0};

struct DescribeProducersRequest {
  static constexpr const Api& kApi = kDescribeProducers;
  struct Topic {
    std::string_view name;
    List<std::int32_t> partition_indexes;

    void visit(this auto& self, auto& v) {
      v.field("name", self.name);
      v.field("partition_indexes", self.partition_indexes);
    }
  };

  List<Topic> topics;

  void visit(this auto& self, auto& v) { v.field("topics", self.topics); }
};

struct DescribeProducersResponse {
  static constexpr const Api& kApi = kDescribeProducers;
  struct Topic {
    struct Partition {
      struct ProducerState {
        std::int64_t producer_id = 0;
        std::int32_t producer_epoch = 0;
        std::int32_t last_sequence = -1;
        std::int64_t last_timestamp = -1;
        std::int32_t coordinator_epoch = 0;
        std::int64_t current_txn_start_offset = -1;

        void visit(this auto& self, auto& v) {
          v.field("producer_id", self.producer_id);
          v.field("producer_epoch", self.producer_epoch);
          v.field("last_sequence", self.last_sequence);
          v.field("last_timestamp", self.last_timestamp);
          v.field("coordinator_epoch", self.coordinator_epoch);
          v.field("current_txn_start_offset", self.current_txn_start_offset);
        }
      };

      std::int32_t partition_index = 0;
      std::int16_t error_code = 0;
      std::optional<std::string_view> error_message;
      List<ProducerState> active_producers;

      void visit(this auto& self, auto& v) {
        v.field("partition_index", self.partition_index);
        v.field("error_code", self.error_code);
        v.field("error_message", self.error_message);
        v.field("active_producers", self.active_producers);
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
