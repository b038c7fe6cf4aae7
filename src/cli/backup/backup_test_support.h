// What the backup's tests share: a log on a simulated disk whose snapshots are backed up to the
// same disk, and restored from it.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "cli/backup/back_up.h"
#include "cli/backup/restore.h"
#include "cli/backup/verify_set.h"
#include "log/log_test_support.h"

namespace myelin::cli::backup {

using log::LogOnDisk;
using log::Offset;
using log::SimDisk;

class QuietProgress final : public BackUpProgress {
 public:
  void begins(std::uint64_t) override {}
  void copied(std::uint64_t bytes) override { copied_bytes += bytes; }
  void verified(std::uint64_t) override {}
  std::uint64_t copied_bytes = 0;
};

class TestSnapshot final : public HeldSnapshot {
 public:
  explicit TestSnapshot(log::Log& log) : directory_(log.options().directory) {
    auto taken = log.snapshot();
    EXPECT_TRUE(taken);
    if (taken) snapshot_ = *taken;
  }
  const std::string& data_directory() const override { return directory_; }
  const log::Checkpoint& state() const override { return snapshot_->state; }
  Status check_held() override {
    if (is_gone) return Error(ErrorCode::NotFound, "there is no such snapshot");
    return {};
  }
  bool is_gone = false;

 private:
  const std::string directory_;
  std::shared_ptr<const log::Snapshot> snapshot_;
};

inline log::Options segmented_options() {
  auto options = log::small_options();
  options.segment_bytes = 4096;
  return options;
}

// "r17" and some bytes, so that segments fill.
inline std::string record(int number) {
  return fmt::format("r{}{}", number, std::string(300, 'x'));
}

class BackupTest : public ::testing::Test {
 protected:
  static constexpr const char* kSet = "/backup";
  static constexpr const char* kNew = "/restored";

  void append(const std::string& topic, int count) {
    for (int i = 0; i < count; ++i) EXPECT_TRUE(log_.append(topic, record(next_++)));
  }
  Result<BackUpSummary> back_up(const BackUpOptions& options = {.to = kSet}) {
    TestSnapshot snapshot(*log_.log);
    return back_up(snapshot, options);
  }
  Result<BackUpSummary> back_up(TestSnapshot& snapshot,
                                const BackUpOptions& options = {.to = kSet}) {
    return cli::backup::back_up(disk_, clock_, snapshot, options, progress_, stop_);
  }
  Result<VerifySummary> verify(std::uint64_t number = 0) { return verify(disk_, number); }
  Result<VerifySummary> verify(SimDisk& disk, std::uint64_t number = 0) {
    MYELIN_TRY(set, BackupSet::open(disk, kSet, BackupSet::For::Reading));
    return verify_backup(disk, *set, number, progress_, stop_);
  }
  Result<RestoreSummary> restore(std::uint64_t number = 0, const std::string& data = kNew) {
    return restore(disk_, number, data);
  }
  Result<RestoreSummary> restore(SimDisk& disk, std::uint64_t number = 0,
                                 const std::string& data = kNew) {
    MYELIN_TRY(set, BackupSet::open(disk, kSet, BackupSet::For::Reading));
    return cli::backup::restore(disk, random_, *set, {data, number}, progress_, stop_);
  }
  static log::Options restored_options(const std::string& data = kNew) {
    auto options = segmented_options();
    options.directory = data;
    return options;
  }
  // Every byte of a topic that can be read, and where it stands.
  static std::vector<std::string> batches(const LogOnDisk& log, const std::string& topic) {
    std::vector<std::string> all;
    for (Offset next(0);;) {
      const auto read = log.read(topic, log::Seek::to(next), 4096);
      if (!read || read->empty()) return all;
      for (const auto& batch : *read)
        all.push_back(fmt::format("{} {} {} ", batch.base_offset.value, batch.commit.value,
                                  to_ms(batch.received)) +
                      std::string(batch.bytes));
      next = read->back().last_offset + 1;
    }
  }
  std::vector<std::string> paths_with(std::string_view part) const {
    std::vector<std::string> found;
    for (const auto& path : disk_.paths()) {
      if (path.contains(part)) found.push_back(path);
    }
    return found;
  }
  void flip(const std::string& path, std::size_t byte) {
    auto content = disk_.content(path);
    ASSERT_LT(byte, content.size()) << path;
    content[byte] = static_cast<char>(content[byte] ^ 1);
    disk_.set_content(path, content);
  }

  SimDisk disk_;
  LogOnDisk log_{disk_, segmented_options()};
  SystemClock clock_;
  SystemRandom random_;
  QuietProgress progress_;
  std::atomic<bool> stop_ = false;
  int next_ = 0;
};

}  // namespace myelin::cli::backup
