// DescribeConfigs, AlterConfigs, IncrementalAlterConfigs, ListConfigResources.
#include "servers/kafka/configs.h"

#include <fmt/format.h>

#include <algorithm>

#include "formats/kafka_protocol/alter_configs.h"
#include "formats/kafka_protocol/describe_configs.h"
#include "formats/kafka_protocol/incremental_alter_configs.h"
#include "formats/kafka_protocol/list_config_resources.h"
#include "servers/kafka/admin.h"
#include "servers/kafka/handlers.h"
#include "servers/kafka/session.h"
#include "servers/kafka/topics.h"

namespace myelin::kafka {
namespace {

using broker::ConfigChanges;
using broker::TopicConfig;
using security::Operation;
using Type = broker::TopicSetting::Type;

// Kafka's ConfigResource.Type.
constexpr std::int8_t kTopic = 2;
constexpr std::int8_t kBroker = 4;

// Kafka's AlterConfigOp.OpType.
enum class ConfigOperation : std::int8_t { Set = 0, Delete = 1, Append = 2, Subtract = 3 };

std::vector<Setting> broker_settings(Call& call) {
  const auto& settings = call.server().settings();
  const auto& broker = call.server().broker().settings();
  const auto number = [](auto value) { return fmt::format("{}", value); };
  const auto source = ConfigSource::StaticBroker;
  const auto retention = broker.retention_time.count();
  const auto address =
      fmt::format("{}://{}:{}", call.session().is_tls() ? "SSL" : "PLAINTEXT",
                  call.session().advertised_host(), call.session().advertised_port());
  return {
      {"advertised.listeners", address, source, Type::String, "Where clients are told to come to."},
      {"auto.create.topics.enable", settings.auto_create_topics ? "true" : "false", source,
       Type::Boolean, "kafka.auto_create_topics"},
      {"broker.id", number(settings.node_id), source, Type::Int, "kafka.node_id"},
      {"default.replication.factor", "1", ConfigSource::Default, Type::Int, "One broker."},
      {"group.initial.rebalance.delay.ms", number(broker.groups.initial_rebalance_delay.count()),
       source, Type::Int, "broker.groups.initial_rebalance_delay"},
      {"group.max.session.timeout.ms", number(broker.groups.session_timeout_max.count()), source,
       Type::Int, "broker.groups.session_timeout_max"},
      {"group.min.session.timeout.ms", number(broker.groups.session_timeout_min.count()), source,
       Type::Int, "broker.groups.session_timeout_min"},
      {"log.retention.bytes",
       broker.retention_bytes.value == 0 ? "-1" : number(broker.retention_bytes.value), source,
       Type::Long, "broker.retention_bytes"},
      {"log.retention.ms", retention == 0 ? "-1" : number(retention), source, Type::Long,
       "broker.retention_time"},
      {"message.max.bytes", "1048588", ConfigSource::Default, Type::Int,
       "A topic's max.message.bytes says otherwise."},
      {"node.id", number(settings.node_id), source, Type::Int, "kafka.node_id"},
      {"num.partitions", number(broker.partitions_default), source, Type::Int,
       "broker.partitions_default"},
      {"offsets.retention.minutes", number(broker.groups.offsets_retention.count() / 60'000),
       source, Type::Int, "broker.groups.offsets_retention"},
  };
}

// DescribeConfigs.

using Description = DescribeConfigsResponse::Resource;

void add_settings(Call& call, const DescribeConfigsRequest& request,
                  const DescribeConfigsRequest::Resource& asked,
                  const std::vector<Setting>& settings, Description& result) {
  const bool is_topic = asked.resource_type == kTopic;
  for (const auto& setting : settings) {
    const auto& keys = asked.configuration_keys;
    if (keys && std::ranges::find(*keys, setting.name) == keys->end()) continue;
    auto& config = result.configs.add(call.arena());
    config.name = call.arena().copy(setting.name);
    config.value = call.arena().copy(setting.value);
    config.read_only = !is_topic;
    config.config_source = static_cast<std::int8_t>(setting.source);
    config.config_type = static_cast<std::int8_t>(setting.type);
    if (request.include_synonyms) {
      config.synonyms.add(
          call.arena(),
          {.name = config.name, .value = config.value, .source = config.config_source});
    }
    if (request.include_documentation) config.documentation = call.arena().copy(setting.help);
  }
}

Outcome describe(Call& call, const DescribeConfigsRequest& request,
                 const DescribeConfigsRequest::Resource& asked, Description& result) {
  if (asked.resource_type == kTopic) {
    if (auto denied = check_access(call, Operation::Describe, asked.resource_name); !denied.is_ok())
      return denied;
    const auto name = broker::TopicName::from_full(asked.resource_name);
    if (const auto sound = broker::check_topic_name(name); !sound)
      return {KafkaError::InvalidTopic, sound.error().message()};
    const auto config = call.server().broker().config_of(name);
    if (!config) return {KafkaError::UnknownTopicOrPartition, "there is no such topic"};
    add_settings(call, request, asked, settings_of(call, *config, asked.resource_name), result);
    return {};
  }
  const auto node = fmt::format("{}", call.server().settings().node_id);
  const bool is_us = asked.resource_name == node || asked.resource_name.empty();
  if (asked.resource_type == kBroker && is_us) {
    add_settings(call, request, asked, broker_settings(call), result);
    return {};
  }
  if (asked.resource_type == kBroker)
    return {KafkaError::InvalidRequest, fmt::format("the broker here is {}", node)};
  return {KafkaError::InvalidRequest, "settings are those of topics and brokers"};
}

io::Task<DescribeConfigsResponse> describe_configs(Call& call,
                                                   const DescribeConfigsRequest& request) {
  DescribeConfigsResponse response;
  for (const auto& asked : request.resources) {
    Description result;
    result.resource_type = asked.resource_type;
    result.resource_name = asked.resource_name;
    const auto outcome = describe(call, request, asked, result);
    result.error_code = code(outcome.error);
    result.error_message = message_of(call, outcome);
    response.results.add(call.arena(), result);
  }
  co_return response;
}

// Changes.

io::Task<Outcome> change(Call& call, std::int8_t type, std::string_view name,
                         const ConfigChanges& changes, bool validate_only) {
  if (type == kBroker) {
    co_return Outcome{KafkaError::InvalidRequest,
                      "the broker's settings are in its configuration file"};
  }
  if (type != kTopic)
    co_return Outcome{KafkaError::InvalidRequest, "only topics' settings can be changed"};
  if (auto denied = check_access(call, Operation::Alter, name); !denied.is_ok()) co_return denied;
  auto& broker = call.server().broker();
  const auto topic = broker::TopicName::from_full(name);
  const auto config = broker.config_of(topic);
  if (!config) co_return Outcome{KafkaError::UnknownTopicOrPartition, "there is no such topic"};
  if (const auto sound = broker::changed_config(*config, changes); !sound)
    co_return Outcome{KafkaError::InvalidConfig, sound.error().message()};
  if (validate_only) co_return Outcome{};
  std::vector<security::AuditSetting> settings;
  for (const auto& [setting, value] : changes) settings.push_back({setting, value});
  const auto recorded =
      co_await record(call, security::AuditAction::TopicConfigured, name, std::move(settings));
  if (!recorded.is_ok()) co_return recorded;
  const auto done = co_await blocking(call, [&] { return broker.configure(topic, changes); });
  if (done) co_return Outcome{};
  co_return Outcome{done.error().code() == ErrorCode::InvalidInput
                        ? KafkaError::InvalidConfig
                        : kafka_error(done.error().code()),
                    done.error().message()};
}

// All settings are replaced by those given.
ConfigChanges replacement(Call& call, const AlterConfigsRequest::Resource& resource) {
  ConfigChanges changes;
  const auto config =
      call.server().broker().config_of(broker::TopicName::from_full(resource.resource_name));
  if (config) {
    for (const auto& [name, value] : *config) changes[name] = std::nullopt;
  }
  for (const auto& given : resource.configs) {
    changes[std::string(given.name)] =
        given.value ? std::optional(std::string(*given.value)) : std::nullopt;
  }
  return changes;
}

io::Task<AlterConfigsResponse> alter_configs(Call& call, const AlterConfigsRequest& request) {
  AlterConfigsResponse response;
  for (const auto& resource : request.resources) {
    const auto changes = replacement(call, resource);
    const auto outcome = co_await change(call, resource.resource_type, resource.resource_name,
                                         changes, request.validate_only);
    response.responses.add(call.arena(), {.error_code = code(outcome.error),
                                          .error_message = message_of(call, outcome),
                                          .resource_type = resource.resource_type,
                                          .resource_name = resource.resource_name});
  }
  co_return response;
}

std::vector<std::string> split(std::string_view list) {
  std::vector<std::string> words;
  while (!list.empty()) {
    const auto end = std::min(list.find(','), list.size());
    if (end > 0) words.emplace_back(list.substr(0, end));
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return words;
}

std::string join(const std::vector<std::string>& words) {
  return fmt::format("{}", fmt::join(words, ","));
}

using Change = IncrementalAlterConfigsRequest::Resource::Config;

// Makes one change of a list setting, on what the topic has now.
Outcome change_list(const TopicConfig& config, const Change& given, ConfigChanges& changes) {
  const auto* setting = broker::find_topic_setting(given.name);
  if (setting == nullptr || setting->type != Type::List) {
    return {KafkaError::InvalidConfig,
            fmt::format("{} is no list: nothing can be added to it or taken from it", given.name)};
  }
  const std::string name(given.name);
  const auto found = config.find(name);
  auto words =
      split(found == config.end() ? setting->default_value : std::string_view(found->second));
  for (const auto& word : split(given.value.value_or(""))) {
    std::erase(words, word);
    if (static_cast<ConfigOperation>(given.config_operation) == ConfigOperation::Append)
      words.push_back(word);
  }
  changes[name] = join(words);
  return {};
}

Outcome collect(Call& call, const IncrementalAlterConfigsRequest::Resource& resource,
                ConfigChanges& changes) {
  const auto config = call.server()
                          .broker()
                          .config_of(broker::TopicName::from_full(resource.resource_name))
                          .value_or(TopicConfig());
  for (const auto& given : resource.configs) {
    const std::string name(given.name);
    if (changes.contains(name))
      return {KafkaError::InvalidRequest, fmt::format("{} is changed more than once", name)};
    switch (static_cast<ConfigOperation>(given.config_operation)) {
      case ConfigOperation::Set:
        if (!given.value)
          return {KafkaError::InvalidRequest, fmt::format("{}: null is no value", name)};
        changes[name] = std::string(*given.value);
        break;
      case ConfigOperation::Delete: changes[name] = std::nullopt; break;
      case ConfigOperation::Append:
      case ConfigOperation::Subtract:
        if (auto outcome = change_list(config, given, changes); !outcome.is_ok()) return outcome;
        break;
      default:
        return {KafkaError::InvalidRequest,
                fmt::format("{}: there is no operation {}", name, given.config_operation)};
    }
  }
  return {};
}

io::Task<IncrementalAlterConfigsResponse> incremental_alter_configs(
    Call& call, const IncrementalAlterConfigsRequest& request) {
  IncrementalAlterConfigsResponse response;
  for (const auto& resource : request.resources) {
    ConfigChanges changes;
    auto outcome = collect(call, resource, changes);
    if (outcome.is_ok()) {
      outcome = co_await change(call, resource.resource_type, resource.resource_name, changes,
                                request.validate_only);
    }
    response.responses.add(call.arena(), {.error_code = code(outcome.error),
                                          .error_message = message_of(call, outcome),
                                          .resource_type = resource.resource_type,
                                          .resource_name = resource.resource_name});
  }
  co_return response;
}

// ListConfigResources. Version 0 asks for client metrics alone, of which there are none.
io::Task<ListConfigResourcesResponse> list_config_resources(
    Call& call, const ListConfigResourcesRequest& request) {
  ListConfigResourcesResponse response;
  const auto wants = [&](std::int8_t type) {
    return call.version() > 0 &&
           (request.resource_types.empty() ||
            std::ranges::find(request.resource_types, type) != request.resource_types.end());
  };
  if (wants(kTopic)) {
    for (const auto& topic : call.server().broker().all_topics()) {
      const auto name = topic->name.full();
      if (!check_access(call, Operation::Describe, name).is_ok()) continue;
      response.config_resources.add(
          call.arena(), {.resource_name = call.arena().copy(name), .resource_type = kTopic});
    }
  }
  if (wants(kBroker)) {
    const auto node = fmt::format("{}", call.server().settings().node_id);
    response.config_resources.add(
        call.arena(), {.resource_name = call.arena().copy(node), .resource_type = kBroker});
  }
  co_return response;
}

}  // namespace

std::vector<Setting> settings_of(Call& call, const TopicConfig& config, std::string_view topic) {
  const auto defaults = call.server().broker().defaults_of(broker::TopicName::from_full(topic));
  std::vector<Setting> settings;
  for (const auto& known : broker::topic_settings()) {
    Setting setting{known.name, std::string(known.default_value), ConfigSource::Default, known.type,
                    known.help};
    const std::string name(known.name);
    if (const auto own = config.find(name); own != config.end()) {
      setting.value = own->second;
      setting.source = ConfigSource::DynamicTopic;
    } else if (const auto ours = defaults.find(name); ours != defaults.end()) {
      if (ours->second != known.default_value) setting.source = ConfigSource::StaticBroker;
      setting.value = ours->second;
    }
    settings.push_back(std::move(setting));
  }
  return settings;
}

std::unique_ptr<Handler> make_describe_configs() { return make_answer<describe_configs>(); }
std::unique_ptr<Handler> make_alter_configs() { return make_answer<alter_configs>(); }
std::unique_ptr<Handler> make_incremental_alter_configs() {
  return make_answer<incremental_alter_configs>();
}
std::unique_ptr<Handler> make_list_config_resources() {
  return make_answer<list_config_resources>();
}

}  // namespace myelin::kafka
