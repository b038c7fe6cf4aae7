#include "broker/broker.h"

#include <fmt/format.h>

#include "base/json_writer.h"
#include "formats/kafka/record_batch.h"

namespace myelin::broker {
namespace {

// Fixed, so that tools find it in any directory.
constexpr std::string_view kMetadataTopicId = "6d79656c-696e-4d45-8000-000000000001";

}  // namespace

Broker::Broker(const Clock& clock, Random& random, Settings settings)
    : clock_(clock), random_(random), ids_(clock, random_), settings_(settings) {}

Broker::~Broker() { log_.reset(); }

Result<std::unique_ptr<Broker>> Broker::open(log::Disk& disk, const Clock& clock, Random& random,
                                             log::Options options, Settings settings) {
  std::unique_ptr<Broker> broker(new Broker(clock, random, settings));
  options.on_committed = [raw = broker.get()](const log::CommitPtr& commit) {
    raw->committed(commit);
  };
  MYELIN_TRY(opened, log::Log::open(disk, clock, random, std::move(options)));
  broker->log_ = std::move(opened);
  MYELIN_TRY_VOID(broker->load());
  return broker;
}

Status Broker::load() {
  for (const auto& stored : log_->topics()) adopt(stored);
  const TopicName name{{}, std::string(kMetadataTopic)};
  metadata_ = find(name);
  if (metadata_) return {};
  const auto id = Uuid::parse(kMetadataTopicId);
  MutexLock lock(create_mutex_);
  MYELIN_TRY(created, create(name, *id, 1));
  metadata_ = created;
  return {};
}

void Broker::adopt(const std::shared_ptr<log::Topic>& stored) {
  auto topic =
      std::make_shared<const Topic>(Topic{TopicName::from_full(stored->spec.name), stored});
  subscribers_.topic_created(topic->name, topic->id());
  MutexLock lock(mutex_);
  by_name_[stored->spec.name] = topic;
  by_id_[topic->id()] = topic;
}

TopicPtr Broker::find(const TopicName& name) const {
  const auto full = name.full();
  MutexLock lock(mutex_);
  const auto found = by_name_.find(full);
  return found == by_name_.end() ? nullptr : found->second;
}

TopicPtr Broker::find(const TopicId& id) const {
  MutexLock lock(mutex_);
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : found->second;
}

Result<TopicPtr> Broker::ensure(const TopicName& name) {
  if (auto topic = find(name)) return topic;
  MYELIN_TRY_VOID(check_topic_name(name));
  MutexLock lock(create_mutex_);
  if (auto topic = find(name)) return topic;
  {
    MutexLock names(mutex_);
    if (by_name_.size() > settings_.topics_max) {  // The server's own is not counted.
      return Error(
          ErrorCode::Exhausted,
          fmt::format("{} topics exist, as many as topics_max allows", settings_.topics_max));
    }
  }
  return create(name, ids_.next(), settings_.partitions_default);
}

Result<TopicPtr> Broker::create(const TopicName& name, const TopicId& id, std::int32_t partitions) {
  auto stored = log_->make_topic({id, name.full(), partitions, "{}"});
  auto topic = std::make_shared<const Topic>(Topic{name, stored});
  // Readers must find it by id before its first record is committed, writers by name only once its
  // creation is queued.
  subscribers_.topic_created(name, id);
  {
    MutexLock lock(mutex_);
    by_id_[id] = topic;
  }
  log::Write write;
  write.topics.push_back(stored);
  write.batches.push_back(metadata_record(*topic));
  auto queued = log_->append(std::move(write));
  if (!queued) subscribers_.topic_removed(id);
  MutexLock lock(mutex_);
  if (!queued) {
    by_id_.erase(id);
    return std::move(queued).error().with_context("topic " + name.full());
  }
  by_name_[name.full()] = topic;
  return TopicPtr(topic);
}

log::NewBatch Broker::metadata_record(const Topic& created) const {
  std::string value;
  JsonWriter json(value);
  json.begin_object();
  json.key("type");
  json.string("topic-created");
  json.key("topic");
  json.string(created.name.full());
  json.key("topicId");
  json.string(created.id().to_string());
  json.key("partitions");
  json.integer(created.partition_count());
  json.end_object();
  kafka::RecordBatchBuilder builder;
  const auto added = builder.add(to_ms(clock_.now()), created.id().to_string(), value);
  MYELIN_CHECK(added, "a metadata record does not fit a batch");
  const auto& topic = metadata_ ? *metadata_ : created;  // The first one tells of itself.
  return {&topic.partition(PartitionIndex(0)), builder.finish()};
}

std::vector<TopicPtr> Broker::list(const Matcher& matcher) const {
  std::vector<TopicPtr> topics;
  {
    MutexLock lock(mutex_);
    for (const auto& [name, topic] : by_name_) {
      if (matcher.matches(topic->name)) topics.push_back(topic);
    }
  }
  std::sort(topics.begin(), topics.end(),
            [](const TopicPtr& a, const TopicPtr& b) { return a->name < b->name; });
  return topics;
}

Result<std::vector<Offset>> Broker::append(std::vector<TopicBatch> batches,
                                           std::shared_ptr<log::AppendWaiter> waiter) {
  log::Write write;
  write.batches.reserve(batches.size());
  for (auto& batch : batches) {
    write.batches.push_back({&batch.topic->partition(batch.partition), std::move(batch.bytes)});
  }
  write.waiter = std::move(waiter);
  return log_->append(std::move(write));
}

void Broker::committed(const log::CommitPtr& commit) {
  if (commit) subscribers_.committed(*commit, wakeups_);
  wakeups_.flush();
}

}  // namespace myelin::broker
