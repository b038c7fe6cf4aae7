// What the tests of `myelin log` share: a directory on a simulated disk that a log has written, and
// the command run on it.
#pragma once

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "cli/log/command.h"
#include "log/log_test_support.h"

namespace myelin::cli::log_tools {

struct Outcome {
  int code = 0;
  std::string out;
  std::string err;
};

// A file in memory that a command prints to.
class Captured {
 public:
  Captured() : file_(::open_memstream(&text_, &size_)) {}
  ~Captured() {
    std::fclose(file_);
    std::free(text_);
  }
  Captured(const Captured&) = delete;
  Captured& operator=(const Captured&) = delete;
  std::FILE* file() { return file_; }
  std::string text() {
    std::fflush(file_);
    return {text_, size_};
  }

 private:
  char* text_ = nullptr;
  std::size_t size_ = 0;
  std::FILE* file_;
};

inline Outcome run_on(log::Disk& disk, const std::vector<std::string>& args) {
  Captured out;
  Captured err;
  const ManualClock clock;
  SystemRandom random;
  World world{disk, clock, random, out.file(), err.file()};
  const int code = run_in(world, args);
  return {code, out.text(), err.text()};
}

// Flushes when a test says so, and never by itself.
inline log::Options quiet_options() {
  auto options = log::small_options();
  options.flush_interval = std::chrono::hours(1);
  return options;
}

// Two topics: "lab" with a checkpoint behind offset 2 and three more records in the journal alone,
// "adt" with its one record in the journal alone. `stop` ends it in order.
struct SmallDirectory {
  explicit SmallDirectory(log::Options options = quiet_options())
      : log(std::make_unique<log::LogOnDisk>(disk, std::move(options))) {
    for (const auto* value : {"zero", "one", "two"}) EXPECT_TRUE(log->append("lab", value));
    EXPECT_TRUE(log->log->checkpoint());
    for (const auto* value : {"three", "four"}) EXPECT_TRUE(log->append("lab", value));
    EXPECT_TRUE(log->append("adt", "admitted"));
    EXPECT_TRUE(log->append("lab", "five"));
    // The frame that closes the tail proves the last record.
    const auto last = log->log->visible();
    while (log->log->visible() == last) std::this_thread::yield();
  }

  // The disk after a power cut that took nothing.
  std::unique_ptr<log::SimDisk> crash() {
    EXPECT_TRUE(disk.sync_file_system("/data"));
    return disk.crash_image(0);
  }
  void stop() { log.reset(); }

  log::SimDisk disk;
  std::unique_ptr<log::LogOnDisk> log;
};

inline constexpr const char* kLab = "/data/topics/lab-0/00000000000000000000";
inline constexpr const char* kJournal = "/data/journal/1.journal";

inline void flip(log::SimDisk& disk, const std::string& path, std::size_t byte) {
  auto content = disk.content(path);
  ASSERT_LT(byte, content.size()) << path;
  content[byte] ^= 0x10;
  disk.set_content(path, content);
}

inline void cut(log::SimDisk& disk, const std::string& path, std::size_t bytes) {
  disk.set_content(path, disk.content(path).substr(0, bytes));
}

// Every value of a topic that can be read, in order, without the offsets that nobody has.
inline std::vector<std::string> readable(log::LogOnDisk& log, const std::string& topic) {
  std::vector<std::string> all;
  const auto found = log.find(topic);
  if (!found) return all;
  auto& partition = *found->partitions[0];
  for (log::Offset next = partition.start(); next < partition.high_watermark();) {
    const auto batches = log.read(topic, log::Seek::to(next), 1);
    if (!batches) {
      const auto behind = partition.behind_damage(log::Seek::to(next));
      EXPECT_TRUE(behind);
      next = behind ? *behind : partition.high_watermark();
      continue;
    }
    if (batches->empty()) return all;
    for (auto& value : log::values_of(*batches)) all.push_back(std::move(value));
    next = batches->back().last_offset + 1;
  }
  return all;
}

using Values = std::vector<std::string>;

// No server starts on it, and after the repair one does.
inline std::unique_ptr<log::LogOnDisk> repair(log::SimDisk& disk, Outcome* outcome = nullptr) {
  {
    log::LogOnDisk refused(disk, quiet_options(), log::Opens::May);
    EXPECT_FALSE(refused.log) << "the damage keeps nobody out";
  }
  const auto done = run_on(disk, {"repair", "/data", "--yes"});
  EXPECT_EQ(done.code, kWhole) << done.out << done.err;
  if (outcome != nullptr) *outcome = done;
  return std::make_unique<log::LogOnDisk>(disk, quiet_options());
}

// Where a file's bytes of before are after a repair; the clock of these tests stands still.
inline std::string kept(const std::string& path) {
  return "/data/repaired-20231114T221320Z" + path.substr(std::string("/data").size());
}

// Opens again after a stop and a crash, and takes new records.
inline void expect_goes_on(log::SimDisk& disk, std::unique_ptr<log::LogOnDisk> log, Values lab) {
  ASSERT_TRUE(log->log);
  const auto before = log->find("lab")->partitions[0]->high_watermark();
  const auto offset = log->append("lab", "after");
  ASSERT_TRUE(offset) << offset.error().message();
  EXPECT_EQ(*offset, before);
  lab.push_back("after");
  EXPECT_EQ(readable(*log, "lab"), lab);
  EXPECT_TRUE(disk.sync_file_system("/data"));
  const auto image = disk.crash_image(0);
  log::LogOnDisk after(*image, quiet_options());
  ASSERT_TRUE(after.log);
  EXPECT_EQ(readable(after, "lab"), lab);
}

}  // namespace myelin::cli::log_tools
