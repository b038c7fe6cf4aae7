// DescribeCluster (60): id, controller and brokers of the cluster. KIP-700.
#pragma once

#include "formats/kafka_protocol/message.h"

namespace myelin::kafka {

inline constexpr Api kDescribeCluster{
    .key = 60, .name = "DescribeCluster", .min = 0, .max = 2, .flexible_from = 0};

struct DescribeClusterRequest {
  static constexpr const Api& kApi = kDescribeCluster;
  bool include_cluster_authorized_operations = false;
  std::int8_t endpoint_type = 1;
  bool include_fenced_brokers = false;

  void visit(this auto& self, auto& v) {
    v.field("include_cluster_authorized_operations", self.include_cluster_authorized_operations);
    v.field("endpoint_type", self.endpoint_type, {.from = 1});
    v.field("include_fenced_brokers", self.include_fenced_brokers, {.from = 2});
  }
};

struct DescribeClusterResponse {
  static constexpr const Api& kApi = kDescribeCluster;
  struct Broker {
    std::int32_t broker_id = 0;
    std::string_view host;
    std::int32_t port = 0;
    std::optional<std::string_view> rack;
    bool is_fenced = false;

    void visit(this auto& self, auto& v) {
      v.field("broker_id", self.broker_id);
      v.field("host", self.host);
      v.field("port", self.port);
      v.field("rack", self.rack);
      v.field("is_fenced", self.is_fenced, {.from = 2});
    }
  };

  std::int32_t throttle_time_ms = 0;
  std::int16_t error_code = 0;
  std::optional<std::string_view> error_message;
  std::int8_t endpoint_type = 1;
  std::string_view cluster_id;
  std::int32_t controller_id = -1;
  List<Broker> brokers;
  std::int32_t cluster_authorized_operations = -2147483648;

  void visit(this auto& self, auto& v) {
    v.field("throttle_time_ms", self.throttle_time_ms);
    v.field("error_code", self.error_code);
    v.field("error_message", self.error_message);
    v.field("endpoint_type", self.endpoint_type, {.from = 1});
    v.field("cluster_id", self.cluster_id);
    v.field("controller_id", self.controller_id);
    v.field("brokers", self.brokers);
    v.field("cluster_authorized_operations", self.cluster_authorized_operations);
  }
};

}  // namespace myelin::kafka
