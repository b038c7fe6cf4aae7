#include "api/admin/bodies.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json_validate.h"

namespace myelin::admin {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

TEST(ConfigChanges, AreStringsAndNulls) {
  const auto changes = parse_config_changes(R"({"retention.ms":"1000","cleanup.policy":null})");
  ASSERT_TRUE(changes) << changes.error().message();
  EXPECT_THAT(*changes, ElementsAre(Pair("cleanup.policy", std::nullopt),
                                    Pair("retention.ms", std::optional<std::string>("1000"))));
}

TEST(ConfigChanges, RefuseEverythingElse) {
  for (const auto* body :
       {"", "[]", "{}", "{\"a\":1}", "{\"a\":{}}", "{\"\":\"x\"}", "{\"a\":\"x\"",
        "{\"a\":\"x\",\"a\":\"y\"}", "{\"a\":true}", "nonsense", "{\"a\":\"x\"} x"}) {
    const auto changes = parse_config_changes(body);
    ASSERT_FALSE(changes) << body;
    EXPECT_EQ(changes.error().code(), ErrorCode::InvalidInput) << body;
  }
}

TEST(ConfigChanges, AreLimitedInNumberAndLength) {
  std::string body = "{";
  for (std::size_t i = 0; i <= kSettingsMax; ++i)
    body += (i == 0 ? "\"" : ",\"") + std::to_string(i) + "\":\"x\"";
  EXPECT_FALSE(parse_config_changes(body + "}"));
  EXPECT_FALSE(
      parse_config_changes("{\"" + std::string(kSettingNameBytesMax + 1, 'n') + "\":\"\"}"));
  EXPECT_FALSE(
      parse_config_changes("{\"n\":\"" + std::string(kSettingValueBytesMax + 1, 'v') + "\"}"));
}

TEST(Before, IsAnOffset) {
  EXPECT_EQ(parse_before(R"({"before":12})").value(), bus::Offset(12));
  EXPECT_EQ(parse_before(R"({"before":0})").value(), bus::Offset(0));
  for (const auto* body :
       {"", "12", "{}", "{\"before\":-1}", "{\"before\":\"12\"}", "{\"before\":1.5}",
        "{\"before\":1,\"x\":2}", "{\"before\":9223372036854775808}"}) {
    EXPECT_FALSE(parse_before(body)) << body;
  }
}

TEST(LogJson, TellsOfAThousandRangesAtMost) {
  LogReport report;
  report.damaged_ranges = kDamageShownMax + 5;
  report.damage.resize(kDamageShownMax + 5, {.topic = "lab", .file = "f", .what = "gone"});
  const auto json = log_json(report);
  EXPECT_TRUE(is_valid_json(json));
  std::size_t count = 0;
  for (auto at = json.find("\"firstOffset\""); at != std::string::npos;
       at = json.find("\"firstOffset\"", at + 1)) {
    ++count;
  }
  EXPECT_EQ(count, kDamageShownMax);
  EXPECT_THAT(json, HasSubstr("\"damagedRanges\":1005"));
}

TEST(TopicsJson, HasNameIdOffsetsAndConfig) {
  TopicReport topic{{"", "lab"}, Uuid{}, {{bus::Offset(3), bus::Offset(9)}}, {{"a", "b"}}};
  EXPECT_EQ(topics_json({topic}),
            R"({"topics":[{"name":"lab","id":"00000000-0000-0000-0000-000000000000",)"
            R"("partitions":[{"start":3,"end":9}],"config":{"a":"b"}}]})");
}

}  // namespace
}  // namespace myelin::admin
