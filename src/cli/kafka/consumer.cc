#include "cli/kafka/consumer.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <span>

#include "cli/kafka/text.h"

namespace myelin::cli::kafka {
namespace {

using std::chrono::milliseconds;
using Steady = std::chrono::steady_clock;

constexpr int kIdleMs = 100;
constexpr milliseconds kLookEvery{1000};
constexpr milliseconds kLookTime{300};
constexpr unsigned kStopCheckEvery = 256;  // Records.
// librdkafka asks for the name of a group even where there is none.
constexpr const char* kNoGroup = "myelin-consume";

std::vector<Property> properties_of(const ConsumeOptions& options) {
  const bool group = !options.group.empty();
  const bool from_end = group && options.from.kind == Position::Kind::End;
  return {{"group.id", group ? options.group : kNoGroup},
          {"enable.auto.commit", group ? "true" : "false"},
          {"auto.commit.interval.ms", "1000"},
          {"enable.auto.offset.store", "false"},
          // Without a group the offsets are known; what retention took meanwhile is passed over.
          {"auto.offset.reset", from_end ? "latest" : "earliest"},
          {"enable.partition.eof", options.until.kind == Until::Kind::End ? "true" : "false"}};
}

std::optional<std::string_view> bytes_of(const void* data, std::size_t size) {
  if (data == nullptr) return std::nullopt;
  return std::string_view(static_cast<const char*>(data), size);
}

RecordView view_of(const rd_kafka_message_t& message) {
  RecordView view{.topic = rd_kafka_topic_name(message.rkt),
                  .partition = message.partition,
                  .offset = message.offset,
                  .key = bytes_of(message.key, message.key_len),
                  .value = bytes_of(message.payload, message.len)};
  rd_kafka_timestamp_type_t type{};
  const auto time = rd_kafka_message_timestamp(&message, &type);
  if (type != RD_KAFKA_TIMESTAMP_NOT_AVAILABLE && time >= 0) view.time_ms = time;
  rd_kafka_headers_t* headers = nullptr;
  if (rd_kafka_message_headers(&message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) return view;
  const char* name = nullptr;
  const void* value = nullptr;
  std::size_t size = 0;
  for (std::size_t i = 0;
       rd_kafka_header_get_all(headers, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR; ++i)
    view.headers.push_back({name, bytes_of(value, size)});
  return view;
}

bool is_refusal(rd_kafka_resp_err_t code) {
  switch (code) {
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_INVALID_GROUP_ID:
    case RD_KAFKA_RESP_ERR_INCONSISTENT_GROUP_PROTOCOL:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
    case RD_KAFKA_RESP_ERR__FATAL: return true;
    default: return false;
  }
}

// What the connection's own errors tell already.
bool is_about_connection(rd_kafka_resp_err_t code) {
  switch (code) {
    case RD_KAFKA_RESP_ERR__TRANSPORT:
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
    case RD_KAFKA_RESP_ERR__RESOLVE:
    case RD_KAFKA_RESP_ERR__TIMED_OUT: return true;
    default: return false;
  }
}

}  // namespace

Consumer::Consumer(const ConsumeOptions& options, Printer& printer,
                   std::function<bool()> stop_asked)
    : options_(options), printer_(printer), stop_asked_(std::move(stop_asked)) {}

Consumer::~Consumer() = default;

Status Consumer::open() {
  MYELIN_TRY(client, Client::open_consumer(options_.connection,
                                           {.properties = properties_of(options_),
                                            .on_rebalance = groups() ? on_rebalance : nullptr,
                                            .opaque = this}));
  client_ = std::move(client);
  return {};
}

Status Consumer::run() {
  MYELIN_TRY_VOID(begin());
  auto outcome = loop();
  auto finished = finish();
  return outcome ? std::move(finished) : std::move(outcome);
}

Status Consumer::begin() {
  MYELIN_TRY(cluster, client_->look());
  auto topics = cluster.select(options_.topics);
  if (!topics) return std::move(topics).error().with_context(client_->brokers());
  client_->start_consuming();
  MYELIN_TRY_VOID(groups() ? subscribe() : assign(*topics));
  if (options_.until.kind == Until::Kind::Stopped) {
    printer_.hint(
        fmt::format("following {}{}; Ctrl-C stops", fmt::join(options_.topics, ", "),
                    options_.from.kind == Position::Kind::End && !groups() ? " from the end" : ""));
  }
  return {};
}

Result<std::int64_t> Consumer::start_of(const TopicView& topic, const PartitionView& partition) {
  MYELIN_TRY(wanted, client_->locate(topic, partition, options_.from));
  if (!partition.first || !partition.end) return wanted;
  const auto start = std::clamp(wanted, *partition.first, *partition.end);
  if (start != wanted) {
    printer_.note(
        fmt::format("topic {}, partition {} holds offsets {} to below {}: it begins at {}",
                    topic.name, partition.id, *partition.first, *partition.end, start));
  }
  return start;
}

Status Consumer::assign(std::vector<TopicView>& topics) {
  for (TopicView& topic : topics) {
    for (const auto id : options_.partitions) {
      if (topic.find_partition(id) != nullptr) continue;
      return Error(ErrorCode::NotFound, fmt::format("{}: topic {} has no partition {}",
                                                    client_->brokers(), topic.name, id));
    }
    std::erase_if(topic.partitions, [&](const PartitionView& partition) {
      const auto& wanted = options_.partitions;
      return !wanted.empty() && std::ranges::find(wanted, partition.id) == wanted.end();
    });
  }
  MYELIN_TRY_VOID(client_->add_offsets(topics));
  const PartitionsHandle assigned(rd_kafka_topic_partition_list_new(16));
  for (const TopicView& topic : topics) {
    for (const PartitionView& partition : topic.partitions) {
      MYELIN_TRY(start, start_of(topic, partition));
      Reading reading{.topic = topic.name, .partition = partition.id};
      if (options_.until.kind == Until::Kind::End) reading.end = partition.end.value_or(-1);
      reading.done = reading.end >= 0 && start >= reading.end;
      if (!reading.done) {
        rd_kafka_topic_partition_list_add(assigned.get(), topic.name.c_str(), partition.id)
            ->offset = start;
      }
      readings_.push_back(std::move(reading));
    }
  }
  assigned_ = true;
  const auto code = rd_kafka_assign(client_->handle(), assigned.get());
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return client_->refusal("reading topics", code);
  return {};
}

Status Consumer::subscribe() {
  const PartitionsHandle topics(rd_kafka_topic_partition_list_new(16));
  for (const std::string& topic : options_.topics)
    rd_kafka_topic_partition_list_add(topics.get(), topic.c_str(), RD_KAFKA_PARTITION_UA);
  const auto code = rd_kafka_subscribe(client_->handle(), topics.get());
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return client_->refusal("group " + options_.group, code);
  return {};
}

bool Consumer::goal_reached() const {
  switch (options_.until.kind) {
    case Until::Kind::Stopped: return false;
    case Until::Kind::Count: return printer_.records() >= options_.until.count;
    case Until::Kind::End: return assigned_ && std::ranges::all_of(readings_, &Reading::done);
  }
  return false;
}

Status Consumer::loop() {
  for (unsigned round = 0; !goal_reached(); ++round) {
    if (round % kStopCheckEvery == 0 && stop_asked_()) break;
    MessageHandle message(rd_kafka_consumer_poll(client_->handle(), 0));
    if (!message) {
      MYELIN_TRY_VOID(flush());
      MYELIN_TRY_VOID(look_after_broker());
      if (stop_asked_()) break;
      message.reset(rd_kafka_consumer_poll(client_->handle(), kIdleMs));
    }
    if (message) MYELIN_TRY_VOID(take(*message));
    if (printer_.is_full()) MYELIN_TRY_VOID(flush());
    if (!rebalance_status_) return std::move(rebalance_status_);
    printer_.progress();
  }
  return {};
}

Consumer::Reading* Consumer::find_reading(std::string_view topic, std::int32_t partition) {
  const auto is_it = [&](const Reading& reading) {
    return reading.partition == partition && reading.topic == topic;
  };
  // Records come in runs.
  if (last_read_ < readings_.size() && is_it(readings_[last_read_])) return &readings_[last_read_];
  const auto found = std::ranges::find_if(readings_, is_it);
  if (found == readings_.end()) return nullptr;
  last_read_ = static_cast<std::size_t>(found - readings_.begin());
  return &*found;
}

Status Consumer::take(const rd_kafka_message_t& message) {
  if (message.err != RD_KAFKA_RESP_ERR_NO_ERROR) return take_event(message);
  Reading* reading = find_reading(rd_kafka_topic_name(message.rkt), message.partition);
  if (reading == nullptr || reading->done) return {};
  if (reading->end >= 0 && message.offset >= reading->end) {
    reading->done = true;
    return {};
  }
  printer_.add(view_of(message));
  reading->next_stored = message.offset + 1;
  reading->done = reading->end >= 0 && reading->next_stored >= reading->end;
  return {};
}

Status Consumer::take_event(const rd_kafka_message_t& message) {
  const char* topic = message.rkt != nullptr ? rd_kafka_topic_name(message.rkt) : nullptr;
  if (message.err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
    if (Reading* reading = topic ? find_reading(topic, message.partition) : nullptr)
      reading->done = reading->end < 0 || message.offset >= reading->end;
    return {};
  }
  if (is_about_connection(message.err)) return {};
  // Not the event's own sentence: it may come from elsewhere and hold what a record holds.
  const auto what =
      topic ? fmt::format("topic {}", topic) : fmt::format("{}", fmt::join(options_.topics, ", "));
  const bool of_group = message.err == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED;
  if (is_refusal(message.err) && (groups() || !of_group))
    return client_->refusal(of_group ? "group " + options_.group : what, message.err);
  if (!of_group) printer_.note(client_->refusal(what, message.err).message());
  return {};
}

Status Consumer::flush() {
  MYELIN_TRY_VOID(printer_.flush());
  if (!groups()) return {};
  const PartitionsHandle printed(rd_kafka_topic_partition_list_new(16));
  for (Reading& reading : readings_) {
    if (reading.next_stored < 0) continue;
    rd_kafka_topic_partition_list_add(printed.get(), reading.topic.c_str(), reading.partition)
        ->offset = reading.next_stored;
    reading.next_stored = -1;
  }
  if (printed->cnt == 0) return {};
  const auto code = rd_kafka_offsets_store(client_->handle(), printed.get());
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
    printer_.note(client_->refusal("group " + options_.group, code).message());
  return {};
}

Status Consumer::look_after_broker() {
  const auto now = Steady::now();
  if (!away_since_) {
    if (!client_->all_brokers_down()) return {};
    away_since_ = now;
    next_look_ = now + kLookEvery;
    printer_.note(client_->unreachable().message() + "; waiting for it");
    return {};
  }
  if (now < next_look_) return {};
  next_look_ = now + kLookEvery;
  if (client_->answers(kLookTime)) {
    away_since_.reset();
    client_->forget_trouble();
    printer_.note(client_->brokers() + " is back");
    return {};
  }
  const bool waits = options_.until.kind == Until::Kind::Stopped;
  if (!waits && now - *away_since_ >= client_->timeout()) return client_->unreachable();
  return {};
}

Status Consumer::finish() {
  auto flushed = flush();
  printer_.end_progress();
  Status committed;
  if (groups()) {
    const auto code = rd_kafka_commit(client_->handle(), nullptr, 0);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR && code != RD_KAFKA_RESP_ERR__NO_OFFSET) {
      committed = client_->refusal(
          fmt::format("group {}: what was printed last is not committed", options_.group), code);
    }
  }
  rd_kafka_consumer_close(client_->handle());
  return flushed ? std::move(committed) : std::move(flushed);
}

void Consumer::on_rebalance(rd_kafka_t* handle, rd_kafka_resp_err_t code,
                            rd_kafka_topic_partition_list_t* partitions, void* /*opaque*/) {
  static_cast<Consumer*>(Client::opaque_of(handle))->rebalance(code, *partitions);
}

void Consumer::rebalance(rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t& partitions) {
  rd_kafka_t* handle = client_->handle();
  const bool cooperative = std::string_view(rd_kafka_rebalance_protocol(handle)) == "COOPERATIVE";
  if (code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
    gain(partitions);
    if (cooperative) {
      const ErrorHandle error(rd_kafka_incremental_assign(handle, &partitions));
    } else {
      rd_kafka_assign(handle, &partitions);
    }
    return;
  }
  lose(partitions);
  if (cooperative) {
    const ErrorHandle error(rd_kafka_incremental_unassign(handle, &partitions));
  } else {
    rd_kafka_assign(handle, nullptr);
  }
}

void Consumer::gain(const rd_kafka_topic_partition_list_t& partitions) {
  std::vector<TopicView> topics;
  for (const auto& partition : std::span(partitions.elems, partitions.cnt)) {
    if (topics.empty() || topics.back().name != partition.topic)
      topics.push_back({.name = partition.topic});
    topics.back().partitions.push_back({.id = partition.partition, .leader = 0});
  }
  if (options_.until.kind == Until::Kind::End) {
    auto asked = client_->add_offsets(topics);
    if (!asked) rebalance_status_ = std::move(asked);
  }
  for (const TopicView& topic : topics) {
    for (const PartitionView& partition : topic.partitions) {
      Reading reading{.topic = topic.name, .partition = partition.id};
      reading.end = partition.end.value_or(-1);
      reading.done = partition.span() == 0;
      readings_.push_back(std::move(reading));
    }
  }
  assigned_ = true;
}

void Consumer::lose(const rd_kafka_topic_partition_list_t& partitions) {
  auto flushed = flush();
  if (!flushed) rebalance_status_ = std::move(flushed);
  // The next owner goes on behind what was printed here.
  if (rd_kafka_assignment_lost(client_->handle()) == 0) {
    const auto code = rd_kafka_commit(client_->handle(), nullptr, 0);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR && code != RD_KAFKA_RESP_ERR__NO_OFFSET)
      printer_.note(client_->refusal("group " + options_.group, code).message());
  }
  for (const auto& partition : std::span(partitions.elems, partitions.cnt)) {
    std::erase_if(readings_, [&](const Reading& reading) {
      return reading.partition == partition.partition && reading.topic == partition.topic;
    });
  }
}

}  // namespace myelin::cli::kafka
