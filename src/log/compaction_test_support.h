// What the tests of compaction and housekeeping share: a log of keyed records whose wall clock a
// test moves. Nothing reaches segments before the test says so.
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "log/housekeeping.h"
#include "log/keyed_test_support.h"

namespace myelin::log {

// A wall clock that a test moves; delays are real. It can do something when it is asked.
class MovedClock final : public Clock {
 public:
  Timestamp now() const override {
    const int left = asked_ > 0 ? asked_.fetch_sub(1) : 0;
    if (left == 1) then_();
    return timestamp_from_ms(ms_);
  }
  SteadyTime steady() const override { return std::chrono::steady_clock::now(); }
  void move(std::int64_t by_ms) { ms_ += by_ms; }
  // On the thread that asks for the time for the `count`th time from now on.
  void when_asked(int count, std::function<void()> then) {
    then_ = std::move(then);
    asked_ = count;
  }

 private:
  std::atomic<std::int64_t> ms_ = 1'700'000'000'000;
  mutable std::atomic<int> asked_ = 0;
  std::function<void()> then_;
};

inline Options quiet_options() {
  auto options = small_options();
  options.journal_file_bytes = 256 * kBlockBytes;
  options.segment_bytes = 1u << 20;
  options.flush_bytes = SIZE_MAX;
  options.flush_interval = std::chrono::hours(1);
  return options;
}

inline TopicPolicy compact_policy() {
  TopicPolicy policy;
  policy.compact = true;
  policy.dirty_ratio_min = 0;
  policy.segment_bytes = 1u << 20;
  policy.tombstone_time = std::chrono::milliseconds(1000);
  return policy;
}

inline CompactionOptions fast_compaction() {
  CompactionOptions options;
  options.read_bytes_per_second = 0;
  options.hash_key = {1, 2};
  return options;
}

// One topic with one partition, "t", unless a test makes more.
class KeyedLog {
 public:
  explicit KeyedLog(SimDisk& on, TopicPolicy with = compact_policy(),
                    Options log_options = quiet_options())
      : disk(&on), policy(with), options(std::move(log_options)) {
    make_directory();
    const auto status = reopen();
    if (!status) ADD_FAILURE() << status.error().message();
  }

  // On the same disk, or on another one.
  Status reopen(SimDisk* other = nullptr) {
    topic.reset();
    log.reset();
    if (other != nullptr) disk = other;
    auto opened = Log::open(*disk, clock, random, options);
    if (!opened) return std::move(opened).error();
    log = std::move(*opened);
    topic = find("t");
    if (topic) log->set_policy(*topic, policy);
    return {};
  }

  TopicPtr find(std::string_view name) const {
    for (const auto& found : log->topics()) {
      if (found->spec.name == name) return found;
    }
    return nullptr;
  }

  void set_policy(const TopicPolicy& with) {
    policy = with;
    log->set_policy(*topic, policy);
  }

  TopicPtr make_topic(const std::string& name) {
    Uuid id;
    random.fill(id.bytes.data(), id.bytes.size());
    auto made = log->make_topic({id, name, 1, {}});
    log->set_policy(*made, policy);
    return made;
  }

  Partition& partition() { return *topic->partitions[0]; }

  Result<CommitNumber> write(Write write) {
    auto waiter = std::make_shared<TestWaiter>();
    write.waiter = waiter;
    MYELIN_TRY(outcomes, log->append(std::move(write)));
    for (const auto& outcome : outcomes) EXPECT_EQ(outcome.fate, BatchFate::Appended);
    return waiter->wait();
  }

  // In one commit.
  Status append(std::vector<std::string> batches) {
    Write made;
    if (!topic) {
      topic = make_topic("t");
      made.topics.push_back(topic);
    }
    for (auto& batch : batches) made.batches.push_back({&partition(), std::move(batch)});
    const auto commit = write(std::move(made));
    return commit ? Status() : Status(commit.error());
  }
  void must_append(std::string batch) {
    const auto status = append({std::move(batch)});
    ASSERT_TRUE(status) << status.error().message();
  }
  void put(std::string key, std::string value) {
    must_append(keyed_batch({{std::move(key), std::move(value)}}));
  }
  void remove(std::string key) { must_append(keyed_batch({{std::move(key), std::nullopt}})); }

  // The segment that is written to is closed: the next one begins with this record.
  void roll(const std::string& key = "roll") {
    partition().segment_bytes = 0;
    put(key, "x");
    partition().segment_bytes = policy.segment_bytes;
    settle();
  }
  void settle() {
    const auto status = log->checkpoint();
    ASSERT_TRUE(status) << status.error().message();
  }

  // Of data files, by name; without the journal's.
  std::vector<std::string> files(const std::string& below = "/data/topics/") const {
    std::vector<std::string> found;
    for (const auto& path : disk->paths()) {
      if (path.starts_with(below)) found.push_back(path.substr(below.size()));
    }
    return found;
  }
  // Those that the partition's list names, and Kafka's own.
  std::vector<std::string> listed_files() {
    std::vector<std::string> listed;
    for (const auto& segment : *partition().segments()) {
      for (const auto file : {SegmentFile::Log, SegmentFile::Meta})
        listed.push_back(segment_path("t-0", segment.base_offset, segment.generation, file));
    }
    listed.emplace_back("t-0/partition.metadata");
    std::sort(listed.begin(), listed.end());
    return listed;
  }
  std::string path_of(std::size_t segment, SegmentFile file) {
    const auto& state = (*partition().segments())[segment];
    return segment_path(partition().directory(), state.base_offset, state.generation, file);
  }
  void flip(const std::string& path, std::size_t byte) const {
    auto content = disk->content(path);
    ASSERT_LT(byte, content.size());
    content[byte] ^= 1;
    disk->set_content(path, content);
  }

  std::vector<ReadRecord> records() {
    auto all = read_all(partition());
    EXPECT_TRUE(all) << all.error().message();
    return all ? std::move(*all) : std::vector<ReadRecord>();
  }
  KeyedState state() { return committed_state(records()); }
  std::vector<std::int64_t> offsets() {
    std::vector<std::int64_t> all;
    for (const auto& record : records()) all.push_back(record.offset);
    return all;
  }

  Status compact(CompactionOptions with = fast_compaction()) {
    Compactor compactor(*log, with);
    auto status = compactor.pass();
    counts = compactor.counts();
    return status;
  }

  SimDisk* disk;
  TopicPolicy policy;
  Options options;
  MovedClock clock;
  SystemRandom random;
  std::unique_ptr<Log> log;
  TopicPtr topic;
  CompactionCounts counts;

 private:
  // The disk's root.
  void make_directory() const { EXPECT_TRUE(disk->make_directory("/data")); }
};

class CompactionTest : public ::testing::Test {
 protected:
  void must_compact(KeyedLog& log) {
    const auto status = log.compact();
    ASSERT_TRUE(status) << status.error().message();
    log.settle();
  }
  // As after a housekeeper's pass.
  static void remove_files(KeyedLog& log) {
    for (const auto& path : log.log->removables().list()) {
      ASSERT_TRUE(log.disk->remove(path)) << path;
      log.log->removables().forget(path);
    }
  }
  static std::vector<ReadRecord> without(std::vector<ReadRecord> records,
                                         const std::set<std::int64_t>& offsets) {
    std::erase_if(records, [&](const auto& record) { return offsets.contains(record.offset); });
    return records;
  }

  SimDisk disk;
};

}  // namespace myelin::log
