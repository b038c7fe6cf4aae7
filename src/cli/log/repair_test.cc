// What `myelin log repair` brings back from real damage, held against what a log serves afterwards.
#include <gmock/gmock.h>

#include <algorithm>

#include "cli/log/log_tools_test_support.h"
#include "log/directory.h"
#include "log/verify.h"

namespace myelin::cli::log_tools {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(LogRepair, HasNothingToDoWhereNothingIsWrong) {
  SmallDirectory directory;
  const auto crashed = directory.crash();
  directory.stop();
  for (auto* disk : {crashed.get(), &directory.disk}) {
    const auto paths = disk->paths();
    const auto outcome = run_on(*disk, {"repair", "/data", "--yes"});
    EXPECT_EQ(outcome.code, kWhole) << outcome.out << outcome.err;
    EXPECT_THAT(outcome.out, HasSubstr("nothing is out of its place"));
    for (const auto& path : disk->paths()) {
      const bool known = std::ranges::find(paths, path) != paths.end() || path == "/data/lock";
      EXPECT_TRUE(known) << path;
    }
  }
}

TEST(LogRepair, ChangesNothingUntilItIsToldTo) {
  SmallDirectory directory;
  const auto disk = directory.crash();
  flip(*disk, "/data/checkpoint", 40);
  std::map<std::string, std::string> before;
  for (const auto& path : disk->paths()) before[path] = disk->content(path);
  const auto outcome = run_on(*disk, {"repair", "/data"});
  EXPECT_EQ(outcome.code, kDamaged);
  EXPECT_THAT(outcome.out, HasSubstr("With --yes it is done"));
  for (const auto& path : disk->paths()) {
    if (path != "/data/lock") {
      EXPECT_EQ(disk->content(path), before[path]) << path;
    }
  }
}

TEST(LogRepair, MakesACheckpointFromSegmentsAndJournal) {
  for (const bool missing : {false, true}) {
    SmallDirectory directory;
    const auto disk = directory.crash();
    const auto id = directory.log->log->directory_id();
    if (missing) {
      ASSERT_TRUE(disk->remove("/data/checkpoint"));
    } else {
      flip(*disk, "/data/checkpoint", 60);
    }
    Outcome outcome;
    auto log = repair(*disk, &outcome);
    EXPECT_THAT(outcome.out, HasSubstr("no record that has left a trace"));
    EXPECT_THAT(outcome.out, HasSubstr("lab-0: 3 records from the journal"));
    ASSERT_TRUE(log->log);
    EXPECT_EQ(log->log->directory_id(), id);
    EXPECT_THAT(readable(*log, "adt"), ElementsAre("admitted"));
    expect_goes_on(*disk, std::move(log), {"zero", "one", "two", "three", "four", "five"});
  }
}

TEST(LogRepair, MakesACheckpointAfterAnOrderlyStop) {
  SmallDirectory directory;
  directory.stop();
  flip(directory.disk, "/data/checkpoint", 60);
  Outcome outcome;
  auto log = repair(directory.disk, &outcome);
  EXPECT_THAT(outcome.out, Not(HasSubstr("from the journal to a new segment")));
  expect_goes_on(directory.disk, std::move(log), {"zero", "one", "two", "three", "four", "five"});
}

TEST(LogRepair, KeepsTheDamagedCheckpoint) {
  SmallDirectory directory;
  const auto disk = directory.crash();
  flip(*disk, "/data/checkpoint", 60);
  const auto damaged = disk->content("/data/checkpoint");
  repair(*disk);
  EXPECT_EQ(disk->content(kept("/data/checkpoint")), damaged);
  EXPECT_THAT(disk->content(kept("/data/report.txt")), HasSubstr("checkpoint"));
}

TEST(LogRepair, GivesNoCommitOrOffsetTwice) {
  SmallDirectory directory;
  const auto disk = directory.crash();
  const auto last = directory.log->log->visible();
  flip(*disk, "/data/checkpoint", 60);
  const auto log = repair(*disk);
  ASSERT_TRUE(log->log);
  EXPECT_GT(log->log->visible(), last);
  EXPECT_EQ(*log->append("adt", "next"), log::Offset(1));
}

TEST(LogRepair, TakesWhatWasFlushedAndNotCheckpointed) {
  auto options = quiet_options();
  options.flush_interval = std::chrono::milliseconds(1);
  SmallDirectory directory(options);
  const auto& partition = *directory.log->find("lab")->partitions[0];
  while (partition.read_buffered(log::Seek::to(log::Offset(5)), 1)) std::this_thread::yield();
  const auto disk = directory.crash();
  flip(*disk, "/data/checkpoint", 60);
  Outcome outcome;
  auto log = repair(*disk, &outcome);
  EXPECT_THAT(outcome.out, Not(HasSubstr("lab-0: ")));
  expect_goes_on(*disk, std::move(log), {"zero", "one", "two", "three", "four", "five"});
}

// A record of `__myelin_metadata` as the broker writes it.
Status tell(log::LogOnDisk& log, const std::string& type, const std::string& name, const Uuid& id) {
  log::Write write;
  const auto metadata_id = *Uuid::parse("6d79656c-696e-4d45-8000-000000000001");
  auto topic = log.find("__myelin_metadata");
  if (!topic) {
    topic = log.log->make_topic({metadata_id, "__myelin_metadata", 1, "{}"});
    write.topics.push_back(topic);
  }
  kafka::RecordBatchBuilder builder;
  const auto text = fmt::format(
      R"({{"type":"{}","topic":"{}","topicId":"{}","partitions":3,"config":{{"a":"b"}}}})", type,
      name, id.to_string());
  MYELIN_TRY_VOID(builder.add(0, id.to_string(), text));
  write.batches.push_back({topic->partitions[0].get(), builder.finish()});
  auto waiter = std::make_shared<log::TestWaiter>();
  write.waiter = waiter;
  MYELIN_TRY(offsets, log.log->append(std::move(write)));
  MYELIN_TRY(commit, waiter->wait());
  EXPECT_GT(commit.value, 0u);
  return {};
}

TEST(LogRepair, AsksTheMetadataTopicWhatSegmentsDoNotTell) {
  SmallDirectory directory;
  const auto lab = directory.log->find("lab")->spec.id;
  const auto adt = directory.log->find("adt")->spec.id;
  const auto empty = *Uuid::parse("11111111-2222-4333-8444-555555555555");
  ASSERT_TRUE(tell(*directory.log, "topic-created", "lab", lab));
  ASSERT_TRUE(tell(*directory.log, "topic-created", "empty", empty));
  ASSERT_TRUE(tell(*directory.log, "topic-deleted", "adt", adt));
  directory.stop();
  {
    // A later start, whose journal knows nothing of this.
    log::LogOnDisk later(directory.disk, quiet_options());
    ASSERT_TRUE(later.append("lab", "six"));
  }
  ASSERT_TRUE(directory.disk.remove("/data/checkpoint"));
  const auto log = repair(directory.disk);
  ASSERT_TRUE(log->log);
  EXPECT_EQ(log->find("lab")->partitions.size(), 3u);
  EXPECT_EQ(log->find("lab")->spec.config, "a=b\n");
  ASSERT_TRUE(log->find("empty"));
  EXPECT_EQ(log->find("empty")->spec.id, empty);
  EXPECT_FALSE(log->find("adt"));
  EXPECT_TRUE(*directory.disk.exists(kept("/data/topics/adt-0")));
}

// The frame of each commit from 1 on that "lab" and "adt" made.
constexpr std::size_t kFrameBytes = log::kBlockBytes;

std::size_t frame_of(log::SimDisk& disk, std::uint64_t commit) {
  const auto& journal = disk.content(kJournal);
  for (std::size_t at = 0; at < journal.size(); at += kFrameBytes) {
    const auto header =
        log::decode_frame_header(std::string_view(journal).substr(at, log::kFrameHeaderBytes));
    if (header && header->commit.value == commit) return at;
  }
  ADD_FAILURE() << "no frame of commit " << commit;
  return 0;
}

// The commit that holds a record of "lab".
std::uint64_t commit_of(SmallDirectory& directory, std::int64_t offset) {
  const auto found = directory.log->read("lab", log::Seek::to(log::Offset(offset)), 1);
  EXPECT_TRUE(found && !found->empty());
  return found->front().commit.value;
}

TEST(LogRepair, LosesOnlyTheCommitThatIsDamaged) {
  SmallDirectory directory;
  const auto commit = commit_of(directory, 3);
  const auto disk = directory.crash();
  const auto at = frame_of(*disk, commit);
  flip(*disk, kJournal, at + log::kFrameHeaderBytes + log::kBatchEntryOverhead + 65);
  const auto journal = disk->content(kJournal);
  Outcome outcome;
  auto log = repair(*disk, &outcome);
  EXPECT_THAT(outcome.out, HasSubstr(fmt::format("commit {}, in journal/1.journal from byte {} on",
                                                 commit, at)));
  EXPECT_THAT(outcome.out, HasSubstr("lab-0 offsets 3 to 3"));
  EXPECT_THAT(outcome.out, HasSubstr("lab-0 offset 3 (1 record at most; received "));
  EXPECT_EQ(disk->content(kept(kJournal)), journal);
  EXPECT_THAT(readable(*log, "adt"), ElementsAre("admitted"));
  expect_goes_on(*disk, std::move(log), {"zero", "one", "two", "four", "five"});
}

TEST(LogRepair, GivesTheOffsetsOfADamagedCommitToNobodyElse) {
  SmallDirectory directory;
  const auto commit = commit_of(directory, 5);
  const auto disk = directory.crash();
  flip(*disk, kJournal, frame_of(*disk, commit) + log::kFrameHeaderBytes - 2);
  Outcome outcome;
  auto log = repair(*disk, &outcome);
  EXPECT_THAT(outcome.out, HasSubstr("lab-0 offset 5 (1 record at most; received "));
  EXPECT_EQ(*log->append("lab", "six"), log::Offset(6));
}

TEST(LogRepair, KnowsATopicWhoseCreationIsDamaged) {
  SmallDirectory directory;
  ASSERT_TRUE(directory.log->append("adt", "discharged"));
  const auto last = directory.log->log->visible();
  while (directory.log->log->visible() == last) std::this_thread::yield();
  const auto disk = directory.crash();
  const auto found = directory.log->read("adt", log::Seek::to(log::Offset(0)), 1);
  const auto at = frame_of(*disk, found->front().commit.value);
  flip(*disk, kJournal, at + log::kFrameHeaderBytes - 1);  // Its checksum alone.
  Outcome outcome;
  const auto log = repair(*disk, &outcome);
  EXPECT_THAT(outcome.out, HasSubstr("makes topic adt"));
  EXPECT_THAT(readable(*log, "adt"), ElementsAre("discharged"));
}

TEST(LogRepair, KeepsWhatIsLeftOfAShortSegment) {
  SmallDirectory directory;
  const auto disk = directory.crash();
  // Its third record; the journal still holds the commits of before the checkpoint.
  const auto whole = disk->content(std::string(kLab) + ".log").size();
  cut(*disk, std::string(kLab) + ".log", whole - 1);
  Outcome outcome;
  auto log = repair(*disk, &outcome);
  EXPECT_THAT(outcome.out, HasSubstr("shorter than the checkpoint says"));
  EXPECT_THAT(outcome.out, HasSubstr("no record that has left a trace"));
  expect_goes_on(*disk, std::move(log), {"zero", "one", "two", "three", "four", "five"});
}

TEST(LogRepair, TellsWhatAShortSegmentHasLostForGood) {
  SmallDirectory directory;
  directory.stop();
  ASSERT_TRUE(directory.log == nullptr);
  {
    // A later start: no frame of before is of use.
    log::LogOnDisk later(directory.disk, quiet_options());
    ASSERT_TRUE(later.append("adt", "later"));
  }
  const auto whole = directory.disk.content(std::string(kLab) + ".log").size();
  cut(directory.disk, std::string(kLab) + ".log", whole / 2);
  Outcome outcome;
  auto log = repair(directory.disk, &outcome);
  EXPECT_THAT(outcome.out, HasSubstr("Lost for good, 3 records at most"));
  EXPECT_THAT(outcome.out, HasSubstr("lab-0 offsets 3 to 5 (3 records at most; received "));
  expect_goes_on(directory.disk, std::move(log), {"zero", "one", "two"});
}

TEST(LogRepair, GoesOnWithoutAFolderThatIsGone) {
  SmallDirectory directory;
  directory.stop();
  for (const auto& path : directory.disk.paths()) {
    if (path.starts_with("/data/topics/lab-0/")) {
      ASSERT_TRUE(directory.disk.remove(path));
    }
  }
  ASSERT_TRUE(directory.disk.remove("/data/topics/lab-0"));
  Outcome outcome;
  auto log = repair(directory.disk, &outcome);
  EXPECT_THAT(readable(*log, "adt"), ElementsAre("admitted"));
  // All six are in the journal still.
  expect_goes_on(directory.disk, std::move(log), {"zero", "one", "two", "three", "four", "five"});
}

TEST(LogRepair, WritesAHeaderAnew) {
  SmallDirectory directory;
  directory.stop();
  const auto meta = std::string(kLab) + ".meta";
  const auto whole = directory.disk.content(meta);
  flip(directory.disk, meta, 20);
  auto log = repair(directory.disk);
  EXPECT_EQ(directory.disk.content(meta), whole);
  EXPECT_NE(directory.disk.content(kept(meta)), whole);
  expect_goes_on(directory.disk, std::move(log), {"zero", "one", "two", "three", "four", "five"});
}

TEST(LogRepair, MakesAJournalFileThatIsMissing) {
  SmallDirectory directory;
  directory.stop();
  ASSERT_TRUE(directory.disk.remove("/data/journal/2.journal"));
  Outcome outcome;
  auto log = repair(directory.disk, &outcome);
  EXPECT_THAT(outcome.out, HasSubstr("journal/2.journal is made anew"));
  expect_goes_on(directory.disk, std::move(log), {"zero", "one", "two", "three", "four", "five"});
}

TEST(LogRepair, BringsBackWhatSegmentsHoldWithoutJournalAndCheckpoint) {
  SmallDirectory directory;
  directory.stop();
  for (const auto& path : directory.disk.paths()) {
    if (path.starts_with("/data/journal") || path == "/data/checkpoint") {
      ASSERT_TRUE(directory.disk.remove(path));
    }
  }
  Outcome outcome;
  const auto log = repair(directory.disk, &outcome);
  EXPECT_THAT(outcome.out, HasSubstr("own id"));
  ASSERT_TRUE(log->log);
  EXPECT_EQ(readable(*log, "lab"), (Values{"zero", "one", "two", "three", "four", "five"}));
  EXPECT_EQ(readable(*log, "adt"), Values{"admitted"});
}

TEST(LogRepair, TakesTheNewestWhenACheckpointIsOlderThanItsJournal) {
  SmallDirectory directory;
  directory.stop();
  const auto backup = directory.disk.content("/data/checkpoint");
  {
    log::LogOnDisk later(directory.disk, quiet_options());
    ASSERT_TRUE(later.append("lab", "six"));
    ASSERT_TRUE(later.append("new", "topic"));
  }
  directory.disk.set_content("/data/checkpoint", backup);
  const auto log = repair(directory.disk);
  EXPECT_EQ(readable(*log, "lab"), (Values{"zero", "one", "two", "three", "four", "five", "six"}));
  EXPECT_EQ(readable(*log, "new"), Values{"topic"});
}

TEST(LogRepair, KeepsACommitThatTheJournalHasLost) {
  auto options = quiet_options();
  options.flush_interval = std::chrono::milliseconds(1);
  SmallDirectory directory(options);
  const auto& partition = *directory.log->find("lab")->partitions[0];
  while (partition.read_buffered(log::Seek::to(log::Offset(5)), 1)) std::this_thread::yield();
  const auto commit = commit_of(directory, 3);
  const auto disk = directory.crash();
  auto journal = disk->content(kJournal);
  const auto at = frame_of(*disk, commit);
  std::fill(journal.begin() + static_cast<std::ptrdiff_t>(at), journal.end(), '\0');
  disk->set_content(kJournal, journal);
  auto log = repair(*disk);
  expect_goes_on(*disk, std::move(log), {"zero", "one", "two", "three", "four", "five"});
}

// Large batches of which the journal holds the edges alone.
TEST(LogRepair, BringsBackLargeBatches) {
  auto options = quiet_options();
  options.large_batch_bytes = 8 << 10;
  options.segment_bytes = 50'000;
  SmallDirectory directory(options);
  Values lab{"zero", "one", "two", "three", "four", "five"};
  for (int i = 0; i < 8; ++i) {
    lab.push_back(std::string(20'000, static_cast<char>('a' + i)));
    ASSERT_TRUE(directory.log->append("lab", lab.back()));
  }
  lab.emplace_back("last");
  ASSERT_TRUE(directory.log->append("lab", "last"));
  const auto disk = directory.crash();
  flip(*disk, "/data/checkpoint", 60);
  expect_goes_on(*disk, repair(*disk), lab);
}

TEST(LogRepair, LosesALargeBatchThatIsDamagedAndNoOther) {
  auto options = quiet_options();
  options.large_batch_bytes = 8 << 10;
  SmallDirectory directory(options);
  for (const char c : {'a', 'b', 'c'})
    ASSERT_TRUE(directory.log->append("lab", std::string(20'000, c)));
  const auto disk = directory.crash();
  // Stored where it belongs, and found by replay to be damaged.
  const auto path = std::string(kLab) + ".log";
  flip(*disk, path, disk->content(path).find(std::string(1'000, 'b')));
  Outcome outcome;
  auto log = repair(*disk, &outcome);
  EXPECT_THAT(outcome.out, HasSubstr("lab-0 offset 7 (1 record at most"));
  expect_goes_on(*disk, std::move(log),
                 {"zero", "one", "two", "three", "four", "five", std::string(20'000, 'a'),
                  std::string(20'000, 'c')});
}

TEST(LogRepair, MovesStrayFilesAside) {
  SmallDirectory directory;
  directory.stop();
  auto& disk = directory.disk;
  const std::string stray = "/data/topics/lab-0/00000000000000000000.7.log";
  disk.set_content(stray, "left over");
  disk.set_content("/data/topics/notes.txt", "mine");
  const auto outcome = run_on(disk, {"repair", "/data"});
  EXPECT_EQ(outcome.code, kDamaged);
  EXPECT_THAT(outcome.out, HasSubstr("topics/lab-0/00000000000000000000.7.log"));
  EXPECT_EQ(run_on(disk, {"repair", "/data", "--yes"}).code, kWhole);
  EXPECT_FALSE(*disk.exists(stray));
  EXPECT_EQ(disk.content(kept(stray)), "left over");
  EXPECT_EQ(disk.content(kept("/data/topics/notes.txt")), "mine");
  log::LogOnDisk log(disk, quiet_options());
  EXPECT_EQ(readable(log, "lab").size(), 6u);
}

TEST(LogRepair, MovesTheFolderOfAnEarlierTopicOfTheSameName) {
  SmallDirectory directory;
  const auto disk = directory.crash();
  const std::string folder = "/data/topics/adt-0";
  const auto earlier = disk->content(std::string(kLab) + ".log");
  ASSERT_TRUE(disk->make_directory(folder));
  disk->set_content(folder + "/partition.metadata",
                    log::partition_metadata(*Uuid::parse("11111111-2222-4333-8444-555555555555")));
  disk->set_content(folder + "/00000000000000000000.log", earlier);
  disk->set_content(folder + "/00000000000000000000.meta",
                    disk->content(std::string(kLab) + ".meta"));
  ASSERT_TRUE(disk->remove("/data/checkpoint"));
  const auto log = repair(*disk);
  EXPECT_EQ(readable(*log, "adt"), Values{"admitted"});
  EXPECT_EQ(disk->content(kept(folder) + "/00000000000000000000.log"), earlier);
  // A disk refuses to move it onto a folder that holds something.
  for (const auto& path : disk->paths()) EXPECT_THAT(path, Not(HasSubstr(".from-")));
}

TEST(LogRepair, LeavesNothingForASecondRun) {
  SmallDirectory directory;
  const auto disk = directory.crash();
  flip(*disk, "/data/checkpoint", 60);
  EXPECT_EQ(run_on(*disk, {"repair", "/data", "--yes"}).code, kWhole);
  const auto again = run_on(*disk, {"repair", "/data"});
  EXPECT_EQ(again.code, kWhole) << again.out;
}

TEST(LogRepair, CanBeRunAgainAfterACrash) {
  SmallDirectory directory;
  const auto commit = commit_of(directory, 4);
  for (std::uint64_t step = 1;; step += 3) {
    const auto disk = directory.crash();
    flip(*disk, "/data/checkpoint", 60);
    flip(*disk, kJournal, frame_of(*disk, commit) + 100);
    disk->crash_at_step(disk->steps() + step, step);
    EXPECT_EQ(run_on(*disk, {"repair", "/data", "--yes"}).code, kWhole);
    if (!disk->image_taken()) break;
    const auto image = disk->take_image();
    const auto again = run_on(*image, {"repair", "/data", "--yes"});
    ASSERT_EQ(again.code, kWhole) << step << again.out << again.err;
    log::LogOnDisk log(*image, quiet_options());
    ASSERT_TRUE(log.log) << step;
    EXPECT_EQ(readable(log, "lab"), (Values{"zero", "one", "two", "three", "five"})) << step;
    EXPECT_EQ(readable(log, "adt"), Values{"admitted"}) << step;
  }
}

TEST(LogRepair, TellsAMachineTheSame) {
  SmallDirectory directory;
  const auto commit = commit_of(directory, 3);
  const auto disk = directory.crash();
  flip(*disk, kJournal, frame_of(*disk, commit) + 100);
  const auto outcome = run_on(*disk, {"repair", "/data", "--json"});
  EXPECT_EQ(outcome.code, kDamaged);
  EXPECT_THAT(outcome.out, HasSubstr("\"done\": false"));
  EXPECT_THAT(outcome.out, HasSubstr("\"firstOffset\": 3"));
}

}  // namespace
}  // namespace myelin::cli::log_tools
