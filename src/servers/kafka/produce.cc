#include "formats/kafka_protocol/produce.h"

#include <fmt/format.h>

#include <algorithm>

#include "broker/record_check.h"
#include "formats/kafka/record_batch.h"
#include "io/one_shot.h"
#include "io/runtime.h"
#include "servers/kafka/handlers.h"
#include "servers/kafka/kafka_server.h"
#include "servers/kafka/session.h"
#include "servers/kafka/topics.h"

namespace myelin::kafka {
namespace {

using PartitionAnswer = ProduceResponse::Topic::Partition;

constexpr std::int16_t kTopicIdsFrom = 13;
constexpr std::int16_t kZstdFrom = 7;
constexpr std::size_t kUnpackedHereMax = 64u << 10;  // Of compressed bytes, on the io thread.
constexpr std::chrono::milliseconds kRetryDelayMin{1};
constexpr std::chrono::milliseconds kRetryDelayMax{100};

// Told by the log's committer; outlives the call when that is canceled.
class Durable final : public log::AppendWaiter {
 public:
  explicit Durable(broker::Broker& broker) : broker_(broker) {}
  void numbered(const std::vector<log::BatchOutcome>&) override {}
  void completed(Result<broker::CommitNumber> commit) override {
    done_.set(commit ? Status() : Status(std::move(commit).error()), broker_.wakeups());
  }
  bool is_told() const { return done_.ready(); }
  io::Task<Status> wait() { return done_.wait(); }

 private:
  broker::Broker& broker_;
  io::OneShot<Status> done_;
};

KafkaError kafka_error(broker::RecordFault fault) {
  switch (fault) {
    case broker::RecordFault::Corrupt: return KafkaError::CorruptMessage;
    case broker::RecordFault::TooLarge: return KafkaError::MessageTooLarge;
    case broker::RecordFault::UnsupportedFormat: return KafkaError::InvalidRecord;
    case broker::RecordFault::Invalid: return KafkaError::InvalidRecord;
    case broker::RecordFault::Timestamp: return KafkaError::InvalidTimestamp;
  }
  return KafkaError::UnknownServerError;
}

// A partition's share of the request.
struct Part {
  const ProduceRequest::Topic* topic = nullptr;
  const ProduceRequest::Topic::Partition* sent = nullptr;
  PartitionAnswer answer;
  FoundPartition found;
  std::uint64_t records = 0;
};

// What waits for the disk: the parts from first to before end, but for those already refused.
struct Pending {
  std::shared_ptr<Durable> durable;
  std::size_t first = 0;
  std::size_t end = 0;
};

class ProduceHandler final : public Handler {
 public:
  io::Task<void> start(Call& call) override;
  io::Task<void> finish(Call& call) override;
  bool is_ready() const override;

 private:
  void lay_out();
  bool is_long_work() const;
  std::size_t check(Call& call, std::size_t first);
  void check_part(Call& call, Part& part);
  void take(Call& call, Part& part, broker::RecordCheck check);
  io::Task<std::size_t> append(Call& call, std::size_t first);
  io::Task<bool> note_access(Call& call);
  static void note(Call& call, Part& part, const log::BatchOutcome& outcome);
  void fail(std::size_t first, std::size_t end, const Error& error);
  void answer(Call& call);
  static void refuse(Call& call, Part& part, KafkaError error, std::string_view message);

  ProduceRequest request_;
  std::vector<Part> parts_;                  // In the request's order.
  std::vector<broker::TopicBatch> batches_;  // Of the write that is being made.
  std::vector<std::size_t> batch_parts_;     // Whose batches they are.
  std::vector<Pending> pending_;
  bool in_pool_ = false;  // The batches are checked there.
};

io::Task<void> ProduceHandler::start(Call& call) {
  auto request = call.decode<ProduceRequest>();
  if (!request) {
    call.refuse(request.error());
    co_return;
  }
  request_ = *request;
  lay_out();
  in_pool_ = is_long_work();
  for (std::size_t next = 0; next < parts_.size();) next = co_await append(call, next);
}

void ProduceHandler::lay_out() {
  std::size_t count = 0;
  for (const auto& topic : request_.topic_data) count += topic.partition_data.size();
  parts_.reserve(count);
  for (const auto& topic : request_.topic_data) {
    for (const auto& sent : topic.partition_data) {
      auto& part = parts_.emplace_back();
      part.topic = &topic;
      part.sent = &sent;
    }
  }
}

// Reading every record of compressed batches may take long: others of the same thread would wait.
bool ProduceHandler::is_long_work() const {
  std::size_t compressed = 0;
  for (const auto& part : parts_) {
    if (part.sent->records.is_null || part.sent->records.size_bytes() == 0) continue;
    const auto records = part.sent->records.pieces[0];
    const auto info = parse_batch_header(records);
    if (info && (info->attributes & kCompressionMask) != 0) compressed += records.size();
  }
  return compressed > kUnpackedHereMax;
}

// The batches of as many parts from the first on as one write takes, and where the next one
// begins. Partitions owe each other nothing: only a batch is stored whole or not at all.
std::size_t ProduceHandler::check(Call& call, std::size_t first) {
  batches_.clear();
  batch_parts_.clear();
  const auto bytes_max = call.server().broker().append_bytes_max();
  std::size_t bytes = 0;
  auto at = first;
  for (; at < parts_.size(); ++at) {
    auto& part = parts_[at];
    const auto sent_bytes = log::kBatchEntryOverhead + part.sent->records.size_bytes();
    if (!batches_.empty() && bytes + sent_bytes > bytes_max) break;
    part.answer = {};
    part.answer.index = part.sent->index;
    part.answer.base_offset = -1;
    const auto taken = batches_.size();
    check_part(call, part);
    if (batches_.size() == taken) continue;
    bytes += log::kBatchEntryOverhead + batches_.back().bytes.size();
    // Packed anew it may be longer than it was.
    if (taken > 0 && bytes > bytes_max) {
      batches_.pop_back();
      batch_parts_.pop_back();
      break;
    }
  }
  return at;
}

void ProduceHandler::refuse(Call& call, Part& part, KafkaError error, std::string_view message) {
  part.answer.error_code = code(error);
  if (!message.empty()) part.answer.error_message = call.arena().copy(message);
}

void ProduceHandler::check_part(Call& call, Part& part) {
  const auto& topic = *part.topic;
  const auto& sent = *part.sent;
  if (request_.acks < -1 || request_.acks > 1)
    return refuse(call, part, KafkaError::InvalidRequiredAcks, "acks: 0, 1 or all is wanted");
  if (request_.transactional_id)
    return refuse(call, part, KafkaError::InvalidRequest, "transactions are not supported yet");
  part.found = call.version() >= kTopicIdsFrom
                   ? find_partition(call, security::Operation::Write, topic.topic_id, sent.index)
                   : find_partition(call, security::Operation::Write, topic.name, sent.index);
  if (part.found.error == KafkaError::InvalidTopic)
    return refuse(call, part, part.found.error, "the topic is the server's own");
  if (part.found.error != KafkaError::None) return refuse(call, part, part.found.error, {});
  if (sent.records.is_null || sent.records.size_bytes() == 0)
    return refuse(call, part, KafkaError::InvalidRecord, "there are no records");
  const auto records = sent.records.pieces[0];
  const auto info = parse_batch_header(records);
  // What Kafka tells a client that may not write for a transaction, or names none.
  if (info && info->is_transactional())
    return refuse(call, part, KafkaError::TransactionalIdAuthorizationFailed,
                  "transactions are not supported yet");
  if (info && call.version() < kZstdFrom &&
      (info->attributes & kCompressionMask) == static_cast<std::int16_t>(Compression::Zstd)) {
    return refuse(call, part, KafkaError::UnsupportedCompressionType,
                  "zstd needs version 7 of Produce");
  }
  const auto rules = part.found.topic->rules->get();
  auto checked = broker::check_records(records, *rules, call.server().parts().clock.now());
  if (checked.batch && rules->log_append_time)
    part.answer.log_append_time_ms = checked.batch->max_timestamp_ms;
  take(call, part, std::move(checked));
}

void ProduceHandler::take(Call& call, Part& part, broker::RecordCheck check) {
  if (check.batch) {
    batches_.push_back({part.found.topic, broker::PartitionIndex(part.answer.index),
                        std::move(check.batch->bytes)});
    part.records = static_cast<std::uint64_t>(check.batch->record_count);
    batch_parts_.push_back(static_cast<std::size_t>(&part - parts_.data()));
    return;
  }
  refuse(call, part, kafka_error(check.refusal.fault), check.refusal.what);
  for (const auto& record : check.refusal.records) {
    auto& error = part.answer.record_errors.add(call.arena());
    error.batch_index = record.index;
    error.batch_index_error_message = call.arena().copy(record.what);
  }
}

io::Task<std::size_t> ProduceHandler::append(Call& call, std::size_t first) {
  auto& broker = call.server().broker();
  const auto due = call.received() + std::chrono::milliseconds(std::max(request_.timeout_ms, 0));
  auto durable = std::make_shared<Durable>(broker);
  for (auto delay = kRetryDelayMin;; delay = std::min(2 * delay, kRetryDelayMax)) {
    // Anew each time: what is appended is gone.
    std::size_t end = first;
    if (in_pool_) {
      co_await call.server().parts().runtime.blocking([&] { end = check(call, first); });
    } else {
      end = check(call, first);
    }
    if (batches_.empty()) co_return end;
    const bool noted = co_await note_access(call);
    if (!noted) {
      fail(first, end, Error(ErrorCode::Unavailable, "the access cannot be recorded in the audit"));
      co_return end;
    }
    auto outcomes = broker.append(std::move(batches_), durable);
    if (outcomes) {
      for (std::size_t i = 0; i < outcomes->size(); ++i)
        note(call, parts_[batch_parts_[i]], (*outcomes)[i]);
      pending_.push_back({std::move(durable), first, end});
      co_return end;
    }
    if (outcomes.error().code() != ErrorCode::Exhausted ||
        call.server().parts().clock.steady() >= due) {
      fail(first, end, outcomes.error());
      co_return end;
    }
    co_await io::sleep_for(delay);
  }
}

io::Task<bool> ProduceHandler::note_access(Call& call) {
  for (const auto& batch : batches_) {
    const bool noted =
        co_await call.session().note_access(security::AuditAction::TopicWritten, *batch.topic);
    if (!noted) co_return false;
  }
  co_return true;
}

void ProduceHandler::note(Call& call, Part& part, const log::BatchOutcome& outcome) {
  switch (outcome.fate) {
    case log::BatchFate::Appended:
      part.answer.base_offset = outcome.base_offset.value;
      call.session().count_records(security::AuditAction::TopicWritten, part.records);
      return;
    case log::BatchFate::Duplicate:
      part.answer.base_offset = outcome.base_offset.value;
      if (part.answer.log_append_time_ms >= 0)
        part.answer.log_append_time_ms = outcome.timestamp_ms;
      return;
    case log::BatchFate::InvalidProducerEpoch:
      return refuse(call, part, KafkaError::InvalidProducerEpoch,
                    "the producer's epoch is older than one that wrote here");
    case log::BatchFate::OutOfOrderSequence:
      return refuse(call, part, KafkaError::OutOfOrderSequenceNumber,
                    "the batch does not follow the producer's last one");
  }
}

void ProduceHandler::fail(std::size_t first, std::size_t end, const Error& error) {
  for (auto i = first; i < end; ++i) {
    if (parts_[i].answer.error_code != code(KafkaError::None)) continue;
    parts_[i].answer.base_offset = -1;
    parts_[i].answer.error_code =
        code(error.code() == ErrorCode::InvalidInput ? KafkaError::MessageTooLarge
                                                     : kafka::kafka_error(error.code()));
  }
}

io::Task<void> ProduceHandler::finish(Call& call) {
  // Whoever wants no acknowledgment does not make others wait for it.
  if (request_.acks != 0) {
    for (const auto& write : pending_) {
      const auto done = co_await write.durable->wait();
      if (!done) fail(write.first, write.end, done.error());
    }
    answer(call);
    co_return;
  }
  // There is no other way to say it: KIP-1 and Kafka's own broker.
  const bool failed = std::ranges::any_of(
      parts_, [](const Part& part) { return part.answer.error_code != code(KafkaError::None); });
  if (failed)
    call.refuse(Error(ErrorCode::InvalidInput, "records were refused that want no answer"));
}

bool ProduceHandler::is_ready() const {
  return request_.acks == 0 || std::ranges::all_of(pending_, [](const Pending& write) {
           return write.durable->is_told();
         });
}

void ProduceHandler::answer(Call& call) {
  ProduceResponse response;
  auto part = parts_.begin();
  for (const auto& topic : request_.topic_data) {
    auto& answered = response.responses.add(call.arena());
    answered.name = topic.name;
    answered.topic_id = topic.topic_id;
    answered.partition_responses.reserve(call.arena(), topic.partition_data.size());
    for (std::size_t i = 0; i < topic.partition_data.size(); ++i, ++part) {
      if (part->found.partition != nullptr)
        part->answer.log_start_offset = part->found.partition->start().value;
      answered.partition_responses.add(call.arena(), part->answer);
    }
  }
  call.answer(response);
}

}  // namespace

std::unique_ptr<Handler> make_produce() { return std::make_unique<ProduceHandler>(); }

}  // namespace myelin::kafka
