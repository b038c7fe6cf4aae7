// What the tools make of a topic that came to have more partitions, and of idempotent producers.
#include <gmock/gmock.h>

#include "cli/log/log_tools_test_support.h"

namespace myelin::cli::log_tools {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// "lab" grows to three partitions behind the checkpoint; the last holds one record of a producer.
class GrownDirectory : public ::testing::Test {
 protected:
  GrownDirectory() {
    auto& log = *directory_.log;
    const auto lab = log.find("lab");
    log::Write growth;
    growth.grow(lab, 3);
    EXPECT_TRUE(log.write(std::move(growth)));
    kafka::RecordBatchBuilder builder;
    EXPECT_TRUE(builder.add(1'700'000'000'000, std::nullopt, "in the third"));
    log::Write write;
    write.batches.push_back(
        {lab->partitions[2].get(),
         builder.finish({.producer_id = 77, .producer_epoch = 1, .base_sequence = 5})});
    EXPECT_TRUE(log.write(std::move(write)));
    const auto last = log.log->visible();
    while (log.log->visible() == last) std::this_thread::yield();
    disk_ = directory_.crash();
  }

  SmallDirectory directory_;
  std::unique_ptr<log::SimDisk> disk_;
};

void expect_grown(log::SimDisk& disk) {
  log::LogOnDisk log(disk, quiet_options());
  ASSERT_TRUE(log.log);
  const auto lab = log.find("lab");
  ASSERT_EQ(lab->partitions.size(), 3u);
  const auto found = lab->partitions[2]->read_stored(log::Seek::to(log::Offset(0)), 1u << 20);
  ASSERT_TRUE(found);
  EXPECT_THAT(log::values_of(*found), ElementsAre("in the third"));
  ASSERT_EQ(log.log->producers(*lab->partitions[2]).size(), 1u);
  EXPECT_EQ(log.log->producers(*lab->partitions[2])[0].last_sequence(), 5);
}

TEST_F(GrownDirectory, IsWholeToACheck) {
  const auto crashed = run_on(*disk_, {"check", "/data"});
  EXPECT_EQ(crashed.code, kWhole) << crashed.out << crashed.err;
  directory_.stop();
  const auto stopped = run_on(directory_.disk, {"check", "/data"});
  EXPECT_EQ(stopped.code, kWhole) << stopped.out << stopped.err;
}

TEST_F(GrownDirectory, IsShownByADump) {
  const auto journal = run_on(*disk_, {"dump", "/data", "--journal"});
  EXPECT_THAT(journal.out, HasSubstr("add-partitions"));
  EXPECT_THAT(journal.out, HasSubstr("partitions=3"));
  directory_.stop();
  const auto state = run_on(directory_.disk, {"dump", "/data"});
  EXPECT_THAT(state.out, HasSubstr("name=lab"));
  EXPECT_THAT(state.out, HasSubstr("partitions=3"));
  EXPECT_THAT(state.out, HasSubstr("producer  id=77  epoch=1  lastSequence=5  batches=1"));
}

TEST_F(GrownDirectory, IsRepairedWithAndWithoutItsCheckpoint) {
  ASSERT_TRUE(disk_->remove("/data/checkpoint"));
  const auto without = run_on(*disk_, {"repair", "/data", "--yes"});
  ASSERT_EQ(without.code, kWhole) << without.out << without.err;
  expect_grown(*disk_);
  disk_ = directory_.crash();
  ASSERT_TRUE(disk_->remove(std::string(kLab) + ".meta"));
  const auto with = run_on(*disk_, {"repair", "/data", "--yes"});
  ASSERT_EQ(with.code, kWhole) << with.out << with.err;
  expect_grown(*disk_);
}

}  // namespace
}  // namespace myelin::cli::log_tools
