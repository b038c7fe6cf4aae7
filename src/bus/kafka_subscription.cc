#include "bus/kafka_subscription.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "io/run_blocking.h"

namespace myelin::bus {
namespace {

constexpr std::chrono::milliseconds kFetchWait{250};

Error too_many(std::size_t count) {
  return {ErrorCode::Exhausted,
          fmt::format("the patterns match {} partitions; on Kafka a stream may have {}", count,
                      kCursorPartitionsMax)};
}

}  // namespace

io::Task<Result<std::unique_ptr<Subscription>>> KafkaSubscription::open(KafkaParts parts,
                                                                        KafkaPlaceTaken place,
                                                                        Context context,
                                                                        SubscribeOptions options) {
  std::unique_ptr<KafkaSubscription> made(
      new KafkaSubscription(parts, std::move(place), {context.tenant, std::move(options.patterns)},
                            options.batch_bytes_max));
  MYELIN_CO_TRY(topics, co_await parts.topics.ask());
  MYELIN_CO_TRY_VOID(co_await made->find_start(std::move(topics), std::move(options.start)));
  MYELIN_CO_TRY(consumer, co_await io::run_blocking(parts.pool, [&] {
                  return KafkaConsumer::open(parts.cluster, kFetchWait);
                }));
  made->fetcher_ = std::make_shared<KafkaFetcher>(parts.cluster, std::move(consumer));
  parts.topics.tell(made->fetcher_->event());
  co_return std::unique_ptr<Subscription>(std::move(made));
}

KafkaSubscription::~KafkaSubscription() {
  if (!fetcher_) return;
  parts_.topics.tell_no_more(fetcher_->event());
  // The end of a consumer blocks.
  parts_.pool.submit([fetcher = std::move(fetcher_)] {});
}

KafkaPlace KafkaSubscription::place_of(const KafkaPartition& partition) const {
  return {TopicName::from_full(partition.topic).name, partition.partition};
}

std::vector<KafkaPartition> KafkaSubscription::matching(const KafkaTopicMap& topics) const {
  std::vector<KafkaPartition> found;
  for (const auto& [name, entry] : topics) {
    if (!matcher_.matches(TopicName::from_full(name))) continue;
    for (std::int32_t i = 0; i < entry.partitions; ++i) found.push_back({name, i});
  }
  return found;
}

io::Task<Status> KafkaSubscription::find_start(std::shared_ptr<const KafkaTopicMap> topics,
                                               Start start) {
  const auto partitions = matching(*topics);
  if (partitions.size() > kCursorPartitionsMax) co_return too_many(partitions.size());
  for (const auto& partition : partitions)
    incarnations_[partition.topic] = topics->find(partition.topic)->second.incarnation;
  MYELIN_CO_TRY(offsets, co_await io::run_blocking(parts_.pool,
                                                   [&] { return offsets_of(partitions, start); }));
  for (const auto& partition : partitions) {
    const auto found = offsets.find(partition);
    positions_[place_of(partition)] = found == offsets.end() ? 0 : found->second;
  }
  co_return Status();
}

Result<KafkaOffsets> KafkaSubscription::offsets_of(const std::vector<KafkaPartition>& partitions,
                                                   const Start& start) const {
  auto& cluster = parts_.cluster;
  if (const auto* from = std::get_if<FromCursor>(&start)) {
    MYELIN_TRY(cursor, parse_kafka_cursor(from->cursor, cluster.id()));
    KafkaOffsets offsets;
    for (const auto& partition : partitions) {
      const auto found = cursor.find(place_of(partition));
      if (found != cursor.end()) offsets[partition] = found->second;
    }
    return offsets;
  }
  if (std::holds_alternative<FromEarliest>(start))
    return cluster.ask_offsets(parts_.client, partitions, RD_KAFKA_OFFSET_BEGINNING);
  // The ends first: what comes between the two questions is not left out.
  MYELIN_TRY(ends, cluster.ask_offsets(parts_.client, partitions, RD_KAFKA_OFFSET_END));
  if (const auto* from = std::get_if<FromTime>(&start)) {
    const auto time = std::max<std::int64_t>(to_ms(from->time), 0);
    MYELIN_TRY(found, cluster.ask_offsets(parts_.client, partitions, time));
    for (const auto& [partition, offset] : found) ends[partition] = offset;
  }
  return std::move(ends);
}

io::Task<Result<Batches>> KafkaSubscription::next(std::chrono::milliseconds wait_max) {
  const auto due = std::chrono::steady_clock::now() + wait_max;
  if (error_) co_return *error_;
  for (;;) {
    MYELIN_CO_TRY_VOID(co_await follow_topics());
    auto fetched = fetcher_->take(bytes_max_);
    error_ = std::move(fetched.error);
    if (!fetched.outside.empty()) MYELIN_CO_TRY_VOID(co_await go_on(std::move(fetched.outside)));
    if (!fetched.messages.empty()) co_return deliver(fetched.messages);
    if (error_) co_return *error_;
    const bool more = co_await fetcher_->event().wait_until(due);
    if (!more) co_return Batches();
  }
}

io::Task<Status> KafkaSubscription::follow_topics() {
  const auto topics = parts_.topics.known();
  if (topics == followed_) co_return Status();
  const auto gone = let_go(*topics);
  if (!gone.empty()) {
    co_await io::run_blocking(parts_.pool, [&] {
      for (const auto& partition : gone) fetcher_->stop(partition);
    });
  }
  MYELIN_CO_TRY_VOID(start_flowing(*topics));
  followed_ = topics;
  co_return Status();
}

// Forgets partitions of topics that have gone, or are other ones of the same name.
std::vector<KafkaPartition> KafkaSubscription::let_go(const KafkaTopicMap& topics) {
  std::vector<KafkaPartition> gone;
  for (auto known = incarnations_.begin(); known != incarnations_.end();) {
    const auto topic = topics.find(known->first);
    if (topic != topics.end() && topic->second.incarnation == known->second) {
      ++known;
      continue;
    }
    std::erase_if(flowing_, [&](const auto& partition) {
      if (partition.topic != known->first) return false;
      gone.push_back(partition);
      return true;
    });
    const auto name = TopicName::from_full(known->first).name;
    std::erase_if(positions_, [&](const auto& one) { return one.first.topic == name; });
    known = incarnations_.erase(known);
  }
  return gone;
}

Status KafkaSubscription::start_flowing(const KafkaTopicMap& topics) {
  const auto partitions = matching(topics);
  if (partitions.size() > kCursorPartitionsMax) return too_many(partitions.size());
  for (const auto& partition : partitions) {
    if (flowing_.contains(partition)) continue;
    incarnations_[partition.topic] = topics.find(partition.topic)->second.incarnation;
    // One that was not there when this began starts with its first record.
    const auto position = positions_.try_emplace(place_of(partition), 0).first->second;
    MYELIN_TRY_VOID(fetcher_->start(partition, position));
    flowing_.insert(partition);
  }
  return {};
}

io::Task<Status> KafkaSubscription::go_on(std::vector<KafkaPartition> outside) {
  // A topic that has gone meanwhile is told by the list of topics.
  std::erase_if(outside, [this](const auto& partition) { return !flowing_.contains(partition); });
  co_return co_await io::run_blocking(parts_.pool, [&]() -> Status {
    auto& cluster = parts_.cluster;
    MYELIN_TRY(starts, cluster.ask_offsets(parts_.client, outside, RD_KAFKA_OFFSET_BEGINNING));
    MYELIN_TRY(ends, cluster.ask_offsets(parts_.client, outside, RD_KAFKA_OFFSET_END));
    for (const auto& partition : outside) MYELIN_TRY_VOID(go_on_at(partition, starts, ends));
    return {};
  });
}

Status KafkaSubscription::go_on_at(const KafkaPartition& partition, const KafkaOffsets& starts,
                                   const KafkaOffsets& ends) {
  const auto start = starts.find(partition);
  const auto end = ends.find(partition);
  if (start == starts.end() || end == ends.end()) return {};
  const auto place = place_of(partition);
  auto& position = positions_[place];
  if (position < start->second) {
    note_gap(fmt::format("topic {}, partition {}: records before offset {} were removed",
                         place.topic, place.partition, start->second));
    position = start->second;
  } else if (position > end->second) {
    note_gap(
        fmt::format("topic {}, partition {}: it ends before offset {}, where this stream was; the "
                    "stream goes on with offset {}",
                    place.topic, place.partition, position, start->second));
    position = start->second;
  }
  // librdkafka has let go of it with its error: a seek would come too late.
  fetcher_->stop(partition);
  return fetcher_->start(partition, position);
}

void KafkaSubscription::note_gap(std::string sentence) {
  gap_ = gap_ ? *gap_ + "; " + sentence : std::move(sentence);
}

Result<Batches> KafkaSubscription::deliver(const std::vector<KafkaMessage>& messages) {
  MYELIN_TRY(batches, batches_of(messages));
  const auto delivery = std::make_shared<Delivery>(Delivery{positions_, {}});
  for (std::size_t i = 0; i < batches.size(); ++i) {
    auto& batch = batches[i];
    const KafkaPlace place{batch.topic->name, batch.ref.partition.partition.value};
    delivery->ends.emplace_back(place, batch.ref.last_offset.value + 1);
    positions_[place] = batch.ref.last_offset.value + 1;
    batch.ref.owner =
        std::make_shared<const Delivered>(Delivered{std::move(batch.ref.owner), delivery, i});
  }
  return std::move(batches);
}

std::string KafkaSubscription::cursor(const Batch& batch, std::uint32_t record) const {
  const auto& delivered = *static_cast<const Delivered*>(batch.ref.owner.get());
  const auto& delivery = *delivered.delivery;
  auto positions = delivery.before;
  for (std::size_t i = 0; i < delivered.number; ++i)
    positions[delivery.ends[i].first] = delivery.ends[i].second;
  positions[delivery.ends[delivered.number].first] = batch.ref.base_offset.value + record + 1;
  return format_kafka_cursor(parts_.cluster.id(), positions);
}

}  // namespace myelin::bus
