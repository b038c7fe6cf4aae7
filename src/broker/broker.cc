#include "broker/broker.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/json_writer.h"
#include "formats/kafka/record_batch.h"

namespace myelin::broker {
namespace {

// Fixed, so that tools find it in any directory.
constexpr std::string_view kAuditTopics = "security.audit.*";
constexpr std::string_view kMetadataTopicId = "6d79656c-696e-4d45-8000-000000000001";

// For callers that may block.
class BlockingWaiter final : public log::AppendWaiter {
 public:
  void numbered(const std::vector<log::BatchOutcome>&) override {}
  void completed(Result<CommitNumber> commit) override {
    MutexLock lock(mutex_);
    outcome_ = commit ? Status() : Status(std::move(commit).error());
    done_.notify_all();
  }
  Status wait() {
    MutexLock lock(mutex_);
    while (!outcome_) done_.wait(mutex_);
    return *outcome_;
  }

 private:
  Mutex mutex_;
  CondVar done_;
  std::optional<Status> outcome_ MYELIN_GUARDED_BY(mutex_);
};

}  // namespace

Broker::Broker(const Clock& clock, Random& random, std::uint64_t segment_bytes, Settings settings)
    : clock_(clock),
      random_(random),
      ids_(clock, random_),
      segment_bytes_(segment_bytes),
      settings_(std::move(settings)),
      group_log_(*this),
      groups_(settings_.groups, clock_, random_, group_log_) {}

Broker::~Broker() { log_.reset(); }

Result<std::unique_ptr<Broker>> Broker::open(log::Disk& disk, const Clock& clock, Random& random,
                                             log::Options options, Settings settings) {
  std::unique_ptr<Broker> broker(
      new Broker(clock, random, options.segment_bytes, std::move(settings)));
  options.on_committed = [raw = broker.get()](const log::CommitPtr& commit) {
    raw->committed(commit);
  };
  MYELIN_TRY(opened, log::Log::open(disk, clock, random, std::move(options)));
  broker->log_ = std::move(opened);
  MYELIN_TRY_VOID(broker->load());
  MYELIN_TRY(lost, broker->group_log_.load(broker->groups_));
  broker->lost_group_records_ = std::move(lost);
  broker->groups_.loaded();
  return broker;
}

Status Broker::close() {
  groups_.stop();
  return log_->close();
}

Status Broker::load() {
  for (const auto& stored : log_->topics()) adopt(stored);
  const TopicName name{{}, std::string(kMetadataTopic)};
  metadata_ = find(name);
  if (metadata_) return {};
  const auto id = Uuid::parse(kMetadataTopicId);
  MutexLock lock(create_mutex_);
  MYELIN_TRY(created, create(name, {*id, name.full(), 1, {}}));
  metadata_ = created;
  return {};
}

void Broker::adopt(const std::shared_ptr<log::Topic>& stored) {
  auto topic = std::make_shared<const Topic>(
      Topic{.name = TopicName::from_full(stored->spec.name), .stored = stored});
  subscribers_.topic_created(topic->name, topic->id());
  auto config = decode_topic_config(stored->spec.config);
  apply_policy(*topic, config);
  MutexLock creating(create_mutex_);
  partitions_ += topic->partition_count();
  MutexLock lock(mutex_);
  by_name_[stored->spec.name] = topic;
  by_id_[topic->id()] = topic;
  if (!config.empty()) configs_[topic->id()] = std::move(config);
}

TopicDefaults Broker::limits_of(const TopicName& name) const {
  TopicDefaults defaults;
  defaults.segment_bytes = segment_bytes_;
  const bool kept =
      is_internal(name.name) ||
      std::any_of(settings_.keep_forever.begin(), settings_.keep_forever.end(),
                  [&](const auto& pattern) { return matches_pattern(pattern, name.name); });
  if (!kept && settings_.retention_time.count() > 0)
    defaults.retention_time = settings_.retention_time;
  if (!kept && settings_.retention_bytes.value > 0)
    defaults.retention_bytes = settings_.retention_bytes.value;
  return defaults;
}

TopicConfig Broker::defaults_of(const TopicName& name) const {
  const auto limits = limits_of(name);
  TopicConfig config;
  config["segment.bytes"] = fmt::format("{}", limits.segment_bytes);
  if (limits.retention_time)
    config["retention.ms"] = fmt::format("{}", limits.retention_time->count());
  if (limits.retention_bytes)
    config["retention.bytes"] = fmt::format("{}", *limits.retention_bytes);
  if (name.full() == kOffsetsTopic) config["cleanup.policy"] = "compact";
  return config;
}

void Broker::apply_policy(const Topic& topic, const TopicConfig& own) const {
  auto config = own;
  // The server's own: nobody has set it, and nobody may.
  if (topic.name.full() == kOffsetsTopic) config["cleanup.policy"] = "compact";
  const auto defaults = limits_of(topic.name);
  auto policy = policy_of(config, defaults);
  policy.uses_reserve =
      is_internal(topic.name.name) || matches_pattern(kAuditTopics, topic.name.name);
  log_->set_policy(*topic.stored, policy);
  topic.rules->set(std::make_shared<const RecordRules>(rules_of(config)));
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
  const auto partitions = is_internal(name.name) ? 1 : settings_.partitions_default;
  MYELIN_TRY_VOID(check_room(partitions));
  return create(name, {ids_.next(), name.full(), partitions, {}});
}

Result<TopicPtr> Broker::create_topic(const TopicName& name, std::int32_t partitions,
                                      const TopicConfig& config) {
  MYELIN_TRY_VOID(check_topic_name(name));
  if (is_internal(name.name))
    return Error(ErrorCode::Forbidden, fmt::format("topic {} is the server's own", name.full()));
  MYELIN_TRY_VOID(check_topic_config(config));
  MYELIN_TRY_VOID(check_partitions(partitions));
  const auto waiter = std::make_shared<BlockingWaiter>();
  TopicPtr topic;
  {
    MutexLock lock(create_mutex_);
    if (find(name)) return Error(ErrorCode::Conflict, "there is a topic " + name.full());
    MYELIN_TRY_VOID(check_room(partitions));
    MYELIN_TRY(
        created,
        create(name, {ids_.next(), name.full(), partitions, encode_topic_config(config)}, waiter));
    topic = std::move(created);
  }
  MYELIN_TRY_VOID(waiter->wait());
  return topic;
}

Status Broker::check_partitions(std::int32_t count) const {
  if (count < 1) return Error(ErrorCode::InvalidInput, "a topic has one partition at least");
  if (static_cast<std::uint32_t>(count) <= settings_.partitions_max) return {};
  return Error(ErrorCode::Exhausted, fmt::format("{} partitions; partitions_max allows a topic {}",
                                                 count, settings_.partitions_max));
}

// For so many more.
Status Broker::check_room(std::int64_t partitions) const {
  const auto there = partitions_ - 1;  // The server's own is not counted.
  if (there + partitions <= settings_.partitions_total_max) return {};
  return Error(ErrorCode::Exhausted,
               fmt::format("{} partitions more than the {} there are; partitions_total_max allows "
                           "{}",
                           partitions, there, settings_.partitions_total_max));
}

Result<TopicPtr> Broker::create(const TopicName& name, log::TopicSpec spec,
                                std::shared_ptr<log::AppendWaiter> waiter) {
  const auto id = spec.id;
  auto config = decode_topic_config(spec.config);
  auto stored = log_->make_topic(std::move(spec));
  auto topic = std::make_shared<const Topic>(Topic{.name = name, .stored = stored});
  apply_policy(*topic, config);
  // Readers must find it by id before its first record is committed, writers by name only once its
  // creation is queued.
  subscribers_.topic_created(name, id);
  {
    MutexLock lock(mutex_);
    by_id_[id] = topic;
  }
  log::Write write;
  write.topics.push_back(stored);
  write.batches.push_back(
      metadata_record("topic-created", *topic, topic->partition_count(), config));
  write.waiter = std::move(waiter);
  auto queued = log_->append(std::move(write));
  if (!queued) subscribers_.topic_removed(id);
  MutexLock lock(mutex_);
  if (!queued) {
    by_id_.erase(id);
    return std::move(queued).error().with_context("topic " + name.full());
  }
  partitions_ += topic->partition_count();
  by_name_[name.full()] = topic;
  if (!config.empty()) configs_[id] = std::move(config);
  return TopicPtr(topic);
}

log::NewBatch Broker::metadata_record(std::string_view type, const Topic& about,
                                      std::int32_t partitions, const TopicConfig& config) const {
  std::string value;
  JsonWriter json(value);
  json.begin_object();
  json.member("type", type);
  json.member("topic", about.name.full());
  json.member("topicId", about.id().to_string());
  json.key("partitions");
  json.integer(partitions);
  json.key("config");
  json.begin_object();
  for (const auto& [name, setting] : config) json.member(name, setting);
  json.end_object();
  json.end_object();
  kafka::RecordBatchBuilder builder;
  const auto added = builder.add(to_ms(clock_.now()), about.id().to_string(), value);
  MYELIN_CHECK(added, "a metadata record does not fit a batch");
  const auto& topic = metadata_ ? *metadata_ : about;  // The first one tells of itself.
  return {&topic.partition(PartitionIndex(0)), builder.finish()};
}

Result<TopicConfig> Broker::config_of(const TopicName& name) const {
  const auto topic = find(name);
  if (!topic) return Error(ErrorCode::NotFound, "no topic " + name.full());
  MutexLock lock(mutex_);
  const auto found = configs_.find(topic->id());
  return found == configs_.end() ? TopicConfig() : found->second;
}

Result<TopicPtr> Broker::find_own(const TopicName& name) const {
  auto topic = find(name);
  if (!topic) return Error(ErrorCode::NotFound, "no topic " + name.full());
  if (is_internal(name.name))
    return Error(ErrorCode::Forbidden, fmt::format("topic {} is the server's own", name.full()));
  return topic;
}

Status Broker::append_and_wait(log::Write write) {
  const auto waiter = std::make_shared<BlockingWaiter>();
  write.waiter = waiter;
  MYELIN_TRY(outcomes, log_->append(std::move(write)));
  (void)outcomes;
  return waiter->wait();
}

Status Broker::configure(const TopicName& name, const ConfigChanges& changes) {
  MutexLock creating(create_mutex_);
  MYELIN_TRY(topic, find_own(name));
  MYELIN_TRY(config, config_of(name));
  MYELIN_TRY(changed, changed_config(config, changes));
  log::Write write;
  write.configs.push_back({topic->stored, encode_topic_config(changed)});
  write.batches.push_back(
      metadata_record("topic-configured", *topic, topic->partition_count(), changed));
  MYELIN_TRY_VOID(append_and_wait(std::move(write)));
  apply_policy(*topic, changed);
  MutexLock lock(mutex_);
  configs_[topic->id()] = std::move(changed);
  return {};
}

Status Broker::remove(const TopicName& name) {
  MutexLock creating(create_mutex_);
  MYELIN_TRY(topic, find_own(name));
  log::Write write;
  write.batches.push_back(metadata_record("topic-deleted", *topic, topic->partition_count(), {}));
  write.deleted.push_back(topic->stored);
  MYELIN_TRY_VOID(append_and_wait(std::move(write)));
  subscribers_.topic_removed(topic->id());
  groups_.topic_deleted(name.full(), {});
  partitions_ -= topic->partition_count();
  MutexLock lock(mutex_);
  by_name_.erase(name.full());
  by_id_.erase(topic->id());
  configs_.erase(topic->id());
  return {};
}

Status Broker::add_partitions(const TopicName& name, std::int32_t count) {
  MutexLock creating(create_mutex_);
  MYELIN_TRY(topic, find_own(name));
  const auto had = topic->partition_count();
  if (count <= had) {
    return Error(
        ErrorCode::InvalidInput,
        fmt::format("topic {} has {} partitions; it can only have more", name.full(), had));
  }
  MYELIN_TRY_VOID(check_partitions(count));
  MYELIN_TRY_VOID(check_room(count - had));
  MYELIN_TRY(config, config_of(name));
  log::Write write;
  write.grow(topic->stored, count);
  write.batches.push_back(metadata_record("partitions-added", *topic, count, config));
  MYELIN_TRY_VOID(append_and_wait(std::move(write)));
  partitions_ += count - had;
  return {};
}

Result<Offset> Broker::delete_records(const TopicName& name, PartitionIndex partition,
                                      Offset before) {
  MYELIN_TRY(topic, find_own(name));
  if (partition.value < 0 || partition.value >= topic->partition_count()) {
    return Error(ErrorCode::NotFound,
                 fmt::format("no topic {} with a partition {}", name.full(), partition.value));
  }
  auto& stored = topic->partition(partition);
  const auto end = stored.high_watermark();
  if (before.value == -1) before = end;
  if (before.value < 0 || before > end) {
    return Error(ErrorCode::InvalidInput,
                 fmt::format("offset {} is outside of {} to {}", before.value, stored.start().value,
                             end.value));
  }
  if (before > stored.start()) {
    log::Write write;
    write.starts.push_back({topic->stored, &stored, before});
    MYELIN_TRY_VOID(append_and_wait(std::move(write)));
  }
  return stored.start();
}

std::vector<TopicPtr> Broker::all_topics() const {
  std::vector<TopicPtr> topics;
  {
    MutexLock lock(mutex_);
    topics.reserve(by_name_.size());
    for (const auto& [name, topic] : by_name_) topics.push_back(topic);
  }
  std::ranges::sort(topics, {}, [](const TopicPtr& topic) -> auto& { return topic->name; });
  return topics;
}

std::vector<TopicPtr> Broker::list(const Matcher& matcher) const {
  auto topics = all_topics();
  std::erase_if(topics, [&](const TopicPtr& topic) { return !matcher.matches(topic->name); });
  return topics;
}

Result<std::vector<BatchOutcome>> Broker::append(std::vector<TopicBatch> batches,
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
  if (commit) {
    subscribers_.committed(*commit, wakeups_);
    watchers_.committed(*commit, wakeups_);
  }
  wakeups_.flush();
}

}  // namespace myelin::broker
