// What a repair leaves of idempotent producers: as much as segments and journal tell.
#include <gmock/gmock.h>

#include "cli/log/log_tools_test_support.h"

namespace myelin::cli::log_tools {
namespace {

std::string batch_of(std::int64_t producer, std::int32_t sequence) {
  kafka::RecordBatchBuilder builder;
  EXPECT_TRUE(builder.add(1'700'000'000'000, std::nullopt, std::to_string(sequence)));
  return builder.finish({.producer_id = producer, .producer_epoch = 0, .base_sequence = sequence});
}

log::BatchOutcome send(log::LogOnDisk& log, std::int64_t producer, std::int32_t sequence) {
  log::Write write;
  write.batches.push_back({log.find("lab")->partitions[0].get(), batch_of(producer, sequence)});
  const auto waiter = std::make_shared<log::TestWaiter>();
  write.waiter = waiter;
  const auto outcomes = log.log->append(std::move(write));
  EXPECT_TRUE(outcomes && waiter->wait());
  return outcomes ? outcomes->front() : log::BatchOutcome{log::BatchFate::OutOfOrderSequence};
}

// Producer 7 wrote before the checkpoint and behind it, 8 behind it alone.
class RepairProducersTest : public ::testing::Test {
 protected:
  RepairProducersTest() {
    auto& log = *directory_.log;
    for (std::int32_t i = 0; i < 3; ++i) send(log, 7, i);
    EXPECT_TRUE(log.log->checkpoint());
    send(log, 7, 3);
    send(log, 8, 5);
    const auto last = log.log->visible();
    while (log.log->visible() == last) std::this_thread::yield();
    disk_ = directory_.crash();
    directory_.stop();
  }

  void expect_known() {
    const auto outcome = run_on(*disk_, {"repair", "/data", "--yes"});
    ASSERT_EQ(outcome.code, kWhole) << outcome.out << outcome.err;
    log::LogOnDisk log(*disk_, quiet_options());
    ASSERT_TRUE(log.log);
    for (std::int32_t i = 0; i < 4; ++i) {
      const auto again = send(log, 7, i);
      EXPECT_EQ(again.fate, log::BatchFate::Duplicate) << i;
      EXPECT_EQ(again.base_offset, log::Offset(6 + i));
    }
    EXPECT_EQ(send(log, 8, 5).fate, log::BatchFate::Duplicate);
    EXPECT_EQ(send(log, 8, 7).fate, log::BatchFate::OutOfOrderSequence);
    EXPECT_EQ(send(log, 7, 4).base_offset, log::Offset(11));
  }

  SmallDirectory directory_;
  std::unique_ptr<log::SimDisk> disk_;
};

TEST_F(RepairProducersTest, KnowsThemWithoutACheckpoint) {
  ASSERT_TRUE(disk_->remove("/data/checkpoint"));
  expect_known();
}

TEST_F(RepairProducersTest, KnowsThemByCheckpointAndJournal) {
  // Shorter than the checkpoint says: a repair puts the partition together anew.
  ASSERT_TRUE(disk_->remove(std::string(kLab) + ".meta"));
  const auto outcome = run_on(*disk_, {"repair", "/data", "--yes"});
  ASSERT_EQ(outcome.code, kWhole) << outcome.out << outcome.err;
  log::LogOnDisk log(*disk_, quiet_options());
  ASSERT_TRUE(log.log);
  EXPECT_EQ(send(log, 7, 3).fate, log::BatchFate::Duplicate);
  EXPECT_EQ(send(log, 8, 5).fate, log::BatchFate::Duplicate);
  EXPECT_EQ(send(log, 7, 4).fate, log::BatchFate::Appended);
}

}  // namespace
}  // namespace myelin::cli::log_tools
