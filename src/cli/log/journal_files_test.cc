// Which ring of files a journal was, where no checkpoint says it.
#include "cli/log/journal_files.h"

#include <gmock/gmock.h>

#include <map>

#include "cli/log/log_tools_test_support.h"
#include "log/frame.h"

namespace myelin::cli::log_tools {
namespace {

constexpr std::uint64_t kFileBytes = 16 * log::kBlockBytes;

// A file that begins with a frame of `lap`.
std::string file_of(std::uint64_t lap) {
  log::FrameHeader header;
  header.lap = lap;
  std::string bytes(kFileBytes, '\0');
  log::encode_frame_header(bytes.data(), header, {});
  return bytes;
}

log::JournalGeometry guess(const std::map<std::uint32_t, std::string>& contents) {
  log::SimDisk disk;
  EXPECT_TRUE(disk.make_directory("/j"));
  std::vector<JournalFile> files;
  for (const auto& [number, content] : contents) {
    const auto path = fmt::format("/j/{}.journal", number);
    disk.set_content(path, content);
    files.push_back({number, path, content.size()});
  }
  return guess_geometry(disk, "/j", files);
}

TEST(JournalFiles, AreAsManyAsAServerMakesWhereNothingElseSaysIt) {
  const std::string empty(kFileBytes, '\0');
  EXPECT_EQ(guess({}).file_count, 3u);
  EXPECT_EQ(guess({{0, empty}}).file_count, 3u);
  EXPECT_EQ(guess({{0, empty}, {1, empty}}).file_count, 3u);
  EXPECT_EQ(guess({{1, empty}, {2, empty}}).file_count, 3u);
}

TEST(JournalFiles, AreAsManyAsAreThere) {
  const std::string empty(kFileBytes, '\0');
  EXPECT_EQ(guess({{0, empty}, {1, empty}, {2, empty}, {4, empty}}).file_count, 5u);
  // One of anybody's.
  EXPECT_EQ(guess({{0, empty}, {1, empty}, {4'294'967'295, empty}}).file_count, 3u);
}

TEST(JournalFiles, AreAsManyAsTheirLapsSay) {
  EXPECT_EQ(guess({{0, file_of(6)}, {1, file_of(7)}}).file_count, 3u);
  EXPECT_EQ(guess({{0, file_of(6)}, {1, file_of(5)}}).file_count, 2u);
  EXPECT_EQ(guess({{0, file_of(10)}, {1, file_of(11)}, {2, file_of(12)}}).file_count, 5u);
  EXPECT_EQ(guess({{5, file_of(17)}}).file_count, 6u);
  EXPECT_EQ(guess({{0, file_of(6)}, {1, file_of(7)}, {2, file_of(9)}}).file_count, 3u);
}

TEST(JournalFiles, AreAsLongAsTheLongest) {
  EXPECT_EQ(guess({{0, std::string(kFileBytes / 2, '\0')}, {1, file_of(1)}}).file_bytes,
            kFileBytes);
  EXPECT_EQ(guess({{0, std::string(kFileBytes + 1, '\0')}}).file_bytes, kFileBytes);
}

TEST(JournalFiles, AreOnesThatAServerCanUse) {
  const std::string empty(kFileBytes, '\0');
  EXPECT_TRUE(is_possible(guess({})));
  EXPECT_TRUE(is_possible(guess({{0, empty}})));
  EXPECT_TRUE(is_possible(guess({{0, "cut"}, {1, "cut"}})));
  EXPECT_TRUE(is_possible(guess({{0, file_of(1)}})));
  EXPECT_FALSE(is_possible({"/j", kFileBytes, 1}));
  EXPECT_FALSE(is_possible({"/j", kFileBytes - 1, 3}));
}

// Neither a checkpoint nor the journal's last files.
TEST(LogRepair, MakesAJournalThatAServerCanUseFromOneFile) {
  SmallDirectory directory;
  directory.stop();
  for (const auto* path : {"/data/checkpoint", kJournal, "/data/journal/2.journal"})
    ASSERT_TRUE(directory.disk.remove(path));
  const auto outcome = run_on(directory.disk, {"repair", "/data", "--yes"});
  EXPECT_EQ(outcome.code, kWhole) << outcome.out << outcome.err;
  EXPECT_THAT(outcome.out, ::testing::HasSubstr("journal/2.journal is made anew"));
  const auto again = run_on(directory.disk, {"repair", "/data"});
  EXPECT_EQ(again.code, kWhole) << again.out;
  log::LogOnDisk log(directory.disk, quiet_options());
  EXPECT_EQ(readable(log, "lab").size(), 6u);
}

TEST(LogRepair, ReadsFramesOfAnyLapWithoutTheLastJournalFile) {
  for (int lap = 2; lap <= 7; ++lap) {
    SmallDirectory directory;
    for (int i = 1; i < lap; ++i) ASSERT_TRUE(directory.log->reopen());
    ASSERT_TRUE(directory.log->append("lab", "six"));
    const auto disk = directory.crash();
    ASSERT_TRUE(disk->remove("/data/checkpoint"));
    ASSERT_TRUE(disk->remove("/data/journal/2.journal"));
    const auto outcome = run_on(*disk, {"repair", "/data", "--yes"});
    EXPECT_EQ(outcome.code, kWhole) << outcome.out << outcome.err;
    log::LogOnDisk log(*disk, quiet_options());
    const bool gone = lap % 3 == 2;
    EXPECT_EQ(readable(log, "lab").size(), gone ? 6u : 7u) << "lap " << lap << outcome.out;
  }
}

}  // namespace
}  // namespace myelin::cli::log_tools
