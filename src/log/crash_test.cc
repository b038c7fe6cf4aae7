// Power cuts at every kind of moment, by seed, on a simulated disk. tests/crash does the same to
// the release binary.
#include <gtest/gtest.h>

#include <random>
#include <span>
#include <thread>

#include "log/log_test_support.h"

namespace myelin::log {
namespace {

// A record, or an end put to all that the topic held: by deleting it, or by moving its start.
struct Sent {
  std::string topic;
  std::optional<std::string> value;
  bool acknowledged = false;
};

// Counts an acknowledgment only if the power was still on when it came.
class CrashWaiter final : public AppendWaiter {
 public:
  CrashWaiter(SimDisk& disk, std::atomic<int>& open) : disk_(disk), open_(open) { ++open_; }
  void numbered(const std::vector<BatchOutcome>&) override {}
  void completed(Result<CommitNumber> commit) override {
    if (commit && !disk_.image_taken()) acknowledged = true;
    --open_;
  }
  std::atomic<bool> acknowledged = false;

 private:
  SimDisk& disk_;
  std::atomic<int>& open_;
};

// One record in forty deletes the topic or removes its records instead.
Write next_write(LogOnDisk& log, std::mt19937_64& random, Sent& sent) {
  Write write;
  auto topic = log.find(sent.topic);
  if (topic && random() % 40 == 0) {
    sent.value = std::nullopt;
    if (random() % 2 == 0) {
      write.deleted.push_back(topic);
    } else {
      // More than there is: all that was sent before it.
      write.starts.push_back({topic, topic->partitions[0].get(), Offset(1'000'000)});
    }
    return write;
  }
  if (!topic) {
    Uuid id;
    log.random.fill(id.bytes.data(), id.bytes.size());
    topic = log.log->make_topic({id, sent.topic, 1, "{}"});
    write.topics.push_back(topic);
  }
  write.batches.push_back({topic->partitions[0].get(), batch_of(*sent.value)});
  return write;
}

// Sends until the power is cut, several in flight, sizes and topics by seed.
std::vector<Sent> send_until_crash(SimDisk& disk, LogOnDisk& log, std::mt19937_64& random,
                                   int count, const std::string& prefix) {
  std::atomic<int> open = 0;
  std::vector<std::pair<Sent, std::shared_ptr<CrashWaiter>>> sent;
  const bool equal_sizes = random() % 2 == 0;
  const auto size_max = std::min<std::size_t>(log.log->write_bytes_max() - 1000, 20'000);
  for (int i = 0; i < count && !disk.image_taken(); ++i) {
    const auto size = equal_sizes ? 100 : random() % size_max;
    Sent next{fmt::format("topic{}", random() % 3),
              fmt::format("{}{}-{}", prefix, i, std::string(size, 'x'))};
    auto write = next_write(log, random, next);
    auto waiter = std::make_shared<CrashWaiter>(disk, open);
    write.waiter = waiter;
    if (log.log->append(std::move(write))) {
      sent.emplace_back(std::move(next), waiter);
    } else {
      --open;
    }
    while (open > static_cast<int>(random() % 8)) std::this_thread::yield();
    if (random() % 64 == 0) EXPECT_TRUE(log.log->checkpoint());
  }
  while (open > 0) std::this_thread::yield();
  std::vector<Sent> result;
  for (auto& [message, waiter] : sent) {
    message.acknowledged = waiter->acknowledged;
    result.push_back(std::move(message));
  }
  return result;
}

// What was acknowledged is there, in order; what is there was sent, once.
bool matches(const std::vector<std::string>& stored, std::span<const Sent> sent) {
  auto it = stored.begin();
  for (const auto& message : sent) {
    if (!message.value) continue;
    if (it != stored.end() && *it == *message.value) {
      ++it;
    } else if (message.acknowledged) {
      return false;
    }
  }
  return it == stored.end();
}

// The same of each topic, from the last end that was put to its records; one that was not
// acknowledged may have come or not.
bool holds(LogOnDisk& log, const std::vector<Sent>& sent, std::uint64_t seed) {
  for (const std::string name : {"topic0", "topic1", "topic2"}) {
    const auto stored = log.values(name);
    if (!stored) {
      ADD_FAILURE() << "seed " << seed << ": " << stored.error().message();
      return false;
    }
    std::vector<Sent> of_topic;
    for (const auto& message : sent) {
      if (message.topic == name) of_topic.push_back(message);
    }
    std::vector<std::size_t> begins{0};
    for (std::size_t i = 0; i < of_topic.size(); ++i) {
      if (of_topic[i].value) continue;
      if (of_topic[i].acknowledged) begins.clear();
      begins.push_back(i);
    }
    const bool found = std::any_of(begins.begin(), begins.end(), [&](std::size_t begin) {
      return matches(*stored, std::span(of_topic).subspan(begin));
    });
    if (!found) return false;
  }
  return true;
}

Options crash_options(std::mt19937_64& random) {
  auto options = small_options();
  options.journal_file_bytes = (8 + random() % 24) * kBlockBytes;
  options.segment_bytes = 4096 << (random() % 4);
  options.flush_interval = std::chrono::milliseconds(1 + random() % 5);
  options.tail_interval = std::chrono::milliseconds(1);
  options.group_bytes_max = options.journal_file_bytes / 4;
  options.large_batch_bytes = (2 + random() % 2) * kBlockBytes;
  return options;
}

TEST(LogCrash, KeepsWhatWasAcknowledgedOverPowerCuts) {
  const auto rounds = from_environment("MYELIN_CRASH_ROUNDS", 150);
  for (std::uint64_t seed = 1; seed <= rounds; ++seed) {
    std::mt19937_64 random(seed);
    SimDisk disk;
    const auto options = crash_options(random);
    LogOnDisk log(disk, options);
    ASSERT_TRUE(log.log);
    disk.crash_at_step(disk.steps() + 1 + random() % 1500, random());
    auto sent = send_until_crash(disk, log, random, 400, "a");
    auto image = disk.image_taken() ? disk.take_image() : disk.crash_image(random());
    log.log.reset();

    // A second cut, inside of the recovery, then a third life that reads.
    image->crash_at_step(1 + random() % 60, random());
    LogOnDisk second(*image, options);
    ASSERT_TRUE(second.log) << "seed " << seed;
    EXPECT_TRUE(holds(second, sent, seed)) << "seed " << seed;
    if (!image->image_taken()) continue;
    auto again = image->take_image();
    second.log.reset();
    LogOnDisk third(*again, options);
    ASSERT_TRUE(third.log) << "seed " << seed;
    EXPECT_TRUE(holds(third, sent, seed)) << "seed " << seed << ", cut in recovery";
  }
}

TEST(LogCrash, KeepsWhatWasReadAfterARestartOverAPowerCut) {
  const auto rounds = from_environment("MYELIN_CRASH_ROUNDS", 150) / 3;
  for (std::uint64_t seed = 1; seed <= rounds; ++seed) {
    std::mt19937_64 random(seed);
    SimDisk disk;
    const auto options = crash_options(random);
    std::vector<Sent> sent;
    {
      LogOnDisk log(disk, options);
      sent = send_until_crash(disk, log, random, 20 + static_cast<int>(random() % 100), "a");
      log.log.reset();
    }
    LogOnDisk restarted(disk, options);
    ASSERT_TRUE(restarted.log);
    for (auto& message : sent)
      message.acknowledged = true;  // The orderly stop kept them all, and they were read.
    EXPECT_TRUE(holds(restarted, sent, seed));
    const auto image = disk.crash_image(random());
    LogOnDisk after(*image, options);
    ASSERT_TRUE(after.log);
    EXPECT_TRUE(holds(after, sent, seed)) << "seed " << seed;
  }
}

TEST(LogCrash, FailsWhenSyncsDoNothing) {
  int lost = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    std::mt19937_64 random(seed);
    SimDisk disk;
    const auto options = crash_options(random);
    LogOnDisk log(disk, options);
    disk.ignore_syncs();
    disk.crash_at_step(disk.steps() + 200 + random() % 500, random() * 4);
    auto sent = send_until_crash(disk, log, random, 400, "a");
    auto image = disk.image_taken() ? disk.take_image() : disk.crash_image(random());
    LogOnDisk after(*image, options, Opens::May);
    if (!after.log || !holds(after, sent, seed)) ++lost;
  }
  EXPECT_GT(lost, 0);
}

}  // namespace
}  // namespace myelin::log
