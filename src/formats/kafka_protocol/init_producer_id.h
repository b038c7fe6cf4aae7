// InitProducerId (22): a producer gets its id and epoch. KIP-98, KIP-360.
#pragma once

#include "formats/kafka_protocol/message.h"

namespace myelin::kafka {

inline constexpr Api kInitProducerId{
    .key = 22, .name = "InitProducerId", .min = 0, .max = 5, .flexible_from = 2};

struct InitProducerIdRequest {
  static constexpr const Api& kApi = kInitProducerId;
  std::optional<std::string_view> transactional_id;
  std::int32_t transaction_timeout_ms = 0;
  std::int64_t producer_id = -1;
  std::int16_t producer_epoch = -1;

  void visit(this auto& self, auto& v) {
    v.field("transactional_id", self.transactional_id);
    v.field("transaction_timeout_ms", self.transaction_timeout_ms);
    v.field("producer_id", self.producer_id, {.from = 3});
    v.field("producer_epoch", self.producer_epoch, {.from = 3});
  }
};

struct InitProducerIdResponse {
  static constexpr const Api& kApi = kInitProducerId;
  std::int32_t throttle_time_ms = 0;
  std::int16_t error_code = 0;
  std::int64_t producer_id = -1;
  std::int16_t producer_epoch = 0;

  void visit(this auto& self, auto& v) {
    v.field("throttle_time_ms", self.throttle_time_ms);
    v.field("error_code", self.error_code);
    v.field("producer_id", self.producer_id);
    v.field("producer_epoch", self.producer_epoch);
  }
};

}  // namespace myelin::kafka
