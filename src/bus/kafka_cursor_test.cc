#include "bus/kafka_cursor.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "base/crc32c.h"

namespace myelin::bus {
namespace {

constexpr std::string_view kCluster = "4L6g3nShT-eMCtK--X86sw";

std::string with_checksum(const std::string& body) {
  return fmt::format("{}:{:08x}", body, crc32c(body));
}

TEST(KafkaCursor, ComesBackAsItWas) {
  const KafkaPositions positions{{{"hl7.adt.a01", 0}, 12},
                                 {{"hl7.adt.a01", 11}, 0},
                                 {{"z", 3}, std::numeric_limits<std::int64_t>::max()}};
  const auto text = format_kafka_cursor(kCluster, positions);
  EXPECT_THAT(text, ::testing::MatchesRegex("[!-~]+"));
  const auto parsed = parse_kafka_cursor(text, kCluster);
  ASSERT_TRUE(parsed) << parsed.error().message();
  EXPECT_EQ(*parsed, positions);
  EXPECT_TRUE(parse_kafka_cursor(format_kafka_cursor(kCluster, {}), kCluster)->empty());
}

TEST(KafkaCursor, RefusesEachByteThatIsChangedAddedOrCut) {
  const auto text = format_kafka_cursor(kCluster, {{{"a", 0}, 12}, {{"b", 1}, 7}});
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto changed = text;
    changed[i] = changed[i] == '1' ? '2' : '1';
    const auto parsed = parse_kafka_cursor(changed, kCluster);
    ASSERT_FALSE(parsed) << changed;
    EXPECT_EQ(parsed.error().code(), ErrorCode::InvalidInput);
    EXPECT_FALSE(parse_kafka_cursor(text.substr(0, i), kCluster)) << i;
  }
  EXPECT_FALSE(parse_kafka_cursor(text + "0", kCluster));
}

TEST(KafkaCursor, RefusesAnotherCluster) {
  const auto parsed = parse_kafka_cursor(format_kafka_cursor("other", {{{"a", 0}, 1}}), kCluster);
  ASSERT_FALSE(parsed);
  EXPECT_THAT(parsed.error().message(), ::testing::HasSubstr("another cluster"));
}

TEST(KafkaCursor, RefusesNonsenseWithARightChecksum) {
  const auto head = fmt::format("kafka:{}:", kCluster);
  for (const std::string_view body :
       {"a", "a=", "a=0", "a=0@", "a=@1", "a=-1@1", "a=0@-1", "a=0@1x", "a=0@1,0@2", "a=0@1;a=0@1",
        "bad name=0@1", "a..b=0@1", "=0@1", "a=0@99999999999999999999", ";a=0@1", "a=0@1;;b=0@1"}) {
    EXPECT_FALSE(parse_kafka_cursor(with_checksum(head + std::string(body)), kCluster)) << body;
  }
  EXPECT_TRUE(parse_kafka_cursor(with_checksum(head + "a=0@1;b=0@1"), kCluster));
}

TEST(KafkaCursor, TakesTwoHundredPartitionsAndNoMore) {
  KafkaPositions positions;
  for (int i = 0; i < 200; ++i) positions.emplace(KafkaPlace{std::string(249, 'a'), i}, i);
  EXPECT_TRUE(parse_kafka_cursor(format_kafka_cursor(kCluster, positions), kCluster));
  positions.emplace(KafkaPlace{"b", 0}, 0);
  EXPECT_FALSE(parse_kafka_cursor(format_kafka_cursor(kCluster, positions), kCluster));
}

}  // namespace
}  // namespace myelin::bus
