// The sequencer: writes are checked, their batches numbered, and queued for the committer.
#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "formats/kafka/record_batch.h"
#include "log/log.h"

namespace myelin::log {
namespace {

// Producers that are forgotten at a time: appends wait for it.
constexpr std::size_t kForgottenAtOnce = 1000;

inline std::size_t entry_bytes(const Write& write) {
  std::size_t bytes = 0;
  for (const auto& topic : write.topics) bytes += create_topic_bytes(topic->spec);
  for (const auto& batch : write.batches) bytes += kBatchEntryOverhead + batch.bytes.size();
  for (const auto& config : write.configs) bytes += configure_topic_bytes(config.config);
  bytes += write.starts.size() * kMoveStartBytes + write.deleted.size() * kDeleteTopicBytes;
  return write.grown ? bytes + kAddPartitionsBytes : bytes;
}

std::int32_t last_offset_delta(std::string_view batch) {
  return load_be<std::int32_t>(batch.data() + 23);
}

// What recovery would refuse must not come in. The place of a record in its commit is counted by
// offsets, so they have no gaps here; compaction makes gaps later.
Status check_batch(std::string_view bytes) {
  MYELIN_TRY(info, kafka::parse_batch_header(bytes));
  if (info.size_bytes != bytes.size()) {
    return Error(ErrorCode::InvalidInput, "an append takes whole record batches, one at a time");
  }
  if (info.record_count != info.last_offset_delta + 1) {
    return Error(ErrorCode::InvalidInput,
                 fmt::format("a batch of {} records whose last offset is {} behind its first",
                             info.record_count, info.last_offset_delta));
  }
  return {};
}

bool is_essential(const Write& write) {
  return write.topics.empty() && !write.batches.empty() &&
         std::all_of(write.batches.begin(), write.batches.end(),
                     [](const NewBatch& batch) { return batch.partition->uses_reserve.load(); });
}

// Whether all that it does is to make room.
bool makes_room(const Write& write) {
  return write.topics.empty() && !write.grown && write.batches.empty();
}

void drop_others(std::vector<NewBatch>& batches, const std::vector<BatchOutcome>& outcomes) {
  std::vector<NewBatch> kept;
  for (std::size_t i = 0; i < batches.size(); ++i) {
    if (outcomes[i].fate == BatchFate::Appended) kept.push_back(std::move(batches[i]));
  }
  batches = std::move(kept);
}

}  // namespace

Result<std::vector<BatchOutcome>> Log::append(Write write) {
  auto bytes = entry_bytes(write);
  if (bytes > write_bytes_max_) {
    return Error(
        ErrorCode::InvalidInput,
        fmt::format("{} bytes in one write; the log takes {} at most", bytes, write_bytes_max_));
  }
  for (const auto& batch : write.batches) MYELIN_TRY_VOID(check_batch(batch.bytes));
  if (!write.topics.empty() && !write.deleted.empty())
    return Error(ErrorCode::InvalidInput, "a write either makes topics or deletes them");
  MYELIN_TRY_VOID(check_writable(write, bytes));
  if (write.grown) MYELIN_TRY_VOID(make_missing(*write.grown));
  std::vector<BatchOutcome> outcomes(write.batches.size());
  MutexLock lock(queue_mutex_);
  if (closing_) return Error(ErrorCode::Canceled, "the server is stopping");
  // A new topic or partition is small and rare; Exhausted would be taken for too many of them.
  const bool full = !queue_.empty() && queue_bytes_ + bytes > options_.queue_bytes_max;
  if (full && write.topics.empty() && !write.grown) {
    return Error(ErrorCode::Exhausted, "too much waits for the disk");
  }
  const auto received = std::max(last_received_, clock_.now());
  MYELIN_TRY_VOID(number(write, received, outcomes));
  last_received_ = received;
  if (write.batches.size() != outcomes.size()) bytes = entry_bytes(write);
  if (write.waiter) write.waiter->numbered(outcomes);
  const auto journal_bytes = journal_bytes_of(write, bytes);
  queue_bytes_ += bytes;
  space_.reserve(bytes);
  queue_.emplace_back(std::move(write), received, bytes, journal_bytes);
  if (committer_wants_ > 0 && queue_.size() >= committer_wants_) queue_changed_.notify_one();
  return outcomes;
}

// There may be many, so they are made before anybody waits.
Status Log::make_missing(NewPartitions& grown) {
  const auto& topic = *grown.topic;
  const auto had = static_cast<std::int64_t>(topic.partitions.size());
  if (grown.count <= had || grown.count > kPartitionsMax) {
    return Error(ErrorCode::InvalidInput,
                 fmt::format("topic {} has {} partitions; it can have more, up to {}, and not {}",
                             topic.spec.name, had, kPartitionsMax, grown.count));
  }
  grown.made = missing_partitions(topic, grown.count, [this](const auto& spec, auto index) {
    return make_partition(spec, index, {});
  });
  // Their limits are those of the others.
  if (const auto policy = topic.policy.get()) {
    for (const auto& partition : grown.made) partition->follow(*policy);
  }
  return {};
}

Status Log::check_catalogue(const Write& write) const {
  const auto is_there = [&](const TopicPtr& topic) MYELIN_REQUIRES(queue_mutex_) {
    return topics_.contains(topic->spec.id) ||
           std::ranges::find(write.topics, topic) != write.topics.end();
  };
  const Error deleted(ErrorCode::NotFound, "the topic is deleted");
  for (const auto& start : write.starts) {
    if (start.partition->next_offset.value < 0) return deleted;
  }
  for (const auto& config : write.configs) {
    if (!is_there(config.topic)) return deleted;
  }
  if (write.grown) {
    const auto& [topic, count, made] = *write.grown;
    if (!is_there(topic)) return deleted;
    if (topic->partitions.size() + made.size() != static_cast<std::size_t>(count))
      return Error(ErrorCode::Conflict, "the topic has got partitions meanwhile");
  }
  for (auto it = write.deleted.begin(); it != write.deleted.end(); ++it) {
    const bool twice = std::find(write.deleted.begin(), it, *it) != it;
    if (twice || !topics_.contains((*it)->spec.id))
      return Error(ErrorCode::NotFound, "the topic is deleted already");
  }
  return {};
}

// Nothing is changed unless all of the write can be done. Most writes are batches alone.
Status Log::number(Write& write, Timestamp received, std::vector<BatchOutcome>& outcomes) {
  for (const auto& batch : write.batches) {
    if (batch.partition->next_offset.value < 0)
      return Error(ErrorCode::NotFound, "the topic is deleted");
  }
  const bool changes_more = write.grown || !write.topics.empty() || !write.configs.empty() ||
                            !write.starts.empty() || !write.deleted.empty();
  if (changes_more) MYELIN_TRY_VOID(check_catalogue(write));
  for (const auto& topic : write.topics) topics_.emplace(topic->spec.id, topic);
  // Seen at once; what is appended to them comes behind this write.
  if (write.grown) write.grown->topic->partitions.grow(std::move(write.grown->made));
  bool all_appended = true;
  for (std::size_t i = 0; i < write.batches.size(); ++i) {
    auto& batch = write.batches[i];
    auto& next = batch.partition->next_offset;
    kafka::set_base_offset(batch.bytes.data(), next.value);
    kafka::set_partition_leader_epoch(batch.bytes.data(), leader_epoch());
    BatchOutcome outcome{BatchFate::Appended, next};
    if (has_producer(batch.bytes)) outcome = check_producer(batch, received);
    if (outcome.fate == BatchFate::Appended) {
      next = next + (std::int64_t{last_offset_delta(batch.bytes)} + 1);
    } else {
      all_appended = false;
    }
    outcomes[i] = outcome;
  }
  // Even when nothing is left the write waits for its commit: what it repeats is durable then.
  if (!all_appended) drop_others(write.batches, outcomes);
  // What is not there yet cannot be taken away.
  for (auto& start : write.starts)
    start.start = std::min(start.start, start.partition->next_offset);
  for (const auto& topic : write.deleted) {
    topics_.erase(topic->spec.id);
    for (const auto& partition : topic->partitions) {
      partition->next_offset = Offset(-1);
      partition->producers.clear(producers_total_);
    }
  }
  return {};
}

BatchOutcome Log::check_producer(const NewBatch& batch, Timestamp received) {
  auto& producers = batch.partition->producers;
  const auto info = kafka::parse_batch_header(batch.bytes);
  const auto outcome = producers.check(*info);
  if (outcome.fate == BatchFate::Appended) producers.note(*info, received, producers_total_);
  return outcome;
}

Result<std::int64_t> Log::next_producer_id() {
  constexpr int kIdsAStart = 32;  // Bits.
  const auto number = producer_ids_.fetch_add(1, std::memory_order_relaxed);
  if (number >> kIdsAStart != 0)
    return Error(ErrorCode::Exhausted, "no producer ids are left until the next start");
  return static_cast<std::int64_t>(incarnation_ << kIdsAStart | number);
}

std::vector<ProducerState> Log::producers(const Partition& partition) const {
  MutexLock lock(queue_mutex_);
  const auto& list = partition.producers.list();
  return {list.begin(), list.end()};
}

void Log::expire_producers() {
  const auto last = clock_.now() - options_.producer_expiry;
  for (const auto& topic : topics()) {
    for (const auto& partition : topic->partitions) {
      for (bool more = true; more;) {
        MutexLock lock(queue_mutex_);
        more = partition->producers.expire(last, producers_total_, kForgottenAtOnce);
      }
    }
  }
}

// Of `bytes` that it has in all.
std::size_t Log::journal_bytes_of(const Write& write, std::size_t bytes) const {
  for (const auto& batch : write.batches) {
    if (batch.bytes.size() >= options_.large_batch_bytes)
      bytes -= std::min(batch.bytes.size() - 1, batch.bytes.size() - kBlockBytes);
  }
  return bytes;
}

// Whether the journal, which nothing frees for want of room, has little left to give. Waiting for
// it would be waiting for a person.
bool Log::is_stuck() const {
  constexpr double kLittleLeft = 0.8;
  if (!space_.blocked()) return false;
  MutexLock lock(buffer_mutex_);
  return journal_used() > kLittleLeft || buffered_bytes_ > options_.buffer_bytes_max / 2;
}

Status Log::writable() { return check_writable({}, 0); }

Status Log::check_writable(const Write& write, std::size_t bytes) {
  if (failed_) return Error(ErrorCode::Unavailable, "the log has failed; see the server's log");
  // What makes room needs none but the journal's own.
  const bool removes = !write.starts.empty() || !write.deleted.empty();
  if ((removes && makes_room(write)) || space_.has(bytes)) return {};
  if (is_essential(write) && space_.has_reserve(bytes) && !is_stuck()) return {};
  return Error(ErrorCode::Unavailable, "no space left for the data directory");
}

}  // namespace myelin::log
