// SaslHandshake (17): a client names the SASL mechanism that it wants.
#pragma once

#include "formats/kafka_protocol/message.h"

namespace myelin::kafka {

inline constexpr Api kSaslHandshake{
    .key = 17, .name = "SaslHandshake", .min = 0, .max = 1, .flexible_from = kNever};

struct SaslHandshakeRequest {
  static constexpr const Api& kApi = kSaslHandshake;
  std::string_view mechanism;

  void visit(this auto& self, auto& v) { v.field("mechanism", self.mechanism); }
};

struct SaslHandshakeResponse {
  static constexpr const Api& kApi = kSaslHandshake;
  std::int16_t error_code = 0;
  List<std::string_view> mechanisms;

  void visit(this auto& self, auto& v) {
    v.field("error_code", self.error_code);
    v.field("mechanisms", self.mechanisms);
  }
};

}  // namespace myelin::kafka
