#include "servers/stream/event_json.h"

#include <gtest/gtest.h>

#include "base/json_validate.h"

namespace myelin::stream {
namespace {

std::string json_of(std::optional<std::string_view> key, std::optional<std::string_view> value,
                    std::vector<kafka::Header> headers = {}) {
  kafka::RecordBatchBuilder builder;
  EXPECT_TRUE(builder.add(0, key, value, headers));
  const std::string batch = builder.finish();
  auto reader = kafka::RecordReader::open(batch);
  const auto record = reader->next();
  std::string out;
  append_event_json(out,
                    {.topic = "hl7.adt.a01",
                     .partition = 2,
                     .offset = 41,
                     .received = timestamp_from_ms(1'700'000'000'123)},
                    **record);
  EXPECT_TRUE(is_valid_json(out)) << out;
  return out;
}

std::string tail_of(const std::string& json) {
  constexpr std::string_view kPlace =
      R"({"topic":"hl7.adt.a01","partition":2,"offset":41,"receivedAt":"2023-11-14T22:13:20.123Z",)";
  EXPECT_TRUE(json.starts_with(kPlace)) << json;
  return json.substr(kPlace.size());
}

TEST(EventJson, EmbedsAValueThatIsJsonAsItIs) {
  EXPECT_EQ(tail_of(json_of("k", R"({"a": [1, 2.50]})")),
            R"("key":"k","headers":{},"value":{"a": [1, 2.50]}})");
  EXPECT_EQ(tail_of(json_of("k", "{\n\"a\":\r\n1}")),
            "\"key\":\"k\",\"headers\":{},\"value\":{\n\"a\":\r\n1}}");
}

TEST(EventJson, GivesAValueThatIsNoJsonAsBase64) {
  EXPECT_EQ(tail_of(json_of("k", "MSH|")), R"("key":"k","headers":{},"valueBase64":"TVNIfA=="})");
  EXPECT_EQ(tail_of(json_of("k", "")), R"("key":"k","headers":{},"valueBase64":""})");
  EXPECT_EQ(tail_of(json_of("k", R"({"a":1},"b":2)")).find("valueBase64") != std::string::npos,
            true);
}

TEST(EventJson, TellsNullFromEmpty) {
  EXPECT_EQ(tail_of(json_of(std::nullopt, std::nullopt)),
            R"("key":null,"headers":{},"value":null})");
  EXPECT_EQ(tail_of(json_of("", "null")), R"("key":"","headers":{},"value":null})");
}

TEST(EventJson, GivesAKeyThatIsNotUtf8AsBase64) {
  EXPECT_EQ(tail_of(json_of("\xff", "1")), R"("keyBase64":"/w==","headers":{},"value":1})");
  EXPECT_EQ(tail_of(json_of("\xc3\xa9\"", "1")),
            "\"key\":\"\xc3\xa9\\\"\",\"headers\":{},\"value\":1}");
}

TEST(EventJson, GivesHeadersTheLastOfANameCounting) {
  EXPECT_EQ(
      tail_of(json_of("k", "1", {{"b", "1"}, {"a", std::nullopt}, {"b", "2"}, {"c", "\xff"}})),
      "\"key\":\"k\",\"headers\":{\"a\":null,\"b\":\"2\",\"c\":\"\xef\xbf\xbd\"},\"value\":1}");
}

}  // namespace
}  // namespace myelin::stream
