#include "base/buffer_pool.h"

#include <gtest/gtest.h>

#include <cstring>
#include <optional>
#include <thread>

namespace myelin {
namespace {

constexpr std::size_t kMiB = 1u << 20;
constexpr std::size_t kOfAMiB = kMiB / 8 * 9;  // The buffer that one comes in.

TEST(BufferPoolTest, GivesABufferAgainOnceNobodyHasIt) {
  BufferPool pool(4 * kMiB);
  auto first = pool.take(kMiB);
  const auto* was = first.get();
  const auto second = pool.take(kMiB);
  EXPECT_NE(second.get(), was);
  auto other = first;
  first.reset();
  EXPECT_EQ(pool.idle_bytes(), 0u);
  other.reset();
  EXPECT_EQ(pool.idle_bytes(), kOfAMiB);
  EXPECT_EQ(pool.take(kMiB - 1000).get(), was);
}

TEST(BufferPoolTest, GivesBuffersThatBeginOnAPage) {
  BufferPool pool(4 * kMiB);
  for (auto bytes = BufferPool::kBytesMin; bytes <= BufferPool::kBytesMax; bytes += 100'000)
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(pool.take(bytes).get()) % 4096, 0u) << bytes;
}

TEST(BufferPoolTest, HasRoomForWhatWasAskedForAtEachBoundary) {
  BufferPool pool(64 * kMiB);
  for (const auto round : {1, 2}) {
    for (auto at = BufferPool::kBytesMin / 2; at <= 2 * BufferPool::kBytesMax; at *= 2) {
      for (const auto bytes : {at - 1, at, at + 1}) {
        const auto buffer = pool.take(bytes);
        std::memset(buffer.get(), round, bytes);  // ASan watches.
      }
    }
  }
}

TEST(BufferPoolTest, KeepsNoMoreThanItMay) {
  BufferPool pool(3 * kOfAMiB);
  {
    std::vector<std::shared_ptr<char[]>> buffers;
    for (int i = 0; i < 5; ++i) buffers.push_back(pool.take(kMiB));
  }
  EXPECT_EQ(pool.idle_bytes(), 3 * kOfAMiB);
}

TEST(BufferPoolTest, FreesWhatNobodyNeededSinceItWasLastAsked) {
  BufferPool pool(8 * kOfAMiB);
  {
    std::vector<std::shared_ptr<char[]>> buffers;
    for (int i = 0; i < 5; ++i) buffers.push_back(pool.take(kMiB));
  }
  pool.free_unused();
  EXPECT_EQ(pool.idle_bytes(), 5 * kOfAMiB);
  {
    const auto first = pool.take(kMiB);
    const auto second = pool.take(kMiB);
  }
  pool.free_unused();
  EXPECT_EQ(pool.idle_bytes(), 2 * kOfAMiB);
  pool.free_unused();
  EXPECT_EQ(pool.idle_bytes(), 0u);
}

TEST(BufferPoolTest, KeepsNeitherSmallOnesNorHugeOnes) {
  BufferPool pool(64 * kMiB);
  pool.take(BufferPool::kBytesMin - 1);
  pool.take(BufferPool::kBytesMax + 1);
  pool.take(0);
  EXPECT_EQ(pool.idle_bytes(), 0u);
}

TEST(BufferPoolTest, IsOutlivedByItsBuffers) {
  std::optional<BufferPool> pool(std::in_place, kOfAMiB);
  const auto buffer = pool->take(kMiB);
  pool.reset();
  std::memset(buffer.get(), 1, kMiB);
}

TEST(BufferPoolTest, NeverGivesOneBufferToTwo) {
  BufferPool pool(kMiB);
  const auto use = [&pool](char mark) {
    for (int i = 0; i < 2000; ++i) {
      const auto bytes = BufferPool::kBytesMin;
      const auto buffer = pool.take(bytes);
      buffer[0] = buffer[bytes - 1] = mark;
      std::this_thread::yield();
      ASSERT_EQ(buffer[0], mark);
      ASSERT_EQ(buffer[bytes - 1], mark);
    }
  };
  std::thread other(use, 'a');
  use('b');
  other.join();
}

}  // namespace
}  // namespace myelin
