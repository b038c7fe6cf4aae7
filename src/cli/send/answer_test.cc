#include "cli/send/answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace myelin::cli::send {
namespace {

using ::testing::HasSubstr;

constexpr std::string_view kMsh = "MSH|^~\\&|A|B|C|D|20260101||ACK|9|P|2.5.1\r";

Answer answer(std::string_view rest) {
  const auto read = read_answer(std::string(kMsh) + std::string(rest));
  EXPECT_TRUE(read);
  return read ? *read : Answer{};
}

hl7v2::Header asking(std::string_view accept, std::string_view application) {
  hl7v2::Header header;
  header.accept_acknowledgment = accept;
  header.application_acknowledgment = application;
  return header;
}

TEST(ReadAnswer, TakesCodeAndControlId) {
  const auto read = answer("MSA|AA|MSG1\r");
  EXPECT_EQ(read.code, hl7v2::AckCode::AA);
  EXPECT_EQ(read.control_id, "MSG1");
  EXPECT_EQ(read.text, "");
}

TEST(ReadAnswer, TellsWhereAndWhyOfVersion25) {
  const auto read =
      answer("MSA|AE|1\rERR||PID^1^3|101^Required field missing^HL70357|E||||no identifier\r");
  EXPECT_EQ(read.code, hl7v2::AckCode::AE);
  EXPECT_EQ(read.text, "PID-3: Required field missing: no identifier");
}

TEST(ReadAnswer, TellsWhereAndWhyOfEarlierVersions) {
  const auto read = answer("MSA|AR|1|bad\rERR|OBX^2^5^102&Data type error&HL70357\r");
  EXPECT_EQ(read.text, "bad; OBX[2]-5: Data type error");
}

TEST(ReadAnswer, TellsOnceWhatIsInBothPlaces) {
  const auto read =
      answer("MSA|AE|1|PID-3: no id\rERR||PID^1^3|207^Internal error|E||||PID-3: no id\r");
  EXPECT_EQ(read.text, "PID-3: no id; Internal error");
}

TEST(ReadAnswer, KeepsACodeThatHl7DoesNotHaveAsText) {
  const auto read = answer("MSA|OK|1\r");
  EXPECT_FALSE(read.code);
  EXPECT_EQ(read.code_text, "OK");
}

TEST(ReadAnswer, RefusesWhatIsNoAcknowledgment) {
  EXPECT_FALSE(read_answer("HTTP/1.1 400 Bad Request"));
  EXPECT_FALSE(read_answer(std::string(kMsh) + "PID|1\r"));
}

TEST(ExpectedAnswer, IsAlwaysOneInOriginalMode) {
  EXPECT_EQ(expected_answer(asking("", "")), Expected::Always);
}

TEST(ExpectedAnswer, IsAlwaysOneForCodesThatHl7DoesNotHave) {
  EXPECT_EQ(expected_answer(asking("XX", "")), Expected::Always);
}

TEST(ExpectedAnswer, IsOneWhenEitherFieldAsksForASuccess) {
  EXPECT_EQ(expected_answer(asking("AL", "NE")), Expected::Always);
  EXPECT_EQ(expected_answer(asking("SU", "")), Expected::Always);
  EXPECT_EQ(expected_answer(asking("NE", "AL")), Expected::Always);
  EXPECT_EQ(expected_answer(asking("ER", "AL")), Expected::Always);
  EXPECT_EQ(expected_answer(asking("", "SU")), Expected::Always);
}

TEST(ExpectedAnswer, IsNoneForNever) {
  EXPECT_EQ(expected_answer(asking("NE", "NE")), Expected::Never);
  EXPECT_EQ(expected_answer(asking("NE", "")), Expected::Never);
  EXPECT_EQ(expected_answer(asking("", "NE")), Expected::Never);
}

TEST(ExpectedAnswer, IsOneOnFailureOnlyWhereErrorsAloneAreAskedFor) {
  EXPECT_EQ(expected_answer(asking("ER", "NE")), Expected::OnFailure);
  EXPECT_EQ(expected_answer(asking("NE", "ER")), Expected::OnFailure);
}

TEST(MayFollow, IsTheApplicationsAnswerAfterTheAcceptAcknowledgment) {
  EXPECT_TRUE(may_follow(asking("AL", "AL")));
  EXPECT_FALSE(may_follow(asking("AL", "NE")));
  EXPECT_FALSE(may_follow(asking("NE", "AL")));
  EXPECT_FALSE(may_follow(asking("", "")));
}

TEST(Printable, LetsNoControlCharacterThrough) {
  EXPECT_EQ(printable("a\x1B[31mb\x07\x7F", 100), "a [31mb  ");
  EXPECT_EQ(printable("a\xC2\x9B"
                      "b",
                      100),
            "a b");
}

TEST(Printable, KeepsUtf8AndCutsItBetweenCharacters) {
  EXPECT_EQ(printable("Größe", 100), "Größe");
  EXPECT_EQ(printable("äää", 5), "ää");
}

TEST(Printable, MarksBytesThatAreNotUtf8) {
  EXPECT_EQ(printable("a\xE4"
                      "b",
                      100),
            "a?b");
}

}  // namespace
}  // namespace myelin::cli::send
