#include "base/crc32c.h"

#include <gtest/gtest.h>

#include <string>

namespace myelin {
namespace {

std::string pattern(std::size_t size) {
  std::string bytes(size, '\0');
  std::uint32_t state = 1;
  for (char& c : bytes) {
    state = state * 1664525 + 1013904223;
    c = static_cast<char>(state >> 24);
  }
  return bytes;
}

// One bit at a time, from the definition.
std::uint32_t crc32c_slow(std::string_view bytes) {
  std::uint32_t crc = ~0u;
  for (const char c : bytes) {
    crc ^= static_cast<std::uint8_t>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) ? 0x82f63b78u : 0u);
  }
  return ~crc;
}

TEST(Crc32c, GivesThePublishedCheckValues) {
  for (const auto crc : {crc32c, crc32c_portable}) {
    EXPECT_EQ(crc("", 0), 0u);
    EXPECT_EQ(crc("123456789", 0), 0xE3069283u);
    EXPECT_EQ(crc(std::string(32, '\0'), 0), 0x8A9136AAu);
    EXPECT_EQ(crc(std::string(32, '\xff'), 0), 0x62A8AB43u);
  }
}

TEST(Crc32c, GivesTheSameByInstructionAndByTableForAllSizes) {
  const auto bytes = pattern(10'008);
  for (std::size_t size = 0; size <= 10'000; ++size) {
    const auto part = std::string_view(bytes).substr(size % 8, size);
    ASSERT_EQ(crc32c(part), crc32c_portable(part)) << size;
  }
}

TEST(Crc32c, GivesTheSameAtAnyAlignment) {
  const auto bytes = pattern(9000);
  for (const std::size_t size :
       {std::size_t{7}, std::size_t{64}, std::size_t{3072}, std::size_t{6200}}) {
    const auto part = std::string_view(bytes).substr(0, size);
    const auto expected = crc32c_slow(part);
    for (std::size_t shift = 0; shift < 16; ++shift) {
      const auto moved = std::string(shift, 'x') + std::string(part);
      ASSERT_EQ(crc32c(std::string_view(moved).substr(shift)), expected) << shift;
      ASSERT_EQ(crc32c_portable(std::string_view(moved).substr(shift)), expected) << shift;
    }
  }
}

TEST(Crc32c, ContinuesFromWhatCameBefore) {
  const auto bytes = pattern(8000);
  const auto whole = crc32c(bytes);
  for (std::size_t cut = 0; cut <= bytes.size(); cut += 97) {
    const auto view = std::string_view(bytes);
    EXPECT_EQ(crc32c(view.substr(cut), crc32c(view.substr(0, cut))), whole);
    EXPECT_EQ(crc32c_portable(view.substr(cut), crc32c_portable(view.substr(0, cut))), whole);
  }
}

}  // namespace
}  // namespace myelin
