#include "bus/kafka_fetcher.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <span>

#include "formats/kafka/record_batch.h"

namespace myelin::bus {
namespace {

// Of one take(): also records of no size come to an end.
constexpr std::size_t kMessagesMax = 10'000;

std::vector<KafkaCluster::Property> properties(const KafkaBusOptions& options,
                                               std::chrono::milliseconds wait_max) {
  // Several answers fit the queue: librdkafka 2.0 asks no more for a second after it found it full.
  const auto fetch_bytes =
      fmt::format("{}", std::max<std::size_t>(options.fetch_bytes_max / 4, 1024));
  return {{"auto.offset.reset", "error"},
          {"enable.partition.eof", "false"},
          {"check.crcs", "true"},
          {"fetch.error.backoff.ms", "200"},
          {"fetch.wait.max.ms", fmt::format("{}", wait_max.count())},
          {"fetch.message.max.bytes", fetch_bytes},
          {"message.max.bytes", "1000"},  // Of what a consumer sends; it would raise the next one.
          {"fetch.max.bytes", fetch_bytes},
          {"queued.max.messages.kbytes", fmt::format("{}", options.fetch_bytes_max / 1024 + 1)},
          {"receive.message.max.bytes",
           fmt::format("{}", options.fetch_bytes_max + 2 * options.record_bytes_max + 1024)}};
}

KafkaPartition partition_of(const rd_kafka_message_t& message) {
  return {rd_kafka_topic_name(message.rkt), message.partition};
}

std::optional<std::string_view> view_of(const void* bytes, std::size_t size) {
  if (bytes == nullptr) return std::nullopt;
  return std::string_view(static_cast<const char*>(bytes), size);
}

void read_headers(const rd_kafka_message_t& message, std::vector<kafka::Header>& headers) {
  headers.clear();
  rd_kafka_headers_t* raw = nullptr;
  if (rd_kafka_message_headers(&message, &raw) != RD_KAFKA_RESP_ERR_NO_ERROR) return;
  const char* name = nullptr;
  const void* value = nullptr;
  std::size_t size = 0;
  for (std::size_t i = 0;
       rd_kafka_header_get_all(raw, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR; ++i)
    headers.push_back({name, view_of(value, size)});
}

std::int64_t time_of(const rd_kafka_message_t& message) {
  rd_kafka_timestamp_type_t type = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
  return rd_kafka_message_timestamp(&message, &type);
}

Result<Batch> batch_of(std::span<const KafkaMessage> messages,
                       std::shared_ptr<const TopicName> topic) {
  std::size_t reserve = kafka::kBatchHeaderBytes;
  for (const auto& message : messages) reserve += message->len + message->key_len + 256;
  kafka::RecordBatchBuilder builder(reserve);
  std::vector<kafka::Header> headers;
  for (const auto& message : messages) {
    read_headers(*message, headers);
    MYELIN_TRY_VOID(builder.add(time_of(*message), view_of(message->key, message->key_len),
                                view_of(message->payload, message->len), headers));
  }
  const auto bytes = std::make_shared<std::string>(builder.finish());
  const auto& first = *messages.front();
  kafka::set_base_offset(bytes->data(), first.offset);
  Batch batch{std::move(topic), {}};
  batch.ref.partition.partition = PartitionIndex(first.partition);
  batch.ref.base_offset = Offset(first.offset);
  batch.ref.last_offset = Offset(messages.back()->offset);
  batch.ref.record_count = static_cast<std::uint32_t>(messages.size());
  batch.ref.received = timestamp_from_ms(time_of(*messages.back()));
  batch.ref.bytes = *bytes;
  batch.ref.owner = bytes;
  return batch;
}

bool follows(const rd_kafka_message_t& before, const rd_kafka_message_t& after) {
  return before.rkt == after.rkt && before.partition == after.partition &&
         before.offset + 1 == after.offset;
}

}  // namespace

Result<std::shared_ptr<KafkaConsumer>> KafkaConsumer::open(const KafkaCluster& cluster,
                                                           std::chrono::milliseconds wait_max) {
  MYELIN_TRY(handle, cluster.open(RD_KAFKA_CONSUMER, properties(cluster.options(), wait_max)));
  return std::shared_ptr<KafkaConsumer>(new KafkaConsumer(std::move(handle)));
}

KafkaFetcher::KafkaFetcher(const KafkaCluster& cluster, std::shared_ptr<KafkaConsumer> consumer)
    : cluster_(cluster),
      consumer_(std::move(consumer)),
      queue_(rd_kafka_queue_new(consumer_->handle())) {
  const std::uint64_t one = 1;
  rd_kafka_queue_io_event_enable(queue_.get(), event_.descriptor(), &one, sizeof one);
}

KafkaFetcher::~KafkaFetcher() {
  for (const auto& [partition, topic] : flowing_)
    rd_kafka_consume_stop(topic.get(), partition.partition);
  rd_kafka_queue_io_event_enable(queue_.get(), -1, nullptr, 0);
}

Status KafkaFetcher::start(const KafkaPartition& partition, std::int64_t offset) {
  KafkaTopic topic(rd_kafka_topic_new(consumer_->handle(), partition.topic.c_str(), nullptr));
  const auto what = fmt::format("topic {}, partition {}", partition.topic, partition.partition);
  if (!topic) return cluster_.error(what, rd_kafka_last_error());
  if (rd_kafka_consume_start_queue(topic.get(), partition.partition, offset, queue_.get()) != 0)
    return cluster_.error(what, rd_kafka_last_error());
  flowing_[partition] = std::move(topic);
  return {};
}

void KafkaFetcher::stop(const KafkaPartition& partition) {
  const auto flowing = flowing_.find(partition);
  if (flowing == flowing_.end()) return;
  rd_kafka_consume_stop(flowing->second.get(), partition.partition);
  flowing_.erase(flowing);
}

KafkaFetched KafkaFetcher::take(std::size_t bytes_max) {
  KafkaFetched fetched;
  // One by one: what is taken cannot be given back.
  while (fetched.bytes < bytes_max && fetched.messages.size() < kMessagesMax && !fetched.error) {
    KafkaMessage message(rd_kafka_consume_queue(queue_.get(), 0));
    if (!message) break;
    sort_out(std::move(message), fetched);
  }
  return fetched;
}

void KafkaFetcher::sort_out(KafkaMessage message, KafkaFetched& fetched) {
  switch (message->err) {
    case RD_KAFKA_RESP_ERR_NO_ERROR:
      fetched.bytes += message->len + message->key_len;
      fetched.messages.push_back(std::move(message));
      return;
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
    case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
      fetched.outside.push_back(partition_of(*message));
      return;
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR__BAD_MSG:
    case RD_KAFKA_RESP_ERR__BAD_COMPRESSION:
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
      fetched.error = cluster_.error(
          fmt::format("topic {}, partition {}, offset {}", rd_kafka_topic_name(message->rkt),
                      message->partition, message->offset),
          message->err);
      return;
    default: return;  // librdkafka tries again: brokers come back, topics may be gone for good.
  }
}

Result<Batches> batches_of(const std::vector<KafkaMessage>& messages) {
  Batches batches;
  std::shared_ptr<const TopicName> topic;
  const rd_kafka_topic_t* named = nullptr;
  const std::span<const KafkaMessage> all(messages);
  for (std::size_t begin = 0; begin < all.size();) {
    auto end = begin + 1;
    while (end < all.size() && follows(*all[end - 1], *all[end])) ++end;
    if (all[begin]->rkt != named) {
      named = all[begin]->rkt;
      topic = std::make_shared<TopicName>(TopicName::from_full(rd_kafka_topic_name(named)));
    }
    MYELIN_TRY(batch, batch_of(all.subspan(begin, end - begin), topic));
    batches.push_back(std::move(batch));
    begin = end;
  }
  return batches;
}

}  // namespace myelin::bus
