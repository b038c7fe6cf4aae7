#include "bus/kafka_topics.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "io/run_blocking.h"

namespace myelin::bus {
namespace {

// A topic that was just made may be missing from a broker's first answers.
constexpr std::chrono::milliseconds kNewTopicPause{20};
// Names of removed topics that are remembered, so that one of the same name is known as another.
constexpr std::size_t kGoneMax = 10'000;

std::size_t bytes_of(const Record& record) {
  return (record.key ? record.key->size() : 0) + (record.value ? record.value->size() : 0) + 256;
}

}  // namespace

KafkaTopics::KafkaTopics(KafkaCluster& cluster, KafkaProducer& producer, io::BlockingPool& pool,
                         Logger& logger)
    : cluster_(cluster),
      producer_(producer),
      pool_(pool),
      logger_(logger),
      known_(std::make_shared<const KafkaTopicMap>()) {}

KafkaTopics::~KafkaTopics() {
  io::WakeupBatch batch;
  const MutexLock lock(mutex_);
  for (auto& [name, making] : making_) {
    for (auto& waiting : making.records)
      waiting.receipt->complete(Error(ErrorCode::Canceled, "the server is stopping"), batch);
  }
  for (const auto& waiter : waiters_)
    waiter->set(Error(ErrorCode::Canceled, "the server is stopping"), batch);
}

io::Task<void> KafkaTopics::keep() {
  for (;;) {
    const auto due = std::chrono::steady_clock::now() + cluster_.options().topics_refresh;
    auto round = take_round();
    auto answer = co_await io::run_blocking(pool_, [&] { return ask_cluster(round); });
    log_reach(answer.topics ? Status() : Status(answer.topics.error()));
    take_answer(std::move(round), std::move(answer));
    co_await wanted_.wait_until(due);
  }
}

void KafkaTopics::log_reach(const Status& answered) {
  if (answered) {
    cluster_.forget_trouble();
    if (!reached_) logger_.info("kafka.reached", {{"bootstrap", cluster_.options().bootstrap}});
  } else if (reached_) {
    logger_.warn("kafka.unreachable", {{"reason", answered.error().message()}});
  }
  reached_ = answered.has_value();
}

KafkaTopics::Round KafkaTopics::take_round() {
  Round round;
  const MutexLock lock(mutex_);
  for (const auto& [name, making] : making_) round.names.push_back(name);
  round.waiters = std::exchange(waiters_, {});
  return round;
}

KafkaTopics::Answer KafkaTopics::ask_cluster(const Round& round) {
  const auto due = std::chrono::steady_clock::now() + cluster_.options().request_timeout;
  Answer answer{{}, std::map<std::string, std::int32_t>()};
  if (!round.names.empty()) answer.made = cluster_.make_topics(producer_.handle(), round.names);
  for (;;) {
    answer.topics = cluster_.ask_topics(producer_.handle());
    if (!answer.topics || std::chrono::steady_clock::now() >= due) return answer;
    bool all = true;
    for (std::size_t i = 0; i < round.names.size(); ++i)
      all &= !answer.made[i] || answer.topics->contains(round.names[i]);
    if (all) return answer;
    std::this_thread::sleep_for(kNewTopicPause);
  }
}

void KafkaTopics::take_answer(Round round, Answer answer) {
  io::WakeupBatch batch;
  const MutexLock lock(mutex_);
  if (answer.topics) take_topics(*answer.topics);
  for (std::size_t i = 0; i < round.names.size(); ++i) {
    const auto& name = round.names[i];
    if (!answer.made[i]) {
      refuse(name, answer.made[i].error(), batch);
    } else if (!answer.topics) {
      refuse(name, answer.topics.error(), batch);
    } else if (!known_->contains(name)) {
      refuse(name, Error(ErrorCode::Unavailable, fmt::format("topic {} does not appear", name)),
             batch);
    } else {
      release(name, batch);
    }
  }
  const auto outcome = answer.topics ? Status() : Status(answer.topics.error());
  for (const auto& waiter : round.waiters) waiter->set(outcome, batch);
}

void KafkaTopics::take_topics(const std::map<std::string, std::int32_t>& topics) {
  auto next = std::make_shared<KafkaTopicMap>();
  for (const auto& [name, partitions] : topics) {
    std::uint64_t incarnation = 0;
    if (const auto before = known_->find(name); before != known_->end()) {
      incarnation = before->second.incarnation;
    } else if (const auto gone = gone_.find(name); gone != gone_.end()) {
      incarnation = gone->second + 1;
      gone_.erase(gone);
    }
    next->emplace_hint(next->end(), name, KafkaTopicEntry{partitions, incarnation});
  }
  if (*next == *known_) return;
  for (const auto& [name, entry] : *known_) {
    if (!next->contains(name) && gone_.size() < kGoneMax) gone_[name] = entry.incarnation;
  }
  known_ = std::move(next);
  for (auto* event : told_) event->raise();
}

void KafkaTopics::release(const std::string& topic, io::WakeupBatch& batch) {
  const auto making = making_.find(topic);
  if (making == making_.end()) return;
  auto records = std::move(making->second.records);
  making_.erase(making);
  for (auto& waiting : records) {
    waiting_bytes_ -= bytes_of(waiting.record);
    const auto taken = producer_.produce(waiting.record, waiting.receipt);
    if (taken) continue;
    const bool gone = taken.error().code() == ErrorCode::NotFound;  // Again, just now.
    waiting.receipt->complete(
        gone ? Error(ErrorCode::Unavailable, taken.error().message()) : taken.error(), batch);
  }
}

void KafkaTopics::refuse(const std::string& topic, const Error& error, io::WakeupBatch& batch) {
  const auto making = making_.find(topic);
  if (making == making_.end()) return;
  for (auto& waiting : making->second.records) {
    waiting_bytes_ -= bytes_of(waiting.record);
    waiting.receipt->complete(error, batch);
  }
  making_.erase(making);
}

Status KafkaTopics::check_limits(const std::string& topic, std::size_t bytes) {
  if (waiting_bytes_ + bytes > cluster_.options().queue_bytes_max) {
    return Error(ErrorCode::Exhausted, fmt::format("{} bytes of records wait for their topics",
                                                   cluster_.options().queue_bytes_max));
  }
  if (!making_.contains(topic) &&
      known_->size() + making_.size() >= cluster_.options().topics_max) {
    return Error(ErrorCode::Exhausted,
                 fmt::format("topic {} would be one more than the {} of topics_max", topic,
                             cluster_.options().topics_max));
  }
  return {};
}

Status KafkaTopics::check_partition(const Record& record, const std::string& topic) {
  if (!record.partition) return {};
  const auto known = known_->find(topic);
  const auto index = record.partition->value;
  if (index >= 0 && (known == known_->end() || index < known->second.partitions)) return {};
  return Error(ErrorCode::InvalidInput, fmt::format("topic {} has no partition {}", topic, index));
}

Status KafkaTopics::append(Record record, const std::shared_ptr<KafkaReceipt>& receipt) {
  const auto topic = record.topic.full();
  const MutexLock lock(mutex_);
  MYELIN_TRY_VOID(check_partition(record, topic));
  if (known_->contains(topic) && !making_.contains(topic)) {
    auto taken = producer_.produce(record, receipt);
    if (taken || taken.error().code() != ErrorCode::NotFound) return taken;
  }
  const auto bytes = bytes_of(record);
  MYELIN_TRY_VOID(check_limits(topic, bytes));
  waiting_bytes_ += bytes;
  making_[topic].records.push_back({std::move(record), receipt});
  wanted_.notify();
  return {};
}

Status KafkaTopics::ensure(const TopicName& name) {
  const auto topic = name.full();
  const MutexLock lock(mutex_);
  if (known_->contains(topic) || making_.contains(topic)) return {};
  MYELIN_TRY_VOID(check_limits(topic, 0));
  making_.emplace(topic, Making());
  wanted_.notify();
  return {};
}

std::shared_ptr<const KafkaTopicMap> KafkaTopics::known() const {
  const MutexLock lock(mutex_);
  return known_;
}

io::Task<Result<std::shared_ptr<const KafkaTopicMap>>> KafkaTopics::ask() {
  const auto answered = std::make_shared<io::OneShot<Status>>();
  {
    const MutexLock lock(mutex_);
    waiters_.push_back(answered);
  }
  wanted_.notify();
  MYELIN_CO_TRY_VOID(co_await answered->wait());
  co_return known();
}

void KafkaTopics::tell(io::EventDescriptor& event) {
  const MutexLock lock(mutex_);
  told_.insert(&event);
}

void KafkaTopics::tell_no_more(io::EventDescriptor& event) {
  const MutexLock lock(mutex_);
  told_.erase(&event);
}

}  // namespace myelin::bus
