// What is appended and what became of it: topics, writes, commits.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "log/checkpoint.h"
#include "log/partition.h"
#include "log/partition_list.h"
#include "log/policy.h"
#include "log/types.h"

namespace myelin::log {

// A topic's partitions. Shared by the log's catalogue and whoever works with it: read by many
// threads without a lock, because nothing in it changes but that there come to be more partitions,
// and each stays where it is.
struct Topic {
  // As it was made, or as it was when the log was opened: how many partitions there are now is said
  // by the list, what it is configured to be by whoever configures it.
  TopicSpec spec;
  PartitionList partitions;
  PolicyBox policy;
};
using TopicPtr = std::shared_ptr<Topic>;

using PartitionMaker = std::function<std::unique_ptr<Partition>(const TopicSpec&, PartitionIndex)>;
// Those that the topic lacks to `count`.
std::vector<std::unique_ptr<Partition>> missing_partitions(const Topic& topic, std::int32_t count,
                                                           const PartitionMaker& make);

// A topic is to have so many partitions, which is more than it has.
struct NewPartitions {
  TopicPtr topic;
  std::int32_t count = 0;
  std::vector<std::unique_ptr<Partition>> made{};  // append()'s.
};

// The first record that is kept from now on.
struct NewStart {
  TopicPtr topic;
  Partition* partition = nullptr;
  Offset start;
};

struct NewConfig {
  TopicPtr topic;
  std::string config;
};

// A durable commit: a commit buffer that live readers and the flusher share.
struct Commit {
  CommitNumber number;
  std::vector<BatchRef> batches;       // In order. They share one buffer, but for large ones.
  std::vector<Partition*> partitions;  // Of the batches, in their order.
  std::vector<TopicPtr> topics;        // New in the catalogue.
  std::vector<NewPartitions> grown;
  std::vector<TopicPtr> deleted;  // Out of it.
  std::vector<NewStart> starts;
  std::vector<NewConfig> configs;
  std::size_t bytes = 0;     // Of memory that it pins.
  std::size_t reserved = 0;  // Of disk space that it may take.
  JournalPosition end;
  SteadyTime written;
};
using CommitPtr = std::shared_ptr<const Commit>;

// Told once, on the committer thread, whether a write became durable. Must not block.
class AppendWaiter {
 public:
  virtual ~AppendWaiter() = default;
  // Before anything else, within append(): what becomes of the write's batches.
  virtual void numbered(const std::vector<BatchOutcome>& outcomes) = 0;
  virtual void completed(Result<CommitNumber> commit) = 0;
};

struct NewBatch {
  Partition* partition = nullptr;
  std::string bytes;  // One record batch v2 that checks; its base offset is set by append().
};

// What is made durable all of it or none; applied in this order.
struct Write {
  std::vector<TopicPtr> topics;          // From make_topic(); become part of the catalogue.
  std::unique_ptr<NewPartitions> grown;  // Of one topic; mostly none, and then it costs little.
  std::vector<NewBatch> batches;
  std::vector<NewConfig> configs;
  std::vector<NewStart> starts;
  std::vector<TopicPtr> deleted;
  std::shared_ptr<AppendWaiter> waiter;  // May be empty.

  void grow(TopicPtr topic, std::int32_t count) {
    grown = std::make_unique<NewPartitions>(NewPartitions{std::move(topic), count});
  }
};

}  // namespace myelin::log
