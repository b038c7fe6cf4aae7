#include "cli/kafka/client.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <thread>

namespace myelin::cli::kafka {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kRetryPause{100};
constexpr milliseconds kFirstSlice{200};
// What a name with several addresses needs to try them all.
constexpr milliseconds kAllDownGrace{1000};
constexpr std::size_t kReasonBytesMax = 512;

bool is_hopeless(rd_kafka_resp_err_t code) {
  switch (code) {
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR__SSL:
    case RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
    case RD_KAFKA_RESP_ERR_UNSUPPORTED_SASL_MECHANISM: return true;
    default: return false;
  }
}

void keep_quiet(const rd_kafka_t* /*handle*/, int /*level*/, const char* /*facility*/,
                const char* /*text*/) {}

bool wants_debug(const Connection& connection) {
  return std::ranges::find(connection.properties, "debug", &Property::first) !=
         connection.properties.end();
}

PartitionView view_of(const rd_kafka_metadata_partition& partition) {
  PartitionView view{.id = partition.id, .leader = partition.leader};
  view.replicas.assign(partition.replicas, partition.replicas + partition.replica_cnt);
  view.in_sync.assign(partition.isrs, partition.isrs + partition.isr_cnt);
  std::ranges::sort(view.in_sync);
  return view;
}

ClusterView view_of(const struct rd_kafka_metadata& metadata) {
  ClusterView view;
  for (const auto& topic : std::span(metadata.topics, metadata.topic_cnt)) {
    TopicView one{.name = topic.topic};
    for (const auto& partition : std::span(topic.partitions, topic.partition_cnt))
      one.partitions.push_back(view_of(partition));
    std::ranges::sort(one.partitions, {}, &PartitionView::id);
    view.topics.push_back(std::move(one));
  }
  std::ranges::sort(view.topics, {}, &TopicView::name);
  return view;
}

// What a broker says that has not heard yet of a topic that was just made, or that it leads it.
bool is_passing(rd_kafka_resp_err_t code) {
  return code == RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION ||
         code == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE ||
         code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
}

}  // namespace

Result<std::unique_ptr<Client>> Client::open(const Connection& connection) {
  std::unique_ptr<Client> client(new Client(connection));
  // A producer makes the fewest threads and asks for nothing by itself.
  MYELIN_TRY_VOID(client->start(RD_KAFKA_PRODUCER, {}));
  return client;
}

Result<std::unique_ptr<Client>> Client::open_consumer(const Connection& connection,
                                                      const Consuming& consuming) {
  std::unique_ptr<Client> client(new Client(connection));
  client->opaque_ = consuming.opaque;
  MYELIN_TRY_VOID(client->start(RD_KAFKA_CONSUMER, consuming));
  return client;
}

void* Client::opaque_of(rd_kafka_t* handle) {
  return static_cast<Client*>(rd_kafka_opaque(handle))->opaque_;
}

Status Client::set(rd_kafka_conf_t* conf, const Property& property) const {
  std::array<char, kReasonBytesMax> reason{};
  const auto outcome = rd_kafka_conf_set(conf, property.first.c_str(), property.second.c_str(),
                                         reason.data(), reason.size());
  if (outcome == RD_KAFKA_CONF_OK) return {};
  // librdkafka's sentence may hold the value.
  return Error(ErrorCode::InvalidInput,
               outcome == RD_KAFKA_CONF_UNKNOWN
                   ? fmt::format("librdkafka has no setting {}", property.first)
                   : fmt::format("librdkafka does not take this value of {}", property.first));
}

Status Client::start(rd_kafka_type_t type, const Consuming& consuming) {
  ConfHandle conf(rd_kafka_conf_new());
  MYELIN_TRY_VOID(set(conf.get(), {"bootstrap.servers", connection_.bootstrap}));
  MYELIN_TRY_VOID(set(conf.get(), {"client.id", "myelin"}));
  for (const Property& property : connection_.properties)
    MYELIN_TRY_VOID(set(conf.get(), property));
  for (const Property& property : consuming.properties) MYELIN_TRY_VOID(set(conf.get(), property));
  rd_kafka_conf_set_opaque(conf.get(), this);
  rd_kafka_conf_set_error_cb(conf.get(),
                             [](rd_kafka_t* handle, int code, const char* reason, void* opaque) {
                               on_error(handle, code, reason, opaque);
                             });
  if (!wants_debug(connection_)) rd_kafka_conf_set_log_cb(conf.get(), keep_quiet);
  if (consuming.on_rebalance != nullptr)
    rd_kafka_conf_set_rebalance_cb(conf.get(), consuming.on_rebalance);
  std::array<char, kReasonBytesMax> reason{};
  handle_.reset(rd_kafka_new(type, conf.get(), reason.data(), reason.size()));
  if (!handle_) return Error(ErrorCode::InvalidInput, std::string(reason.data()));
  [[maybe_unused]] const auto* taken = conf.release();  // The instance has it now.
  return {};
}

void Client::on_error(rd_kafka_t* /*handle*/, int code, const char* reason, void* opaque) {
  auto& client = *static_cast<Client*>(opaque);
  const auto error = static_cast<rd_kafka_resp_err_t>(code);
  const MutexLock lock(client.mutex_);
  if (error == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) {
    client.trouble_.all_down = true;
    return;
  }
  client.trouble_.reason = tidy_reason(reason);
  client.trouble_.hopeless |= is_hopeless(error);
}

bool Client::all_brokers_down() const {
  const MutexLock lock(mutex_);
  return trouble_.all_down;
}

std::string Client::trouble() const {
  const MutexLock lock(mutex_);
  return trouble_.reason;
}

void Client::forget_trouble() {
  const MutexLock lock(mutex_);
  trouble_ = {};
}

void Client::start_consuming() {
  rd_kafka_poll_set_consumer(handle_.get());
  consuming_ = true;
}

Error Client::unreachable() {
  if (!consuming_) rd_kafka_poll(handle_.get(), 0);
  const MutexLock lock(mutex_);
  if (trouble_.hopeless) {
    return Error(ErrorCode::Unauthenticated,
                 fmt::format("{} does not let us in: {}", brokers(), trouble_.reason));
  }
  if (trouble_.reason.empty()) {
    return Error(ErrorCode::Unavailable,
                 fmt::format("{} does not answer within {} ms", brokers(), timeout().count()));
  }
  return Error(ErrorCode::Unavailable,
               fmt::format("{} cannot be reached: {}", brokers(), trouble_.reason));
}

Error Client::refusal(std::string_view what, rd_kafka_resp_err_t code, const char* reason) {
  if (code == RD_KAFKA_RESP_ERR__TRANSPORT || code == RD_KAFKA_RESP_ERR__TIMED_OUT ||
      code == RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE) {
    const auto away = unreachable();
    return Error(away.code(), fmt::format("{}: {}", what, away.message()));
  }
  const bool told = reason != nullptr && *reason != '\0';
  return Error(to_error_code(code),
               fmt::format("{}: {}: {}", brokers(), what, told ? reason : rd_kafka_err2str(code)));
}

Result<ClusterView> Client::ask_for_topics(milliseconds within) {
  const struct rd_kafka_metadata* metadata = nullptr;
  // All topics: to ask for one by name could create it.
  const auto code =
      rd_kafka_metadata(handle_.get(), 1, nullptr, &metadata,
                        static_cast<int>(std::max<milliseconds::rep>(within.count(), 1)));
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return Error(to_error_code(code), rd_kafka_err2str(code));
  auto view = view_of(*metadata);
  rd_kafka_metadata_destroy(metadata);
  return view;
}

Result<ClusterView> Client::look() {
  const auto begin = std::chrono::steady_clock::now();
  // Longer and longer, so that a lost connection is seen early and a slow answer is awaited.
  for (auto slice = kFirstSlice;; slice *= 2) {
    const auto spent =
        std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - begin);
    if (spent >= timeout()) return unreachable();
    auto view = ask_for_topics(std::min(slice, timeout() - spent));
    if (view || view.error().code() != ErrorCode::Unavailable) return view;
    rd_kafka_poll(handle_.get(), 0);
    const bool tried = std::chrono::steady_clock::now() - begin >= kAllDownGrace;
    const MutexLock lock(mutex_);
    if (trouble_.hopeless || (trouble_.all_down && tried)) break;
  }
  return unreachable();
}

bool Client::answers(milliseconds within) {
  const struct rd_kafka_metadata* metadata = nullptr;
  const auto code =
      rd_kafka_metadata(handle_.get(), 0, nullptr, &metadata, static_cast<int>(within.count()));
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return false;
  rd_kafka_metadata_destroy(metadata);
  return true;
}

Status Client::ask_offsets(std::vector<TopicView>& topics, std::int64_t which) {
  PartitionsHandle asked(rd_kafka_topic_partition_list_new(16));
  for (const TopicView& topic : topics) {
    for (const PartitionView& partition : topic.partitions) {
      if (partition.leader >= 0)
        rd_kafka_topic_partition_list_add(asked.get(), topic.name.c_str(), partition.id);
    }
  }
  if (asked->cnt == 0) return {};
  const auto ask = [&] {
    for (auto& one : std::span(asked->elems, asked->cnt)) one.offset = which;
    return rd_kafka_offsets_for_times(handle_.get(), asked.get(), timeout_ms());
  };
  const auto begin = std::chrono::steady_clock::now();
  auto code = ask();
  while (is_passing(code) && std::chrono::steady_clock::now() - begin < timeout()) {
    std::this_thread::sleep_for(kRetryPause);
    code = ask();
  }
  if (code == RD_KAFKA_RESP_ERR__TIMED_OUT || code == RD_KAFKA_RESP_ERR__TRANSPORT)
    return unreachable();
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return refusal("offsets of topics", code);
  // The list comes back in another order.
  for (const auto& answer : std::span(asked->elems, asked->cnt)) {
    if (answer.err != RD_KAFKA_RESP_ERR_NO_ERROR || answer.offset < 0) continue;
    const auto topic = std::ranges::find(topics, answer.topic, &TopicView::name);
    for (PartitionView& partition : topic->partitions) {
      if (partition.id != answer.partition) continue;
      (which == RD_KAFKA_OFFSET_BEGINNING ? partition.first : partition.end) = answer.offset;
    }
  }
  return {};
}

Status Client::add_offsets(std::vector<TopicView>& topics) {
  MYELIN_TRY_VOID(ask_offsets(topics, RD_KAFKA_OFFSET_BEGINNING));
  return ask_offsets(topics, RD_KAFKA_OFFSET_END);
}

Result<std::int64_t> Client::locate(const TopicView& topic, const PartitionView& partition,
                                    const Position& position) {
  if (position.kind == Position::Kind::Offset) return position.value;
  const auto what = fmt::format("topic {}, partition {}", topic.name, partition.id);
  if (!partition.first || !partition.end)
    return refusal(what, RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE);
  if (position.kind == Position::Kind::Beginning) return *partition.first;
  if (position.kind == Position::Kind::End) return *partition.end;
  if (position.kind == Position::Kind::Last)
    return std::max(*partition.first, *partition.end - std::min(position.value, *partition.end));
  const PartitionsHandle asked(rd_kafka_topic_partition_list_new(1));
  auto* answer = rd_kafka_topic_partition_list_add(asked.get(), topic.name.c_str(), partition.id);
  answer->offset = std::max<std::int64_t>(position.value, 0);
  const auto code = rd_kafka_offsets_for_times(handle_.get(), asked.get(), timeout_ms());
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return refusal(what, code);
  if (asked->elems[0].err != RD_KAFKA_RESP_ERR_NO_ERROR) return refusal(what, asked->elems[0].err);
  return asked->elems[0].offset < 0 ? *partition.end : asked->elems[0].offset;
}

std::string tidy_reason(std::string_view reason) {
  // "127.0.0.1:9092/bootstrap: Connect to ipv4#127.0.0.1:9092 failed: Connection refused (after
  // 0ms in state CONNECT)"
  if (const auto after = reason.find(" (after "); after != std::string_view::npos)
    reason = reason.substr(0, after);
  if (const auto name = reason.find(": "); name != std::string_view::npos) {
    const auto broker = reason.substr(0, name);
    if (broker.find(' ') == std::string_view::npos && broker.contains('/'))
      reason.remove_prefix(name + 2);
  }
  // With other names before it, or none.
  constexpr std::string_view kFailed = " failed: ";
  const auto connect = reason.find("Connect to ");
  const auto failed = reason.find(kFailed, std::min(connect, reason.size()));
  if (connect != std::string_view::npos && failed != std::string_view::npos)
    reason.remove_prefix(failed + kFailed.size());
  return std::string(reason);
}

ErrorCode to_error_code(rd_kafka_resp_err_t code) {
  switch (code) {
    case RD_KAFKA_RESP_ERR__TRANSPORT:
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
    case RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE:
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
    case RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT:
    case RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE: return ErrorCode::Unavailable;
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION: return ErrorCode::NotFound;
    case RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS: return ErrorCode::Conflict;
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED: return ErrorCode::Forbidden;
    default: return ErrorCode::InvalidInput;
  }
}

}  // namespace myelin::cli::kafka
