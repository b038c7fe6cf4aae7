// SaslAuthenticate (36): a step of a SASL exchange. KIP-152.
#pragma once

#include "formats/kafka_protocol/message.h"

namespace myelin::kafka {

inline constexpr Api kSaslAuthenticate{
    .key = 36, .name = "SaslAuthenticate", .min = 0, .max = 2, .flexible_from = 2};

struct SaslAuthenticateRequest {
  static constexpr const Api& kApi = kSaslAuthenticate;
  Bytes auth_bytes;

  void visit(this auto& self, auto& v) { v.field("auth_bytes", self.auth_bytes); }
};

struct SaslAuthenticateResponse {
  static constexpr const Api& kApi = kSaslAuthenticate;
  std::int16_t error_code = 0;
  std::optional<std::string_view> error_message;
  Bytes auth_bytes;
  std::int64_t session_lifetime_ms = 0;

  void visit(this auto& self, auto& v) {
    v.field("error_code", self.error_code);
    v.field("error_message", self.error_message);
    v.field("auth_bytes", self.auth_bytes);
    v.field("session_lifetime_ms", self.session_lifetime_ms, {.from = 1});
  }
};

}  // namespace myelin::kafka
