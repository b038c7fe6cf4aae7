#include "base/json_writer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/json_validate.h"

namespace myelin {
namespace {

std::string json_of(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

TEST(JsonString, EscapesWhatTheGrammarForbidsAndNothingElse) {
  EXPECT_EQ(json_of("a\"b\\c/d"), R"("a\"b\\c/d")");
  EXPECT_EQ(json_of("\b\f\n\r\t"), R"("\b\f\n\r\t")");
  EXPECT_EQ(json_of(std::string_view("\0\x1f\x7f", 3)), "\"\\u0000\\u001f\x7f\"");
  EXPECT_EQ(json_of("grüße €😀"), "\"grüße €😀\"");
  EXPECT_EQ(json_of(""), "\"\"");
}

TEST(JsonString, ReplacesEachBrokenPieceByOneCharacter) {
  EXPECT_EQ(json_of("a\xE2\x82z"), "\"a\uFFFDz\"");
  EXPECT_EQ(json_of("\xFF\xFE"), "\"\uFFFD\uFFFD\"");
  EXPECT_EQ(json_of("\xED\xA0\x80"), "\"\uFFFD\uFFFD\uFFFD\"");
  EXPECT_EQ(json_of("end\xC3"), "\"end\uFFFD\"");
}

TEST(JsonString, IsTheSameWhereverASpecialByteStandsInALongText) {
  for (std::size_t before = 0; before < 40; ++before) {
    for (std::size_t after = 0; after < 20; ++after) {
      const std::string head(before, 'x');
      const std::string tail(after, 'y');
      EXPECT_EQ(json_of(head + "\"" + tail), "\"" + head + "\\\"" + tail + "\"");
      EXPECT_EQ(json_of(head + "ü" + tail), "\"" + head + "ü" + tail + "\"");
      EXPECT_EQ(json_of(head + "\x01" + tail), "\"" + head + "\\u0001" + tail + "\"");
    }
  }
}

TEST(JsonString, IsValidJsonForEachPairOfBytes) {
  for (int a = 0; a < 256; ++a) {
    for (int b = 0; b < 256; ++b) {
      const std::string text{static_cast<char>(a), static_cast<char>(b)};
      ASSERT_TRUE(is_valid_json(json_of(text))) << a << " " << b;
    }
  }
}

TEST(JsonWriter, KeepsCommasThroughNesting) {
  std::string out;
  JsonWriter json(out);
  json.begin_object();
  json.member("a", 1);
  json.key("b");
  json.begin_array();
  json.begin_object();
  json.end_object();
  json.begin_array();
  json.end_array();
  json.null();
  json.end_array();
  json.member("c", true);
  json.key("d");
  json.raw(R"({"x":[]})");
  json.member("e", "text");
  json.end_object();
  EXPECT_EQ(out, R"({"a":1,"b":[{},[],null],"c":true,"d":{"x":[]},"e":"text"})");
}

TEST(JsonWriter, WritesTheEdgesOfNumbers) {
  std::string out;
  JsonWriter json(out);
  json.begin_array();
  json.integer(std::numeric_limits<std::int64_t>::min());
  json.integer(std::numeric_limits<std::uint64_t>::max());
  json.integer(static_cast<std::uint8_t>(65));
  json.number(0.1);
  json.number(1e300);
  json.number(-0.0);
  json.end_array();
  EXPECT_EQ(out, "[-9223372036854775808,18446744073709551615,65,0.1,1e+300,-0]");
  EXPECT_TRUE(is_valid_json(out));
}

TEST(JsonWriter, WritesNullForWhatJsonHasNoNumberFor) {
  std::string out;
  JsonWriter json(out);
  json.begin_array();
  json.number(NAN);
  json.number(INFINITY);
  json.end_array();
  EXPECT_EQ(out, "[null,null]");
}

TEST(JsonWriter, AppendsToWhatIsThere) {
  std::string out = "data: ";
  JsonWriter json(out);
  json.string("x");
  EXPECT_EQ(out, "data: \"x\"");
}

TEST(JsonWriter, IndentsForPeople) {
  std::string out;
  JsonWriter json(out, JsonWriter::Layout::Indented);
  json.begin_object();
  json.member("a", 1);
  json.key("b");
  json.begin_array();
  json.integer(2);
  json.integer(3);
  json.end_array();
  json.key("c");
  json.begin_object();
  json.end_object();
  json.end_object();
  EXPECT_EQ(out, "{\n  \"a\": 1,\n  \"b\": [\n    2,\n    3\n  ],\n  \"c\": {}\n}");
}

}  // namespace
}  // namespace myelin
