// DescribeTopicPartitions, DescribeLogDirs, DescribeQuorum, DescribeProducers.
#include <algorithm>

#include "formats/kafka_protocol/describe_log_dirs.h"
#include "formats/kafka_protocol/describe_producers.h"
#include "formats/kafka_protocol/describe_quorum.h"
#include "formats/kafka_protocol/describe_topic_partitions.h"
#include "servers/kafka/admin.h"
#include "servers/kafka/handlers.h"
#include "servers/kafka/operations.h"
#include "servers/kafka/session.h"
#include "servers/kafka/topics.h"

namespace myelin::kafka {
namespace {

using security::Operation;

constexpr std::int32_t kPartitionsMax = 2000;  // Kafka's max.request.partition.size.limit.
constexpr std::string_view kQuorumTopic = "__cluster_metadata";

// DescribeTopicPartitions: page by page, topics by name.

class TopicPages {
 public:
  TopicPages(Call& call, const DescribeTopicPartitionsRequest& request)
      : call_(call),
        request_(request),
        left_(std::clamp(request.response_partition_limit, 1, kPartitionsMax)) {
    nodes_.add(call.arena(), call.server().settings().node_id);
  }

  DescribeTopicPartitionsResponse make() {
    for (const auto name : names()) {
      if (response_.next_cursor) break;
      add(name);
    }
    return response_;
  }

 private:
  // In order; from the cursor on.
  std::vector<std::string_view> names() {
    std::vector<std::string_view> names;
    for (const auto& topic : request_.topics) names.push_back(topic.name);
    if (names.empty()) {
      for (const auto& topic : call_.server().broker().all_topics())
        names.push_back(call_.arena().copy(topic->name.full()));
    }
    std::ranges::sort(names);
    const auto twice = std::ranges::unique(names);
    names.erase(twice.begin(), twice.end());
    if (request_.cursor) {
      std::erase_if(names, [&](auto name) { return name < request_.cursor->topic_name; });
    }
    return names;
  }

  void add(std::string_view name) {
    const bool named = !request_.topics.empty();
    const auto topic = find_topic(call_, name);
    const auto access = check_access(call_, Operation::Describe, name);
    if (!topic || !access.is_ok()) {
      if (!named) return;
      auto& failed = response_.topics.add(call_.arena());
      failed.name = name;
      failed.error_code = code(access.is_ok() ? KafkaError::UnknownTopicOrPartition : access.error);
      return;
    }
    const bool at_cursor = request_.cursor && request_.cursor->topic_name == name;
    const auto first = at_cursor ? std::max(request_.cursor->partition_index, 0) : 0;
    if (left_ == 0) {
      response_.next_cursor = {.topic_name = name, .partition_index = first};
      return;
    }
    add_partitions(*topic, name, first);
  }

  void add_partitions(const broker::Topic& topic, std::string_view name, std::int32_t first) {
    auto& described = response_.topics.add(call_.arena());
    described.name = name;
    described.topic_id = topic.id();
    described.is_internal = broker::is_internal(topic.name.name);
    described.topic_authorized_operations = topic_operations(call_, topic);
    for (auto i = first; i < topic.partition_count(); ++i) {
      if (left_ == 0) {
        response_.next_cursor = {.topic_name = name, .partition_index = i};
        return;
      }
      --left_;
      auto& partition = described.partitions.add(call_.arena());
      partition.partition_index = i;
      partition.leader_id = call_.server().settings().node_id;
      partition.leader_epoch = call_.server().leader_epoch();
      partition.replica_nodes = nodes_;
      partition.isr_nodes = nodes_;
      partition.eligible_leader_replicas = List<std::int32_t>();
      partition.last_known_elr = List<std::int32_t>();
    }
  }

  Call& call_;
  const DescribeTopicPartitionsRequest& request_;
  std::int32_t left_;
  List<std::int32_t> nodes_;
  DescribeTopicPartitionsResponse response_;
};

io::Task<DescribeTopicPartitionsResponse> describe_topic_partitions(
    Call& call, const DescribeTopicPartitionsRequest& request) {
  co_return TopicPages(call, request).make();
}

// DescribeLogDirs.

using LogDir = DescribeLogDirsResponse::LogDir;

std::int64_t stored_bytes(const log::Partition& partition) {
  std::uint64_t bytes = 0;
  for (const auto& segment : *partition.segments()) bytes += segment.log_bytes;
  return static_cast<std::int64_t>(bytes);
}

void add_partition(Call& call, const broker::Topic& topic, std::int32_t index,
                   LogDir::Topic& described) {
  if (index < 0 || index >= topic.partition_count()) return;
  described.partitions.add(
      call.arena(),
      {.partition_index = index,
       .partition_size = stored_bytes(topic.partition(broker::PartitionIndex(index)))});
}

void add_whole(Call& call, const broker::Topic& topic, LogDir& dir) {
  const auto name = topic.name.full();
  if (!check_access(call, Operation::Describe, name).is_ok()) return;
  auto& described = dir.topics.add(call.arena());
  described.name = call.arena().copy(name);
  for (std::int32_t i = 0; i < topic.partition_count(); ++i)
    add_partition(call, topic, i, described);
}

io::Task<DescribeLogDirsResponse> describe_log_dirs(Call& call,
                                                    const DescribeLogDirsRequest& request) {
  DescribeLogDirsResponse response;
  auto& log = call.server().broker().log();
  LogDir dir;
  dir.log_dir = log.options().directory;
  const auto space = log.space();
  dir.total_bytes = static_cast<std::int64_t>(space.total_bytes);
  dir.usable_bytes = static_cast<std::int64_t>(space.free_bytes);
  if (!request.topics) {
    for (const auto& topic : call.server().broker().all_topics()) add_whole(call, *topic, dir);
  } else {
    for (const auto& asked : *request.topics) {
      const auto topic = find_topic(call, asked.topic);
      if (!topic || !check_access(call, Operation::Describe, asked.topic).is_ok()) continue;
      auto& described = dir.topics.add(call.arena());
      described.name = asked.topic;
      for (const auto index : asked.partitions) add_partition(call, *topic, index, described);
    }
  }
  response.results.add(call.arena(), dir);
  co_return response;
}

// DescribeQuorum: one voter, which leads.

io::Task<DescribeQuorumResponse> describe_quorum(Call& call, const DescribeQuorumRequest& request) {
  DescribeQuorumResponse response;
  const auto node = call.server().settings().node_id;
  const auto commit = static_cast<std::int64_t>(call.server().broker().log().visible().value);
  const auto now = to_ms(call.server().parts().clock.now());
  for (const auto& asked : request.topics) {
    auto& topic = response.topics.add(call.arena());
    topic.topic_name = asked.topic_name;
    for (const auto& wanted : asked.partitions) {
      auto& partition = topic.partitions.add(call.arena());
      partition.partition_index = wanted.partition_index;
      if (asked.topic_name != kQuorumTopic || wanted.partition_index != 0) {
        partition.error_code = code(KafkaError::UnknownTopicOrPartition);
        continue;
      }
      partition.leader_id = node;
      partition.leader_epoch = call.server().leader_epoch();
      partition.high_watermark = commit;
      partition.current_voters.add(call.arena(), {.replica_id = node,
                                                  .replica_directory_id = {},
                                                  .log_end_offset = commit,
                                                  .last_fetch_timestamp = now,
                                                  .last_caught_up_timestamp = now});
    }
  }
  auto& described = response.nodes.add(call.arena());
  described.node_id = node;
  described.listeners.add(call.arena(),
                          {.name = "PLAINTEXT",
                           .host = call.arena().copy(call.session().advertised_host()),
                           .port = static_cast<std::uint16_t>(call.session().advertised_port())});
  co_return response;
}

// DescribeProducers.

io::Task<DescribeProducersResponse> describe_producers(Call& call,
                                                       const DescribeProducersRequest& request) {
  DescribeProducersResponse response;
  for (const auto& asked : request.topics) {
    auto& topic = response.topics.add(call.arena());
    topic.name = asked.name;
    for (const auto index : asked.partition_indexes) {
      auto& partition = topic.partitions.add(call.arena());
      partition.partition_index = index;
      const auto found = find_partition(call, Operation::Read, asked.name, index);
      partition.error_code = code(found.error);
      if (found.error != KafkaError::None) continue;
      for (const auto& producer : call.server().broker().log().producers(*found.partition)) {
        partition.active_producers.add(call.arena(), {.producer_id = producer.id,
                                                      .producer_epoch = producer.epoch,
                                                      .last_sequence = producer.last_sequence(),
                                                      .last_timestamp = producer.last_timestamp_ms,
                                                      .coordinator_epoch = -1});
      }
    }
  }
  co_return response;
}

}  // namespace

std::unique_ptr<Handler> make_describe_topic_partitions() {
  return make_answer<describe_topic_partitions>();
}
std::unique_ptr<Handler> make_describe_log_dirs() { return make_answer<describe_log_dirs>(); }
std::unique_ptr<Handler> make_describe_quorum() { return make_answer<describe_quorum>(); }
std::unique_ptr<Handler> make_describe_producers() { return make_answer<describe_producers>(); }

}  // namespace myelin::kafka
