#include "bus/kafka_cluster.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>
#include <thread>

namespace myelin::bus {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kReasonBytesMax = 512;
// Before the first look at whether the bus is stopping. Each further slice is twice as long, so
// that a slow answer is awaited.
constexpr milliseconds kSlice{500};

void keep_quiet(const rd_kafka_t* /*client*/, int /*level*/, const char* /*facility*/,
                const char* /*text*/) {}

// Between a question and the same again.
constexpr milliseconds kPause{20};

int left_ms(SteadyTime due, milliseconds most = milliseconds::max()) {
  const auto left =
      std::chrono::duration_cast<milliseconds>(due - std::chrono::steady_clock::now());
  return static_cast<int>(std::max(milliseconds(1), std::min(left, most)).count());
}

bool is_over(SteadyTime due) { return std::chrono::steady_clock::now() >= due; }

bool is_silence(rd_kafka_resp_err_t code) {
  return code == RD_KAFKA_RESP_ERR__TIMED_OUT || code == RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE ||
         code == RD_KAFKA_RESP_ERR__MSG_TIMED_OUT || code == RD_KAFKA_RESP_ERR__TRANSPORT ||
         code == RD_KAFKA_RESP_ERR__WAIT_COORD || code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN;
}

// A leader is being chosen, or a broker has not heard yet that it is one.
bool passes_soon(rd_kafka_resp_err_t code) {
  return code == RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION ||
         code == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE ||
         code == RD_KAFKA_RESP_ERR_REPLICA_NOT_AVAILABLE ||
         code == RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR ||
         code == RD_KAFKA_RESP_ERR_OFFSET_NOT_AVAILABLE ||
         code == RD_KAFKA_RESP_ERR_FENCED_LEADER_EPOCH ||
         code == RD_KAFKA_RESP_ERR_UNKNOWN_LEADER_EPOCH;
}

bool passes_soon(rd_kafka_resp_err_t code, const rd_kafka_topic_partition_list_t& list) {
  const std::span all(list.elems, static_cast<std::size_t>(list.cnt));
  return is_silence(code) || passes_soon(code) ||
         std::ranges::any_of(all, [](const auto& one) { return passes_soon(one.err); });
}

KafkaPartitions list_of(std::span<const KafkaPartition> partitions, std::int64_t which) {
  KafkaPartitions list(rd_kafka_topic_partition_list_new(static_cast<int>(partitions.size())));
  for (const auto& one : partitions) {
    rd_kafka_topic_partition_list_add(list.get(), one.topic.c_str(), one.partition)->offset = which;
  }
  return list;
}

bool has_gone(rd_kafka_resp_err_t code) {
  return code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
         code == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC || code == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION;
}

}  // namespace

ErrorCode to_error_code(rd_kafka_resp_err_t code) {
  switch (code) {
    case RD_KAFKA_RESP_ERR__QUEUE_FULL:
    case RD_KAFKA_RESP_ERR_POLICY_VIOLATION: return ErrorCode::Exhausted;
    case RD_KAFKA_RESP_ERR__PURGE_QUEUE:
    case RD_KAFKA_RESP_ERR__PURGE_INFLIGHT:
    case RD_KAFKA_RESP_ERR__DESTROY: return ErrorCode::Canceled;
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE:
    case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_INVALID_RECORD:
    case RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP:
    case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
    case RD_KAFKA_RESP_ERR_INVALID_PARTITIONS:
    case RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
    case RD_KAFKA_RESP_ERR__INVALID_ARG: return ErrorCode::InvalidInput;
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED: return ErrorCode::Forbidden;
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED: return ErrorCode::Unauthenticated;
    default: return ErrorCode::Unavailable;
  }
}

Result<KafkaHandle> KafkaCluster::open(rd_kafka_type_t type,
                                       const std::vector<Property>& own) const {
  KafkaConf conf(rd_kafka_conf_new());
  std::array<char, kReasonBytesMax> reason{};
  auto settings = options_.properties;
  // Ours where the options do not say otherwise. A broker that is back is found within a second.
  settings.insert(settings.begin(),
                  {{"client.id", "myelin"}, {"reconnect.backoff.max.ms", "1000"}});
  settings.emplace_back("bootstrap.servers", options_.bootstrap);
  // Topics are made by make_topics() only; a producer's question would make one that has just been
  // removed, with as many partitions as the cluster likes.
  settings.emplace_back("allow.auto.create.topics", "false");
  settings.insert(settings.end(), own.begin(), own.end());
  for (const auto& [name, value] : settings) {
    const auto outcome =
        rd_kafka_conf_set(conf.get(), name.c_str(), value.c_str(), reason.data(), reason.size());
    if (outcome == RD_KAFKA_CONF_OK) continue;
    // librdkafka's sentence may hold the value.
    return Error(ErrorCode::InvalidInput,
                 fmt::format("librdkafka {} {}",
                             outcome == RD_KAFKA_CONF_UNKNOWN ? "has no setting"
                                                              : "does not take this value of",
                             name));
  }
  rd_kafka_conf_set_log_cb(conf.get(), keep_quiet);
  if (type == RD_KAFKA_PRODUCER)
    rd_kafka_conf_set_events(conf.get(), RD_KAFKA_EVENT_DR | RD_KAFKA_EVENT_ERROR);
  KafkaHandle client(rd_kafka_new(type, conf.get(), reason.data(), reason.size()));
  if (!client) return Error(ErrorCode::InvalidInput, std::string(reason.data()));
  [[maybe_unused]] const auto* taken = conf.release();  // The instance has it now.
  return client;
}

Error KafkaCluster::error(std::string_view what, rd_kafka_resp_err_t code,
                          std::string_view reason) const {
  std::string why(reason.empty() ? std::string_view(rd_kafka_err2str(code)) : reason);
  if (is_silence(code)) {
    if (abandoned_) return {ErrorCode::Canceled, fmt::format("{}: the server is stopping", what)};
    const MutexLock lock(mutex_);
    why = trouble_.empty() ? "no answer in time" : trouble_;
  }
  return {to_error_code(code), fmt::format("{}: Kafka at {}: {}", what, options_.bootstrap, why)};
}

std::string KafkaCluster::id() const {
  const MutexLock lock(mutex_);
  return id_;
}

void KafkaCluster::note_trouble(std::string_view reason) {
  const MutexLock lock(mutex_);
  trouble_ = reason.substr(0, kReasonBytesMax);
}

void KafkaCluster::forget_trouble() {
  const MutexLock lock(mutex_);
  trouble_.clear();
}

Result<std::map<std::string, std::int32_t>> KafkaCluster::ask_topics(rd_kafka_t* client) {
  const auto due = std::chrono::steady_clock::now() + options_.request_timeout;
  const struct rd_kafka_metadata* metadata = nullptr;
  auto code = RD_KAFKA_RESP_ERR__TIMED_OUT;
  // All topics: to ask for one by name could create it.
  for (auto slice = kSlice; !abandoned_ && is_silence(code) && !is_over(due); slice *= 2)
    code = rd_kafka_metadata(client, 1, nullptr, &metadata, left_ms(due, slice));
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return error("its topics", code);
  std::map<std::string, std::int32_t> topics;
  for (const auto& topic : std::span(metadata->topics, metadata->topic_cnt)) {
    // One without partitions is being removed, or not to be seen by us.
    if (topic.err == RD_KAFKA_RESP_ERR_NO_ERROR && topic.partition_cnt > 0)
      topics.emplace(topic.topic, topic.partition_cnt);
  }
  rd_kafka_metadata_destroy(metadata);
  if (char* id = rd_kafka_clusterid(client, left_ms(due, kSlice)); id != nullptr) {
    const MutexLock lock(mutex_);
    id_ = id;
    rd_kafka_mem_free(client, id);
  }
  return topics;
}

Result<KafkaEvent> KafkaCluster::wait(rd_kafka_queue_t* queue, std::string_view what) const {
  // librdkafka gives up first; the slice is for what it would forget.
  const auto due = std::chrono::steady_clock::now() + options_.request_timeout + kSlice;
  while (!abandoned_ && !is_over(due)) {
    KafkaEvent event(rd_kafka_queue_poll(queue, left_ms(due, kSlice)));
    if (!event) continue;
    const auto code = rd_kafka_event_error(event.get());
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return event;
    return error(what, code, rd_kafka_event_error_string(event.get()));
  }
  return error(what, RD_KAFKA_RESP_ERR__TIMED_OUT);
}

std::vector<Status> KafkaCluster::make_topics(rd_kafka_t* client,
                                              const std::vector<std::string>& names) {
  std::array<char, kReasonBytesMax> reason{};
  std::vector<KafkaNewTopic> topics;
  std::vector<rd_kafka_NewTopic_t*> raw;
  std::vector<Status> outcomes(names.size(),
                               Status(error("making topics", RD_KAFKA_RESP_ERR__TIMED_OUT)));
  for (const auto& name : names) {
    topics.emplace_back(rd_kafka_NewTopic_new(name.c_str(), options_.partitions,
                                              options_.replication, reason.data(), reason.size()));
    if (!topics.back()) {
      std::ranges::fill(outcomes, Status(Error(ErrorCode::InvalidInput, reason.data())));
      return outcomes;
    }
    raw.push_back(topics.back().get());
  }
  const KafkaAdminOptions options(
      rd_kafka_AdminOptions_new(client, RD_KAFKA_ADMIN_OP_CREATETOPICS));
  const auto ms = static_cast<int>(options_.request_timeout.count());
  rd_kafka_AdminOptions_set_request_timeout(options.get(), ms, reason.data(), reason.size());
  const KafkaQueue queue(rd_kafka_queue_new(client));
  rd_kafka_CreateTopics(client, raw.data(), raw.size(), options.get(), queue.get());
  const auto event = wait(queue.get(), "making topics");
  if (!event) {
    std::ranges::fill(outcomes, Status(event.error()));
    return outcomes;
  }
  std::size_t count = 0;
  const auto* results =
      rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event->get()), &count);
  for (const auto* result : std::span(results, count)) {
    const auto code = rd_kafka_topic_result_error(result);
    const std::string_view name = rd_kafka_topic_result_name(result);
    const bool made =
        code == RD_KAFKA_RESP_ERR_NO_ERROR || code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS;
    const char* why = rd_kafka_topic_result_error_string(result);
    const auto place = std::ranges::find(names, name) - names.begin();
    outcomes.at(static_cast<std::size_t>(place)) =
        made ? Status()
             : error(fmt::format("topic {} is not made", name), code, why == nullptr ? "" : why);
  }
  return outcomes;
}

Result<KafkaOffsets> KafkaCluster::ask_offsets(rd_kafka_t* client,
                                               const std::vector<KafkaPartition>& partitions,
                                               std::int64_t which) const {
  KafkaOffsets found;
  if (partitions.empty()) return found;
  const auto due = std::chrono::steady_clock::now() + options_.request_timeout;
  KafkaPartitions list;
  auto code = RD_KAFKA_RESP_ERR__TIMED_OUT;
  while (!abandoned_ && !is_over(due)) {
    list = list_of(partitions, which);
    code = rd_kafka_offsets_for_times(client, list.get(), left_ms(due));
    if (!passes_soon(code, *list)) break;
    std::this_thread::sleep_for(kPause);
  }
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR && !has_gone(code))
    return error("offsets of topics", code);
  for (const auto& one : std::span(list->elems, static_cast<std::size_t>(list->cnt))) {
    if (has_gone(one.err)) continue;
    if (one.err != RD_KAFKA_RESP_ERR_NO_ERROR)
      return error(fmt::format("topic {}, partition {}", one.topic, one.partition), one.err);
    if (one.offset >= 0) found.emplace(KafkaPartition{one.topic, one.partition}, one.offset);
  }
  return found;
}

}  // namespace myelin::bus
