#include <algorithm>

#include "base/buffer_pool.h"
#include "formats/kafka_protocol/fetch.h"
#include "io/runtime.h"
#include "servers/kafka/fetch_state.h"
#include "servers/kafka/handlers.h"
#include "servers/kafka/kafka_server.h"
#include "servers/kafka/session.h"
#include "servers/kafka/topics.h"

namespace myelin::kafka {
namespace {

using broker::BatchRef;
using broker::Offset;
using log::Seek;
using PartitionAnswer = FetchResponse::Topic::Partition;

constexpr std::int16_t kTopicIdsFrom = 13;
// Below what clients allow a request.
constexpr std::chrono::seconds kMemoryWaitMax{10};
constexpr std::chrono::milliseconds kLargeWaitMax{500};
// A batch of a commit buffer keeps all of that: a small one is copied instead.
constexpr std::size_t kCopiedBytesMax = 4096;

// What was found for a target.
struct Reading {
  FetchTarget* target = nullptr;
  FoundPartition found;
  KafkaError error = KafkaError::None;
  std::int64_t high_watermark = -1;
  std::int64_t start = -1;
  std::optional<log::EpochEnd> diverging;
  std::vector<BatchRef> batches;
  bool buffered = false;  // They are in commit buffers.

  bool is_readable() const { return error == KafkaError::None && !diverging; }
};

std::size_t size_of(const std::vector<BatchRef>& batches) {
  std::size_t bytes = 0;
  for (const auto& batch : batches) bytes += batch.bytes.size();
  return bytes;
}

class FetchHandler final : public Handler {
 public:
  io::Task<void> start(Call& call) override;
  io::Task<void> finish(Call& call) override;

 private:
  enum class From : std::uint8_t { Buffers, Anywhere };

  void look(Call& call, Reading& reading) const;
  void look_at_all(Call& call);
  // False when the disk must be asked.
  bool read_all(From from);
  bool read_one(Reading& reading, From from, std::size_t& left);
  io::Task<void> read(Call& call);
  io::Task<std::optional<MemoryBudget::Share>> take_memory(Call& call);
  void forget_batches();
  io::Task<void> note_access(Call& call);
  bool is_enough() const;
  void watch(Call& call);
  FetchResponse answer(Call& call);
  PartitionAnswer answer_of(Call& call, const Reading& reading) const;
  bool is_news(const Reading& reading) const;
  static Records records_of(Call& call, const Reading& reading);

  FetchRequest request_;
  FetchState::Begun begun_;
  std::vector<Reading> readings_;
  std::size_t bytes_max_ = 0;
  std::size_t bytes_read_ = 0;
};

io::Task<void> FetchHandler::start(Call& call) {
  auto request = call.decode<FetchRequest>();
  if (!request) {
    call.refuse(request.error());
    co_return;
  }
  request_ = *request;
  co_await call.session().fetch_state().take_turn();
  const auto random = load_be<std::uint32_t>(call.server().parts().ids.next().bytes.data() + 12);
  const auto fresh = static_cast<std::int32_t>((random >> 1) | 1);
  begun_ = call.session().fetch_state().begin(request_, fresh);
  bytes_max_ = std::min<std::uint64_t>(static_cast<std::uint64_t>(std::max(request_.max_bytes, 0)),
                                       call.server().settings().fetch_bytes_max.value);
}

io::Task<void> FetchHandler::finish(Call& call) {
  if (begun_.error != KafkaError::None) {
    FetchResponse response;
    response.error_code = code(begun_.error);
    call.answer(response);
    call.session().fetch_state().end_turn();
    co_return;
  }
  const auto wait = std::chrono::milliseconds(std::clamp(request_.max_wait_ms, 0, 300'000));
  const auto due = call.received() + wait;
  look_at_all(call);
  watch(call);
  for (;;) {
    co_await read(call);
    if (is_enough() || call.server().parts().clock.steady() >= due) break;
    call.keep(MemoryBudget::Share());
    forget_batches();
    const bool more = co_await call.session().fetch_state().watch().notifier().wait_until(due);
    look_at_all(call);
    if (!more) {
      co_await read(call);
      break;
    }
  }
  co_await note_access(call);
  call.answer(answer(call));
  call.session().fetch_state().end_turn();
}

io::Task<void> FetchHandler::note_access(Call& call) {
  for (auto& reading : readings_) {
    if (reading.batches.empty()) continue;
    const bool noted =
        co_await call.session().note_access(security::AuditAction::TopicRead, *reading.found.topic);
    if (!noted) {
      reading.error = KafkaError::KafkaStorageError;
      reading.batches.clear();
    }
    std::uint64_t records = 0;
    for (const auto& batch : reading.batches) records += batch.record_count;
    call.session().count_records(security::AuditAction::TopicRead, records);
  }
}

void FetchHandler::look_at_all(Call& call) {
  readings_.resize(begun_.targets.size());
  for (std::size_t i = 0; i < readings_.size(); ++i) {
    readings_[i].target = begun_.targets[i];
    look(call, readings_[i]);
  }
}

void FetchHandler::look(Call& call, Reading& reading) const {
  const auto& target = *reading.target;
  const auto& key = target.key;
  // A topic that was deleted meanwhile has nothing, and its end says so.
  if (reading.found.partition == nullptr) {
    reading.found =
        call.version() >= kTopicIdsFrom
            ? find_partition(call, security::Operation::Read, key.topic_id, key.partition)
            : find_partition(call, security::Operation::Read, key.topic, key.partition);
    reading.error = reading.found.error;
    if (reading.error == KafkaError::None)
      reading.error = check_leader_epoch(call, target.current_leader_epoch);
  }
  if (reading.found.partition == nullptr || reading.error != KafkaError::None) return;
  const auto& partition = *reading.found.partition;
  reading.start = partition.start().value;
  reading.high_watermark = partition.high_watermark().value;
  if (target.last_fetched_epoch >= 0) {
    const auto end =
        partition.end_of_epoch(target.last_fetched_epoch, call.server().leader_epoch());
    if (end.epoch < 0) {
      reading.error = KafkaError::OffsetOutOfRange;
    } else if (end.epoch < target.last_fetched_epoch || end.end.value < target.offset) {
      reading.diverging = end;
    }
  }
  if (target.offset < reading.start || target.offset > reading.high_watermark)
    reading.error = KafkaError::OffsetOutOfRange;
}

bool FetchHandler::read_one(Reading& reading, From from, std::size_t& left) {
  const auto& target = *reading.target;
  if (!reading.is_readable() || target.offset >= reading.high_watermark) return true;
  const bool is_first = bytes_read_ == 0;
  if (left == 0 && !is_first) return true;
  const auto limit = std::min(
      {left, static_cast<std::size_t>(std::max(target.bytes_max, 0)), BufferPool::kBytesMax});
  const auto& partition = *reading.found.partition;
  const auto seek = Seek::to(Offset(target.offset));
  auto buffered = partition.read_buffered(seek, limit);
  if (!buffered && from == From::Buffers) return false;
  reading.buffered = buffered.has_value();
  if (buffered) {
    reading.batches = std::move(*buffered);
  } else {
    auto stored = partition.read_stored(seek, limit);
    if (!stored) {
      reading.error = kafka_error(stored.error().code());
      return true;
    }
    reading.batches = std::move(*stored);
  }
  // One batch comes however large it is, but only the first of an answer may be larger than asked.
  if (!is_first && !reading.batches.empty() && size_of(reading.batches) > limit) {
    reading.batches.pop_back();
    // Nor would the next partition's first batch fit, as a rule: to look costs as much as to read.
    if (limit == left) left = 0;
  }
  const auto bytes = size_of(reading.batches);
  bytes_read_ += bytes;
  left -= std::min(left, bytes);
  return true;
}

bool FetchHandler::read_all(From from) {
  bytes_read_ = 0;
  std::size_t left = bytes_max_;
  for (auto& reading : readings_) {
    reading.batches.clear();
    if (!read_one(reading, from, left)) return false;
  }
  return true;
}

io::Task<void> FetchHandler::read(Call& call) {
  auto& server = call.server();
  if (read_all(From::Buffers)) {
    if (bytes_read_ == 0) co_return;
    auto& memory = bytes_read_ <= KafkaServer::kSmallAnswerBytes ? server.small_fetch_memory()
                                                                 : server.large_fetch_memory();
    if (auto share = memory.try_take(bytes_read_)) {
      call.keep(std::move(*share));
      co_return;
    }
  }
  // What was read is let go while this waits.
  forget_batches();
  auto share = co_await take_memory(call);
  if (!share) co_return;  // Others hold it; this client asks again.
  co_await server.parts().runtime.blocking([this] { read_all(From::Anywhere); });
  share->resize(bytes_read_);  // A batch that is larger than asked for comes all the same.
  call.keep(std::move(*share));
}

// For an answer as large as it may be, or else for a small one.
io::Task<std::optional<MemoryBudget::Share>> FetchHandler::take_memory(Call& call) {
  auto& server = call.server();
  const auto now = server.parts().clock.steady();
  if (bytes_max_ > KafkaServer::kSmallAnswerBytes) {
    auto share = co_await server.large_fetch_memory().take_until(bytes_max_, now + kLargeWaitMax);
    if (share) co_return share;
    bytes_max_ = KafkaServer::kSmallAnswerBytes;
  }
  co_return co_await server.small_fetch_memory().take_until(bytes_max_, now + kMemoryWaitMax);
}

void FetchHandler::forget_batches() {
  bytes_read_ = 0;
  for (auto& reading : readings_) reading.batches.clear();
}

bool FetchHandler::is_enough() const {
  // More than one answer takes cannot be waited for.
  const auto wanted =
      std::min<std::size_t>(static_cast<std::size_t>(std::max(request_.min_bytes, 0)), bytes_max_);
  if (readings_.empty() || bytes_read_ >= wanted) return true;
  return std::ranges::any_of(readings_,
                             [](const Reading& reading) { return !reading.is_readable(); });
}

void FetchHandler::watch(Call& call) {
  std::vector<broker::PartitionId> partitions;
  partitions.reserve(readings_.size());
  for (const auto& reading : readings_) {
    if (reading.found.partition != nullptr) partitions.push_back(reading.found.partition->id());
  }
  // Targets of a session change places as they deliver.
  std::ranges::sort(partitions);
  call.session().fetch_state().watch().set(partitions);
}

bool FetchHandler::is_news(const Reading& reading) const {
  const auto& target = *reading.target;
  return !reading.batches.empty() || !reading.is_readable() ||
         reading.high_watermark != target.told_high_watermark || reading.start != target.told_start;
}

Records FetchHandler::records_of(Call& call, const Reading& reading) {
  Records records;
  records.is_null = false;
  const void* kept = nullptr;
  for (const auto& batch : reading.batches) {
    if (reading.buffered && batch.bytes.size() <= kCopiedBytesMax) {
      records.pieces.add(call.arena(), call.arena().copy(batch.bytes));
      continue;
    }
    if (batch.owner.get() != kept) call.keep(batch.owner);
    kept = batch.owner.get();
    auto& pieces = records.pieces;
    if (!pieces.empty() && pieces.back().data() + pieces.back().size() == batch.bytes.data()) {
      pieces.back() = {pieces.back().data(), pieces.back().size() + batch.bytes.size()};
    } else {
      pieces.add(call.arena(), batch.bytes);
    }
  }
  return records;
}

PartitionAnswer FetchHandler::answer_of(Call& call, const Reading& reading) const {
  PartitionAnswer answer;
  answer.partition_index = reading.target->key.partition;
  answer.error_code = code(reading.error);
  answer.high_watermark = reading.high_watermark;
  answer.last_stable_offset = reading.high_watermark;
  answer.log_start_offset = reading.start;
  answer.records = records_of(call, reading);
  if (reading.diverging && reading.error == KafkaError::None) {
    answer.diverging_epoch = {.epoch = reading.diverging->epoch,
                              .end_offset = reading.diverging->end.value};
  }
  if (reading.error == KafkaError::FencedLeaderEpoch) {
    answer.current_leader = {.leader_id = call.server().settings().node_id,
                             .leader_epoch = call.server().leader_epoch()};
  }
  return answer;
}

FetchResponse FetchHandler::answer(Call& call) {
  FetchResponse response;
  response.session_id = begun_.session_id;
  for (const auto& reading : readings_) {
    auto& target = *reading.target;
    if (begun_.incremental && !is_news(reading)) continue;
    target.told_high_watermark = reading.high_watermark;
    target.told_start = reading.start;
    auto& topics = response.responses;
    if (topics.empty() || topics.back().topic != target.key.topic ||
        topics.back().topic_id != target.key.topic_id) {
      auto& topic = topics.add(call.arena());
      topic.topic = target.key.topic;
      topic.topic_id = target.key.topic_id;
    }
    topics.back().partitions.add(call.arena(), answer_of(call, reading));
  }
  for (auto& reading : readings_) {
    if (!reading.batches.empty()) call.session().fetch_state().delivered(*reading.target);
  }
  return response;
}

}  // namespace

std::unique_ptr<Handler> make_fetch() { return std::make_unique<FetchHandler>(); }

}  // namespace myelin::kafka
