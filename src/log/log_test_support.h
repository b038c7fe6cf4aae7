// What the log's tests share: batches of numbered records, waiters, and a log on a simulated disk.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "formats/kafka/record_batch.h"
#include "log/log.h"
#include "log/sim_disk.h"

namespace myelin::log {

inline std::string batch_of(std::string_view value, int records = 1) {
  kafka::RecordBatchBuilder builder;
  for (int i = 0; i < records; ++i)
    EXPECT_TRUE(builder.add(1'700'000'000'000, std::nullopt, value));
  return builder.finish();
}

inline std::vector<std::string> values_of(const std::vector<BatchRef>& batches) {
  std::vector<std::string> values;
  for (const auto& batch : batches) {
    auto reader = kafka::RecordReader::open(batch.bytes);
    if (!reader) return values;
    for (auto record = reader->next(); record && *record; record = reader->next()) {
      values.emplace_back((*record)->value.value_or(""));
    }
  }
  return values;
}

// A batch of one record that has exactly so many bytes.
inline std::string batch_of_bytes(std::size_t bytes, char fill = 'x') {
  for (auto value = bytes - 80; value < bytes; ++value) {
    auto batch = batch_of(std::string(value, fill));
    if (batch.size() == bytes) return batch;
  }
  ADD_FAILURE() << "no batch has " << bytes << " bytes";
  return {};
}

// Waits on the test's thread.
class TestWaiter final : public AppendWaiter {
 public:
  void numbered(const std::vector<BatchOutcome>&) override {}
  void completed(Result<CommitNumber> commit) override {
    MutexLock lock(mutex_);
    result_ = std::move(commit);
    changed_.notify_all();
  }
  Result<CommitNumber> wait() {
    MutexLock lock(mutex_);
    while (!result_) changed_.wait(mutex_);
    return *result_;
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  std::optional<Result<CommitNumber>> result_ MYELIN_GUARDED_BY(mutex_);
};

inline Options small_options() {
  Options options;
  options.directory = "/data";
  options.journal_file_bytes = 64 * kBlockBytes;
  options.segment_bytes = 64 << 10;
  options.flush_interval = std::chrono::milliseconds(20);
  options.tail_interval = std::chrono::milliseconds(5);
  options.fail = [](const std::string&) {};
  return options;
}

// A log on a SimDisk, opened and closed as often as a test likes.
enum class Opens : std::uint8_t { Must, May };

struct LogOnDisk {
  explicit LogOnDisk(SimDisk& on, Options with = small_options(), Opens opens = Opens::Must)
      : disk(on), options(std::move(with)) {
    const auto status = reopen();
    if (!status && opens == Opens::Must) ADD_FAILURE() << status.error().message();
  }

  Status reopen() {
    log.reset();
    auto opened = Log::open(disk, clock, random, options);
    if (!opened) return std::move(opened).error();
    log = std::move(*opened);
    return {};
  }

  std::shared_ptr<Topic> find(std::string_view name) const {
    if (!log) return nullptr;
    for (const auto& topic : log->topics()) {
      if (topic->spec.name == name) return topic;
    }
    return nullptr;
  }

  // Sends a write and waits until it is durable.
  Result<CommitNumber> write(Write write) const {
    auto waiter = std::make_shared<TestWaiter>();
    write.waiter = waiter;
    MYELIN_TRY_VOID(log->append(std::move(write)));
    return waiter->wait();
  }
  Result<CommitNumber> append_bytes(const std::string& name, std::string batch) const {
    Write made;
    made.batches.push_back({find(name)->partitions[0].get(), std::move(batch)});
    return write(std::move(made));
  }
  Result<CommitNumber> move_start(const std::string& name, Offset start) const {
    Write made;
    const auto topic = find(name);
    made.starts.push_back({topic, topic->partitions[0].get(), start});
    return write(std::move(made));
  }
  Result<CommitNumber> remove(const TopicPtr& topic) const {
    Write made;
    made.deleted.push_back(topic);
    return write(std::move(made));
  }

  // Appends one record, making the topic when needed, and waits. Gives its offset.
  Result<Offset> append(const std::string& name, std::string_view value) {
    Write write;
    auto topic = find(name);
    if (!topic) {
      Uuid id;
      random.fill(id.bytes.data(), id.bytes.size());
      topic = log->make_topic({id, name, 1, "{}"});
      write.topics.push_back(topic);
    }
    auto waiter = std::make_shared<TestWaiter>();
    write.batches.push_back({topic->partitions[0].get(), batch_of(value)});
    write.waiter = waiter;
    MYELIN_TRY(outcomes, log->append(std::move(write)));
    MYELIN_TRY(commit, waiter->wait());
    EXPECT_GT(commit.value, 0u);
    return outcomes[0].base_offset;
  }

  Result<std::vector<BatchRef>> read(const std::string& name, Seek seek,
                                     std::size_t bytes = 1u << 30) const {
    const auto topic = find(name);
    if (!topic) return std::vector<BatchRef>();
    auto& partition = *topic->partitions[0];
    if (auto buffered = partition.read_buffered(seek, bytes)) return std::move(*buffered);
    return partition.read_stored(seek, bytes);
  }

  // Every value of a topic, from its start.
  Result<std::vector<std::string>> values(const std::string& name) const {
    std::vector<std::string> all;
    const auto topic = find(name);
    const auto start = topic ? topic->partitions[0]->start() : Offset(0);
    for (auto next = start;;) {
      MYELIN_TRY(batches, read(name, Seek::to(next), 4096));
      if (batches.empty()) return all;
      if (next > start) EXPECT_EQ(batches.front().base_offset, next);
      for (auto& value : values_of(batches)) all.push_back(std::move(value));
      next = batches.back().last_offset + 1;
    }
  }

  SimDisk& disk;
  Options options;
  SystemClock clock;
  SystemRandom random;
  std::unique_ptr<Log> log;
};

// How many rounds, and from which seed.
inline std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

}  // namespace myelin::log
