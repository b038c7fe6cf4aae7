#include "feeds/event_json.h"

#include <gtest/gtest.h>

#include "base/json_validate.h"
#include "feeds/test_support.h"
#include "formats/hl7v2/parse.h"

namespace myelin::feeds {
namespace {

const event::Metadata kMetadata{.event_id = "0190b8a0-0000-7000-8000-000000000001",
                                .event_type = "hl7.adt.a01",
                                .event_source = "feed:test"};

std::string event_of(std::string_view bytes, const FeedSettings& settings = {},
                     std::size_t event_bytes_max = kEventBytesMax) {
  const auto message = hl7v2::parse_view(bytes);
  std::string event =
      message_event(kMetadata, MessageView(message.value()), settings, event_bytes_max);
  EXPECT_TRUE(is_valid_json(event)) << event;
  EXPECT_LE(event.size(), event_bytes_max);
  return event;
}

bool holds(std::string_view event, std::string_view member) {
  return event.find("\"" + std::string(member) + "\":") != std::string_view::npos;
}

TEST(EventJson, HoldsRawAndMessage) {
  const std::string event = event_of("MSH|^~\\&|A|||||||1|P|2.5\r");
  EXPECT_NE(event.find(R"("payload":{"raw":"MSH|^~\\&|A|||||||1|P|2.5\r","message":{"segments":[)"),
            std::string::npos)
      << event;
}

TEST(EventJson, ReproducesTheBytes) {
  const std::string_view cases[] = {
      "MSH|^~\\&|A\r",
      "MSH|^~\\&|A\n",
      "\r\nMSH|^~\\&|A\r\n\r\n",
      "\xef\xbb\xbfMSH|^~\\&|A\r",
      "MSH|^~\\&|\x01\x1f\x7f\t\"\\/\r",
      std::string_view("MSH|^~\\&|\0x\r", 12),
      "MSH|^~\\&|\xc3\xa9\xf0\x9f\x98\x80\xe2\x80\xa8\r",
      "MSH|^~\\&|\xe9\r",
      "MSH|^~\\&|\xff\xfe\r",
  };
  for (const auto bytes : cases) EXPECT_EQ(raw_of(event_of(bytes)), bytes) << bytes;
}

TEST(EventJson, WritesBytesThatAreNotUtf8AsBase64) {
  EXPECT_TRUE(holds(event_of("MSH|^~\\&|\xc3\xa9\r"), "raw"));
  EXPECT_TRUE(holds(event_of("MSH|^~\\&|\xe9\r"), "rawBase64"));
  EXPECT_FALSE(holds(event_of("MSH|^~\\&|\xe9\r"), "raw"));
}

TEST(EventJson, LeavesOutWhatTheFeedLeavesOut) {
  FeedSettings settings;
  settings.store_raw = false;
  EXPECT_FALSE(holds(event_of("MSH|^~\\&|A\r", settings), "raw"));
  EXPECT_TRUE(holds(event_of("MSH|^~\\&|A\r", settings), "message"));
  settings = {};
  settings.store_message = false;
  EXPECT_TRUE(holds(event_of("MSH|^~\\&|A\r", settings), "raw"));
  EXPECT_FALSE(holds(event_of("MSH|^~\\&|A\r", settings), "message"));
}

TEST(EventJson, ListsDeviationsByPlaceAndCode) {
  const std::string event = event_of("MSH|^~\\&|A|||||||1|P|2.5\nzz1|secret\r");
  EXPECT_TRUE(holds(event, "deviations"));
  EXPECT_NE(event.find(R"("code":"segment-id-case")"), std::string::npos) << event;
  const std::string clean =
      event_of("MSH|^~\\&|A||B||20260101||ADT^A01^ADT_A01|1|P|2.5\rEVN|A01|20260101\r");
  EXPECT_FALSE(holds(clean, "deviations")) << clean;
}

TEST(EventJson, CountsDeviationsBeyondThoseListed) {
  std::string bytes = "MSH|^~\\&|A||B||20260101||ADT^A01|1|P|2.5\r";
  for (int i = 0; i < 40; ++i) bytes += "not a segment\r";
  EXPECT_NE(event_of(bytes).find("\"deviationsOmitted\":24"), std::string::npos) << event_of(bytes);
}

TEST(EventJson, LeavesTheMessageOutWhereTheEventWouldBeTooLarge) {
  const std::string bytes = "MSH|^~\\&|A\rZZ1|" + std::string(10'000, '^') + "\r";
  for (const bool store_raw : {true, false}) {
    FeedSettings settings;
    settings.store_raw = store_raw;
    const std::string event = event_of(bytes, settings, 40'000);
    EXPECT_TRUE(holds(event, "messageOmitted"));
    EXPECT_FALSE(holds(event, "message"));
    EXPECT_EQ(raw_of(event), bytes);
  }
}

TEST(EventJson, WritesTextWhoseEscapesWouldBeTooLongAsBase64) {
  const std::string bytes = "MSH|^~\\&|A\rZZ1|" + std::string(10'000, '\x01') + "\r";
  const std::string event = event_of(bytes, {}, 40'000);
  EXPECT_TRUE(holds(event, "rawBase64"));
  EXPECT_EQ(raw_of(event), bytes);
}

TEST(EventJson, HoldsAMessageOfAnyBytesInElevenEighthsOfItsSize) {
  constexpr std::size_t kMessageBytes = 1u << 20;
  constexpr std::size_t kEventBytes = kMessageBytes / 8 * 11;
  static_assert(kMessageBytesMax.value / 8 * 11 == kEventBytesMax);
  for (const char filler : {'A', '\x01', '^', '\xff', '\\'}) {
    std::string bytes = "MSH|^~\\&|A\rZZ1|";
    bytes.resize(kMessageBytes, filler);
    const auto message = hl7v2::parse_view(bytes);
    const std::string event =
        message_event(kMetadata, MessageView(message.value()), {}, kEventBytes);
    EXPECT_LE(event.size(), kEventBytes);
    EXPECT_EQ(raw_of(event) == bytes, true) << static_cast<int>(filler);
  }
}

TEST(EventJson, KeepsWhatIsNoMessage) {
  const std::string event =
      error_event(kMetadata, "hello\xff",
                  {.reason = "no-header", .location = "byte 0", .detail = "does not begin so"});
  EXPECT_TRUE(is_valid_json(event)) << event;
  EXPECT_EQ(raw_of(event), "hello\xff");
  EXPECT_NE(
      event.find(R"(,"reason":"no-header","location":"byte 0","detail":"does not begin so"}})"),
      std::string::npos)
      << event;
}

}  // namespace
}  // namespace myelin::feeds
