// What the model test knows of a log: a state that writes change in memory, and comparisons of a
// log with it. A difference is thrown as a Mismatch, so that a run can be expected to find one.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "log/log.h"
#include "log/sim_disk.h"

namespace myelin::log {

struct Mismatch : std::runtime_error {
  using std::runtime_error::runtime_error;
};

inline void expect(bool holds, const std::string& otherwise) {
  if (!holds) throw Mismatch(otherwise);
}

inline void remove_tree(SimDisk& disk, const std::string& path) {
  for (const auto& below : disk.paths()) {
    if (below.starts_with(path + "/")) expect(disk.remove(below).has_value(), below);
  }
  [[maybe_unused]] const auto status = disk.remove(path);
}

// Wall-clock time as the test sets it, forwards and backwards; delays are real but for those that
// it ends.
class ModelClock final : public Clock {
 public:
  Timestamp now() const override { return timestamp_from_ms(ms_); }
  SteadyTime steady() const override {
    return std::chrono::steady_clock::now() + std::chrono::milliseconds(skipped_ms_);
  }
  void skip(std::chrono::milliseconds delay) { skipped_ms_ += delay.count(); }
  void set(std::int64_t ms) { ms_ = ms; }
  void move(std::int64_t by_ms) { ms_ += by_ms; }

 private:
  std::atomic<std::int64_t> ms_ = 1'700'000'000'000;
  std::atomic<std::int64_t> skipped_ms_ = 0;
};

// What became of a write. An acknowledgment counts only when the power was still on as it came.
class ModelWaiter final : public AppendWaiter {
 public:
  explicit ModelWaiter(const SimDisk& disk) : disk_(disk) {}
  void numbered(const std::vector<BatchOutcome>&) override {}
  void completed(Result<CommitNumber> commit) override {
    MutexLock lock(mutex_);
    witnessed_ = commit && !disk_.image_taken();
    result_ = std::move(commit);
    changed_.notify_all();
  }
  Result<CommitNumber> wait() {
    MutexLock lock(mutex_);
    while (!result_) changed_.wait(mutex_);
    return *result_;
  }
  bool witnessed() {
    MutexLock lock(mutex_);
    return witnessed_;
  }

 private:
  const SimDisk& disk_;
  Mutex mutex_;
  CondVar changed_;
  bool witnessed_ MYELIN_GUARDED_BY(mutex_) = false;
  std::optional<Result<CommitNumber>> result_ MYELIN_GUARDED_BY(mutex_);
};

// Whose batch it is, where it has a producer; sequences as they are, without an end.
struct ModelStamp {
  std::int64_t producer = -1;
  std::int16_t epoch = -1;
  std::int64_t first = -1;
  std::int64_t last = -1;
};

struct ModelBatch {
  ModelStamp stamp;
  // Of a compacted topic: those of its records. A later batch with the same takes its place.
  std::string keys;
  Offset base;
  Offset last;
  std::int32_t epoch = 0;
  Timestamp received;
  std::string bytes;
  // Known once it was acknowledged or read; shared by all batches of its write.
  std::shared_ptr<std::optional<CommitNumber>> commit;
};

struct ModelProducer {
  std::int16_t epoch = -1;
  std::vector<std::shared_ptr<const ModelBatch>> batches;  // All of its epoch.
};

struct ModelPartition {
  Offset start;
  Offset end;
  std::vector<std::shared_ptr<const ModelBatch>> batches;  // All that ever were.
  std::map<std::string, Offset> newest;                    // Of those with keys, by these.
  std::map<std::int64_t, ModelProducer> producers;

  void add(const std::shared_ptr<const ModelBatch>& batch);
  // What becomes of the next batch if it is such.
  BatchOutcome expected(const ModelStamp& stamp) const;
  std::vector<std::shared_ptr<const ModelBatch>> kept() const {
    std::vector<std::shared_ptr<const ModelBatch>> kept;
    for (const auto& batch : batches) {
      if (batch->last >= start) kept.push_back(batch);
    }
    return kept;
  }
  // Whether compaction may have removed it.
  bool may_be_gone(const ModelBatch& batch) const {
    return !batch.keys.empty() && newest.at(batch.keys) > batch.base;
  }
};

struct ModelTopic {
  std::string name;
  std::string config;
  std::vector<ModelPartition> partitions;
};

struct ModelState {
  std::map<TopicId, ModelTopic> topics;

  ModelPartition& partition(const PartitionId& id) {
    return topics.at(id.topic).partitions.at(static_cast<std::size_t>(id.partition.value));
  }
};

struct ModelWrite {
  std::vector<TopicSpec> topics;
  std::vector<std::pair<TopicId, std::size_t>> grown;  // Partitions that it has then.
  std::vector<std::pair<PartitionId, std::shared_ptr<const ModelBatch>>> batches;
  std::vector<BatchOutcome> outcomes;  // Of all that it came with.
  std::vector<std::pair<TopicId, std::string>> configs;
  std::vector<std::pair<PartitionId, Offset>> starts;
  std::vector<TopicId> deleted;
  std::shared_ptr<std::optional<CommitNumber>> commit =
      std::make_shared<std::optional<CommitNumber>>();
  std::shared_ptr<ModelWaiter> waiter;
};

inline void apply(ModelState& state, const ModelWrite& write) {
  for (const auto& topic : write.topics) {
    state.topics[topic.id] = {
        topic.name, topic.config,
        std::vector<ModelPartition>(static_cast<std::size_t>(topic.partitions))};
  }
  for (const auto& [id, count] : write.grown) state.topics.at(id).partitions.resize(count);
  for (const auto& [id, batch] : write.batches) state.partition(id).add(batch);
  for (const auto& [id, config] : write.configs) state.topics.at(id).config = config;
  for (const auto& [id, start] : write.starts) {
    auto& partition = state.partition(id);
    partition.start = std::max(partition.start, std::min(start, partition.end));
  }
  for (const auto& id : write.deleted) state.topics.erase(id);
}

// Small limits of all kinds.
Options any_options(std::mt19937_64& random);
TopicPolicy any_policy(const std::string& topic, std::mt19937_64& random);
// Within the partition, or a little outside.
Offset any_start(const ModelPartition& partition, std::mt19937_64& random);
// Of a write's first batch.
std::size_t any_size(std::size_t write_bytes_max, std::mt19937_64& random);

// Of few, for so many records of a compacted topic; empty for one that is not.
std::string any_keys(const ModelTopic& topic, std::mt19937_64& random, std::int64_t records);

// Records of different values, with times that rise and fall; with keys unless these are empty.
std::string any_batch(std::size_t bytes, std::mt19937_64& random, std::int64_t records,
                      const ModelStamp& stamp, const std::string& keys);

// Every second batch has a producer: mostly its next one, but also those that it sent before, of
// other epochs, or with a gap.
ModelStamp any_stamp(const ModelPartition& partition, std::mt19937_64& random);

// The first difference in catalogue, configurations, starts and ends; nothing when there is none.
std::optional<std::string> outline_difference(const ModelState& model, const Checkpoint& state);
// The same of a log that is open. A log tells configurations only right after it was opened.
enum class Configs : std::uint8_t { Ignored, Compared };
std::optional<std::string> outline_difference(const ModelState& model, const Log& log,
                                              Configs configs);

// What became of the batches of a write.
void compare_outcomes(const std::vector<BatchOutcome>& model,
                      const std::vector<BatchOutcome>& found);
// Every record by offset, look-ups of all kinds, and what is known of producers. Nothing may be
// under way but the flusher.
void compare_records(const ModelState& model, const Log& log, std::mt19937_64& random);
// Segment files that the durable checkpoint names.
std::set<std::string> named_files(Disk& disk);
// The same records from the files that a checkpoint names, wherever their directories are now.
void compare_files(const ModelState& model, const Checkpoint& state, Disk& disk);
// A housekeeper's pass: the starts that it moved, each for a reason that its topic's policy gives.
ModelWrite keep_house(const ModelState& model, Log& log);
// Readers of a deleted topic get nothing.
void expect_nothing_in(const Topic& topic, std::mt19937_64& random);

}  // namespace myelin::log
