// The admin API's JSON: what requests hold and what answers say. Pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "api/admin/operations.h"
#include "base/result.h"

namespace myelin::admin {

inline constexpr std::size_t kBodyBytesMax = 64u << 10;
inline constexpr std::size_t kSettingsMax = 100;
inline constexpr std::size_t kSettingNameBytesMax = 200;
inline constexpr std::size_t kSettingValueBytesMax = 4096;
inline constexpr std::size_t kDamageShownMax = 1000;

// {"retention.ms":"1000","cleanup.policy":null}. InvalidInput.
Result<ConfigChanges> parse_config_changes(std::string_view body);
// {"before":1234}. InvalidInput.
Result<bus::Offset> parse_before(std::string_view body);

std::string log_json(const LogReport& report);
std::string topics_json(const std::vector<TopicReport>& topics);
std::string config_json(const std::map<std::string, std::string>& config);
std::string snapshot_json(const Uuid& id, const Snapshot& snapshot, Timestamp expires);
std::string expiry_json(const Uuid& id, Timestamp expires);
std::string start_json(bus::PartitionIndex partition, bus::Offset start);

}  // namespace myelin::admin
