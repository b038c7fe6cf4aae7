#include <gmock/gmock.h>

#include "base/json_validate.h"
#include "cli/log/log_tools_test_support.h"
#include "formats/kafka/control_record.h"

namespace myelin::cli::log_tools {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

int count(std::string_view text, std::string_view word) {
  int found = 0;
  for (auto at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1))
    ++found;
  return found;
}

TEST(LogDump, ShowsTheCheckpointWhenNothingElseIsAskedFor) {
  SmallDirectory directory;
  directory.stop();
  const auto outcome = run_on(directory.disk, {"dump", "/data"});
  EXPECT_EQ(outcome.code, kWhole);
  for (const auto* text : {"checkpoint  format=3", "  topic  name=lab", "start=0  end=6", "  clean",
                           "segment  base=0"}) {
    EXPECT_THAT(outcome.out, HasSubstr(text));
  }
}

TEST(LogDump, ShowsBatchesFromAnOffsetOn) {
  SmallDirectory directory;
  directory.stop();
  const auto outcome =
      run_on(directory.disk, {"dump", "/data", "--topic", "lab", "--from", "2", "--count", "3"});
  EXPECT_EQ(outcome.code, kWhole);
  EXPECT_EQ(count(outcome.out, "batch  topic=lab"), 3);
  EXPECT_THAT(outcome.out,
              HasSubstr("record  offset=2  time=2023-11-14T22:13:20.000Z  valueBytes=3"));
  EXPECT_THAT(outcome.out, HasSubstr("offset=4 "));
  EXPECT_THAT(outcome.out, Not(HasSubstr("offset=5 ")));
  EXPECT_EQ(run_on(directory.disk, {"dump", "/data", "--topic", "none"}).code, kFailed);
}

TEST(LogDump, ShowsWhatTheJournalHolds) {
  SmallDirectory directory;
  const auto disk = directory.crash();
  const auto outcome = run_on(*disk, {"dump", "/data", "--journal"});
  EXPECT_EQ(outcome.code, kWhole);
  EXPECT_EQ(count(outcome.out, "create-topic  name=adt"), 1);
  EXPECT_EQ(count(outcome.out, "  batch  "), 7);
  EXPECT_THAT(outcome.out, HasSubstr("beginsSegment"));
  // Without a checkpoint as well.
  flip(*disk, "/data/checkpoint", 60);
  EXPECT_EQ(count(run_on(*disk, {"dump", "/data", "--journal"}).out, "  batch  "), 7);
  EXPECT_EQ(run_on(*disk, {"dump", "/data", "--checkpoint"}).code, kFailed);
}

TEST(LogDump, ShowsPayloadOnlyWhenAskedAndWarns) {
  SmallDirectory directory;
  directory.stop();
  const auto without = run_on(directory.disk, {"dump", "/data", "--topic", "lab"});
  EXPECT_THAT(without.out, Not(HasSubstr("three")));
  EXPECT_EQ(without.err, "");
  const auto with = run_on(directory.disk, {"dump", "/data", "--topic", "lab", "--payload"});
  EXPECT_THAT(with.out, HasSubstr("value=three"));
  EXPECT_THAT(with.err, HasSubstr("patient data follows"));
}

TEST(LogDump, WritesOneJsonObjectALine) {
  SmallDirectory directory;
  directory.stop();
  const auto outcome = run_on(
      directory.disk, {"dump", "/data", "--topic", "lab", "--checkpoint", "--payload", "--json"});
  EXPECT_EQ(outcome.code, kWhole);
  std::string_view left = outcome.out;
  int lines = 0;
  while (!left.empty()) {
    const auto end = left.find('\n');
    EXPECT_TRUE(is_valid_json(left.substr(0, end))) << left.substr(0, end);
    left.remove_prefix(end + 1);
    ++lines;
  }
  EXPECT_GE(lines, 12);
  EXPECT_THAT(outcome.out, HasSubstr("\"value\":\"dGhyZWU=\""));  // "three".
}

TEST(LogDump, ShowsMarkersAndProducers) {
  SmallDirectory directory;
  const auto topic = directory.log->find("lab");
  auto waiter = std::make_shared<log::TestWaiter>();
  log::Write write;
  write.batches.push_back({topic->partitions[0].get(),
                           kafka::build_control_batch(7, 1, kafka::ControlType::Abort, 0, 3)});
  write.waiter = waiter;
  ASSERT_TRUE(directory.log->log->append(std::move(write)));
  ASSERT_TRUE(waiter->wait());
  directory.stop();
  const auto outcome = run_on(directory.disk, {"dump", "/data", "--topic", "lab", "--from", "6"});
  EXPECT_THAT(outcome.out, HasSubstr("producer=7  producerEpoch=1"));
  EXPECT_THAT(outcome.out, HasSubstr("transactional  control"));
  EXPECT_THAT(outcome.out, HasSubstr("marker=abort"));
}

TEST(LogDump, SaysWhereABatchIsDamagedAndGoesOn) {
  SmallDirectory directory;
  directory.stop();
  flip(directory.disk, std::string(kLab) + ".log", 68);
  flip(directory.disk, std::string(kLab) + ".meta", 64 + 64 + 3);
  const auto outcome = run_on(directory.disk, {"dump", "/data", "--topic", "lab"});
  EXPECT_EQ(outcome.code, kWhole);
  EXPECT_EQ(count(outcome.out, "damage="), 2);
  EXPECT_EQ(count(outcome.out, "record  offset="), 4);
}

}  // namespace
}  // namespace myelin::cli::log_tools
