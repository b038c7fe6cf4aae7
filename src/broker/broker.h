// Broker: topics by name over the log: created on first use, appended to, read, waited for.
//
// Knows nothing of the wire and nothing of SQL. Its own state goes through the same journal;
// `__myelin_metadata` is its readable copy. Thread-safe; nothing blocks but open(), close() and
// what says so.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "base/settings.h"
#include "base/uuid.h"
#include "broker/group_coordinator.h"
#include "broker/group_log.h"
#include "broker/partition_watchers.h"
#include "broker/record_check.h"
#include "broker/subscribers.h"
#include "broker/topic_config.h"
#include "broker/types.h"
#include "io/wakeup.h"
#include "log/log.h"

namespace myelin::broker {

struct Settings {
  std::uint32_t topics_max = 10'000;
  std::int32_t partitions_default = 1;
  std::uint32_t partitions_max = 10'000;
  std::uint32_t partitions_total_max = 100'000;
  std::chrono::milliseconds retention_time{0};
  ByteSize retention_bytes = 0_MiB;
  GroupSettings groups{};
  std::vector<std::string> keep_forever = {"hl7.*", "fhir.*", "security.*"};

  template <class Visitor>
  void visit(Visitor& visitor) {
    visitor.field("topics_max", topics_max,
                  "Topics that may be made on first use; beyond it new names are refused.");
    visitor.field("partitions_default", partitions_default,
                  "Partitions of a topic made on first use.");
    visitor.field("partitions_max", partitions_max, "Partitions that a topic may be given.");
    visitor.field("partitions_total_max", partitions_total_max,
                  "Partitions of all topics together; beyond it no topic is made and none grows.");
    visitor.field(
        "retention_time", retention_time,
        "Records are removed after this time, unless the topic says otherwise; 0s: never.",
        {.min = 0});
    visitor.field(
        "retention_bytes", retention_bytes,
        "A partition's oldest records are removed beyond this size, unless the topic says "
        "otherwise; 0: never.");
    visitor.field("keep_forever", keep_forever,
                  "Topics (patterns) that the two settings above do not touch: clinical ones, and "
                  "the audit.");
    visitor.group("groups", groups, "Consumer groups.");
  }
};

struct Topic {
  TopicName name;
  std::shared_ptr<log::Topic> stored;
  std::shared_ptr<RulesBox> rules = std::make_shared<RulesBox>();

  TopicId id() const { return stored->spec.id; }
  // There may come to be more.
  std::int32_t partition_count() const {
    return static_cast<std::int32_t>(stored->partitions.size());
  }
  log::Partition& partition(PartitionIndex index) const {
    return *stored->partitions[static_cast<std::size_t>(index.value)];
  }
};
using TopicPtr = std::shared_ptr<const Topic>;

struct TopicBatch {
  TopicPtr topic;
  PartitionIndex partition;
  std::string bytes;  // Record batch v2.
};

inline constexpr std::string_view kMetadataTopic = "__myelin_metadata";

class Broker {
 public:
  // Opens the log and its catalogue. options.on_committed is the broker's.
  static Result<std::unique_ptr<Broker>> open(log::Disk& disk, const Clock& clock, Random& random,
                                              log::Options options, Settings settings);
  ~Broker();

  // Orderly stop: what waits is committed, everything flushed. Blocks.
  Status close();

  TopicPtr find(const TopicName& name) const;
  TopicPtr find(const TopicId& id) const;
  // Makes it when it does not exist: InvalidInput (name), Exhausted (topics_max,
  // partitions_total_max), or what the log says.
  Result<TopicPtr> ensure(const TopicName& name);
  const Settings& settings() const { return settings_; }
  // What holds for a topic of that name where it says nothing, as far as the broker's settings
  // decide it.
  TopicConfig defaults_of(const TopicName& name) const;
  // By name.
  std::vector<TopicPtr> all_topics() const;
  std::vector<TopicPtr> list(const Matcher& matcher) const;

  // A topic's own settings. NotFound.
  Result<TopicConfig> config_of(const TopicName& name) const;
  // Makes it with these settings of its own, and blocks until it is durable. Conflict when it
  // exists; InvalidInput (name, number, a setting); Forbidden for the server's own names; Exhausted
  // (partitions_max, partitions_total_max); or what the log says.
  Result<TopicPtr> create_topic(const TopicName& name, std::int32_t partitions,
                                const TopicConfig& config);
  // The four below block until the change is durable. NotFound; Forbidden for the server's own
  // topics; InvalidInput for a setting, a number or an offset that cannot be; or what the log says.
  Status configure(const TopicName& name, const ConfigChanges& changes);
  Status remove(const TopicName& name);
  // The topic has `count` partitions from now on, which is more than it has. What is keyed goes to
  // other partitions than before. Exhausted (partitions_max, partitions_total_max).
  Status add_partitions(const TopicName& name, std::int32_t count);
  // Removes records below `before` (-1: all there are); gives the new start.
  Result<Offset> delete_records(const TopicName& name, PartitionIndex partition, Offset before);

  // Numbers and queues; says what becomes of each batch. The waiter is told on the committer
  // thread, where wakeups() may be used.
  Result<std::vector<BatchOutcome>> append(std::vector<TopicBatch> batches,
                                           std::shared_ptr<log::AppendWaiter> waiter);
  // The batches of one append have at most this many bytes together, log::kBatchEntryOverhead each
  // included.
  std::size_t append_bytes_max() const { return log_->write_bytes_max(); }
  // For AppendWaiters: wake-ups put here go out once a commit's waiters were all told.
  io::WakeupBatch& wakeups() { return wakeups_; }

  GroupCoordinator& groups() { return groups_; }
  // Records of groups that could not be read at the start.
  const std::vector<LostRange>& lost_group_records() const { return lost_group_records_; }
  Subscribers& subscribers() { return subscribers_; }
  PartitionWatchers& watchers() { return watchers_; }
  log::Log& log() { return *log_; }

 private:
  Broker(const Clock& clock, Random& random, std::uint64_t segment_bytes, Settings settings);
  Status load();
  void adopt(const std::shared_ptr<log::Topic>& stored);
  Result<TopicPtr> create(const TopicName& name, log::TopicSpec spec,
                          std::shared_ptr<log::AppendWaiter> waiter = nullptr)
      MYELIN_REQUIRES(create_mutex_);
  Status check_partitions(std::int32_t count) const;
  Status check_room(std::int64_t partitions) const MYELIN_REQUIRES(create_mutex_);
  log::NewBatch metadata_record(std::string_view type, const Topic& topic, std::int32_t partitions,
                                const TopicConfig& config) const;
  Result<TopicPtr> find_own(const TopicName& name) const;
  TopicDefaults limits_of(const TopicName& name) const;
  void apply_policy(const Topic& topic, const TopicConfig& config) const;
  Status append_and_wait(log::Write write);
  void committed(const log::CommitPtr& commit);

  const Clock& clock_;
  Random& random_;
  UuidGenerator ids_;
  const std::uint64_t segment_bytes_;
  const Settings settings_;
  Subscribers subscribers_;
  PartitionWatchers watchers_;
  io::WakeupBatch wakeups_;  // Committer's.
  GroupLog group_log_;
  std::vector<LostRange> lost_group_records_;  // Since open().
  GroupCoordinator groups_;

  Mutex create_mutex_;  // Held over one creation; taken before mutex_.
  std::int64_t partitions_ MYELIN_GUARDED_BY(create_mutex_) = 0;  // Of all topics.
  mutable Mutex mutex_;
  std::unordered_map<std::string, TopicPtr> by_name_ MYELIN_GUARDED_BY(mutex_);  // By full name.
  std::unordered_map<TopicId, TopicPtr> by_id_ MYELIN_GUARDED_BY(mutex_);
  std::unordered_map<TopicId, TopicConfig> configs_ MYELIN_GUARDED_BY(mutex_);  // Those not empty.
  TopicPtr metadata_;                                                           // Set by open().
  std::unique_ptr<log::Log> log_;  // Last: its threads call committed().
};

}  // namespace myelin::broker
