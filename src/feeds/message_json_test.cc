#include "feeds/message_json.h"

#include <gtest/gtest.h>

#include "base/json_validate.h"
#include "formats/hl7v2/parse.h"

namespace myelin::feeds {
namespace {

std::string json_of(std::string_view bytes) {
  const auto message = hl7v2::parse_view(bytes);
  std::string out;
  EXPECT_TRUE(append_message_json(out, MessageView(message.value()), 1u << 20));
  EXPECT_TRUE(is_valid_json(out)) << out;
  return out;
}

// The fields of the one segment behind MSH.
std::string fields_of(std::string_view segment, std::string_view msh_18 = "") {
  const std::string json = json_of("MSH|^~\\&|||||||ADT^A01|1|P|2.5||||||" + std::string(msh_18) +
                                   "\r" + std::string(segment) + "\r");
  const auto at = json.rfind("\"fields\":") + 9;
  return json.substr(at, json.size() - at - 3);
}

TEST(MessageJson, WritesTheWholeMessage) {
  EXPECT_EQ(json_of("MSH|^~\\&|A||B\rPID|1||2^^^H&U&ISO~3\rZZ1\r"),
            R"({"segments":[{"id":"MSH","fields":{"1":[[["|"]]],"2":[[["^~\\&"]]],"3":[[["A"]]],)"
            R"("5":[[["B"]]]}},{"id":"PID","fields":{"1":[[["1"]]],)"
            R"("3":[[["2"],[""],[""],["H","U","ISO"]],[["3"]]]}},{"id":"ZZ1","fields":{}}]})");
}

TEST(MessageJson, WritesAFieldByItsParts) {
  struct Case {
    std::string_view field;
    std::string_view json;
  };
  const Case cases[] = {
      {"a", R"({"1":[[["a"]]]})"},
      {"", R"({})"},
      {"\"\"", R"({"1":[[[null]]]})"},
      {"a^\"\"^b", R"({"1":[[["a"],[null],["b"]]]})"},
      {"a~\"\"", R"({"1":[[["a"]],[[null]]]})"},
      {"a&\"\"&b", R"({"1":[[["a",null,"b"]]]})"},
      {"\"x\"", R"({"1":[[["\"x\""]]]})"},
      {"^", R"({"1":[[[""],[""]]]})"},
      {"~a", R"({"1":[[[""]],[["a"]]]})"},
      {"a\\F\\b\\S\\c\\T\\d\\R\\e\\E\\f", R"({"1":[[["a|b^c&d~e\\f"]]]})"},
      {"a\\X41\\b", R"({"1":[[["aAb"]]]})"},
      {"a\\.br\\b", R"({"1":[[["a\nb"]]]})"},
      {"a\\H\\b", R"({"1":[[["a\\H\\b"]]]})"},
      {"\xc3\xa9", "{\"1\":[[[\"\xc3\xa9\"]]]}"},
      {"a\tb", R"({"1":[[["a\tb"]]]})"},
      {"a/b", R"({"1":[[["a/b"]]]})"},
  };
  for (const auto& c : cases)
    EXPECT_EQ(fields_of("ZZ1|" + std::string(c.field)), c.json) << c.field;
}

TEST(MessageJson, SplitsAtTheMessagesOwnDelimiters) {
  const std::string json = json_of("MSH*%$!@*A%B$C@D\r");
  EXPECT_NE(json.find(R"("3":[[["A"],["B"]],[["C","D"]]])"), std::string::npos) << json;
}

TEST(MessageJson, ReadsBytesThatAreNotUtf8AsMsh18Says) {
  EXPECT_EQ(fields_of("ZZ1|caf\xe9", "8859/1"), "{\"1\":[[[\"caf\xc3\xa9\"]]]}");
  EXPECT_EQ(fields_of("ZZ1|caf\xe9^\xc3\xa9", "8859/1"),
            "{\"1\":[[[\"caf\xc3\xa9\"],[\"\xc3\x83\xc2\xa9\"]]]}");
  EXPECT_EQ(fields_of("ZZ1|caf\xe9", "8859/15"), "{\"1\":[[[\"caf\xef\xbf\xbd\"]]]}");
  EXPECT_EQ(fields_of("ZZ1|caf\xe9"), "{\"1\":[[[\"caf\xef\xbf\xbd\"]]]}");
}

TEST(MessageJson, TakesUtf8AsUtf8WhateverMsh18Says) {
  EXPECT_EQ(fields_of("ZZ1|caf\xc3\xa9", "8859/1"), "{\"1\":[[[\"caf\xc3\xa9\"]]]}");
}

TEST(MessageJson, ReadsBytesWrittenAsHexadecimalAsMsh18Says) {
  EXPECT_EQ(fields_of("ZZ1|caf\\XE9\\", "8859/1"), "{\"1\":[[[\"caf\xc3\xa9\"]]]}");
  EXPECT_EQ(fields_of("ZZ1|caf\\XE9\\"), "{\"1\":[[[\"caf\xef\xbf\xbd\"]]]}");
}

TEST(MessageJson, KeepsALineThatHasNoSegmentId) {
  const std::string json = json_of("MSH|^~\\&|A\rsome \"text\"\r");
  EXPECT_NE(json.find(R"({"id":"some \"text\"","fields":{}})"), std::string::npos) << json;
}

TEST(MessageJson, StopsSoonAfterItsLimit) {
  const std::string bytes = "MSH|^~\\&|A\rZZ1|" + std::string(1u << 20, '^') + "\r";
  const auto message = hl7v2::parse_view(bytes);
  std::string out;
  EXPECT_FALSE(append_message_json(out, MessageView(message.value()), 10'000));
  EXPECT_LT(out.size(), 11'000u);
}

TEST(MessageJson, MayReachItsLimit) {
  const auto message = hl7v2::parse_view("MSH|^~\\&|A\rZZ1|x^y|z\r");
  const MessageView view(message.value());
  std::string whole;
  ASSERT_TRUE(append_message_json(whole, view, 1u << 20));
  std::string out;
  EXPECT_TRUE(append_message_json(out, view, whole.size()));
  out.clear();
  EXPECT_FALSE(append_message_json(out, view, whole.size() - 1));
}

}  // namespace
}  // namespace myelin::feeds
