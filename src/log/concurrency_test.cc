// Many threads at once: what ThreadSanitizer is for, and what no single-threaded test can say.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "log/log_test_support.h"

namespace myelin::log {
namespace {

constexpr int kWriters = 4;
constexpr int kReaders = 3;
constexpr int kRecordsEach = 150;
constexpr int kInFlight = 8;

// Counts what is under way, and what became durable.
struct Progress {
  std::atomic<int> open = 0;
  std::atomic<int> durable = 0;
};

class CountingWaiter final : public AppendWaiter {
 public:
  explicit CountingWaiter(Progress& progress) : progress_(progress) { ++progress_.open; }
  void numbered(const std::vector<BatchOutcome>&) override {}
  void completed(Result<CommitNumber> commit) override {
    if (commit) ++progress_.durable;
    --progress_.open;
  }

 private:
  Progress& progress_;
};

struct Shared {
  explicit Shared(SimDisk& disk, Options options) : log(disk, std::move(options)) {
    Uuid id;
    id.bytes.fill(5);
    topic = log.log->make_topic({id, "shared", 2, "{}"});
    Write write;
    write.topics.push_back(topic);
    EXPECT_TRUE(log.log->append(std::move(write)));
  }
  LogOnDisk log;
  std::shared_ptr<Topic> topic;
  Progress progress;
};

// Appends to one partition and to the other in turn, several in flight.
void append_all(Shared& shared, int writer) {
  for (int i = 0; i < kRecordsEach;) {
    while (shared.progress.open > kInFlight) std::this_thread::yield();
    Write write;
    write.batches.push_back({shared.topic->partitions[static_cast<std::size_t>(i % 2)].get(),
                             batch_of(fmt::format("{} {:05}", writer, i))});
    auto waiter = std::make_shared<CountingWaiter>(shared.progress);
    write.waiter = waiter;
    if (shared.log.log->append(std::move(write))) {
      ++i;
    } else {
      --shared.progress.open;
    }
  }
}

std::optional<std::vector<BatchRef>> read_some(const Partition& partition, Offset from) {
  auto found = partition.read_buffered(Seek::to(from), 4096);
  if (found) return found;
  auto stored = partition.read_stored(Seek::to(from), 4096);
  if (stored) return std::move(*stored);
  ADD_FAILURE() << stored.error().message();
  return std::nullopt;
}

// Reads a partition to its end: every offset once, in order, and each writer's records in order.
void read_all(const Shared& shared, std::size_t partition) {
  std::vector<std::string> last(kWriters);
  Offset next(0);
  while (next.value < kWriters * kRecordsEach / 2) {
    const auto found = read_some(*shared.topic->partitions[partition], next);
    if (!found) return;
    if (found->empty()) std::this_thread::yield();
    for (const auto& batch : *found) {
      ASSERT_EQ(batch.base_offset, next);
      next = batch.last_offset + 1;
    }
    for (const auto& value : values_of(*found)) {
      auto& before = last[static_cast<std::size_t>(value[0] - '0')];
      EXPECT_LT(before, value);
      before = value;
    }
  }
  EXPECT_EQ(next.value, kWriters * kRecordsEach / 2);
}

// Follows the commits as a live subscription does, as long as they are in memory.
void follow_commits(const Shared& shared, const std::atomic<bool>& done) {
  auto after = shared.log.log->visible();
  while (!done) {
    const auto commits = shared.log.log->commits_after(after, 16u << 10);
    if (!commits) {
      after = shared.log.log->visible();
      continue;
    }
    for (const auto& commit : *commits) {
      EXPECT_EQ(commit->number, after + 1);
      after = commit->number;
    }
    std::this_thread::yield();
  }
}

TEST(LogConcurrency, GivesEachReaderEveryRecordOnceInOrder) {
  SimDisk disk;
  auto options = small_options();
  options.flush_interval = std::chrono::milliseconds(2);
  options.segment_bytes = 4096;
  options.open_files_max = 4;
  Shared shared(disk, options);
  std::atomic<bool> done = false;
  std::vector<std::thread> writers;
  std::vector<std::thread> others;
  for (int i = 0; i < kWriters; ++i) writers.emplace_back([&, i] { append_all(shared, i); });
  for (std::size_t i = 0; i < kReaders; ++i)
    others.emplace_back([&, i] { read_all(shared, i % 2); });
  others.emplace_back([&] { follow_commits(shared, done); });
  others.emplace_back([&] {
    while (!done) {
      EXPECT_TRUE(shared.log.log->checkpoint());
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  });
  for (auto& thread : writers) thread.join();
  while (shared.progress.open > 0) std::this_thread::yield();
  EXPECT_EQ(shared.progress.durable, kWriters * kRecordsEach);
  done = true;
  for (auto& thread : others) thread.join();

  ASSERT_TRUE(shared.log.reopen());
  shared.topic = shared.log.find("shared");
  read_all(shared, 0);
  read_all(shared, 1);
}

// Producers in turn with what reads, lists and keeps them, in a topic that grows.
TEST(LogConcurrency, NumbersProducersWhileATopicGrows) {
  SimDisk disk;
  auto options = small_options();
  options.flush_interval = std::chrono::milliseconds(2);
  options.producers_max = 5;
  Shared shared(disk, options);
  auto& log = *shared.log.log;
  constexpr std::int32_t kGrown = 40;
  std::atomic<bool> done = false;
  std::vector<std::thread> writers;
  for (std::int64_t id = 1; id <= kWriters; ++id) {
    writers.emplace_back([&, id] {
      for (std::int32_t i = 0; i < kRecordsEach; ++i) {
        // To the newest partition that it sees, twice: whichever is first is taken.
        auto* partition = shared.topic->partitions.back().get();
        kafka::RecordBatchBuilder builder;
        EXPECT_TRUE(builder.add(0, std::nullopt, "x"));
        const auto bytes = builder.finish({.producer_id = id,
                                           .producer_epoch = static_cast<std::int16_t>(i),
                                           .base_sequence = 0});
        Write write;
        write.batches.push_back({partition, bytes});
        write.batches.push_back({partition, bytes});
        const auto outcomes = log.append(std::move(write));
        ASSERT_TRUE(outcomes);
        EXPECT_EQ((*outcomes)[0].fate, BatchFate::Appended);
        EXPECT_EQ((*outcomes)[1].fate, BatchFate::Duplicate);
        EXPECT_EQ((*outcomes)[1].base_offset, (*outcomes)[0].base_offset);
      }
    });
  }
  std::thread grower([&] {
    for (std::int32_t count = 3; count <= kGrown; ++count) {
      Write write;
      write.grow(shared.topic, count);
      EXPECT_TRUE(log.append(std::move(write)));
      std::this_thread::yield();
    }
  });
  std::thread other([&] {
    while (!done) {
      for (const auto& partition : shared.topic->partitions) {
        EXPECT_LE(log.producers(*partition).size(), std::size_t{kWriters});
        EXPECT_GE(partition->high_watermark(), partition->start());
      }
      log.expire_producers();
      EXPECT_TRUE(log.checkpoint());
    }
  });
  for (auto& thread : writers) thread.join();
  grower.join();
  done = true;
  other.join();
  ASSERT_TRUE(shared.log.reopen());
  shared.topic = shared.log.find("shared");
  EXPECT_EQ(shared.topic->partitions.size(), static_cast<std::size_t>(kGrown));
  std::int64_t records = 0;
  for (const auto& partition : shared.topic->partitions)
    records += partition->high_watermark().value;
  EXPECT_EQ(records, std::int64_t{kWriters} * kRecordsEach);
}

TEST(LogConcurrency, ReadsOnWhileItCloses) {
  SimDisk disk;
  Shared shared(disk, small_options());
  append_all(shared, 0);
  std::atomic<bool> done = false;
  std::thread reader([&] {
    while (!done) read_some(*shared.topic->partitions[0], Offset(0));
  });
  EXPECT_TRUE(shared.log.log->close());
  done = true;
  reader.join();
  EXPECT_EQ(shared.topic->partitions[0]->high_watermark(), Offset(kRecordsEach / 2));
}

}  // namespace
}  // namespace myelin::log
