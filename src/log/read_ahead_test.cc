#include "log/read_ahead.h"

#include <gtest/gtest.h>

#include <atomic>
#include <random>

namespace myelin::log {
namespace {

constexpr std::size_t kPart = 300'000;

// Its bytes tell where they are.
char byte_at(std::uint64_t position) { return static_cast<char>(position * 2654435761u >> 13); }

class CountedFile final : public File {
 public:
  Result<std::size_t> read_at(std::uint64_t position, char* to, std::size_t size) override {
    MutexLock lock(mutex_);
    ++reads_;
    if (fails_) return Error(ErrorCode::Unavailable, "read of it: broken");
    for (std::size_t i = 0; i < size; ++i) to[i] = byte_at(position + i);
    bytes_ += size;
    changed_.notify_all();
    return size;
  }
  Status write_at(std::uint64_t, std::string_view) override { return {}; }
  Status sync() override { return {}; }
  Status truncate(std::uint64_t) override { return {}; }
  Status allocate(std::uint64_t) override { return {}; }
  Result<std::uint64_t> size_bytes() override { return std::uint64_t{1} << 40; }
  bool reads_disk(std::uint64_t, std::size_t) override { return asks_disk; }

  void fail() {
    MutexLock lock(mutex_);
    fails_ = true;
  }
  void wait_for_reads(int count) {
    MutexLock lock(mutex_);
    while (reads_ < count) changed_.wait(mutex_);
  }
  int reads() {
    MutexLock lock(mutex_);
    return reads_;
  }
  std::uint64_t bytes() {
    MutexLock lock(mutex_);
    return bytes_;
  }

  bool asks_disk = true;

 private:
  Mutex mutex_;
  CondVar changed_;
  int reads_ MYELIN_GUARDED_BY(mutex_) = 0;
  std::uint64_t bytes_ MYELIN_GUARDED_BY(mutex_) = 0;
  bool fails_ MYELIN_GUARDED_BY(mutex_) = false;
};

class ReadAheadTest : public ::testing::Test {
 protected:
  void read(std::uint64_t position, std::size_t size, std::uint64_t end = 1u << 30) {
    read(file, position, size, end);
  }
  void read(const std::shared_ptr<CountedFile>& from, std::uint64_t position, std::size_t size,
            std::uint64_t end = 1u << 30) {
    std::string found(size, '\0');
    const auto got = ahead.read(from, position, found.data(), size, end);
    ASSERT_TRUE(got) << got.error().message();
    ASSERT_EQ(*got, size);
    for (std::size_t i = 0; i < size; ++i) ASSERT_EQ(found[i], byte_at(position + i)) << i;
  }

  BufferPool buffers{1u << 20};
  std::shared_ptr<CountedFile> file = std::make_shared<CountedFile>();
  ReadAhead ahead{buffers};
};

TEST_F(ReadAheadTest, GivesWhatTheFileHoldsHoweverItIsRead) {
  std::mt19937_64 random(1);
  std::uint64_t at = 5;
  for (int i = 0; i < 60; ++i) {
    const auto size = kPart + random() % 100'000 - (i % 7 == 0 ? 200'000 : 0);
    read(at, size);
    at = i % 11 == 0 ? at + 1000 : at + size;
  }
}

TEST_F(ReadAheadTest, FetchesForWhoGoesOn) {
  read(0, kPart);
  read(kPart, kPart);
  file->wait_for_reads(3);  // Nobody has asked for the third yet.
  read(2 * kPart, kPart);
  file->wait_for_reads(4);
  EXPECT_EQ(file->reads(), 4);
}

TEST_F(ReadAheadTest, FetchesNothingForWhoBegins) {
  for (std::uint64_t at = 0; at < 20; ++at) read(at * 5 * kPart, kPart);
  EXPECT_EQ(file->reads(), 20);
}

TEST_F(ReadAheadTest, FetchesNothingWhereThePageCacheDoes) {
  file->asks_disk = false;
  for (std::uint64_t at = 0; at < 10; ++at) read(at * kPart, kPart);
  EXPECT_EQ(file->reads(), 10);
}

TEST_F(ReadAheadTest, FetchesNothingForWhoReadsManyFilesInTurn) {
  std::vector<std::shared_ptr<CountedFile>> files(40);
  for (auto& each : files) each = std::make_shared<CountedFile>();
  for (std::uint64_t turn = 0; turn < 4; ++turn) {
    for (const auto& each : files) read(each, turn * kPart, kPart);
  }
  for (const auto& each : files) EXPECT_EQ(each->reads(), 4);
}

TEST_F(ReadAheadTest, FetchesNothingBehindTheEnd) {
  const std::uint64_t end = 2 * kPart + 280'000;
  read(0, kPart, end);
  read(kPart, kPart, end);
  read(2 * kPart, 280'000, end);
  file->wait_for_reads(3);
  EXPECT_EQ(file->bytes(), end);
}

TEST_F(ReadAheadTest, SaysWhatIsWrongWhenTheDiskFails) {
  read(0, kPart);
  file->fail();
  std::string found(kPart, '\0');
  for (std::uint64_t at = 1; at < 4; ++at) {
    const auto got = ahead.read(file, at * kPart, found.data(), kPart, 1u << 30);
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().message(), "read of it: broken");
  }
}

TEST_F(ReadAheadTest, KeepsNoMoreThanItMay) {
  std::vector<std::shared_ptr<CountedFile>> files(12);
  constexpr std::size_t kLarge = 4u << 20;
  for (auto& each : files) each = std::make_shared<CountedFile>();
  for (const auto& each : files) {
    read(each, 0, kLarge);
    read(each, kLarge, kLarge);
    each->wait_for_reads(3);
  }
  // The oldest were given up for the newer ones.
  read(files.front(), 2 * kLarge, kLarge);
  EXPECT_GE(files.front()->reads(), 4);
  EXPECT_EQ(files.back()->reads(), 3);
  read(files.back(), 2 * kLarge, kLarge);
  files.back()->wait_for_reads(4);
}

TEST_F(ReadAheadTest, StopsWhateverIsUnderWay) {
  for (int i = 0; i < 20; ++i) {
    ReadAhead mine(buffers);
    std::string found(kPart, '\0');
    for (std::uint64_t at = 0; at < 3; ++at)
      ASSERT_TRUE(mine.read(file, at * kPart, found.data(), kPart, 1u << 30));
  }
}

}  // namespace
}  // namespace myelin::log
