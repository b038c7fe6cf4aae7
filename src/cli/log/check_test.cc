#include <gmock/gmock.h>

#include "cli/log/log_tools_test_support.h"

namespace myelin::cli::log_tools {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(LogCheck, FindsNothingWrongWithWhatAServerLeft) {
  SmallDirectory directory;
  const auto crashed = directory.crash();
  directory.stop();
  const auto stopped = run_on(directory.disk, {"check", "/data"});
  EXPECT_EQ(stopped.code, kWhole) << stopped.out;
  EXPECT_THAT(stopped.out, HasSubstr("an orderly stop"));
  EXPECT_THAT(stopped.out, HasSubstr("verified    7 records, 7 batches"));
  const auto after_crash = run_on(*crashed, {"check", "/data"});
  EXPECT_EQ(after_crash.code, kWhole) << after_crash.out;
  EXPECT_THAT(after_crash.out, HasSubstr("verified    3 records, 3 batches"));
  EXPECT_THAT(after_crash.out, HasSubstr("with 4 batches behind the checkpoint"));
}

TEST(LogCheck, OpensNothingForWritingButTheLock) {
  SmallDirectory directory;
  const auto disk = directory.crash();
  disk->fail_when([](std::string_view operation, const std::string&) {
    if (operation == "read") return false;
    ADD_FAILURE() << operation;
    return true;
  });
  EXPECT_EQ(run_on(*disk, {"check", "/data", "--no-lock"}).code, kWhole);
}

TEST(LogCheck, NamesTheOffsetsOfADamagedBatch) {
  SmallDirectory directory;
  directory.stop();
  flip(directory.disk, std::string(kLab) + ".log", 68);
  const auto outcome = run_on(directory.disk, {"check", "/data"});
  EXPECT_EQ(outcome.code, kDamaged);
  EXPECT_THAT(outcome.out,
              HasSubstr("topics/lab-0/00000000000000000000.log is damaged at byte 0 (offset 0)"));
  EXPECT_THAT(outcome.out, HasSubstr("a server starts"));
  EXPECT_THAT(outcome.out, HasSubstr("verified    6 records"));
}

TEST(LogCheck, SaysThatNoServerStartsOnADamagedJournal) {
  SmallDirectory directory;
  const auto disk = directory.crash();
  const auto& journal = disk->content(kJournal);
  flip(*disk, kJournal, journal.find("three"));
  const auto outcome = run_on(*disk, {"check", "/data"});
  EXPECT_EQ(outcome.code, kDamaged);
  EXPECT_THAT(outcome.out, HasSubstr("journal/1.journal is damaged at byte"));
  EXPECT_THAT(outcome.out, HasSubstr("a server does not start"));
}

TEST(LogCheck, FindsEachFileThatIsDamagedOrMissing) {
  SmallDirectory directory;
  directory.stop();
  auto& disk = directory.disk;
  const std::string meta = std::string(kLab) + ".meta";
  for (const std::string& path :
       {std::string("/data/checkpoint"), meta, std::string(kLab) + ".log",
        std::string("/data/topics/lab-0/partition.metadata"), std::string(kJournal)}) {
    const auto whole = disk.content(path);
    if (path != kJournal) {
      flip(disk, path, 30);
      EXPECT_EQ(run_on(disk, {"check", "/data"}).code, kDamaged) << path;
    }
    disk.set_content(path, whole);
    if (path.ends_with("metadata")) continue;  // Of no use to a server: a note.
    ASSERT_TRUE(disk.remove(path));
    EXPECT_EQ(run_on(disk, {"check", "/data"}).code, kDamaged) << path;
    disk.set_content(path, whole);
    cut(disk, path, whole.size() - 1);
    EXPECT_EQ(run_on(disk, {"check", "/data"}).code, kDamaged) << path;
    disk.set_content(path, whole);
    EXPECT_EQ(run_on(disk, {"check", "/data"}).code, kWhole) << path;
  }
}

TEST(LogCheck, VerifiesSegmentsWithoutACheckpoint) {
  SmallDirectory directory;
  directory.stop();
  flip(directory.disk, "/data/checkpoint", 60);
  flip(directory.disk, std::string(kLab) + ".log", 68);
  const auto outcome = run_on(directory.disk, {"check", "/data"});
  EXPECT_EQ(outcome.code, kDamaged);
  EXPECT_THAT(outcome.out, HasSubstr("checkpoint: "));
  EXPECT_THAT(outcome.out, HasSubstr("(offset 0)"));
  EXPECT_THAT(outcome.out, HasSubstr("verified    6 records"));
}

TEST(LogCheck, NotesWhatNothingNames) {
  SmallDirectory directory;
  directory.stop();
  directory.disk.set_content("/data/topics/lab-0/00000000000000000001.log", "x");
  directory.disk.set_content("/data/topics/lab-0/readme", "x");
  EXPECT_TRUE(directory.disk.make_directory("/data/topics/gone-0"));
  const auto outcome = run_on(directory.disk, {"check", "/data"});
  EXPECT_EQ(outcome.code, kWhole);
  for (const auto* name : {"00000000000000000001.log", "readme", "gone-0"})
    EXPECT_THAT(outcome.out, HasSubstr(name));
}

TEST(LogCheck, LeavesADirectoryAloneThatAServerRunsOn) {
  SmallDirectory directory;
  const auto outcome = run_on(directory.disk, {"check", "/data"});
  EXPECT_EQ(outcome.code, kFailed);
  EXPECT_THAT(outcome.err, HasSubstr("/data"));
  EXPECT_EQ(run_on(directory.disk, {"repair", "/data", "--yes"}).code, kFailed);
}

TEST(LogCheck, TouchesNoForeignDirectory) {
  log::SimDisk disk;
  EXPECT_TRUE(disk.make_directory("/data"));
  disk.set_content("/data/photos", "x");
  for (const auto* path : {"/data", "/nowhere"}) {
    EXPECT_EQ(run_on(disk, {"check", path}).code, kFailed);
    EXPECT_EQ(run_on(disk, {"repair", path, "--yes"}).code, kFailed);
  }
  EXPECT_EQ(disk.paths().size(), 1u);
}

TEST(LogCheck, PrintsNoRecord) {
  SmallDirectory directory;
  const auto disk = directory.crash();
  flip(*disk, kJournal, disk->content(kJournal).find("three"));
  flip(*disk, std::string(kLab) + ".log", 68);
  for (const auto* verb : {"check", "repair"}) {
    for (const auto* form : {"", "--json"}) {
      std::vector<std::string> args{verb, "/data"};
      if (*form != '\0') args.emplace_back(form);
      const auto outcome = run_on(*disk, args);
      for (const auto* value : {"zero", "two", "four", "admitted"}) {
        EXPECT_THAT(outcome.out, Not(HasSubstr(value)));
        EXPECT_THAT(outcome.err, Not(HasSubstr(value)));
      }
    }
  }
}

TEST(LogCheck, TellsAMachineTheSame) {
  SmallDirectory directory;
  directory.stop();
  flip(directory.disk, std::string(kLab) + ".log", 68);
  const auto outcome = run_on(directory.disk, {"check", "/data", "--json"});
  EXPECT_EQ(outcome.code, kDamaged);
  for (const auto* text : {"\"whole\": false", "\"starts\": true", "\"kind\": \"batch\"",
                           "\"firstOffset\": 0", "\"topic\": \"lab\""}) {
    EXPECT_THAT(outcome.out, HasSubstr(text));
  }
}

TEST(LogCommand, RefusesWrongArguments) {
  log::SimDisk disk;
  const std::vector<std::vector<std::string>> wrongs = {{},
                                                        {"look"},
                                                        {"check"},
                                                        {"check", "a", "b"},
                                                        {"check", "/data", "--yes"},
                                                        {"repair", "/data", "--no-lock"},
                                                        {"dump", "/data", "--from", "-1"},
                                                        {"dump", "/data", "--partition", "x"}};
  for (const auto& args : wrongs) {
    const auto outcome = run_on(disk, args);
    EXPECT_EQ(outcome.code, kUsage);
    EXPECT_THAT(outcome.err, HasSubstr("myelin log: "));
  }
  EXPECT_EQ(run_on(disk, {"--help"}).code, kWhole);
  EXPECT_EQ(run_on(disk, {"repair", "--help"}).code, kWhole);
}

}  // namespace
}  // namespace myelin::cli::log_tools
