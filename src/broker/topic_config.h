// TopicConfig: a topic's own settings, by Kafka's names for them.
//
// Only what a person has set is kept; the rest follows the broker's settings, so that a changed
// default reaches the topics. https://kafka.apache.org/documentation/#topicconfigs
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "log/policy.h"

namespace myelin::broker {

using TopicConfig = std::map<std::string, std::string>;
// A setting without a value goes back to its default.
using ConfigChanges = std::map<std::string, std::optional<std::string>>;

struct TopicSetting {
  // What it does here.
  enum class Effect : std::uint8_t { Honoured, None };
  // As Kafka's DescribeConfigs tells it.
  enum class Type : std::uint8_t {
    Boolean = 1,
    String = 2,
    Int = 3,
    Long = 5,
    Double = 6,
    List = 7
  };
  std::string_view name;
  std::string_view help;
  std::string_view default_value = {};  // Kafka's; the broker's settings may say otherwise.
  Type type = Type::Long;
  Effect effect = Effect::Honoured;
};
// Every setting that Kafka's topics have and that is taken here; by name.
std::span<const TopicSetting> topic_settings();
// Null for one that is not taken.
const TopicSetting* find_topic_setting(std::string_view name);

// InvalidInput names the setting: an unknown one, or a value that it cannot have.
Status check_topic_config(const TopicConfig& config);
// The settings with the changes made; checked.
Result<TopicConfig> changed_config(const TopicConfig& config, const ConfigChanges& changes);

// As the log keeps it: a line "name=value" each. What cannot be read as such is left out.
std::string encode_topic_config(const TopicConfig& config);
TopicConfig decode_topic_config(std::string_view text);

// What holds where the topic says nothing.
struct TopicDefaults {
  std::optional<std::chrono::milliseconds> retention_time;
  std::optional<std::uint64_t> retention_bytes;
  std::uint64_t segment_bytes = 1u << 30;
};
log::TopicPolicy policy_of(const TopicConfig& config, const TopicDefaults& defaults);

}  // namespace myelin::broker
