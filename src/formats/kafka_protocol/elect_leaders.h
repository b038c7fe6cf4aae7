// ElectLeaders (43): leaders of partitions are elected. KIP-460.
#pragma once

#include "formats/kafka_protocol/message.h"

namespace myelin::kafka {

inline constexpr Api kElectLeaders{
    .key = 43, .name = "ElectLeaders", .min = 0, .max = 2, .flexible_from = 2};

struct ElectLeadersRequest {
  static constexpr const Api& kApi = kElectLeaders;
  struct Topic {
    std::string_view topic;
    List<std::int32_t> partitions;

    void visit(this auto& self, auto& v) {
      v.field("topic", self.topic);
      v.field("partitions", self.partitions);
    }
  };

  std::int8_t election_type = 0;
  std::optional<List<Topic>> topic_partitions;
  std::int32_t timeout_ms = 60000;

  void visit(this auto& self, auto& v) {
    v.field("election_type", self.election_type, {.from = 1});
    v.field("topic_partitions", self.topic_partitions);
    v.field("timeout_ms", self.timeout_ms);
  }
};

struct ElectLeadersResponse {
  static constexpr const Api& kApi = kElectLeaders;
  struct Topic {
    struct Partition {
      std::int32_t partition_id = 0;
      std::int16_t error_code = 0;
      std::optional<std::string_view> error_message;

      void visit(this auto& self, auto& v) {
        v.field("partition_id", self.partition_id);
        v.field("error_code", self.error_code);
        v.field("error_message", self.error_message);
      }
    };

    std::string_view topic;
    List<Partition> partition_result;

    void visit(this auto& self, auto& v) {
      v.field("topic", self.topic);
      v.field("partition_result", self.partition_result);
    }
  };

  std::int32_t throttle_time_ms = 0;
  std::int16_t error_code = 0;
  List<Topic> replica_election_results;

  void visit(this auto& self, auto& v) {
    v.field("throttle_time_ms", self.throttle_time_ms);
    v.field("error_code", self.error_code, {.from = 1});
    v.field("replica_election_results", self.replica_election_results);
  }
};

}  // namespace myelin::kafka
