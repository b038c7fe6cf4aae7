// What a damaged or full disk may do to a log as a whole: refuse, say so, and destroy nothing.
#include <gmock/gmock.h>

#include <thread>

#include "log/log_test_support.h"

namespace myelin::log {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr const char* kJournal = "/data/journal/1.journal";
constexpr const char* kSegment = "/data/topics/a-0/00000000000000000000.log";

Options without_flushes() {
  auto options = small_options();
  options.flush_interval = std::chrono::hours(1);
  return options;
}

// What is on the disk when the power goes right after everything was written back.
std::unique_ptr<SimDisk> image_of(SimDisk& disk) {
  EXPECT_TRUE(disk.sync_file_system("/data"));
  return disk.crash_image(0);
}

// The disk of a log that has three records, each in a segment and in the journal, and none in the
// checkpoint.
std::unique_ptr<SimDisk> flushed_image(Options options) {
  SimDisk disk;
  options.flush_interval = std::chrono::milliseconds(1);
  LogOnDisk log(disk, options);
  for (const std::string value : {"one", "two", "three"}) EXPECT_TRUE(log.append("a", value));
  const auto& partition = *log.find("a")->partitions[0];
  while (!partition.read_stored(Seek::to(Offset(2)), 1) ||
         partition.read_buffered(Seek::to(Offset(2)), 1)) {
    std::this_thread::yield();
  }
  return image_of(disk);
}

Result<std::unique_ptr<Log>> open(SimDisk& disk, const Options& options = small_options()) {
  static SystemClock clock;
  static SystemRandom random;
  return Log::open(disk, clock, random, options);
}

void expect_corrupt(SimDisk& disk, const std::string& words) {
  const auto opened = open(disk);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), ErrorCode::Corrupt);
  EXPECT_THAT(opened.error().message(), HasSubstr(words));
}

TEST(LogRecovery, BringsBackWhatOnlyTheJournalHolds) {
  SimDisk disk;
  LogOnDisk log(disk, without_flushes());
  ASSERT_TRUE(log.append("a", "one"));
  ASSERT_TRUE(log.append("b", "two"));
  const auto image = image_of(disk);
  LogOnDisk after(*image);
  EXPECT_THAT(*after.values("a"), ElementsAre("one"));
  EXPECT_THAT(*after.values("b"), ElementsAre("two"));
}

// Where bytes of interest lie: all of small files, one in so many of the journal's.
std::vector<std::size_t> places_in(const std::string& path, std::size_t size) {
  const bool journal = path.ends_with(".journal");
  std::vector<std::size_t> places;
  for (std::size_t at = 0; at < size; at += journal && at % kBlockBytes > 100 ? 97 : 5) {
    places.push_back(at);
  }
  return places;
}

TEST(LogRecovery, LosesNoRecordInSilenceToAFlippedBit) {
  auto options = without_flushes();
  options.journal_file_bytes = 12 * kBlockBytes;
  options.segment_bytes = 250;
  SimDisk disk;
  LogOnDisk log(disk, options);
  for (const std::string value : {"0", "1", "2", "3"}) ASSERT_TRUE(log.append("a", value));
  ASSERT_TRUE(log.log->checkpoint());
  for (const std::string value : {"4", "5"}) ASSERT_TRUE(log.append("a", value));
  const auto last = log.log->visible();
  while (log.log->visible() == last) std::this_thread::yield();  // The tail is closed.
  for (const auto& path : disk.paths()) {
    for (const auto at : places_in(path, disk.content(path).size())) {
      const auto image = image_of(disk);
      auto content = image->content(path);
      content[at] ^= 4;
      image->set_content(path, content);
      LogOnDisk after(*image, options, Opens::May);
      if (!after.log) continue;
      ASSERT_TRUE(after.find("a")) << path << " byte " << at;
      for (std::int64_t i = 0; i < 6; ++i) {
        const auto found = after.read("a", Seek::to(Offset(i)), 1);
        if (!found) continue;  // It says so.
        ASSERT_FALSE(found->empty()) << path << " byte " << at;
        EXPECT_EQ(values_of(*found)[0], std::to_string(i)) << path << " byte " << at;
      }
    }
  }
}

TEST(LogRecovery, DestroysNothingWhenAJournalFileIsShort) {
  const auto disk = flushed_image(small_options());
  disk->set_content(kJournal, disk->content(kJournal).substr(0, kBlockBytes));
  const auto segment = disk->content(kSegment);
  expect_corrupt(*disk, kJournal);
  EXPECT_EQ(disk->content(kSegment), segment);
}

TEST(LogRecovery, NamesAJournalFileThatIsMissing) {
  const auto disk = flushed_image(small_options());
  ASSERT_TRUE(disk->remove(kJournal));
  expect_corrupt(*disk, kJournal);
}

TEST(LogRecovery, DestroysNoRecordThatTheJournalHasLost) {
  for (const std::uint64_t segment_bytes : {1u << 20, 1u}) {  // One segment; one for each batch.
    auto options = small_options();
    options.segment_bytes = segment_bytes;
    const auto disk = flushed_image(options);
    auto journal = disk->content(kJournal);
    std::fill(journal.begin() + kBlockBytes, journal.end(), '\0');
    disk->set_content(kJournal, journal);
    expect_corrupt(*disk, "which the journal no longer has");
  }
}

TEST(LogRecovery, RefusesACheckpointOlderThanItsJournal) {
  SimDisk disk;
  LogOnDisk log(disk);
  ASSERT_TRUE(log.append("a", "one"));
  ASSERT_TRUE(log.log->close());
  const auto backup = disk.content("/data/checkpoint");
  ASSERT_TRUE(log.reopen());
  ASSERT_TRUE(log.append("a", "two"));
  log.log.reset();
  disk.set_content("/data/checkpoint", backup);
  expect_corrupt(disk, "the checkpoint is older than the journal");
}

TEST(LogRecovery, KeepsItsDataWhenTheMarkOfAFirstStartTurnsUp) {
  SimDisk disk;
  LogOnDisk log(disk);
  ASSERT_TRUE(log.append("a", "one"));
  log.log.reset();
  disk.set_content("/data/initializing", "");
  ASSERT_TRUE(log.reopen());
  EXPECT_THAT(*log.values("a"), ElementsAre("one"));
  EXPECT_FALSE(*disk.exists("/data/initializing"));
}

TEST(LogRecovery, SaysWhenThereIsNoSpaceToRecoverAndRecoversLater) {
  SimDisk disk;
  LogOnDisk log(disk, without_flushes());
  ASSERT_TRUE(log.append("a", "one"));
  const auto image = image_of(disk);
  image->set_free_bytes(0);
  image->fail_when([](std::string_view operation, const std::string& path) {
    return operation == "write" && path.starts_with("/data/topics");
  });
  EXPECT_FALSE(open(*image));
  image->set_free_bytes(1ull << 40);
  image->fail_when(nullptr);
  LogOnDisk after(*image);
  EXPECT_THAT(*after.values("a"), ElementsAre("one"));
}

// Holds the committer at the end of its first commit, so that a test decides what waits then.
class HeldLog : public ::testing::Test {
 protected:
  void start(Options options) {
    options.on_committed = [this](const std::shared_ptr<const Commit>&) {
      MutexLock lock(mutex_);
      held_ = true;
      changed_.notify_all();
      while (!released_) changed_.wait(mutex_);
    };
    options.fail = [this](const std::string& reason) {
      MutexLock lock(mutex_);
      reason_ = reason;
    };
    log_ = std::make_unique<LogOnDisk>(disk_, options);
    ASSERT_TRUE(log_->log);
    ASSERT_TRUE(log_->append("a", "first"));
    MutexLock lock(mutex_);
    while (!held_) changed_.wait(mutex_);
  }
  ~HeldLog() override { release(); }
  void release() {
    MutexLock lock(mutex_);
    released_ = true;
    changed_.notify_all();
  }
  std::shared_ptr<TestWaiter> append(std::size_t bytes) {
    auto waiter = std::make_shared<TestWaiter>();
    Write write;
    write.batches.push_back(
        {log_->find("a")->partitions[0].get(), batch_of(std::string(bytes, 'x'))});
    write.waiter = waiter;
    EXPECT_TRUE(log_->log->append(std::move(write)));
    return waiter;
  }
  std::string reason() {
    MutexLock lock(mutex_);
    return reason_;
  }

  SimDisk disk_;
  Mutex mutex_;
  CondVar changed_;
  bool held_ MYELIN_GUARDED_BY(mutex_) = false;
  bool released_ MYELIN_GUARDED_BY(mutex_) = false;
  std::string reason_ MYELIN_GUARDED_BY(mutex_);
  std::unique_ptr<LogOnDisk> log_;  // Last: its threads use the rest.
};

TEST_F(HeldLog, NeverMakesACommitLargerThanAFrame) {
  start(small_options());
  std::vector<std::shared_ptr<TestWaiter>> waiters;
  for (int i = 0; i < 10; ++i) waiters.push_back(append(50'000));
  release();
  for (const auto& waiter : waiters) EXPECT_TRUE(waiter->wait());
}

TEST_F(HeldLog, RefusesWhatWaitsBeyondItsLimit) {
  auto options = small_options();
  options.queue_bytes_max = 10'000;
  start(options);
  const auto first = append(9'000);
  Write write;
  write.batches.push_back(
      {log_->find("a")->partitions[0].get(), batch_of(std::string(9'000, 'x'))});
  const auto refused = log_->log->append(std::move(write));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::Exhausted);
  release();
  EXPECT_TRUE(first->wait());
  EXPECT_EQ(log_->append("a", "next")->value, 2);  // The refused one took no offset.
}

TEST_F(HeldLog, StopsOnAFullDiskWithoutWaitingForRoom) {
  auto options = without_flushes();
  options.buffer_bytes_max = 16 << 10;
  options.group_bytes_max = 1;
  start(options);
  std::vector<std::shared_ptr<TestWaiter>> waiters;
  for (int i = 0; i < 4; ++i) waiters.push_back(append(20'000));
  disk_.set_free_bytes(0);
  disk_.fail_when([](std::string_view operation, const std::string& path) {
    return operation == "write" && path.starts_with("/data/topics");
  });
  release();
  const auto first = waiters[0]->wait();
  EXPECT_TRUE(first);
  EXPECT_FALSE(log_->log->close());
  std::size_t durable = 1;
  for (const auto& waiter : waiters) durable += waiter->wait() ? 1 : 0;
  EXPECT_LT(durable, waiters.size() + 1);

  disk_.fail_when(nullptr);
  disk_.set_free_bytes(1ull << 40);
  ASSERT_TRUE(log_->reopen());
  EXPECT_EQ(log_->values("a")->size(), durable);
}

TEST_F(HeldLog, EndsTheProcessWhenTheJournalHasNoSpace) {
  start(without_flushes());
  const auto waiter = append(100);
  disk_.set_free_bytes(0);
  disk_.fail_when([](std::string_view operation, const std::string& path) {
    return operation == "write" && path.ends_with(".journal");
  });
  release();
  EXPECT_FALSE(waiter->wait());
  EXPECT_THAT(reason(), HasSubstr(".journal"));
}

TEST(Log, RefusesWhatIsNotOneRecordBatch) {
  SimDisk disk;
  LogOnDisk log(disk);
  ASSERT_TRUE(log.append("a", "one"));
  const auto good = batch_of("two");
  auto negative = good;
  negative[23] = '\xff';  // The last offset delta.
  for (const auto& bytes : {std::string(), std::string("short"), good + good,
                            good.substr(0, good.size() - 1), negative}) {
    Write write;
    write.batches.push_back({log.find("a")->partitions[0].get(), bytes});
    const auto refused = log.log->append(std::move(write));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), ErrorCode::InvalidInput);
  }
  EXPECT_EQ(log.append("a", "two")->value, 1);
}

TEST(Log, RefusesEverythingOnceClosed) {
  SimDisk disk;
  LogOnDisk log(disk);
  ASSERT_TRUE(log.append("a", "one"));
  ASSERT_TRUE(log.log->close());
  const auto refused = log.append("a", "two");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::Canceled);
  EXPECT_FALSE(log.log->checkpoint());
  EXPECT_TRUE(log.log->close());
  EXPECT_THAT(*log.values("a"), ElementsAre("one"));
}

}  // namespace
}  // namespace myelin::log
