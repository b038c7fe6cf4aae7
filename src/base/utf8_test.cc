#include "base/utf8.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace myelin {
namespace {

const std::vector<std::string> kBroken = {
    "\x80",              // a continuation alone
    "\xC3",              // cut
    "\xC0\xAF",          // overlong
    "\xE0\x80\xAF",      // overlong
    "\xED\xA0\x80",      // a surrogate
    "\xF0\x80\x80\xAF",  // overlong
    "\xF4\x90\x80\x80",  // beyond U+10FFFF
    "\xF5\x80\x80\x80",  // no lead byte
    "\xFF",
    "\xE2\x82",      // cut
    "\xF0\x9F\x98",  // cut
};

TEST(Utf8, AcceptsTheEdgesOfEachLength) {
  for (const char* text :
       {"", "\x7F", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF", "\xEE\x80\x80",
        "\xEF\xBF\xBF", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"}) {
    EXPECT_TRUE(is_valid_utf8(text)) << text;
  }
  EXPECT_TRUE(is_valid_utf8(std::string_view("\0", 1)));
}

TEST(Utf8, RefusesBrokenBytesAtAnyPositionOfALongText) {
  for (const auto& broken : kBroken) {
    for (std::size_t before = 0; before < 70; ++before) {
      EXPECT_FALSE(is_valid_utf8(std::string(before, 'a') + broken)) << before;
      EXPECT_FALSE(is_valid_utf8(std::string(before, 'a') + broken + std::string(40, 'b')));
    }
  }
}

TEST(Utf8, AcceptsCharactersAtAnyPositionOfALongText) {
  for (std::size_t before = 0; before < 70; ++before) {
    const std::string text = std::string(before, 'a') + "ü€😀" + std::string(before, 'b') + "ß";
    EXPECT_TRUE(is_valid_utf8(text)) << before;
  }
}

TEST(Utf8, StepsOverTheLongestBrokenBeginning) {
  EXPECT_EQ(utf8_step("\xE2\x82z").bytes, 2u);
  EXPECT_EQ(utf8_step("\xE2\x28\xA1").bytes, 1u);
  EXPECT_EQ(utf8_step("\xED\xA0\x80").bytes, 1u);
  EXPECT_FALSE(utf8_step("\xE2\x82z").valid);
  EXPECT_EQ(utf8_step("€").bytes, 3u);
  EXPECT_TRUE(utf8_step("€").valid);
}

TEST(Utf8, CutsNoCharacterInTwo) {
  EXPECT_EQ(utf8_prefix("a€b", 1), "a");
  EXPECT_EQ(utf8_prefix("a€b", 3), "a");
  EXPECT_EQ(utf8_prefix("a€b", 4), "a€");
  EXPECT_EQ(utf8_prefix("a€b", 9), "a€b");
  EXPECT_EQ(utf8_prefix("😀", 3), "");
  EXPECT_EQ(utf8_prefix("\x80\x80\x80\x80\x80\x80", 4).size(), 4u);
}

}  // namespace
}  // namespace myelin
