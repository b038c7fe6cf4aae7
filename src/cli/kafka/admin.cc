#include "cli/kafka/admin.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>

namespace myelin::cli::kafka {
namespace {

// librdkafka gives up first; this is for what it would forget.
constexpr int kQueueGraceMs = 2000;
constexpr std::size_t kReasonBytesMax = 512;

// The pointers of owned objects, as librdkafka's functions take them.
template <class Handle>
auto pointers(const std::vector<Handle>& handles) {
  std::vector<typename Handle::pointer> raw;
  for (const Handle& handle : handles) raw.push_back(handle.get());
  return raw;
}

std::string_view source_name(rd_kafka_ConfigSource_t source) {
  switch (source) {
    case RD_KAFKA_CONFIG_SOURCE_DYNAMIC_TOPIC_CONFIG: return "topic";
    case RD_KAFKA_CONFIG_SOURCE_DYNAMIC_BROKER_CONFIG:
    case RD_KAFKA_CONFIG_SOURCE_STATIC_BROKER_CONFIG: return "broker";
    case RD_KAFKA_CONFIG_SOURCE_DYNAMIC_DEFAULT_BROKER_CONFIG: return "cluster";
    case RD_KAFKA_CONFIG_SOURCE_DEFAULT_CONFIG: return "default";
    default: return "unknown";
  }
}

TopicSetting setting_of(const rd_kafka_ConfigEntry_t* entry) {
  const auto source = rd_kafka_ConfigEntry_source(entry);
  TopicSetting setting;
  setting.name = rd_kafka_ConfigEntry_name(entry);
  if (const char* value = rd_kafka_ConfigEntry_value(entry)) setting.value = value;
  setting.source = source_name(source);
  setting.own = source == RD_KAFKA_CONFIG_SOURCE_DYNAMIC_TOPIC_CONFIG;
  setting.at_default = rd_kafka_ConfigEntry_is_default(entry) == 1;
  setting.secret = rd_kafka_ConfigEntry_is_sensitive(entry) == 1;
  setting.read_only = rd_kafka_ConfigEntry_is_read_only(entry) == 1;
  return setting;
}

}  // namespace

template <class Send>
Result<EventHandle> Admin::ask(rd_kafka_admin_op_t operation, Apply apply, std::string_view what,
                               Send send) {
  const AdminOptionsHandle options(rd_kafka_AdminOptions_new(client_.handle(), operation));
  std::array<char, kReasonBytesMax> reason{};
  auto code = rd_kafka_AdminOptions_set_request_timeout(options.get(), client_.timeout_ms(),
                                                        reason.data(), reason.size());
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR && apply == Apply::CheckOnly) {
    code = rd_kafka_AdminOptions_set_validate_only(options.get(), 1, reason.data(), reason.size());
  }
  const bool waits =
      operation != RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS && operation != RD_KAFKA_ADMIN_OP_ALTERCONFIGS;
  // How long the broker itself waits until it is done.
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR && waits) {
    code = rd_kafka_AdminOptions_set_operation_timeout(options.get(), client_.timeout_ms(),
                                                       reason.data(), reason.size());
  }
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return client_.refusal(what, code, reason.data());
  const QueueHandle queue(rd_kafka_queue_new(client_.handle()));
  send(options.get(), queue.get());
  EventHandle event(rd_kafka_queue_poll(queue.get(), client_.timeout_ms() + kQueueGraceMs));
  if (!event) return client_.refusal(what, RD_KAFKA_RESP_ERR__TIMED_OUT);
  code = rd_kafka_event_error(event.get());
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
    return client_.refusal(what, code, rd_kafka_event_error_string(event.get()));
  return event;
}

Outcome Admin::outcome_of(std::string_view what, const rd_kafka_topic_result_t& result) {
  Outcome outcome{.topic = rd_kafka_topic_result_name(&result)};
  const auto code = rd_kafka_topic_result_error(&result);
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
    outcome.error = client_.refusal(fmt::format("topic {} {}", outcome.topic, what), code,
                                    rd_kafka_topic_result_error_string(&result));
  }
  return outcome;
}

Result<Outcomes> Admin::create(const std::vector<NewTopic>& topics, Apply apply) {
  std::vector<NewTopicHandle> handles;
  for (const NewTopic& topic : topics) {
    std::array<char, kReasonBytesMax> reason{};
    handles.emplace_back(rd_kafka_NewTopic_new(topic.name.c_str(), topic.partitions,
                                               topic.replication, reason.data(), reason.size()));
    if (!handles.back()) {
      return Error(ErrorCode::InvalidInput, fmt::format("topic {}: {}", topic.name, reason.data()));
    }
    for (const auto& [name, value] : topic.settings)
      rd_kafka_NewTopic_set_config(handles.back().get(), name.c_str(), value.c_str());
  }
  auto raw = pointers(handles);
  MYELIN_TRY(event, ask(RD_KAFKA_ADMIN_OP_CREATETOPICS, apply, "creating topics",
                        [&](const rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue) {
                          rd_kafka_CreateTopics(client_.handle(), raw.data(), raw.size(), options,
                                                queue);
                        }));
  std::size_t count = 0;
  const auto* results =
      rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event.get()), &count);
  Outcomes outcomes;
  for (const auto* result : std::span(results, count))
    outcomes.push_back(outcome_of("is not created", *result));
  return outcomes;
}

Result<Outcomes> Admin::remove(const std::vector<std::string>& topics) {
  std::vector<DeleteTopicHandle> handles;
  for (const std::string& topic : topics)
    handles.emplace_back(rd_kafka_DeleteTopic_new(topic.c_str()));
  auto raw = pointers(handles);
  MYELIN_TRY(event, ask(RD_KAFKA_ADMIN_OP_DELETETOPICS, Apply::Really, "deleting topics",
                        [&](const rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue) {
                          rd_kafka_DeleteTopics(client_.handle(), raw.data(), raw.size(), options,
                                                queue);
                        }));
  std::size_t count = 0;
  const auto* results =
      rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(event.get()), &count);
  Outcomes outcomes;
  for (const auto* result : std::span(results, count))
    outcomes.push_back(outcome_of("is not deleted", *result));
  return outcomes;
}

Result<Outcomes> Admin::add_partitions(const std::vector<std::string>& topics, int total,
                                       Apply apply) {
  std::vector<NewPartitionsHandle> handles;
  for (const std::string& topic : topics) {
    std::array<char, kReasonBytesMax> reason{};
    handles.emplace_back(rd_kafka_NewPartitions_new(topic.c_str(), static_cast<std::size_t>(total),
                                                    reason.data(), reason.size()));
    if (!handles.back())
      return Error(ErrorCode::InvalidInput, fmt::format("topic {}: {}", topic, reason.data()));
  }
  auto raw = pointers(handles);
  MYELIN_TRY(event, ask(RD_KAFKA_ADMIN_OP_CREATEPARTITIONS, apply, "adding partitions",
                        [&](const rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue) {
                          rd_kafka_CreatePartitions(client_.handle(), raw.data(), raw.size(),
                                                    options, queue);
                        }));
  std::size_t count = 0;
  const auto* results = rd_kafka_CreatePartitions_result_topics(
      rd_kafka_event_CreatePartitions_result(event.get()), &count);
  Outcomes outcomes;
  for (const auto* result : std::span(results, count))
    outcomes.push_back(outcome_of("gets no more partitions", *result));
  return outcomes;
}

Result<std::vector<SettingsOf>> Admin::settings(const std::vector<std::string>& topics) {
  std::vector<ConfigResourceHandle> handles;
  for (const std::string& topic : topics)
    handles.emplace_back(rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic.c_str()));
  auto raw = pointers(handles);
  MYELIN_TRY(event, ask(RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, Apply::Really, "settings of topics",
                        [&](const rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue) {
                          rd_kafka_DescribeConfigs(client_.handle(), raw.data(), raw.size(),
                                                   options, queue);
                        }));
  std::size_t count = 0;
  const auto* resources = rd_kafka_DescribeConfigs_result_resources(
      rd_kafka_event_DescribeConfigs_result(event.get()), &count);
  std::vector<SettingsOf> all;
  for (const auto* resource : std::span(resources, count)) {
    SettingsOf one{.topic = rd_kafka_ConfigResource_name(resource)};
    const auto code = rd_kafka_ConfigResource_error(resource);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
      return client_.refusal(fmt::format("settings of topic {}", one.topic), code,
                             rd_kafka_ConfigResource_error_string(resource));
    }
    std::size_t entry_count = 0;
    const auto* entries = rd_kafka_ConfigResource_configs(resource, &entry_count);
    for (const auto* entry : std::span(entries, entry_count))
      one.settings.push_back(setting_of(entry));
    std::ranges::sort(one.settings, {}, &TopicSetting::name);
    all.push_back(std::move(one));
  }
  return all;
}

Result<Outcomes> Admin::replace_settings(const std::string& topic,
                                         const std::vector<Property>& settings, Apply apply) {
  const ConfigResourceHandle handle(
      rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic.c_str()));
  for (const auto& [name, value] : settings)
    rd_kafka_ConfigResource_set_config(handle.get(), name.c_str(), value.c_str());
  auto* raw = handle.get();
  MYELIN_TRY(event, ask(RD_KAFKA_ADMIN_OP_ALTERCONFIGS, apply, "settings of topic " + topic,
                        [&](const rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue) {
                          rd_kafka_AlterConfigs(client_.handle(), &raw, 1, options, queue);
                        }));
  std::size_t count = 0;
  const auto* resources = rd_kafka_AlterConfigs_result_resources(
      rd_kafka_event_AlterConfigs_result(event.get()), &count);
  Outcomes outcomes;
  for (const auto* resource : std::span(resources, count)) {
    Outcome outcome{.topic = rd_kafka_ConfigResource_name(resource)};
    const auto code = rd_kafka_ConfigResource_error(resource);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
      outcome.error = client_.refusal(fmt::format("topic {} keeps its settings", topic), code,
                                      rd_kafka_ConfigResource_error_string(resource));
    }
    outcomes.push_back(std::move(outcome));
  }
  return outcomes;
}

Result<Outcomes> Admin::delete_records(const std::vector<Cut>& cuts) {
  const PartitionsHandle partitions(rd_kafka_topic_partition_list_new(16));
  for (const Cut& cut : cuts) {
    rd_kafka_topic_partition_list_add(partitions.get(), cut.topic.c_str(), cut.partition)->offset =
        cut.before;
  }
  const DeleteRecordsHandle handle(rd_kafka_DeleteRecords_new(partitions.get()));
  auto* raw = handle.get();
  MYELIN_TRY(event, ask(RD_KAFKA_ADMIN_OP_DELETERECORDS, Apply::Really, "deleting records",
                        [&](const rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue) {
                          rd_kafka_DeleteRecords(client_.handle(), &raw, 1, options, queue);
                        }));
  const auto* results =
      rd_kafka_DeleteRecords_result_offsets(rd_kafka_event_DeleteRecords_result(event.get()));
  Outcomes outcomes;
  for (const auto& result : std::span(results->elems, results->cnt)) {
    Outcome outcome{.topic = result.topic, .partition = result.partition};
    if (result.err == RD_KAFKA_RESP_ERR_NO_ERROR) {
      outcome.first = result.offset;
    } else {
      outcome.error = client_.refusal(
          fmt::format("topic {}, partition {} keeps its records", result.topic, result.partition),
          result.err);
    }
    outcomes.push_back(std::move(outcome));
  }
  return outcomes;
}

}  // namespace myelin::cli::kafka
