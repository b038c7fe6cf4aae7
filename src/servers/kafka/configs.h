// Settings of topics and of the broker as Kafka's clients see them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "broker/topic_config.h"
#include "servers/kafka/handler.h"

namespace myelin::kafka {

// Kafka's ConfigSource.
enum class ConfigSource : std::int8_t { DynamicTopic = 1, StaticBroker = 4, Default = 5 };

struct Setting {
  std::string_view name;
  std::string value;
  ConfigSource source = ConfigSource::Default;
  broker::TopicSetting::Type type = broker::TopicSetting::Type::String;
  std::string_view help;
};

// All of a topic's, where `config` is what it says itself; by name.
std::vector<Setting> settings_of(Call& call, const broker::TopicConfig& config,
                                 std::string_view topic);

}  // namespace myelin::kafka
