#include "log/key_map.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace myelin::log {
namespace {

constexpr SipKey kKey{7, 9};
// The least a map has: 1,024 slots, three quarters of them for keys.
constexpr int kLeast = 768;

std::string key(int i) { return fmt::format("key {}", i); }

TEST(KeyMap, KnowsNoKeyBeforeItIsPut) {
  const KeyMap map(1, kKey);
  EXPECT_FALSE(map.find("a"));
  EXPECT_FALSE(map.find(""));
  EXPECT_EQ(map.size(), 0u);
}

TEST(KeyMap, KeepsTheHighestOffsetInWhateverOrderTheyCome) {
  KeyMap map(1, kKey);
  ASSERT_TRUE(map.put("a", Offset(5)));
  ASSERT_TRUE(map.put("a", Offset(9)));
  ASSERT_TRUE(map.put("a", Offset(7)));
  EXPECT_EQ(map.find("a"), Offset(9));
  EXPECT_EQ(map.size(), 1u);
}

TEST(KeyMap, TakesTheFirstOffsetAndTheEmptyKey) {
  KeyMap map(1, kKey);
  ASSERT_TRUE(map.put("", Offset(0)));
  EXPECT_EQ(map.find(""), Offset(0));
}

TEST(KeyMap, RefusesANewKeyWhenItIsFullAndStillRaisesThoseItHas) {
  KeyMap map(1, kKey);
  for (int i = 0; i < kLeast; ++i) ASSERT_TRUE(map.put(key(i), Offset(i))) << i;
  EXPECT_FALSE(map.put("one more", Offset(9999)));
  EXPECT_FALSE(map.find("one more"));
  EXPECT_EQ(map.size(), static_cast<std::size_t>(kLeast));
  ASSERT_TRUE(map.put(key(3), Offset(5000)));
  EXPECT_EQ(map.find(key(3)), Offset(5000));
}

TEST(KeyMap, LosesNothingAsItGrows) {
  constexpr int kMany = 20'000;
  KeyMap map(1u << 20, kKey);
  for (int i = 0; i < kMany; ++i) ASSERT_TRUE(map.put(key(i), Offset(i))) << i;
  for (int i = 0; i < kMany; ++i) ASSERT_EQ(map.find(key(i)), Offset(i)) << i;
  EXPECT_FALSE(map.find(key(kMany)));
}

TEST(KeyMap, HoldsNoMoreThanItsMemoryAllows) {
  constexpr std::size_t kSlotBytes = 24;
  constexpr std::size_t kSlots = 4096;
  // One byte short of twice as many slots.
  KeyMap map(2 * kSlots * kSlotBytes - 1, kKey);
  int taken = 0;
  while (map.put(key(taken), Offset(taken))) ++taken;
  EXPECT_EQ(taken, static_cast<int>(kSlots * 3 / 4));
}

TEST(KeyMap, ForgetsEverythingWhenItIsCleared) {
  KeyMap map(1u << 20, kKey);
  for (int i = 0; i < 2000; ++i) ASSERT_TRUE(map.put(key(i), Offset(i)));
  map.clear();
  EXPECT_EQ(map.size(), 0u);
  EXPECT_FALSE(map.find(key(1)));
  ASSERT_TRUE(map.put(key(1), Offset(1)));
  EXPECT_EQ(map.find(key(1)), Offset(1));
}

}  // namespace
}  // namespace myelin::log
