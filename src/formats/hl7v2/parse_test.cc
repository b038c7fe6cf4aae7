#include "formats/hl7v2/parse.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace myelin::hl7v2 {

namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using namespace std::string_literals;

const std::string kHeader =
    "MSH|^~\\&|APP|FAC|TO|THERE|20260419101500||ADT^A01^ADT_A01|ID1|P|2.5\r";

Message parsed(std::string raw) {
  auto message = parse(std::move(raw));
  EXPECT_TRUE(message) << message.error().message();
  return std::move(message).value();
}

// Each deviation as "location code".
std::vector<std::string> deviations(std::string raw) {
  const Message message = parsed(std::move(raw));
  std::vector<std::string> out;
  for (const auto& deviation : message.deviations()) {
    EXPECT_FALSE(deviation.message().empty());
    out.push_back(deviation.location() + " " + std::string(to_string(deviation.code)));
  }
  return out;
}

ParseFault fault_of(std::string raw) {
  ParseFault fault = ParseFault::None;
  const auto message = parse(std::move(raw), {}, &fault);
  EXPECT_EQ(message.has_value(), fault == ParseFault::None);
  return fault;
}

std::string error_of(std::string raw) {
  const auto message = parse(std::move(raw));
  return message ? "none" : message.error().message();
}

TEST(Parse, FindsSegmentsAndFields) {
  const Message message = parsed(kHeader + "PID|1||77^^^HOSP^MR~88||Doe^Jane\rPV1|1|I\r");
  ASSERT_EQ(message.segment_count(), 3u);
  EXPECT_EQ(message.segment(1).id(), "PID");
  EXPECT_EQ(message.segment(1).field_count(), 5u);
  EXPECT_EQ(message.segment(1).field(3).raw(), "77^^^HOSP^MR~88");
  EXPECT_EQ(message.segment(2).field(2).raw(), "I");
  EXPECT_EQ(message.segment(2).raw(), "PV1|1|I");
}

TEST(Parse, FindsNothingToSayAboutAnOrdinaryMessage) {
  EXPECT_THAT(deviations(kHeader + "PID|1||77\rZZZ|1\r"), IsEmpty());
}

TEST(Parse, SplitsRepetitionsComponentsAndSubcomponents) {
  const Message message = parsed(kHeader + "PID|||1^2^H&x&y~9\r");
  const Field field = message.segment(1).field(3);
  EXPECT_EQ(field.repetitions().count(), 2u);
  EXPECT_EQ(field.repetition(2).raw(), "9");
  EXPECT_EQ(field.component(3).subcomponent(3).raw(), "y");
  EXPECT_EQ(field.component(4).raw(), "");
  EXPECT_EQ(field.repetition(3).raw(), "");
}

TEST(Parse, TakesTheSeparatorForMsh1) {
  const Message message = parsed(kHeader);
  EXPECT_EQ(message.header().field(1).raw(), "|");
  EXPECT_EQ(message.header().field(2).raw(), "^~\\&");
  EXPECT_EQ(message.header().field(3).raw(), "APP");
  EXPECT_EQ(message.header().field_count(), 12u);
}

TEST(Parse, DoesNotSplitTheEncodingCharacters) {
  const Message message = parsed(kHeader);
  EXPECT_EQ(message.header().field(2).repetitions().count(), 1u);
  EXPECT_EQ(message.header().field(2).text(), "^~\\&");
}

TEST(Parse, HasAnEmptyFieldWhereThereIsNone) {
  const Message message = parsed(kHeader + "PID\r");
  EXPECT_EQ(message.segment(1).field_count(), 0u);
  EXPECT_TRUE(message.segment(1).field(1).empty());
  EXPECT_TRUE(message.segment(1).field(0).empty());
  EXPECT_TRUE(message.segment(1).field(99).empty());
}

TEST(Parse, TellsNullFromEmpty) {
  const Message message = parsed(kHeader + "PID|\"\"||\"\"x\r");
  EXPECT_TRUE(message.segment(1).field(1).is_null());
  EXPECT_FALSE(message.segment(1).field(2).is_null());
  EXPECT_TRUE(message.segment(1).field(2).empty());
  EXPECT_FALSE(message.segment(1).field(3).is_null());
}

TEST(Parse, ReadsDelimitersOfTheMessagesOwn) {
  const Message message = parsed("MSH#!@%*#S#F#R#F#20260301##ADT!A01#7#P#2.5\rPID#1##1!2*3@9\r");
  EXPECT_EQ(message.delimiters(), (Delimiters{'#', '!', '@', '%', '*', 0}));
  EXPECT_EQ(message.segment(1).field(3).component(2).subcomponent(2).raw(), "3");
  EXPECT_EQ(message.segment(1).field(3).repetition(2).raw(), "9");
}

TEST(Parse, TakesAFifthEncodingCharacterForTruncation) {
  const std::string rest = "|A|B|C|D|2026||ADT^A01|1|P|";
  EXPECT_EQ(parsed("MSH|^~\\&#" + rest + "2.7\r").delimiters().truncation, '#');
  EXPECT_THAT(deviations("MSH|^~\\&#" + rest + "2.7\r"), IsEmpty());
  EXPECT_THAT(deviations("MSH|^~\\&#" + rest + "2.5\r"), ElementsAre("MSH-2 truncation-character"));
}

TEST(Parse, TakesMissingEncodingCharactersForNotInUse) {
  const std::string raw = "MSH|^~|A|B|C|D|2026||ADT^A01|1|P|2.5\rPID|a&b\\F\\\r";
  const Message message = parsed(raw);
  EXPECT_EQ(message.segment(1).field(1).component(1).subcomponent(1).text(), "a&b\\F\\");
  EXPECT_THAT(deviations(raw), ElementsAre("MSH-2 encoding-characters-short"));
}

TEST(Parse, ReadsEncodingCharactersThatAreTooMany) {
  EXPECT_THAT(deviations("MSH|^~\\&#xy|A|B|C|D|2026||ADT^A01|1|P|2.7\r"),
              ElementsAre("MSH-2 encoding-characters-long"));
}

TEST(Parse, DropsTheLaterOfTwoEqualEncodingCharacters) {
  const std::string raw = "MSH|^~&&|A|B|C|D|2026||ADT^A01|1|P|2.5\r";
  EXPECT_EQ(parsed(raw).delimiters(), (Delimiters{'|', '^', '~', 0, '&', 0}));
  EXPECT_THAT(deviations(raw), ElementsAre("MSH-2 encoding-characters-clash"));
}

TEST(Parse, DoesNotUseLettersAsEncodingCharacters) {
  const std::string raw = "MSH|^~E&|A|B|C|D|2026||ADT^A01|1|P|2.5\r";
  EXPECT_EQ(parsed(raw).delimiters().escape, 0);
  EXPECT_THAT(deviations(raw), ElementsAre("MSH-2 encoding-characters-illegal"));
}

TEST(Parse, ReadsAnyLineEnds) {
  const std::string first = kHeader.substr(0, kHeader.size() - 1);
  for (const std::string& end : {"\r"s, "\n"s, "\r\n"s}) {
    const Message message = parsed(first + end + "PID|1" + end + "PV1|2" + end);
    ASSERT_EQ(message.segment_count(), 3u);
    EXPECT_EQ(message.segment(1).field(1).raw(), "1");
  }
  EXPECT_THAT(deviations(first + "\nPID|1\n"), ElementsAre("byte 67 line-feed"));
  EXPECT_THAT(deviations(first + "\r\nPID|1\r\n"),
              ElementsAre("byte 67 carriage-return-line-feed"));
  EXPECT_THAT(deviations(first + "\nPID|1\r\nPV1|1\r"),
              ElementsAre("byte 67 line-feed", "byte 73 carriage-return-line-feed"));
}

TEST(Parse, ReadsALastSegmentWithoutLineEnd) {
  const Message message = parsed(kHeader + "PID|1");
  EXPECT_EQ(message.segment(1).field(1).raw(), "1");
  EXPECT_THAT(deviations(kHeader + "PID|1"), ElementsAre("byte 73 no-last-line-end"));
}

TEST(Parse, SkipsAByteOrderMarkAndLineBreaksBeforeTheHeader) {
  const std::string raw = "\xEF\xBB\xBF\r\n" + kHeader;
  EXPECT_EQ(parsed(raw).header().field(10).raw(), "ID1");
  EXPECT_THAT(deviations(raw), ElementsAre("byte 0 byte-order-mark", "byte 3 leading-line-break"));
}

TEST(Parse, SkipsBlankLines) {
  const Message message = parsed(kHeader + "\r\rPID|1\r\n\r\n");
  EXPECT_EQ(message.segment_count(), 2u);
  EXPECT_THAT(deviations(kHeader + "\r\rPID|1\r"), ElementsAre("byte 68 blank-segment"));
}

TEST(Parse, ReadsLowerCaseSegmentIds) {
  const Message message = parsed(kHeader + "pid|1\r");
  EXPECT_TRUE(message.find_segment("PID"));
  EXPECT_THAT(deviations(kHeader + "pid|1\r"), ElementsAre("segment 2 segment-id-case"));
}

TEST(Parse, ReadsUnknownSegmentsAndLinesOfText) {
  const Message message = parsed(kHeader + "QQQ|1\rsome text that went on\rPIDX|1\rPV|1\r");
  EXPECT_EQ(message.segment(2).id(), "some text that went on");
  EXPECT_THAT(deviations(kHeader + "QQQ|1\rsome text\rPIDX|1\rPV|1\r"),
              ElementsAre("segment 2 unknown-segment", "segment 3 segment-id-form",
                          "segment 4 segment-id-form", "segment 5 segment-id-form"));
}

TEST(Parse, ReadsFieldsBeyondTheStandards) {
  EXPECT_THAT(deviations(kHeader + "MSA|1|2|3|4|5|6|7|8|9\r"),
              ElementsAre("segment 2 extra-fields"));
}

TEST(Parse, ReadsASecondHeader) {
  const Message message = parsed(kHeader + kHeader);
  EXPECT_EQ(message.segment(1).field(10).raw(), "ID1");
  EXPECT_THAT(deviations(kHeader + kHeader), ElementsAre("segment 2 second-header"));
}

TEST(Parse, TellsWhatTheHeaderLacks) {
  EXPECT_THAT(deviations("MSH|^~\\&|A|B|C|D|2026||||P|1.0\r"),
              ElementsAre("MSH-12 version", "MSH-9 message-type", "MSH-10 control-id"));
}

TEST(Parse, CountsDeviationsBeyondThoseItKeeps) {
  std::string raw = kHeader;
  for (int i = 0; i < 100; ++i) raw += "QQQ|1\r";
  const Message message = parsed(raw);
  EXPECT_EQ(message.deviations().size(), Message::kDeviationsMax);
  EXPECT_EQ(message.deviation_count(), 100u);
}

TEST(Parse, RefusesBytesWithoutAHeader) {
  EXPECT_EQ(fault_of(""), ParseFault::Empty);
  EXPECT_EQ(fault_of("\r\n"), ParseFault::Empty);
  EXPECT_EQ(fault_of("PID|1\r"), ParseFault::NoHeader);
  EXPECT_EQ(fault_of("\xEF\xBB\xBFMS"), ParseFault::NoHeader);
  EXPECT_EQ(error_of("\nPID|1||Secret"), "byte 1: a message begins with MSH");
}

TEST(Parse, RefusesABatchAsSuch) {
  EXPECT_EQ(fault_of("BHS|^~\\&|A\r" + kHeader), ParseFault::Batch);
  EXPECT_EQ(fault_of("FHS|^~\\&|A\rBHS|^~\\&|A\r"), ParseFault::Batch);
}

TEST(Parse, RefusesAHeaderWithoutDelimiters) {
  EXPECT_EQ(fault_of("MSH"), ParseFault::HeaderTooShort);
  EXPECT_EQ(fault_of("MSH\rPID|1"), ParseFault::HeaderTooShort);
  EXPECT_EQ(fault_of("MSH|^~"), ParseFault::HeaderTooShort);
  EXPECT_EQ(fault_of("MSH||A|B"), ParseFault::Delimiters);
  EXPECT_EQ(fault_of("MSH|a~\\&|A"), ParseFault::Delimiters);
}

TEST(Parse, RefusesAFieldSeparatorThatCannotBeOne) {
  for (const std::string& raw : std::vector<std::string>{"MSHA^~\\&A", "MSH1^~\\&1", "MSH ^~\\& ",
                                                         "MSH\t^~\\&\t", "MSH\xC3^~"}) {
    EXPECT_EQ(fault_of(raw), ParseFault::FieldSeparator);
    EXPECT_THAT(error_of(raw), ::testing::StartsWith("MSH-1"));
  }
}

TEST(Parse, RefusesMessagesOverItsLimits) {
  const std::string raw = kHeader + "PID|1|2\r";
  ParseFault fault = ParseFault::None;
  for (const ParseOptions options :
       {ParseOptions{.message_bytes_max = raw.size() - 1}, ParseOptions{.segment_count_max = 1},
        ParseOptions{.field_count_max = 5}}) {
    const auto message = parse_view(raw, options, &fault);
    ASSERT_FALSE(message);
    EXPECT_EQ(message.error().code(), ErrorCode::Exhausted);
    EXPECT_EQ(fault, ParseFault::TooLong);
  }
  EXPECT_TRUE(parse_view(raw, {.message_bytes_max = raw.size()}));
}

TEST(Parse, LeavesTheBytesToTheirOwnerWhereItFails) {
  std::string raw = "PID|no header, and long enough not to be a short string\r";
  const std::string copy = raw;
  EXPECT_FALSE(parse(std::move(raw)));
  EXPECT_EQ(raw, copy);  // NOLINT(bugprone-use-after-move): this is the promise.
}

TEST(Message, CanBeMoved) {
  for (const std::string& raw : {"MSH|^~\\&|A\r"s, kHeader + "PID|1||77\r"}) {
    Message first = parsed(raw);
    const Message second = std::move(first);
    EXPECT_EQ(second.raw(), raw);
    EXPECT_EQ(second.header().id(), "MSH");
    EXPECT_EQ(write(second), raw);
  }
}

TEST(Message, FindsTheNthSegment) {
  const Message message = parsed(kHeader + "OBX|1\rNTE|1\rOBX|2\r");
  EXPECT_EQ(message.find_segment("OBX", 2)->number(), 4u);
  EXPECT_FALSE(message.find_segment("OBX", 3));
  EXPECT_FALSE(message.find_segment("OBX", 0));
}

TEST(Write, GivesBackWhatWasParsed) {
  for (const std::string& raw :
       {kHeader, "\xEF\xBB\xBF\n\r" + kHeader + "\r\nPID||~^&\\|\n\n\r\rZ\r\r", kHeader + kHeader,
        kHeader + "text\rBHS|^~\\&|x\rMSH\rMSH|\r|\r||\r", "msh|^~\\&"s,
        kHeader + std::string(200, '|') + "\n" + std::string(70, 'x')}) {
    EXPECT_EQ(write(parsed(raw)), raw);
  }
}

}  // namespace

}  // namespace myelin::hl7v2
