#include "bus/kafka_producer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

namespace myelin::bus {
namespace {

// librdkafka counts keys and values as the queue's bytes; this is for records of almost none.
constexpr std::string_view kQueueRecordsMax = "500000";
// Between two looks of an io thread at its other tasks.
constexpr int kEventsAtOnce = 16;

std::string kilobytes(std::size_t bytes) {
  return fmt::format("{}", std::max<std::size_t>(1, bytes / 1024));
}

std::vector<KafkaCluster::Property> properties(const KafkaBusOptions& options) {
  return {{"enable.idempotence", "true"},
          {"acks", "all"},
          {"partitioner", "murmur2_random"},
          {"message.timeout.ms", fmt::format("{}", options.delivery_timeout.count())},
          {"message.max.bytes", fmt::format("{}", options.record_bytes_max)},
          {"queue.buffering.max.messages", std::string(kQueueRecordsMax)},
          {"queue.buffering.max.kbytes", kilobytes(options.queue_bytes_max)}};
}

std::string_view place_of(const rd_kafka_message_t& message) {
  return message.rkt == nullptr ? "?" : rd_kafka_topic_name(message.rkt);
}

rd_kafka_vu_t attribute(rd_kafka_vtype_t type) {
  rd_kafka_vu_t made{};
  made.vtype = type;
  return made;
}

rd_kafka_vu_t memory(rd_kafka_vtype_t type, const std::optional<std::string>& bytes) {
  auto made = attribute(type);
  // librdkafka tells an empty value from an absent one by the pointer.
  made.u.mem.ptr = bytes ? const_cast<char*>(bytes->c_str()) : nullptr;
  made.u.mem.size = bytes ? bytes->size() : 0;
  return made;
}

// Points into the record, and to the opaque.
std::vector<rd_kafka_vu_t> attributes_of(const Record& record, const std::string& topic,
                                         void* opaque) {
  std::vector<rd_kafka_vu_t> all;
  all.reserve(7 + record.headers.size());
  all.push_back(attribute(RD_KAFKA_VTYPE_TOPIC));
  all.back().u.cstr = topic.c_str();
  all.push_back(attribute(RD_KAFKA_VTYPE_PARTITION));
  all.back().u.i32 = record.partition ? record.partition->value : RD_KAFKA_PARTITION_UA;
  all.push_back(memory(RD_KAFKA_VTYPE_KEY, record.key));
  all.push_back(memory(RD_KAFKA_VTYPE_VALUE, record.value));
  all.push_back(attribute(RD_KAFKA_VTYPE_TIMESTAMP));
  all.back().u.i64 = to_ms(record.timestamp);
  all.push_back(attribute(RD_KAFKA_VTYPE_MSGFLAGS));
  all.back().u.i = RD_KAFKA_MSG_F_COPY;
  all.push_back(attribute(RD_KAFKA_VTYPE_OPAQUE));
  all.back().u.ptr = opaque;
  for (const auto& header : record.headers) {
    all.push_back(attribute(RD_KAFKA_VTYPE_HEADER));
    all.back().u.header.name = header.key.c_str();
    all.back().u.header.val = header.value ? header.value->c_str() : nullptr;
    all.back().u.header.size = header.value ? static_cast<ssize_t>(header.value->size()) : 0;
  }
  return all;
}

// What librdkafka carries for us.
using Held = std::shared_ptr<KafkaReceipt>;

}  // namespace

Result<std::unique_ptr<KafkaProducer>> KafkaProducer::open(KafkaCluster& cluster, Logger& logger) {
  std::unique_ptr<KafkaProducer> made(new KafkaProducer(cluster, logger));
  MYELIN_TRY(handle, cluster.open(RD_KAFKA_PRODUCER, properties(cluster.options())));
  made->handle_ = std::move(handle);
  made->reports_.reset(rd_kafka_queue_get_main(made->handle_.get()));
  const std::uint64_t one = 1;
  rd_kafka_queue_io_event_enable(made->reports_.get(), made->event_.descriptor(), &one, sizeof one);
  return made;
}

KafkaProducer::~KafkaProducer() {
  if (!handle_) return;
  rd_kafka_queue_io_event_enable(reports_.get(), -1, nullptr, 0);
  rd_kafka_purge(handle_.get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
  // A purged record's report may still be on its way from a broker's thread.
  while (rd_kafka_outq_len(handle_.get()) > 0) {
    if (!take_event()) rd_kafka_flush(handle_.get(), 1);
  }
}

Status KafkaProducer::produce(const Record& record, std::shared_ptr<KafkaReceipt> receipt) {
  const auto topic = record.topic.full();
  auto held = std::make_unique<Held>(std::move(receipt));
  const auto attributes = attributes_of(record, topic, held.get());
  const KafkaError error(rd_kafka_produceva(handle_.get(), attributes.data(), attributes.size()));
  if (!error) {
    [[maybe_unused]] const auto* taken = held.release();  // Comes back with the report.
    return {};
  }
  const auto code = rd_kafka_error_code(error.get());
  if (code == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC)
    return Error(ErrorCode::NotFound, fmt::format("topic {} is not known yet", topic));
  if (code == RD_KAFKA_RESP_ERR__QUEUE_FULL) {
    return Error(ErrorCode::Exhausted,
                 fmt::format("{} bytes of records wait for Kafka at {}",
                             cluster_.options().queue_bytes_max, cluster_.options().bootstrap));
  }
  return cluster_.error("topic " + topic, code);
}

io::Task<void> KafkaProducer::take_reports() {
  for (;;) {
    int taken = 0;
    while (taken < kEventsAtOnce && take_event()) ++taken;
    if (taken == kEventsAtOnce) {
      co_await io::yield();
    } else {
      co_await event_.wait_until(io::kNever);
    }
  }
}

bool KafkaProducer::take_event() {
  const KafkaEvent event(rd_kafka_queue_poll(reports_.get(), 0));
  if (!event) return false;
  if (rd_kafka_event_type(event.get()) == RD_KAFKA_EVENT_DR) {
    io::WakeupBatch batch;
    while (const auto* message = rd_kafka_event_message_next(event.get()))
      complete(*message, batch);
  } else if (rd_kafka_event_type(event.get()) == RD_KAFKA_EVENT_ERROR) {
    note_error(event.get());
  }
  return true;
}

void KafkaProducer::complete(const rd_kafka_message_t& message, io::WakeupBatch& batch) {
  const std::unique_ptr<Held> held(static_cast<Held*>(message._private));
  if (message.err == RD_KAFKA_RESP_ERR_NO_ERROR) {
    // A retry of what was stored already is acknowledged without its offset.
    const Offset offset(std::max<std::int64_t>(message.offset, -1));
    (*held)->complete(Positions{{PartitionIndex(message.partition), offset}}, batch);
    return;
  }
  (*held)->complete(cluster_.error(fmt::format("topic {}", place_of(message)), message.err), batch);
}

void KafkaProducer::note_error(rd_kafka_event_t* event) {
  const char* reason = rd_kafka_event_error_string(event);
  const std::string_view text = reason == nullptr ? "" : reason;
  if (rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN)
    cluster_.note_trouble(text);
  // Nothing is accepted after this; append says so. The operator restarts.
  if (rd_kafka_event_error_is_fatal(event) != 0)
    logger_.error("kafka.producer.ended", {{"reason", text}});
}

}  // namespace myelin::bus
