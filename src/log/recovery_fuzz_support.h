// What recovery_fuzz damages: the files of a small directory that a real log made, with most of
// what a directory can hold, as they are after a crash.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "formats/kafka/record_batch.h"
#include "log/fuzz_support.h"
#include "log/housekeeping.h"
#include "log/log.h"
#include "log/sim_disk.h"

namespace myelin::log {

// Stands still, but what takes time takes it.
class FixedClock final : public Clock {
 public:
  Timestamp now() const override { return timestamp_from_ms(1'700'000'000'000); }
  SteadyTime steady() const override { return std::chrono::steady_clock::now(); }
};

struct FuzzedDirectory {
  Files files;
  // What must be served as long as only .log files are damaged, unless it is said to be damaged.
  std::map<std::string, std::set<std::int64_t>> kept;  // By the partition's name.
};

inline std::string partition_name(const Topic& topic, std::size_t index) {
  return fmt::format("{}-{}", topic.spec.name, index);
}

inline constexpr std::string_view kLargeTopic = "large";

// Says where it belongs, so that what is served can be held against its place.
inline std::string fuzzed_value(const std::string& partition, std::int64_t offset) {
  auto value = fmt::format("{} {}", partition, offset);
  if (partition.starts_with(kLargeTopic)) value.append(9'000, 'x');
  return value;
}

// One of three, so that compaction has something to take.
inline std::string fuzzed_key(std::int64_t offset) { return fmt::format("key {}", offset % 3); }

inline Options fuzzed_options() {
  Options options;
  options.directory = "/data";
  options.journal_file_bytes = 32 * kBlockBytes;
  options.large_batch_bytes = 8u << 10;
  options.flush_interval = std::chrono::hours(1);
  options.tail_interval = std::chrono::hours(1);
  options.fail = [](const std::string&) {};
  return options;
}

inline TopicPolicy fuzzed_policy(const Topic& topic) {
  TopicPolicy policy;
  policy.segment_bytes = 512;
  policy.compact = topic.spec.name == "compacted";
  policy.dirty_ratio_min = 0;
  return policy;
}

// A log on a disk that is followed as a server follows it.
class FuzzedLog {
 public:
  explicit FuzzedLog(SimDisk& disk) : opened_(Log::open(disk, clock_, random_, fuzzed_options())) {
    if (!opened_) return;
    for (const auto& topic : log().topics()) log().set_policy(*topic, fuzzed_policy(*topic));
  }
  bool is_open() const { return opened_.has_value(); }
  Log& log() { return **opened_; }

  TopicPtr find(const std::string& name) {
    for (const auto& topic : log().topics())
      if (topic->spec.name == name) return topic;
    return nullptr;
  }

  bool write(Write write) { return append_and_wait(log(), std::move(write)); }
  // A record of the next offset. A producer's when it has an id.
  bool append(const TopicPtr& topic, std::size_t index, std::int64_t producer = -1) {
    auto& partition = *topic->partitions[index];
    const auto offset = partition.next_offset.value;
    kafka::RecordBatchBuilder builder;
    MYELIN_CHECK(builder.add(1000 + offset, fuzzed_key(offset),
                             fuzzed_value(partition_name(*topic, index), offset)),
                 "a record fits");
    kafka::BatchFields fields;
    if (producer >= 0) {
      fields.producer_id = producer;
      fields.producer_epoch = 0;
      fields.base_sequence = static_cast<std::int32_t>(offset);
    }
    Write made;
    made.batches.push_back({&partition, builder.finish(fields)});
    return write(std::move(made));
  }

  void keep_house() {
    HousekeepingOptions options;
    options.compaction.read_bytes_per_second = 0;
    options.compaction.hash_key = {1, 2};
    Housekeeper(log(), options).pass();
  }

 private:
  FixedClock clock_;
  FixedRandom random_;
  Result<std::unique_ptr<Log>> opened_;
};

class FuzzedDirectoryMaker {
 public:
  FuzzedDirectory make() {
    for (const auto* const name : {"plain", "compacted", "gone"}) make_topic(name, 1);
    make_topic(std::string(kLargeTopic), 1);
    make_topic("two", 2);
    append("plain", 0, 7);
    append("compacted", 0, 20);
    append("gone", 0, 3);
    append(std::string(kLargeTopic), 0, 1);
    append("two", 0, 6);
    append("two", 1, 4, 77);
    move_start("two", 3);
    checkpoint();
    on_.keep_house();
    checkpoint();
    // From here on in the journal alone, but for the large one.
    append("plain", 0, 5);
    append("compacted", 0, 2);
    append(std::string(kLargeTopic), 0, 1);
    append("two", 1, 2, 77);
    Write grown;
    grown.grow(on_.find("plain"), 2);
    must(on_.write(std::move(grown)));
    append("plain", 1, 2);
    Write configured;
    configured.configs.push_back({on_.find("plain"), R"({"a":"b"})"});
    must(on_.write(std::move(configured)));
    move_start("two", 4);
    Write deleted;
    deleted.deleted.push_back(on_.find("gone"));
    must(on_.write(std::move(deleted)));
    made_.kept.erase("gone-0");
    std::erase_if(made_.kept["two-0"], [](auto offset) { return offset < 4; });
    auto& compacted = made_.kept["compacted-0"];
    while (compacted.size() > 3) compacted.erase(compacted.begin());
    for (const auto& path : disk_.paths()) made_.files.emplace_back(path, disk_.content(path));
    return std::move(made_);
  }

 private:
  static void must(bool done) { MYELIN_CHECK(done, "a whole log does what it is asked for"); }
  void make_topic(const std::string& name, std::int32_t partitions) {
    Uuid id;
    id.bytes.fill(++last_id_);
    Write made;
    made.topics.push_back(on_.log().make_topic({id, name, partitions, "{}"}));
    on_.log().set_policy(*made.topics.front(), fuzzed_policy(*made.topics.front()));
    must(on_.write(std::move(made)));
  }
  void append(const std::string& name, std::size_t index, int count, std::int64_t producer = -1) {
    const auto topic = on_.find(name);
    for (int i = 0; i < count; ++i) {
      made_.kept[partition_name(*topic, index)].insert(topic->partitions[index]->next_offset.value);
      must(on_.append(topic, index, producer));
    }
  }
  void move_start(const std::string& name, std::int64_t start) {
    Write moved;
    const auto topic = on_.find(name);
    moved.starts.push_back({topic, topic->partitions[0].get(), Offset(start)});
    must(on_.write(std::move(moved)));
  }
  void checkpoint() { must(static_cast<bool>(on_.log().checkpoint())); }

  FuzzedDirectory made_;
  SimDisk disk_;
  FuzzedLog on_{disk_};
  std::uint8_t last_id_ = 2;
};

}  // namespace myelin::log
