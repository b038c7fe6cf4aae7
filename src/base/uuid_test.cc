#include "base/uuid.h"

#include <gtest/gtest.h>

#include <set>
#include <thread>
#include <vector>

namespace myelin {
namespace {

using namespace std::chrono_literals;

// Gives the same byte for ever.
class FixedRandom final : public Random {
 public:
  explicit FixedRandom(std::uint8_t byte) : byte_(byte) {}
  void fill(void* to, std::size_t size) override { std::memset(to, byte_, size); }

 private:
  const std::uint8_t byte_;
};

std::int64_t ms_of(const Uuid& id) {
  std::int64_t ms = 0;
  for (std::size_t i = 0; i < 6; ++i) ms = (ms << 8) | id.bytes[i];
  return ms;
}

TEST(Uuid, ReadsBackItsText) {
  const auto id = Uuid::parse("0192F0A1-89ab-7cde-8f01-23456789abcd");
  ASSERT_TRUE(id.has_value());
  EXPECT_EQ(id->to_string(), "0192f0a1-89ab-7cde-8f01-23456789abcd");
  EXPECT_EQ(Uuid::from_bytes(id->view()), *id);
  EXPECT_TRUE(Uuid().is_nil());
  EXPECT_FALSE(id->is_nil());
}

TEST(Uuid, RefusesAnyOtherText) {
  for (const char* text :
       {"", "0192f0a1-89ab-7cde-8f01-23456789abc", "0192f0a189ab7cde8f0123456789abcd",
        "0192f0a1-89ab-7cde-8f01-23456789abcg", "0192f0a1x89ab-7cde-8f01-23456789abcd",
        "{192f0a1-89ab-7cde-8f01-23456789abcd", "0192f0a1-89ab-7cde-8f01-23456789abcd0",
        "0192f0a18-9ab-7cde-8f01-23456789abcd"}) {
    EXPECT_FALSE(Uuid::parse(text).has_value()) << text;
  }
}

TEST(UuidGenerator, WritesVersionVariantAndTime) {
  ManualClock clock(timestamp_from_ms(0x0192f0a189ab));
  for (const std::uint8_t byte : {std::uint8_t{0}, std::uint8_t{0xff}}) {
    FixedRandom random(byte);
    const auto id = UuidGenerator(clock, random).next();
    EXPECT_EQ(id.bytes[6] >> 4, 7);
    EXPECT_EQ(id.bytes[8] >> 6, 2);
    EXPECT_EQ(ms_of(id), 0x0192f0a189ab);
  }
}

TEST(UuidGenerator, RisesWithinAMillisecond) {
  ManualClock clock;
  SystemRandom random;
  UuidGenerator generator(clock, random);
  Uuid last;
  for (int i = 0; i < 50'000; ++i) {
    const auto id = generator.next();
    ASSERT_LT(last, id);
    last = id;
  }
  EXPECT_EQ(ms_of(last), to_ms(clock.now()));
}

TEST(UuidGenerator, RisesWhenTheClockStepsBack) {
  ManualClock clock;
  SystemRandom random;
  UuidGenerator generator(clock, random);
  Uuid last = generator.next();
  for (const auto step : {-1ms, -3'600'000ms, 1ms, 0ms, -5ms, 3'600'100ms, 1ms}) {
    clock.advance(step);
    const auto id = generator.next();
    ASSERT_LT(last, id);
    last = id;
  }
}

TEST(UuidGenerator, GivesEachIdOnceToManyThreads) {
  const SystemClock clock;
  SystemRandom random;
  UuidGenerator generator(clock, random);
  std::vector<std::vector<Uuid>> ids(4);
  std::vector<std::thread> threads;
  for (auto& mine : ids) {
    threads.emplace_back([&] {
      for (int i = 0; i < 5000; ++i) mine.push_back(generator.next());
    });
  }
  for (auto& thread : threads) thread.join();
  std::set<Uuid> all;
  for (const auto& mine : ids) {
    EXPECT_TRUE(std::ranges::is_sorted(mine));
    all.insert(mine.begin(), mine.end());
  }
  EXPECT_EQ(all.size(), 20'000u);
}

TEST(SystemRandom, FillsSmallAndLargeRequests) {
  SystemRandom random;
  for (const std::size_t size :
       {std::size_t{8}, std::size_t{1024}, std::size_t{1025}, std::size_t{9000}}) {
    std::string a(size + 1, '\x5a');
    std::string b(size + 1, '\x5a');
    random.fill(a.data(), size);
    random.fill(b.data(), size);
    EXPECT_NE(a, b);
    EXPECT_EQ(a.back(), '\x5a');
  }
  EXPECT_NE(random.next(), random.next());
}

}  // namespace
}  // namespace myelin
