// Large appends, which go around the page cache where the file system can do it.
#include "log/posix_file.h"

#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <thread>

#include "log/disk_test_support.h"

namespace myelin::log {
namespace {

constexpr std::size_t kMiB = 1u << 20;

std::string any_bytes(std::size_t size, std::mt19937_64& random) {
  std::string bytes(size, '\0');
  for (auto& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}

class PosixFileTest : public ::testing::Test {
 protected:
  std::string path(const std::string& name) const { return directory_.path() + "/" + name; }
  std::unique_ptr<File> open(const std::string& name) {
    auto file = disk_->open(path(name), Writes::Buffered, Create::IfMissing);
    EXPECT_TRUE(file) << file.error().message();
    return std::move(*file);
  }
  // In pieces of all sizes.
  static void append(File& file, std::string& content, const std::string& bytes,
                     std::mt19937_64& random) {
    std::vector<std::string_view> pieces;
    for (std::string_view rest = bytes; !rest.empty();) {
      pieces.push_back(rest.substr(0, random() % 40'000));
      rest.remove_prefix(pieces.back().size());
    }
    const auto status = file.write_pieces_at(content.size(), pieces);
    ASSERT_TRUE(status) << status.error().message();
    content += bytes;
  }
  // Where the memory lies as the file's blocks do, or where it does not.
  static std::string read(File& file, std::uint64_t position, std::size_t size, std::size_t off) {
    BufferPool pool(0);
    const auto buffer = pool.take(size + 2 * kBlockBytes);
    auto* const to = buffer.get() + (position + off) % kBlockBytes;
    const auto got = file.read_at(position, to, size);
    EXPECT_TRUE(got) << got.error().message();
    return {to, got ? *got : 0};
  }
  TemporaryDirectory directory_{std::filesystem::temp_directory_path()};
  std::unique_ptr<Disk> disk_ = make_posix_disk();
};

TEST_F(PosixFileTest, HoldsWhatWasAppendedWhateverTheSizes) {
  std::mt19937_64 random(1);
  const auto file = open("a");
  std::string content;
  for (int i = 0; i < 60; ++i) {
    const auto size = i % 3 == 0 ? random() % (3 * kMiB) : random() % 70'000;
    ASSERT_NO_FATAL_FAILURE(append(*file, content, any_bytes(size, random), random));
    const auto from = random() % (content.size() + 1);
    const auto wanted = random() % (content.size() - from + 2);
    EXPECT_EQ(read(*file, from, wanted, i % 2), content.substr(from, wanted)) << i;
  }
  EXPECT_EQ(*file->size_bytes(), content.size());
  EXPECT_EQ(*read_file(*disk_, path("a"), 1u << 30), content);
  EXPECT_TRUE(file->sync());
}

TEST_F(PosixFileTest, AsksTheDiskOnceForWhatWentAroundThePageCache) {
  std::mt19937_64 random(2);
  const auto file = open("a");
  std::string content;
  for (int i = 0; i < 6; ++i)
    ASSERT_NO_FATAL_FAILURE(append(*file, content, any_bytes(100'001, random), random));
  EXPECT_FALSE(file->reads_disk(0, 500'000));
  ASSERT_NO_FATAL_FAILURE(append(*file, content, any_bytes(4 * kMiB, random), random));
  if (!file->reads_disk(kMiB, kMiB)) GTEST_SKIP() << "no O_DIRECT in " << directory_.path();
  EXPECT_FALSE(file->reads_disk(kMiB, 10'000));        // Too little.
  EXPECT_FALSE(file->reads_disk(500'000, kMiB));       // Some of it is in the page cache.
  EXPECT_FALSE(file->reads_disk(4 * kMiB, 2 * kMiB));  // Some of it is not there.
  EXPECT_EQ(read(*file, kMiB + 7, kMiB, 0), content.substr(kMiB + 7, kMiB));
  EXPECT_FALSE(file->reads_disk(kMiB, kMiB));
  EXPECT_TRUE(file->reads_disk(2 * kMiB + 7, kMiB));
  // A little in between, through the page cache, does not matter.
  ASSERT_NO_FATAL_FAILURE(append(*file, content, any_bytes(3'000, random), random));
  ASSERT_NO_FATAL_FAILURE(append(*file, content, any_bytes(4 * kMiB, random), random));
  EXPECT_TRUE(file->reads_disk(4 * kMiB, 2 * kMiB));
  EXPECT_EQ(read(*file, 4 * kMiB + 7, 2 * kMiB, 0), content.substr(4 * kMiB + 7, 2 * kMiB));
  ASSERT_TRUE(file->truncate(7 * kMiB));
  EXPECT_FALSE(file->reads_disk(6 * kMiB + kMiB / 2, kMiB));
}

TEST_F(PosixFileTest, WritesIntoItselfThoughAnotherFileHasItsName) {
  std::mt19937_64 random(3);
  const auto file = open("a");
  ASSERT_TRUE(disk_->rename(path("a"), path("b")));
  const auto other = open("a");
  ASSERT_TRUE(other->write_at(0, "other"));
  std::string content;
  ASSERT_NO_FATAL_FAILURE(append(*file, content, any_bytes(2 * kMiB, random), random));
  EXPECT_EQ(*read_file(*disk_, path("a"), 1u << 30), "other");
  EXPECT_EQ(*read_file(*disk_, path("b"), 1u << 30), content);
}

TEST_F(PosixFileTest, IsReadByManyWhileItGrows) {
  std::mt19937_64 random(4);
  const auto file = open("a");
  const auto whole = any_bytes(24 * kMiB, random);
  std::atomic<std::size_t> there = 0;
  std::vector<std::thread> readers;
  for (unsigned seed = 0; seed < 3; ++seed) {
    readers.emplace_back([&, seed] {
      std::mt19937_64 mine(seed);
      for (std::size_t at = 0; at < whole.size();) {
        const auto size = std::min(there.load() - at, 256 * 1024 + mine() % kMiB);
        if (size == 0) continue;
        ASSERT_EQ(read(*file, at, size, seed % 2), whole.substr(at, size));
        at += size;
      }
    });
  }
  while (there < whole.size()) {
    const auto size = std::min<std::size_t>(whole.size() - there, random() % (2 * kMiB));
    const auto piece = std::string_view(whole).substr(there, size);
    ASSERT_TRUE(file->write_pieces_at(there, {&piece, 1}));
    there += size;
  }
  for (auto& reader : readers) reader.join();
}

}  // namespace
}  // namespace myelin::log
