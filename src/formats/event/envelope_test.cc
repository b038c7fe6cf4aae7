#include "formats/event/envelope.h"

#include <gtest/gtest.h>

#include <string>

#include "base/json_validate.h"
#include "base/uuid.h"

namespace myelin::event {
namespace {

constexpr std::string_view kId = "018bcfe5-6800-7000-8000-000000000001";
constexpr std::string_view kCause = "018bcfe5-6800-7000-8000-000000000002";

Metadata admission() {
  return {.event_id = kId,
          .event_type = "hl7.adt.a01",
          .event_source = "mllp",
          .timestamp = timestamp_from_ms(1700000000123)};
}

std::string envelope(const Metadata& metadata, std::string_view payload = R"({"a":1})") {
  std::string out;
  append_envelope(out, metadata, payload);
  return out;
}

ErrorCode refusal(std::string_view bytes) {
  const auto read = read_metadata(bytes);
  return read ? ErrorCode::Internal : read.error().code();
}

TEST(Envelope, OfAFirstEventHasTheSeedsFieldsAndNoCausation) {
  EXPECT_EQ(envelope(admission()),
            R"({"metadata":{"eventId":"018bcfe5-6800-7000-8000-000000000001",)"
            R"("eventType":"hl7.adt.a01","eventSource":"mllp",)"
            R"("correlationId":"018bcfe5-6800-7000-8000-000000000001",)"
            R"("timestamp":1700000000123,"version":"1.0.0"},"payload":{"a":1}})");
}

TEST(Envelope, OfACausedEventNamesItsCause) {
  Metadata metadata = admission();
  metadata.correlation_id = "E-1";
  metadata.causation_id = kCause;
  EXPECT_EQ(envelope(metadata),
            R"({"metadata":{"eventId":"018bcfe5-6800-7000-8000-000000000001",)"
            R"("eventType":"hl7.adt.a01","eventSource":"mllp","correlationId":"E-1",)"
            R"("causationId":"018bcfe5-6800-7000-8000-000000000002",)"
            R"("timestamp":1700000000123,"version":"1.0.0"},"payload":{"a":1}})");
}

TEST(Envelope, IsAppendedToWhatIsThere) {
  std::string out = "before";
  append_envelope(out, admission(), "null");
  EXPECT_EQ(out, "before" + envelope(admission(), "null"));
}

TEST(Envelope, WrittenInTwoPartsIsTheSame) {
  std::string out;
  begin_envelope(out, admission());
  out += R"({"a":1})";
  end_envelope(out);
  EXPECT_EQ(out, envelope(admission()));
}

TEST(Envelope, StaysJsonWhateverItsFieldsHold) {
  Metadata metadata = admission();
  metadata.event_type = "a\"b\\c\n\x01\xff";
  metadata.causation_id = std::string_view("\0}", 2);
  const std::string bytes = envelope(metadata);
  EXPECT_TRUE(is_valid_json(bytes)) << bytes;
  const auto read = read_metadata(bytes);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->event_type, "a\"b\\c\n\x01\xEF\xBF\xBD");
  EXPECT_EQ(read->causation_id, std::string("\0}", 2));
}

TEST(Envelope, FitsTheRoomThatIsReserved) {
  Metadata metadata = admission();
  metadata.causation_id = kCause;
  EXPECT_LE(envelope(metadata, "").size(), kEnvelopeBytesUsual);
}

TEST(ReadMetadata, GivesBackWhatWasWritten) {
  Metadata metadata = admission();
  metadata.correlation_id = "E-1";
  metadata.causation_id = kCause;
  const auto read = read_metadata(envelope(metadata));
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(read->event_id, kId);
  EXPECT_EQ(read->event_type, "hl7.adt.a01");
  EXPECT_EQ(read->event_source, "mllp");
  EXPECT_EQ(read->correlation_id, "E-1");
  EXPECT_EQ(read->causation_id, kCause);
  EXPECT_EQ(read->timestamp, timestamp_from_ms(1700000000123));
  EXPECT_EQ(read->version, "1.0.0");
}

TEST(ReadMetadata, KeepsNegativeAndDistantTimes) {
  for (const std::int64_t ms : {std::numeric_limits<std::int64_t>::min(), std::int64_t{-1},
                                std::int64_t{0}, std::numeric_limits<std::int64_t>::max()}) {
    Metadata metadata = admission();
    metadata.timestamp = timestamp_from_ms(ms);
    const auto read = read_metadata(envelope(metadata));
    ASSERT_TRUE(read);
    EXPECT_EQ(read->timestamp, timestamp_from_ms(ms));
  }
}

TEST(ReadMetadata, TakesMembersInAnyOrderWithSpacesAndUnknownOnes) {
  const auto read = read_metadata(R"( { "payload" : {"metadata":{"eventId":"wrong"},"x":["}"]} ,
      "extra" : [ 1 , {} ] , "metadata" : { "tags" : {"eventId":"wrong"} , "timestamp" : 5 ,
      "event\u0049d" : "right" } } )");
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(read->event_id, "right");
  EXPECT_EQ(read->timestamp, timestamp_from_ms(5));
}

TEST(ReadMetadata, TakesTimesAsProgramsInOtherLanguagesWriteThem) {
  const auto time = [](std::string_view number) {
    auto read = read_metadata(R"({"metadata":{"eventId":"e","timestamp":)" + std::string(number) +
                              R"(},"payload":0})");
    EXPECT_TRUE(read) << number;
    return read ? read->timestamp : std::nullopt;
  };
  EXPECT_EQ(time("1700000000123.75"), timestamp_from_ms(1700000000123));
  EXPECT_EQ(time("1.7e12"), timestamp_from_ms(1700000000000));
  EXPECT_EQ(time("17 "), timestamp_from_ms(17));
  EXPECT_EQ(time("9007199254740993\n"), timestamp_from_ms(9007199254740993));
  EXPECT_EQ(time("1e300"), std::nullopt);
  EXPECT_EQ(time("99999999999999999999"), std::nullopt);
}

TEST(ReadMetadata, PassesOverMembersOfAnotherType) {
  const auto read = read_metadata(
      R"({"metadata":{"eventId":"e","causationId":null,"timestamp":"soon","version":2,)"
      R"("eventType":["x"],"eventSource":{"eventId":"wrong"},"correlationId":true},"payload":0})");
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(read->event_id, "e");
  EXPECT_EQ(read->causation_id, std::nullopt);
  EXPECT_EQ(read->timestamp, std::nullopt);
  EXPECT_EQ(read->version, "");
  EXPECT_EQ(read->event_type, "");
  EXPECT_EQ(read->event_source, "");
  EXPECT_EQ(read->correlation_id, "");
}

TEST(ReadMetadata, RefusesWhatIsNoEnvelope) {
  for (const std::string_view bytes :
       {"", " ", "null", "17", "\"metadata\"", "[]", "{}", R"({"payload":1})", R"({"metadata":1})",
        R"({"metadata":{}})", R"({"metadata":{"eventId":""}})", R"({"metadata":{"eventId":7}})",
        R"({"metadata":[{"eventId":"e"}]})", "MSH|^~\\&|", "\xff\xfe"}) {
    EXPECT_EQ(refusal(bytes), ErrorCode::InvalidInput) << bytes;
  }
}

TEST(ReadMetadata, RefusesEveryTruncationWithinTheMetadata) {
  const std::string bytes = envelope(admission());
  for (std::size_t size = 0; size < bytes.find(R"(,"payload")"); ++size) {
    EXPECT_EQ(refusal(std::string_view(bytes).substr(0, size)), ErrorCode::InvalidInput) << size;
  }
}

TEST(ReadMetadata, RefusesMoreThanItsLimit) {
  const std::string bytes = envelope(admission());
  EXPECT_TRUE(read_metadata(bytes, bytes.size()));
  EXPECT_FALSE(read_metadata(bytes, bytes.size() - 1));
}

TEST(ReadMetadata, IsNotHurtByDeepNesting) {
  const std::string deep(100'000, '[');
  EXPECT_EQ(refusal(R"({"payload":)" + deep), ErrorCode::InvalidInput);
  EXPECT_EQ(refusal(R"({"metadata":{"tags":)" + deep), ErrorCode::InvalidInput);
}

TEST(ReadMetadata, NeverRepeatsTheBytesInItsError) {
  const auto read = read_metadata(R"({"metadata":{"eventId":Everyman})");
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().message().find("Everyman"), std::string::npos);
}

TEST(Lineage, IsInheritedThroughAChainOfEvents) {
  // An inbound event, the one it causes, and the one that this causes.
  const auto first = read_metadata(envelope(admission()));
  ASSERT_TRUE(first);
  const Lineage of_second = first->lineage_of_effect();
  EXPECT_EQ(of_second, (Lineage{std::string(kId), std::string(kId)}));

  Metadata second = admission();
  second.event_id = kCause;
  second.correlation_id = of_second.correlation_id;
  second.causation_id = of_second.causation_id;
  const auto read = read_metadata(envelope(second));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->lineage_of_effect(), (Lineage{std::string(kId), std::string(kCause)}));
}

TEST(Lineage, OfAnEventWithoutCorrelationStartsAtThatEvent) {
  const auto read = read_metadata(R"({"metadata":{"eventId":"e"},"payload":0})");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->lineage_of_effect(), (Lineage{"e", "e"}));
}

}  // namespace
}  // namespace myelin::event
