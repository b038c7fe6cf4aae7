// ApiVersions (18): which requests a broker understands, in which versions. KIP-511, KIP-584.
#pragma once

#include "formats/kafka_protocol/message.h"

namespace myelin::kafka {

inline constexpr Api kApiVersions{
    .key = 18, .name = "ApiVersions", .min = 0, .max = 4, .flexible_from = 3};

struct ApiVersionsRequest {
  static constexpr const Api& kApi = kApiVersions;
  std::string_view client_software_name;
  std::string_view client_software_version;

  void visit(this auto& self, auto& v) {
    v.field("client_software_name", self.client_software_name, {.from = 3});
    v.field("client_software_version", self.client_software_version, {.from = 3});
  }
};

struct ApiVersionsResponse {
  static constexpr const Api& kApi = kApiVersions;
  struct ApiVersion {
    std::int16_t api_key = 0;
    std::int16_t min_version = 0;
    std::int16_t max_version = 0;

    void visit(this auto& self, auto& v) {
      v.field("api_key", self.api_key);
      v.field("min_version", self.min_version);
      v.field("max_version", self.max_version);
    }
  };
  struct SupportedFeature {
    std::string_view name;
    std::int16_t min_version = 0;
    std::int16_t max_version = 0;

    void visit(this auto& self, auto& v) {
      v.field("name", self.name);
      v.field("min_version", self.min_version);
      v.field("max_version", self.max_version);
    }
  };
  struct FinalizedFeature {
    std::string_view name;
    std::int16_t max_version_level = 0;
    std::int16_t min_version_level = 0;

    void visit(this auto& self, auto& v) {
      v.field("name", self.name);
      v.field("max_version_level", self.max_version_level);
      v.field("min_version_level", self.min_version_level);
    }
  };

  static constexpr bool kHasTags = true;
  std::int16_t error_code = 0;
  List<ApiVersion> api_keys;
  std::int32_t throttle_time_ms = 0;
  List<SupportedFeature> supported_features;
  std::int64_t finalized_features_epoch = -1;
  List<FinalizedFeature> finalized_features;
  bool zk_migration_ready = false;

  void visit(this auto& self, auto& v) {
    v.field("error_code", self.error_code);
    v.field("api_keys", self.api_keys);
    v.field("throttle_time_ms", self.throttle_time_ms, {.from = 1});
    v.field("supported_features", self.supported_features, {.from = 3, .tag = 0});
    v.field("finalized_features_epoch", self.finalized_features_epoch,
            {.from = 3, .tag = 1, .left_out = -1});
    v.field("finalized_features", self.finalized_features, {.from = 3, .tag = 2});
    v.field("zk_migration_ready", self.zk_migration_ready, {.from = 3, .tag = 3});
  }
};

}  // namespace myelin::kafka
