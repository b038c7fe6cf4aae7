#include "formats/hl7v2/ack.h"

#include <gtest/gtest.h>

#include <string>

#include "formats/hl7v2/parse.h"

namespace myelin::hl7v2 {

namespace {

using namespace std::string_literals;

const Timestamp kTime = *parse_rfc3339("2026-11-21T06:12:49.123Z");

std::string header(std::string_view type, std::string_view version) {
  return "MSH|^~\\&|APP^1|FAC|TO|THERE|2026||" + std::string(type) + "|ID 1|T|" +
         std::string(version) + "\r";
}

std::string answer(std::string_view raw, AckOptions options = {}) {
  options.time = kTime;
  if (options.control_id.empty()) options.control_id = "OURS";
  return build_ack(header_of_bytes(raw), options);
}

AckOptions refusal(AckCode code, std::string text) {
  return {.code = code, .text = std::move(text), .condition = ErrorCondition::RequiredFieldMissing};
}

TEST(Ack, AnswersTheSenderWithItsApplicationsTheOtherWayRound) {
  EXPECT_EQ(answer(header("ADT^A01^ADT_A01", "2.5.1")),
            "MSH|^~\\&|TO|THERE|APP^1|FAC|20261121061249+0000||ACK^A01^ACK|OURS|T|2.5.1\r"
            "MSA|AA|ID 1\r");
}

TEST(Ack, IsTheSameFromAParsedMessage) {
  const std::string raw = header("ADT^A01^ADT_A01", "2.5.1");
  AckOptions options{.time = kTime, .control_id = "OURS"};
  EXPECT_EQ(build_ack(header_of(*parse_view(raw)), options), answer(raw));
}

TEST(Ack, HasNoEventBeforeVersion24) {
  EXPECT_NE(answer(header("ADT^A01", "2.4")).find("||ACK^A01^ACK|OURS"), std::string::npos);
  EXPECT_NE(answer(header("ADT^A01", "2.3.1")).find("||ACK|OURS"), std::string::npos);
}

TEST(Ack, HasNoEventWhereTheMessageHasNone) {
  EXPECT_NE(answer(header("ADT", "2.5")).find("||ACK|OURS"), std::string::npos);
}

TEST(Ack, TellsAnErrorInAnErrSegmentSinceVersion25) {
  auto options = refusal(AckCode::AE, "no patient | id");
  options.location = *parse_path("PID-3");
  EXPECT_EQ(answer(header("ADT^A01", "2.5"), options),
            "MSH|^~\\&|TO|THERE|APP^1|FAC|20261121061249+0000||ACK^A01^ACK|OURS|T|2.5\r"
            "MSA|AE|ID 1|no patient \\F\\ id\r"
            "ERR||PID^1^3|101^Required field missing^HL70357|E||||no patient \\F\\ id\r");
}

TEST(Ack, TellsTheWholeLocation) {
  auto options = refusal(AckCode::AE, "");
  options.location = *parse_path("OBX[2]-3[4].5.6");
  EXPECT_NE(answer(header("ORU^R01", "2.5"), options).find("ERR||OBX^2^3^4^5^6|"),
            std::string::npos);
  options.location = *parse_path("OBX[2]-3.5");
  EXPECT_NE(answer(header("ORU^R01", "2.5"), options).find("ERR||OBX^2^3^1^5|"), std::string::npos);
}

TEST(Ack, TellsAnErrorInMsaBeforeVersion25) {
  const std::string ack = answer(header("ADT^A01", "2.3"), refusal(AckCode::AR, "not taken"));
  EXPECT_TRUE(ack.ends_with("\rMSA|AR|ID 1|not taken\r")) << ack;
}

TEST(Ack, HasNoTextInMsaSinceVersion27) {
  const std::string ack = answer(header("ADT^A01", "2.7"), refusal(AckCode::AR, "not taken"));
  EXPECT_NE(ack.find("\rMSA|AR|ID 1\rERR||"), std::string::npos) << ack;
}

TEST(Ack, TellsNoErrorWhereItAccepts) {
  for (const AckCode code : {AckCode::AA, AckCode::CA}) {
    const std::string ack = answer(header("ADT^A01", "2.5"), refusal(code, "unused"));
    EXPECT_EQ(ack.find("unused"), std::string::npos);
    EXPECT_EQ(ack.find("ERR"), std::string::npos);
  }
}

TEST(Ack, SpeaksInTheSendersDelimiters) {
  const std::string ack =
      answer("MSH#!@%*#A#B#C#D#2026##ADT!A01#M#P#2.5\r", refusal(AckCode::AE, "a#b!c|"));
  EXPECT_TRUE(ack.starts_with("MSH#!@%*#C#D#A#B#2026")) << ack;
  EXPECT_NE(ack.find("##ACK!A01!ACK#OURS#"), std::string::npos) << ack;
  EXPECT_NE(ack.find("#a%F%b%S%c|\r"), std::string::npos) << ack;
}

TEST(Ack, EchoesTheControlIdByteForByte) {
  const std::string ack = answer("MSH|^~\\&|A|B|C|D|2026||ADT^A01| \\F\\^x~\"\"\xFF |P|2.3\r");
  EXPECT_TRUE(ack.ends_with("\rMSA|AA| \\F\\^x~\"\"\xFF \r")) << ack;
}

TEST(Ack, EchoesTheCharacterSet) {
  const std::string ack = answer("MSH|^~\\&|A|B|C|D|2026||ADT^A01|1|P|2.5||||||8859/1\r");
  EXPECT_NE(ack.find("|OURS|P|2.5||||||8859/1\rMSA|"), std::string::npos) << ack;
}

TEST(Ack, NeverHoldsTheEndOfAFrame) {
  const std::string ack = answer("MSH|^~\\&|A|B|C|D|2026||ADT^A01|1\x1C|P|2.5||||||8859/1\x1C\r");
  EXPECT_EQ(ack.find("\x1C\r"), std::string::npos);
  EXPECT_TRUE(ack.ends_with("\rMSA|AA|1\x1C|\r"));
}

TEST(Ack, AnswersBytesWithoutAHeader) {
  EXPECT_EQ(answer("nonsense", refusal(AckCode::AR, "no MSH")),
            "MSH|^~\\&|||||20261121061249+0000||ACK|OURS|P|2.5\r"
            "MSA|AR||no MSH\r"
            "ERR|||101^Required field missing^HL70357|E||||no MSH\r");
}

TEST(Ack, AnswersAHeaderWithoutVersionInTheDefault) {
  EXPECT_NE(answer(header("ADT^A01", "")).find("||ACK^A01^ACK|OURS|T|2.5\r"), std::string::npos);
}

TEST(Ack, MirrorsAVersionThatIsNoneAndTakesTheOldestForm) {
  const std::string ack = answer(header("ADT^A01", "abc"), refusal(AckCode::AE, "text"));
  EXPECT_NE(ack.find("||ACK|OURS|T|abc\rMSA|AE|ID 1|text\r"), std::string::npos) << ack;
}

TEST(Ack, CutsALongText) {
  const std::string ack = answer(header("ADT^A01", "2.3"),
                                 refusal(AckCode::AE, std::string(kAckTextBytesMax, 'x') + "y"));
  EXPECT_NE(ack.find("xx\r"), std::string::npos);
  EXPECT_EQ(ack.find('y'), std::string::npos);
}

TEST(Ack, CanBeParsed) {
  const auto ack = parse(answer(header("ADT^A01", "2.5"), refusal(AckCode::AE, "a\r\nb")));
  ASSERT_TRUE(ack);
  EXPECT_EQ(ack->deviation_count(), 0u);
  EXPECT_EQ(find_text(*ack, *parse_path("ERR-8")), "a\r\nb");
}

TEST(AckCode, IsReadAsItIsWritten) {
  for (const AckCode code :
       {AckCode::AA, AckCode::AE, AckCode::AR, AckCode::CA, AckCode::CE, AckCode::CR}) {
    EXPECT_EQ(parse_ack_code(to_string(code)), code);
    EXPECT_EQ(is_accept(code), to_string(code).ends_with('A'));
  }
  EXPECT_FALSE(parse_ack_code("aa"));
}

}  // namespace

}  // namespace myelin::hl7v2
