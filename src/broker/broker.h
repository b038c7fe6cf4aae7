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
#include "base/uuid.h"
#include "broker/subscribers.h"
#include "broker/types.h"
#include "io/wakeup.h"
#include "log/log.h"

namespace myelin::broker {

struct Settings {
  std::uint32_t topics_max = 10'000;
  std::int32_t partitions_default = 1;

  template <class Visitor>
  void visit(Visitor& visitor) {
    visitor.field("topics_max", topics_max,
                  "Topics that may be made on first use; beyond it new names are refused.");
    visitor.field("partitions_default", partitions_default,
                  "Partitions of a topic made on first use.");
  }
};

struct Topic {
  TopicName name;
  std::shared_ptr<log::Topic> stored;

  TopicId id() const { return stored->spec.id; }
  std::int32_t partition_count() const { return stored->spec.partitions; }
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
  Status close() { return log_->close(); }

  TopicPtr find(const TopicName& name) const;
  TopicPtr find(const TopicId& id) const;
  // Makes it when it does not exist: InvalidInput (name), Exhausted (topics_max), or what the log
  // says.
  Result<TopicPtr> ensure(const TopicName& name);
  // By name.
  std::vector<TopicPtr> list(const Matcher& matcher) const;

  // Numbers and queues; gives base offsets. The waiter is told on the committer thread, where
  // wakeups() may be used.
  Result<std::vector<Offset>> append(std::vector<TopicBatch> batches,
                                     std::shared_ptr<log::AppendWaiter> waiter);
  // For AppendWaiters: wake-ups put here go out once a commit's waiters were all told.
  io::WakeupBatch& wakeups() { return wakeups_; }

  Subscribers& subscribers() { return subscribers_; }
  log::Log& log() { return *log_; }

 private:
  Broker(const Clock& clock, Random& random, Settings settings);
  Status load();
  void adopt(const std::shared_ptr<log::Topic>& stored);
  Result<TopicPtr> create(const TopicName& name, const TopicId& id, std::int32_t partitions)
      MYELIN_REQUIRES(create_mutex_);
  log::NewBatch metadata_record(const Topic& created) const;
  void committed(const log::CommitPtr& commit);

  const Clock& clock_;
  Random& random_;
  UuidGenerator ids_;
  const Settings settings_;
  Subscribers subscribers_;
  io::WakeupBatch wakeups_;  // Committer's.

  Mutex create_mutex_;  // Held over one creation; taken before mutex_.
  mutable Mutex mutex_;
  std::unordered_map<std::string, TopicPtr> by_name_ MYELIN_GUARDED_BY(mutex_);  // By full name.
  std::unordered_map<TopicId, TopicPtr> by_id_ MYELIN_GUARDED_BY(mutex_);
  TopicPtr metadata_;              // Set by open().
  std::unique_ptr<log::Log> log_;  // Last: its threads call committed().
};

}  // namespace myelin::broker
