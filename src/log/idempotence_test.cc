// Idempotent producers through the whole log: what producers_test says of one table, over writes,
// restarts, power cuts and housekeeping.
#include <gmock/gmock.h>

#include <set>
#include <thread>

#include "base/crc32c.h"
#include "log/directory.h"
#include "log/housekeeping.h"
#include "log/log_test_support.h"
#include "log/model_test_support.h"

namespace myelin::log {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

struct Sent {
  std::int64_t producer = 7;
  std::int16_t epoch = 0;
  std::int32_t sequence = 0;
  int records = 1;
};

std::string batch_of(const Sent& sent, std::size_t value_bytes = 10) {
  kafka::RecordBatchBuilder builder;
  for (int i = 0; i < sent.records; ++i) {
    const auto value =
        fmt::format("{}-{}-{:0>{}}", sent.producer, sent.epoch, sent.sequence + i, value_bytes);
    EXPECT_TRUE(builder.add(1'700'000'000'000 + sent.sequence, std::nullopt, value));
  }
  return builder.finish(
      {.producer_id = sent.producer, .producer_epoch = sent.epoch, .base_sequence = sent.sequence});
}

// A log with one topic and a clock that a test moves.
class IdempotenceTest : public ::testing::Test {
 protected:
  IdempotenceTest() { options_.producer_expiry = std::chrono::hours(24); }
  ~IdempotenceTest() override { log_.reset(); }

  void open() {
    log_.reset();
    auto opened = Log::open(*disk_, clock_, random_, options_);
    ASSERT_TRUE(opened) << opened.error().message();
    log_ = std::move(*opened);
    topic_.reset();
    for (const auto& topic : log_->topics()) topic_ = topic;
    if (topic_) return;
    Uuid id;
    id.bytes.fill(5);
    topic_ = log_->make_topic({id, "t", 2, "{}"});
    Write write;
    write.topics.push_back(topic_);
    ASSERT_TRUE(log_->append(std::move(write)));
  }
  // A kill, with the power still on.
  void kill() {
    auto image = disk_->crash_image(1);
    log_.reset();
    disk_ = std::move(image);
    open();
  }

  Partition& partition(std::size_t index = 0) { return *topic_->partitions[index]; }

  std::vector<BatchOutcome> send(const std::vector<Sent>& batches, std::size_t value_bytes = 10) {
    auto waiter = std::make_shared<TestWaiter>();
    Write write;
    for (const auto& sent : batches)
      write.batches.push_back({&partition(), batch_of(sent, value_bytes)});
    write.waiter = waiter;
    auto outcomes = log_->append(std::move(write));
    EXPECT_TRUE(outcomes) << outcomes.error().message();
    EXPECT_TRUE(waiter->wait());
    return outcomes.value();
  }
  BatchOutcome send(const Sent& sent, std::size_t value_bytes = 10) {
    return send(std::vector{sent}, value_bytes).front();
  }
  void expect_duplicate(const Sent& sent, std::int64_t at) {
    const auto outcome = send(sent);
    EXPECT_EQ(outcome.fate, BatchFate::Duplicate) << sent.sequence;
    EXPECT_EQ(outcome.base_offset, Offset(at)) << sent.sequence;
    EXPECT_EQ(outcome.timestamp_ms, 1'700'000'000'000 + sent.sequence);
  }
  std::vector<std::string> values() {
    auto found = partition().read_buffered(Seek::to(Offset(0)), 1u << 20);
    if (found) return values_of(*found);
    return values_of(partition().read_stored(Seek::to(Offset(0)), 1u << 20).value());
  }

  std::unique_ptr<SimDisk> disk_ = std::make_unique<SimDisk>();
  Options options_ = small_options();
  ModelClock clock_;
  SystemRandom random_;
  std::unique_ptr<Log> log_;
  TopicPtr topic_;
};

TEST_F(IdempotenceTest, StoresARetriedBatchOnce) {
  open();
  EXPECT_EQ(send({.sequence = 0, .records = 2}).base_offset, Offset(0));
  EXPECT_EQ(send({.sequence = 2}).base_offset, Offset(2));
  expect_duplicate({.sequence = 0, .records = 2}, 0);
  expect_duplicate({.sequence = 2}, 2);
  EXPECT_EQ(partition().high_watermark(), Offset(3));
}

TEST_F(IdempotenceTest, TakesSeveralBatchesOfAProducerInOneWriteInTheirOrder) {
  open();
  const auto outcomes = send(std::vector<Sent>{{.sequence = 0},
                                               {.sequence = 1, .records = 2},
                                               {.sequence = 0},
                                               {.sequence = 4},
                                               {.sequence = 3},
                                               {.producer = 8, .sequence = 9},
                                               {.epoch = 1, .sequence = 1},
                                               {.epoch = 1, .sequence = 0},
                                               {.epoch = 0, .sequence = 4}});
  std::vector<BatchFate> fates;
  std::vector<std::int64_t> bases;
  for (const auto& outcome : outcomes) {
    fates.push_back(outcome.fate);
    bases.push_back(outcome.base_offset.value);
  }
  using enum BatchFate;
  EXPECT_THAT(fates, ElementsAre(Appended, Appended, Duplicate, OutOfOrderSequence, Appended,
                                 Appended, OutOfOrderSequence, Appended, InvalidProducerEpoch));
  EXPECT_THAT(bases, ElementsAre(0, 1, 0, -1, 3, 4, -1, 5, -1));
  EXPECT_THAT(values(), SizeIs(6));
  EXPECT_EQ(partition().high_watermark(), Offset(6));
}

TEST_F(IdempotenceTest, KeepsPartitionsApart) {
  open();
  send({.sequence = 0});
  Write write;
  write.batches.push_back({&partition(1), batch_of(Sent{.sequence = 0})});
  const auto waiter = std::make_shared<TestWaiter>();
  write.waiter = waiter;
  const auto outcomes = log_->append(std::move(write));
  ASSERT_TRUE(outcomes);
  EXPECT_EQ(outcomes->front().fate, BatchFate::Appended);
  EXPECT_TRUE(waiter->wait());
}

// Holds the committer when it is told, until the test lets it go.
class HoldingWaiter final : public AppendWaiter {
 public:
  void numbered(const std::vector<BatchOutcome>&) override {}
  void completed(Result<CommitNumber>) override {
    held = true;
    while (!let_go) std::this_thread::yield();
  }
  std::atomic<bool> held = false;
  std::atomic<bool> let_go = false;
};

class WitnessWaiter final : public AppendWaiter {
 public:
  WitnessWaiter(std::vector<int>& order, int number) : order_(order), number_(number) {}
  void numbered(const std::vector<BatchOutcome>&) override {}
  void completed(Result<CommitNumber> commit) override {
    order_.push_back(number_);
    inner.completed(std::move(commit));
  }
  TestWaiter inner;

 private:
  std::vector<int>& order_;
  const int number_;
};

TEST_F(IdempotenceTest, AcknowledgesADuplicateAfterTheFirstOne) {
  open();
  const auto holding = std::make_shared<HoldingWaiter>();
  Write first;
  first.waiter = holding;
  ASSERT_TRUE(log_->append(std::move(first)));
  while (!holding->held) std::this_thread::yield();
  std::vector<int> order;
  std::vector<std::shared_ptr<WitnessWaiter>> waiters;
  for (int i = 0; i < 3; ++i) {
    waiters.push_back(std::make_shared<WitnessWaiter>(order, i));
    Write write;
    write.batches.push_back({&partition(), batch_of(Sent{.sequence = 0})});
    write.waiter = waiters.back();
    const auto outcomes = log_->append(std::move(write));
    ASSERT_TRUE(outcomes);
    EXPECT_EQ(outcomes->front().fate, i == 0 ? BatchFate::Appended : BatchFate::Duplicate);
  }
  EXPECT_EQ(partition().high_watermark(), Offset(0));
  holding->let_go = true;
  const auto durable = waiters[0]->inner.wait();
  ASSERT_TRUE(durable);
  for (const auto& waiter : waiters) {
    const auto commit = waiter->inner.wait();
    ASSERT_TRUE(commit);
    EXPECT_GE(*commit, *durable);
  }
  EXPECT_THAT(order, ElementsAre(0, 1, 2));
  EXPECT_EQ(partition().high_watermark(), Offset(1));
}

TEST_F(IdempotenceTest, TellsADuplicateThatTheFirstOneFailed) {
  open();
  // The flag outlives the log.
  const auto fails = std::make_shared<std::atomic<bool>>(true);
  disk_->fail_when([fails](std::string_view, const std::string& path) {
    return fails->load() && path.starts_with("/data/journal");
  });
  for (int i = 0; i < 2; ++i) {
    Write write;
    write.batches.push_back({&partition(), batch_of(Sent{.sequence = 0})});
    const auto waiter = std::make_shared<TestWaiter>();
    write.waiter = waiter;
    if (log_->append(std::move(write))) EXPECT_FALSE(waiter->wait());
  }
  *fails = false;
}

// Restarts.

TEST_F(IdempotenceTest, KnowsARetryAfterAnOrderlyStop) {
  open();
  for (int i = 0; i < 7; ++i) send({.sequence = i});
  open();
  for (int i = 2; i < 7; ++i) expect_duplicate({.sequence = i}, i);
  EXPECT_EQ(send({.sequence = 1}).fate, BatchFate::OutOfOrderSequence);
  EXPECT_EQ(send({.sequence = 7}).base_offset, Offset(7));
}

TEST_F(IdempotenceTest, KnowsARetryAfterAKillWhereverItsBatchWas) {
  open();
  int next = 0;
  for (int life = 0; life < 6; ++life) {
    for (int i = 0; i < 3; ++i, ++next) {
      send({.sequence = next});
      send({.producer = 8, .epoch = 2, .sequence = next});
      // Some of it is in the checkpoint, some in frames behind it.
      if (life % 3 == i) ASSERT_TRUE(log_->checkpoint());
    }
    kill();
    for (int i = std::max(0, next - 5); i < next; ++i) {
      expect_duplicate({.sequence = i}, 2 * i);
      expect_duplicate({.producer = 8, .epoch = 2, .sequence = i}, 2 * i + 1);
    }
    EXPECT_EQ(send({.producer = 8, .epoch = 1, .sequence = 0}).fate,
              BatchFate::InvalidProducerEpoch);
    EXPECT_EQ(send({.sequence = next + 1}).fate, BatchFate::OutOfOrderSequence);
  }
  EXPECT_EQ(values().size(), 36u);
}

TEST_F(IdempotenceTest, KnowsARetryOfALargeBatch) {
  options_.large_batch_bytes = 12u << 10;
  open();
  send({.sequence = 0});
  ASSERT_TRUE(log_->checkpoint());
  EXPECT_EQ(send({.sequence = 1}, 40'000).fate, BatchFate::Appended);
  kill();
  EXPECT_EQ(send({.sequence = 1}, 40'000).fate, BatchFate::Duplicate);
  EXPECT_EQ(send({.sequence = 2}).base_offset, Offset(2));
}

TEST_F(IdempotenceTest, GoesOnOverTheLargestSequenceThroughAKill) {
  constexpr auto kMax = std::numeric_limits<std::int32_t>::max();
  open();
  send({.sequence = kMax - 1});
  send({.sequence = kMax});
  kill();
  EXPECT_EQ(send({.sequence = 0}).base_offset, Offset(2));
  kill();
  EXPECT_EQ(send({.sequence = kMax - 1}).fate, BatchFate::Duplicate);
  EXPECT_EQ(send({.sequence = 0}).fate, BatchFate::Duplicate);
  EXPECT_EQ(send({.sequence = 1}).base_offset, Offset(3));
}

// As a server of that format left it: one topic of one partition, without producers.
void write_in_format_2(SimDisk& disk) {
  auto bytes = disk.content("/data/checkpoint");
  bytes.resize(bytes.size() - 4);
  store_le(bytes.data() + 8, std::uint32_t{2});
  store_le(bytes.data() + 12, crc32c(std::string_view(bytes).substr(24)));
  store_le(bytes.data() + 16, std::uint64_t{bytes.size() - 24});
  disk.set_content("/data/checkpoint", bytes);
}

TEST_F(IdempotenceTest, OpensADirectoryOfFormat2) {
  {
    LogOnDisk before(*disk_);
    ASSERT_TRUE(before.append("t", "old"));
  }
  write_in_format_2(*disk_);
  ASSERT_EQ(read_checkpoint(*disk_, "/data")->format, 2u);
  open();
  EXPECT_EQ(read_checkpoint(*disk_, "/data")->format, 3u);
  EXPECT_THAT(values(), ElementsAre("old"));
  EXPECT_EQ(send({.sequence = 4}).base_offset, Offset(1));
  kill();
  expect_duplicate({.sequence = 4}, 1);
}

TEST_F(IdempotenceTest, RemembersProducersWhoseRecordsAreGone) {
  open();
  for (int i = 0; i < 3; ++i) send({.sequence = i});
  Write write;
  write.starts.push_back({topic_, &partition(), Offset(3)});
  ASSERT_TRUE(log_->append(std::move(write)));
  ASSERT_TRUE(log_->checkpoint());
  expect_duplicate({.sequence = 2}, 2);
  kill();
  EXPECT_EQ(partition().start(), Offset(3));
  expect_duplicate({.sequence = 2}, 2);
  EXPECT_EQ(send({.sequence = 3}).base_offset, Offset(3));
}

TEST_F(IdempotenceTest, ForgetsTheProducersOfADeletedTopic) {
  options_.producers_max = 2;
  open();
  send({.producer = 1});
  send({.producer = 2});
  Write write;
  write.deleted.push_back(topic_);
  ASSERT_TRUE(log_->append(std::move(write)));
  EXPECT_TRUE(log_->producers(partition()).empty());
  ASSERT_TRUE(log_->checkpoint());
  topic_.reset();
  open();
  // There is room for as many again.
  send({.producer = 3});
  send({.producer = 4});
  EXPECT_THAT(log_->producers(partition()), SizeIs(2));
  ASSERT_TRUE(log_->checkpoint());
  open();
  EXPECT_THAT(log_->producers(partition()), SizeIs(2));
}

// Expiry, limits, listing, ids.

TEST_F(IdempotenceTest, ForgetsProducersThatWereIdleForADay) {
  open();
  send({.producer = 1});
  clock_.move(std::chrono::milliseconds(std::chrono::hours(23)).count());
  send({.producer = 2});
  clock_.move(std::chrono::milliseconds(std::chrono::hours(2)).count());
  EXPECT_EQ(send({.producer = 1}).fate, BatchFate::Duplicate);  // Nobody has looked yet.
  HousekeepingOptions keeping;
  Housekeeper keeper(*log_, std::move(keeping));
  keeper.pass();
  EXPECT_EQ(send({.producer = 1, .sequence = 5}).fate, BatchFate::Appended);
  EXPECT_EQ(send({.producer = 2}).fate, BatchFate::Duplicate);
}

TEST_F(IdempotenceTest, KeepsNoProducerInACheckpointThatIsForgotten) {
  open();
  send({.producer = 1});
  ASSERT_TRUE(log_->checkpoint());
  const auto stored = [&] {
    return read_checkpoint(*disk_, "/data")->topics.begin()->second.partitions[0].producers.size();
  };
  EXPECT_EQ(stored(), 1u);
  clock_.move(std::chrono::milliseconds(std::chrono::hours(25)).count());
  ASSERT_TRUE(log_->checkpoint());
  EXPECT_EQ(stored(), 0u);
  open();
  EXPECT_TRUE(log_->producers(partition()).empty());
}

TEST_F(IdempotenceTest, KeepsAsManyProducersAsItMay) {
  options_.producers_max = 3;
  open();
  for (std::int64_t id = 1; id <= 5; ++id) send({.producer = id});
  const auto known = [&] {
    std::vector<std::int64_t> ids;
    for (const auto& state : log_->producers(partition())) ids.push_back(state.id);
    return ids;
  };
  EXPECT_THAT(known(), ElementsAre(3, 4, 5));
  kill();
  EXPECT_THAT(known(), ElementsAre(3, 4, 5));
}

TEST_F(IdempotenceTest, ListsTheProducersOfAPartition) {
  open();
  send({.producer = 9, .epoch = 3, .sequence = 4, .records = 2});
  clock_.move(10);
  send({.producer = 8, .epoch = 0, .sequence = 0});
  const auto listed = log_->producers(partition());
  ASSERT_THAT(listed, SizeIs(2));
  EXPECT_EQ(listed[0].id, 9);
  EXPECT_EQ(listed[0].epoch, 3);
  EXPECT_EQ(listed[0].last_sequence(), 5);
  EXPECT_EQ(listed[0].last_timestamp_ms, 1'700'000'000'004);
  EXPECT_EQ(listed[1].last_received_ms, to_ms(clock_.now()));
  EXPECT_TRUE(log_->producers(partition(1)).empty());
}

TEST_F(IdempotenceTest, GivesEachProducerIdOnce) {
  std::set<std::int64_t> given;
  for (int life = 0; life < 4; ++life) {
    if (life % 2 == 0) {
      open();
    } else {
      kill();
    }
    for (int i = 0; i < 100; ++i) {
      const auto id = log_->next_producer_id();
      ASSERT_TRUE(id);
      EXPECT_GT(*id, 0);
      EXPECT_TRUE(given.insert(*id).second) << *id;
    }
  }
}

TEST_F(IdempotenceTest, CountsNothingForBatchesWithoutAProducer) {
  open();
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(send({.producer = -1, .epoch = -1, .sequence = -1}).base_offset, Offset(i));
  }
  EXPECT_TRUE(log_->producers(partition()).empty());
}

}  // namespace
}  // namespace myelin::log
