// Deleted topics, moved starts, and snapshots that keep their files.
#include <gmock/gmock.h>

#include <thread>

#include "log/log_test_support.h"

namespace myelin::log {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::IsEmpty;
using ::testing::Not;

// Nothing is flushed until a test asks for a checkpoint; a segment takes two records of 400 bytes.
Options removal_options() {
  auto options = small_options();
  options.flush_interval = std::chrono::hours(1);
  options.segment_bytes = 1000;
  return options;
}

std::string path_of(std::int64_t base) { return fmt::format("/data/topics/a-0/{:020}.log", base); }

Write new_topic(const LogOnDisk& log, std::uint8_t id, const std::string& value) {
  Uuid uuid;
  uuid.bytes.fill(id);
  Write write;
  write.topics.push_back(log.log->make_topic({uuid, "a", 1, "{}"}));
  write.batches.push_back({write.topics[0]->partitions[0].get(), batch_of(value)});
  return write;
}

// Removes what the log gives away.
void remove_files(LogOnDisk& log) {
  for (const auto& path : log.log->removables().list()) {
    for (const auto& file : log.disk.paths()) {
      if (file.starts_with(path + "/")) EXPECT_TRUE(log.disk.remove(file));
    }
    EXPECT_TRUE(log.disk.remove(path)) << path;
    log.log->removables().forget(path);
  }
}

TEST(LogDeletion, LeavesReadersNothingInsteadOfAnError) {
  SimDisk disk;
  LogOnDisk log(disk, removal_options());
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(log.append("a", std::string(400, 'x')));
    if (i == 5) ASSERT_TRUE(log.log->checkpoint());
  }
  const auto topic = log.find("a");
  const auto& partition = *topic->partitions[0];
  ASSERT_TRUE(log.remove(topic));
  EXPECT_EQ(log.find("a"), nullptr);
  for (int pass = 0; pass < 3; ++pass) {
    for (const auto seek : {Seek::to(Offset(0)), Seek::to(Offset(8)), Seek::to(CommitNumber(1)),
                            Seek::to(timestamp_from_ms(0)), Seek::to_claimed(0)}) {
      const auto buffered = partition.read_buffered(seek, 1000);
      if (buffered) EXPECT_THAT(*buffered, IsEmpty());
      const auto stored = partition.read_stored(seek, 1000);
      ASSERT_TRUE(stored) << stored.error().message();
      EXPECT_THAT(*stored, IsEmpty());
    }
    if (pass == 0) ASSERT_TRUE(log.log->checkpoint());
    if (pass == 1) remove_files(log);
  }
}

TEST(LogDeletion, RefusesWritesToADeletedTopic) {
  SimDisk disk;
  LogOnDisk log(disk, removal_options());
  ASSERT_TRUE(log.append("a", "one"));
  const auto topic = log.find("a");
  auto* partition = topic->partitions[0].get();
  Write twice;
  twice.deleted = {topic, topic};
  EXPECT_FALSE(log.write(std::move(twice)));
  ASSERT_TRUE(log.remove(topic));
  std::vector<Write> writes(4);
  writes[0].batches.push_back({partition, batch_of("two")});
  writes[1].starts.push_back({topic, partition, Offset(1)});
  writes[2].configs.push_back({topic, "{2}"});
  writes[3].deleted.push_back(topic);
  for (auto& write : writes) {
    const auto refused = log.log->append(std::move(write));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), ErrorCode::NotFound);
  }
  const auto image = disk.crash_image(1);
  LogOnDisk after(*image, removal_options());  // Nothing of it is in the journal.
  EXPECT_THAT(after.log->topics(), IsEmpty());
}

TEST(LogDeletion, IsNotDoneInTheWriteThatMakesATopic) {
  SimDisk disk;
  LogOnDisk log(disk, removal_options());
  ASSERT_TRUE(log.append("a", "one"));
  auto write = new_topic(log, 7, "two");
  write.deleted.push_back(log.find("a"));
  const auto refused = log.log->append(std::move(write));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::InvalidInput);
}

TEST(LogDeletion, IsKeptOverARestart) {
  for (const bool checkpoint : {false, true}) {
    SimDisk disk;
    LogOnDisk log(disk, removal_options());
    ASSERT_TRUE(log.append("a", "one"));
    ASSERT_TRUE(log.log->checkpoint());
    ASSERT_TRUE(log.remove(log.find("a")));
    if (checkpoint) ASSERT_TRUE(log.log->checkpoint());
    const auto image = disk.crash_image(1);
    LogOnDisk after(*image, removal_options());
    EXPECT_THAT(after.log->topics(), IsEmpty());
  }
}

TEST(LogDeletion, MovesFilesAsideWithTheNextCheckpointAndNoEarlier) {
  SimDisk disk;
  LogOnDisk log(disk, removal_options());
  ASSERT_TRUE(log.append("a", "one"));
  ASSERT_TRUE(log.log->checkpoint());
  const auto id = log.find("a")->spec.id.to_string();
  ASSERT_TRUE(log.remove(log.find("a")));
  EXPECT_TRUE(*disk.exists(path_of(0)));
  EXPECT_THAT(log.log->removables().list(), IsEmpty());
  ASSERT_TRUE(log.log->checkpoint());
  EXPECT_FALSE(*disk.exists(path_of(0)));
  EXPECT_THAT(log.log->removables().list(),
              ElementsAre(fmt::format("/data/topics/{}-0.deleted", id)));
}

// A topic under the name of a deleted one has files under its paths.
TEST(LogDeletion, TakesBackPathsThatTheNextTopicOfTheNameMayHave) {
  SimDisk disk;
  LogOnDisk log(disk, removal_options());
  ASSERT_TRUE(log.append("a", "one"));
  ASSERT_TRUE(log.log->checkpoint());
  ASSERT_TRUE(log.move_start("a", Offset(1)));
  ASSERT_TRUE(log.log->checkpoint());
  const auto removable = log.log->removables().list();
  ASSERT_THAT(removable, Contains(path_of(0)));
  ASSERT_TRUE(log.remove(log.find("a")));
  ASSERT_TRUE(log.write(new_topic(log, 7, "new")));
  ASSERT_TRUE(log.log->checkpoint());
  for (const auto& path : removable) {
    const auto touched = log.log->removables().touch(path, [&] { return disk.remove(path); });
    ASSERT_FALSE(touched) << path;
    EXPECT_EQ(touched.error().code(), ErrorCode::Conflict);
  }
  ASSERT_TRUE(log.reopen());
  EXPECT_THAT(*log.values("a"), ElementsAre("new"));
}

TEST(LogDeletion, TakesNoFilesOfADeletedTopicForRemovable) {
  SimDisk disk;
  LogOnDisk log(disk, removal_options());
  ASSERT_TRUE(log.append("a", "one"));
  const auto topic = log.find("a");
  log.log->add_removable(*topic->partitions[0], path_of(5));
  EXPECT_THAT(log.log->removables().list(), ElementsAre(path_of(5)));
  log.log->removables().forget(path_of(5));
  ASSERT_TRUE(log.remove(topic));
  log.log->add_removable(*topic->partitions[0], path_of(5));
  EXPECT_THAT(log.log->removables().list(), IsEmpty());
}

// Holds the committer, so that what a test sends meanwhile is in one queue.
class Gate {
 public:
  std::function<void(const CommitPtr&)> callback() {
    return [this](const CommitPtr&) {
      MutexLock lock(mutex_);
      while (closed_) changed_.wait(mutex_);
    };
  }
  void set(bool closed) {
    MutexLock lock(mutex_);
    closed_ = closed;
    changed_.notify_all();
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  bool closed_ MYELIN_GUARDED_BY(mutex_) = false;
};

TEST(LogDeletion, GivesTheNameFreeAtOnce) {
  SimDisk disk;
  Gate gate;
  auto options = removal_options();
  options.on_committed = gate.callback();
  LogOnDisk log(disk, options);
  ASSERT_TRUE(log.append("a", "old"));
  ASSERT_TRUE(log.log->checkpoint());
  gate.set(true);
  ASSERT_TRUE(log.append("b", "the committer waits behind this one"));
  Write deletion;
  deletion.deleted.push_back(log.find("a"));
  ASSERT_TRUE(log.log->append(std::move(deletion)));
  auto waiter = std::make_shared<TestWaiter>();
  auto write = new_topic(log, 7, "new");
  write.waiter = waiter;
  ASSERT_TRUE(log.log->append(std::move(write)));
  gate.set(false);
  ASSERT_TRUE(waiter->wait());
  const auto image = disk.crash_image(1);
  for (int pass = 0; pass < 2; ++pass) {
    ASSERT_TRUE(log.log->checkpoint());
    remove_files(log);
    EXPECT_THAT(*log.values("a"), ElementsAre("new"));
  }
  ASSERT_TRUE(log.reopen());
  EXPECT_THAT(*log.values("a"), ElementsAre("new"));
  LogOnDisk after(*image, options);
  EXPECT_THAT(*after.values("a"), ElementsAre("new"));
}

TEST(LogDeletion, KeepsTheNewTopicWhenItComesBeforeTheNextCheckpoint) {
  SimDisk disk;
  auto options = removal_options();
  options.flush_interval = std::chrono::milliseconds(1);
  LogOnDisk log(disk, options);
  ASSERT_TRUE(log.append("a", "old"));
  ASSERT_TRUE(log.log->checkpoint());
  const auto before = log.log->visible();
  ASSERT_TRUE(log.remove(log.find("a")));
  // The deletion is flushed, and no checkpoint knows of it.
  while (log.log->commits_after(before, 1)) std::this_thread::yield();
  ASSERT_TRUE(log.write(new_topic(log, 7, "new")));
  {
    const auto snapshot = log.log->snapshot();
    ASSERT_TRUE(snapshot);
    ASSERT_EQ((*snapshot)->state.topics.size(), 1u);
    EXPECT_EQ((*snapshot)->state.topics.begin()->first, log.find("a")->spec.id);
  }
  ASSERT_TRUE(log.log->close());
  ASSERT_TRUE(log.reopen());
  EXPECT_THAT(*log.values("a"), ElementsAre("new"));
}

TEST(LogDeletion, EndsTheLogWhenADirectoryCannotLeaveItsName) {
  SimDisk disk;
  auto options = removal_options();
  std::atomic<bool> failed = false;
  options.fail = [&](const std::string&) { failed = true; };
  LogOnDisk log(disk, options);
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(log.append("a", std::string(400, 'x')));
  ASSERT_TRUE(log.log->checkpoint());
  // Its first files are removable, under names that the next topic's first files would have.
  ASSERT_TRUE(log.move_start("a", Offset(4)));
  ASSERT_TRUE(log.log->checkpoint());
  ASSERT_THAT(log.log->removables().list(), Contains(path_of(0)));
  disk.fail_when([](std::string_view operation, const std::string& path) {
    return operation == "rename" && path.starts_with("/data/topics/");
  });
  ASSERT_TRUE(log.remove(log.find("a")));
  ASSERT_TRUE(log.write(new_topic(log, 7, "new")));
  EXPECT_FALSE(log.log->checkpoint());
  EXPECT_TRUE(failed);
  disk.fail_when(nullptr);
  for (int life = 0; life < 2; ++life) {
    ASSERT_TRUE(log.reopen());
    EXPECT_THAT(*log.values("a"), ElementsAre("new"));
    ASSERT_TRUE(log.log->checkpoint());
    remove_files(log);
    EXPECT_THAT(*log.values("a"), ElementsAre("new"));
  }
}

TEST(LogDeletion, KeepsTheNewTopicWheneverThePowerGoes) {
  for (std::uint64_t step = 1;; ++step) {
    SimDisk disk;
    LogOnDisk log(disk, removal_options());
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(log.append("a", std::string(400, 'o')));
    ASSERT_TRUE(log.log->checkpoint());
    disk.crash_at_step(disk.steps() + step, step);
    ASSERT_TRUE(log.remove(log.find("a")));
    const bool deleted = !disk.image_taken();
    ASSERT_TRUE(log.write(new_topic(log, 7, "new")));
    const bool made = !disk.image_taken();
    ASSERT_TRUE(log.log->checkpoint());
    remove_files(log);
    const auto image = disk.take_image();
    if (!image) {
      EXPECT_GT(step, 20u);
      return;
    }
    LogOnDisk after(*image, removal_options());
    ASSERT_TRUE(after.log) << step;
    const auto values = *after.values("a");
    if (made) {
      EXPECT_THAT(values, ElementsAre("new")) << step;
    } else if (deleted) {
      EXPECT_THAT(values, Not(Contains(std::string(400, 'o')))) << step;
    }
    ASSERT_TRUE(after.append("a", "next"));
    ASSERT_TRUE(after.log->checkpoint());
    EXPECT_EQ(after.values("a")->size(), values.size() + 1);
  }
}

TEST(LogDeletion, NeverGivesAwayAFileOfTheTopicThatTookTheName) {
  SimDisk disk;
  LogOnDisk log(disk, removal_options());
  ASSERT_TRUE(log.append("a", "old"));
  ASSERT_TRUE(log.log->checkpoint());
  ASSERT_TRUE(log.move_start("a", Offset(1)));
  ASSERT_TRUE(log.log->checkpoint());  // Its only file may be removed from now on.
  ASSERT_TRUE(log.remove(log.find("a")));
  ASSERT_TRUE(log.write(new_topic(log, 7, "new")));
  ASSERT_TRUE(log.log->checkpoint());
  remove_files(log);
  ASSERT_TRUE(log.reopen());
  EXPECT_THAT(*log.values("a"), ElementsAre("new"));
}

// Ten records in five segments.
class MovedStart : public ::testing::Test {
 protected:
  MovedStart() {
    for (int i = 0; i < 10; ++i) {
      EXPECT_TRUE(log_.append("a", fmt::format("{}{}", i, std::string(400, 'x'))));
      all_ = *log_.read("a", Seek::to(Offset(0)));
    }
    EXPECT_TRUE(log_.log->checkpoint());
    EXPECT_EQ(segments(), 5u);
  }
  std::size_t segments() const { return log_.find("a")->partitions[0]->segments()->size(); }
  std::string first_value() const { return log_.values("a")->front().substr(0, 1); }

  SimDisk disk_;
  LogOnDisk log_{disk_, removal_options()};
  std::vector<BatchRef> all_;
};

TEST_F(MovedStart, HidesWhatLiesBelowItAtOnce) {
  ASSERT_TRUE(log_.move_start("a", Offset(5)));
  EXPECT_EQ(log_.values("a")->size(), 5u);
  EXPECT_EQ(first_value(), "5");
}

TEST_F(MovedStart, IsWhereLookUpsBelowItBegin) {
  ASSERT_TRUE(log_.move_start("a", Offset(5)));
  for (int pass = 0; pass < 2; ++pass) {
    for (const auto seek :
         {Seek::to(Offset(0)), Seek::to(Offset(4)), Seek::to(all_[2].commit),
          Seek::to(CommitNumber(0)), Seek::to(timestamp_from_ms(0)), Seek::to_claimed(0)}) {
      const auto found = log_.read("a", seek);
      ASSERT_TRUE(found);
      EXPECT_EQ(found->front().base_offset, Offset(5)) << seek.value;
    }
    EXPECT_EQ(log_.read("a", Seek::to(all_[7].commit))->front().base_offset, Offset(7));
    ASSERT_TRUE(log_.log->checkpoint());
  }
}

TEST_F(MovedStart, GivesSegmentsAwayOnlyAfterACheckpoint) {
  ASSERT_TRUE(log_.move_start("a", Offset(5)));
  EXPECT_THAT(log_.log->removables().list(), IsEmpty());
  const auto image = disk_.crash_image(1);
  ASSERT_TRUE(log_.log->checkpoint());
  EXPECT_EQ(segments(), 3u);  // The one that the start is in stays.
  EXPECT_THAT(log_.log->removables().list(),
              ElementsAre(path_of(0), EndsWith("0.meta"), path_of(2), EndsWith("2.meta")));
  remove_files(log_);
  EXPECT_THAT(log_.log->removables().list(), IsEmpty());
  EXPECT_EQ(log_.values("a")->size(), 5u);
  ASSERT_TRUE(log_.reopen());
  EXPECT_EQ(first_value(), "5");
  LogOnDisk after(*image, removal_options());
  EXPECT_EQ(after.values("a")->size(), 5u);
}

TEST_F(MovedStart, AtTheEndDropsEverythingAndTheNextBatchBeginsASegment) {
  ASSERT_TRUE(log_.move_start("a", Offset(100)));  // What is not there yet is not taken away.
  EXPECT_EQ(log_.find("a")->partitions[0]->start(), Offset(10));
  ASSERT_TRUE(log_.log->checkpoint());
  EXPECT_EQ(segments(), 0u);
  remove_files(log_);
  EXPECT_THAT(*log_.values("a"), IsEmpty());
  ASSERT_TRUE(log_.reopen());
  EXPECT_THAT(*log_.values("a"), IsEmpty());
  EXPECT_EQ(log_.append("a", "next")->value, 10);
  ASSERT_TRUE(log_.log->checkpoint());
  EXPECT_TRUE(*disk_.exists(path_of(10)));
  EXPECT_THAT(*log_.values("a"), ElementsAre("next"));
}

TEST_F(MovedStart, NeverMovesBack) {
  ASSERT_TRUE(log_.move_start("a", Offset(7)));
  ASSERT_TRUE(log_.move_start("a", Offset(3)));
  EXPECT_EQ(first_value(), "7");
  const auto image = disk_.crash_image(1);
  LogOnDisk after(*image, removal_options());
  EXPECT_EQ(after.find("a")->partitions[0]->start(), Offset(7));
  ASSERT_TRUE(log_.reopen());
  EXPECT_EQ(first_value(), "7");
}

TEST_F(MovedStart, IsTakenBackByNobodyWhenASnapshotKeepsTheFiles) {
  auto snapshot = log_.log->snapshot();
  ASSERT_TRUE(snapshot);
  ASSERT_TRUE(log_.move_start("a", Offset(5)));
  ASSERT_TRUE(log_.log->checkpoint());
  EXPECT_THAT(log_.log->removables().list(), IsEmpty());
  const auto& state = (*snapshot)->state.topics.begin()->second.partitions[0];
  EXPECT_EQ(state.start, Offset(0));
  for (const auto& segment : state.segments)
    EXPECT_TRUE(*disk_.exists(path_of(segment.base_offset.value)));
  snapshot->reset();
  EXPECT_EQ(log_.log->removables().list().size(), 4u);
}

TEST_F(MovedStart, LeavesTheFilesOfADeletedTopicToItsSnapshot) {
  auto snapshot = log_.log->snapshot();
  ASSERT_TRUE(snapshot);
  const auto moved = fmt::format("/data/topics/{}-0.deleted", log_.find("a")->spec.id.to_string());
  ASSERT_TRUE(log_.remove(log_.find("a")));
  ASSERT_TRUE(log_.write(new_topic(log_, 7, "new")));
  ASSERT_TRUE(log_.log->checkpoint());
  EXPECT_THAT(log_.log->removables().list(), IsEmpty());
  EXPECT_TRUE(*disk_.exists(moved + "/00000000000000000000.log"));
  snapshot->reset();
  EXPECT_THAT(log_.log->removables().list(), ElementsAre(moved));
}

TEST(LogSnapshot, HoldsWhatWasAcknowledgedBeforeIt) {
  SimDisk disk;
  LogOnDisk log(disk, removal_options());
  std::atomic<bool> done = false;
  std::thread checkpoints([&] {
    while (!done) EXPECT_TRUE(log.log->checkpoint());
  });
  for (int i = 1; i <= 100; ++i) {
    ASSERT_TRUE(log.append("a", "v"));
    const auto snapshot = log.log->snapshot();
    ASSERT_TRUE(snapshot);
    EXPECT_GE((*snapshot)->state.topics.begin()->second.partitions[0].end, Offset(i));
  }
  done = true;
  checkpoints.join();
}

TEST(LogSnapshot, IsRefusedByAClosedLog) {
  SimDisk disk;
  LogOnDisk log(disk);
  ASSERT_TRUE(log.log->close());
  const auto refused = log.log->snapshot();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::Canceled);
}

}  // namespace
}  // namespace myelin::log
