#include "base/json_validate.h"

#include <gtest/gtest.h>

#include <string>

namespace myelin {
namespace {

std::string nested(int depth) {
  const auto n = static_cast<std::size_t>(depth);
  return std::string(n, '[') + std::string(n, ']');
}

TEST(JsonValidate, AcceptsEachKindOfValueAlone) {
  for (const char* text :
       {"null", "true", "false", "0", "-0", "-12.50e+3", "1E9", "\"\"", "\"a\"", "{}", "[]",
        " \t\r\n[ ] ", R"({"a":1,"a":[{}]})", "[1,[2,{\"x\":null}],3]",
        R"("\"\\\/\b\f\n\r\t\u00e9\uD83D\uDE00")", "\"grüße\"", "[\"\x7f\"]"}) {
    EXPECT_TRUE(is_valid_json(text)) << text;
  }
}

TEST(JsonValidate, RefusesWhatIsAlmostJson) {
  for (const char* text : {"",
                           " ",
                           "nul",
                           "True",
                           "NaN",
                           "Infinity",
                           "01",
                           "-",
                           "+1",
                           ".5",
                           "1.",
                           "1e",
                           "1e+",
                           "0x1",
                           "[",
                           "]",
                           "[1",
                           "[1,",
                           "[1,]",
                           "[,1]",
                           "[1 2]",
                           "[1}",
                           "{",
                           "{}}",
                           "{,}",
                           "{1:2}",
                           "{\"a\"}",
                           "{\"a\":}",
                           "{\"a\":1,}",
                           "{\"a\":1 \"b\":2}",
                           "{\"a\":1]",
                           "\"",
                           "\"a",
                           "'a'",
                           "\"\\x\"",
                           "\"\\u12\"",
                           "\"\\u12g4\"",
                           "\"a\nb\"",
                           "1 2",
                           "[]x",
                           "//c\n1",
                           "[1]//",
                           "\xEF\xBB\xBF{}"}) {
    EXPECT_FALSE(is_valid_json(text)) << text;
  }
}

TEST(JsonValidate, RefusesAStrayNulByte) {
  EXPECT_FALSE(is_valid_json(std::string_view("1\0", 2)));
  EXPECT_FALSE(is_valid_json(std::string_view("\"\0\"", 3)));
}

TEST(JsonValidate, RefusesHalfASurrogatePair) {
  EXPECT_FALSE(is_valid_json(R"("\uD83D")"));
  EXPECT_FALSE(is_valid_json(R"("\uDE00\uD83D")"));
  EXPECT_FALSE(is_valid_json(R"("\uD83Dx")"));
  EXPECT_FALSE(is_valid_json(R"("\uD83D\u0041")"));
}

TEST(JsonValidate, RefusesBytesThatAreNotUtf8) {
  EXPECT_FALSE(is_valid_json("\"\xFF\""));
  EXPECT_FALSE(is_valid_json("\"\xC3\""));
  EXPECT_FALSE(is_valid_json("\"\xED\xA0\x80\""));
}

TEST(JsonValidate, CountsDepthExactly) {
  EXPECT_TRUE(is_valid_json(nested(128)));
  EXPECT_FALSE(is_valid_json(nested(129)));
  EXPECT_TRUE(is_valid_json("1", 0));
  EXPECT_FALSE(is_valid_json("[]", 0));
  EXPECT_TRUE(is_valid_json(R"([{"a":1}])", 2));
  EXPECT_FALSE(is_valid_json(R"([{"a":1}])", 1));
}

TEST(JsonValidate, NeverGoesDeeperThanItsOwnLimit) {
  EXPECT_TRUE(is_valid_json(nested(kJsonDepthMax), 1'000'000));
  EXPECT_FALSE(is_valid_json(nested(kJsonDepthMax + 1), 1'000'000));
  EXPECT_FALSE(is_valid_json(std::string(1'000'000, '[')));
}

TEST(JsonValidate, RefusesEachProperBeginningOfAnObject) {
  const std::string whole = R"({"a":[1,-2.5e3,true,null,"x\u00e9"],"b":{"c":"ü"}})";
  ASSERT_TRUE(is_valid_json(whole));
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_FALSE(is_valid_json(whole.substr(0, size))) << size;
}

}  // namespace
}  // namespace myelin
