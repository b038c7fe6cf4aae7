// What segments hold, where the checkpoint or their companions say otherwise.
#include <gmock/gmock.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "cli/log/log_tools_test_support.h"

namespace myelin::cli::log_tools {
namespace {

using ::testing::HasSubstr;

TEST(Rebuild, CountsWhatASegmentHoldsWhereTheCheckpointSaysLess) {
  SmallDirectory directory;
  const auto disk = directory.crash();
  auto checkpoint = *log::decode_checkpoint(disk->content("/data/checkpoint"));
  for (auto& [id, topic] : checkpoint.topics) topic.partitions[0].end = log::Offset(0);
  disk->set_content("/data/checkpoint", log::encode_checkpoint(checkpoint));
  Outcome outcome;
  auto log = repair(*disk, &outcome);
  EXPECT_THAT(outcome.out, HasSubstr("no record that has left a trace"));
  EXPECT_THAT(outcome.out, HasSubstr("lab-0: 3 records from the journal"));
  expect_goes_on(*disk, std::move(log), {"zero", "one", "two", "three", "four", "five"});
}

TEST(Rebuild, CutsAnEntryBehindTheEndOfWhateverCommit) {
  SmallDirectory directory;
  directory.stop();
  const auto path = std::string(kLab) + ".meta";
  const auto whole = directory.disk.content(path);
  auto entry = whole.substr(whole.size() - log::kMetaEntryBytes);
  store_le(entry.data() + 16, std::uint64_t{1} << 60);
  store_le(entry.data() + 60, crc32c(std::string_view(entry).substr(0, 60)));
  directory.disk.set_content(path, whole + entry);
  auto log = repair(directory.disk);
  EXPECT_EQ(directory.disk.content(path), whole);
  EXPECT_EQ(directory.disk.content(kept(path) + fmt::format(".from-{}", whole.size())), entry);
  expect_goes_on(directory.disk, std::move(log), {"zero", "one", "two", "three", "four", "five"});
}

}  // namespace
}  // namespace myelin::cli::log_tools
