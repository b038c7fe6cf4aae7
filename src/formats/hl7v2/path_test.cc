#include "formats/hl7v2/path.h"

#include <gtest/gtest.h>

#include <string>

#include "formats/hl7v2/parse.h"

namespace myelin::hl7v2 {

namespace {

const std::string kRaw =
    "MSH|^~\\&|APP|FAC\rPID|1||77^^^HOSP&1.2~88^^^OTHER||\"\"|\rOBX|1\rOBX|2\robx|3||||a\\T\\b\r";

std::string at(std::string_view text) {
  const auto message = parse_view(kRaw);
  const auto path = parse_path(text);
  if (!path) return path.error().message();
  const auto raw = find_raw(*message, *path);
  return raw ? std::string(*raw) : "absent";
}

TEST(Path, FindsFieldsComponentsAndSubcomponents) {
  EXPECT_EQ(at("PID-1"), "1");
  EXPECT_EQ(at("PID-3.1"), "77");
  EXPECT_EQ(at("PID-3.4"), "HOSP&1.2");
  EXPECT_EQ(at("PID-3.4.2"), "1.2");
}

TEST(Path, FindsAWholeFieldOrOneRepetition) {
  EXPECT_EQ(at("PID-3"), "77^^^HOSP&1.2~88^^^OTHER");
  EXPECT_EQ(at("PID-3[1]"), "77^^^HOSP&1.2");
  EXPECT_EQ(at("PID-3[2].4"), "OTHER");
  EXPECT_EQ(at("PID-3[2].4.1"), "OTHER");
}

TEST(Path, FindsTheNthSegmentInAnyCase) {
  EXPECT_EQ(at("OBX-1"), "1");
  EXPECT_EQ(at("OBX[3]-1"), "3");
  EXPECT_EQ(at("pid-1"), "1");
}

TEST(Path, FindsTheDelimitersOfTheHeader) {
  EXPECT_EQ(at("MSH-1"), "|");
  EXPECT_EQ(at("MSH-2"), "^~\\&");
  EXPECT_EQ(at("MSH-3"), "APP");
}

TEST(Path, TellsEmptyAndNullFromAbsent) {
  EXPECT_EQ(at("PID-2"), "");
  EXPECT_EQ(at("PID-5"), "\"\"");
  EXPECT_EQ(at("PID-6"), "");
  EXPECT_EQ(at("PID-7"), "absent");
  EXPECT_EQ(at("PID-3[3]"), "absent");
  EXPECT_EQ(at("PID-3.5"), "absent");
  EXPECT_EQ(at("PID-3.4.3"), "absent");
  EXPECT_EQ(at("OBX[4]-1"), "absent");
  EXPECT_EQ(at("PV1-1"), "absent");
}

TEST(Path, ResolvesEscapesInText) {
  const auto message = parse_view(kRaw);
  EXPECT_EQ(find_text(*message, *parse_path("OBX[3]-5")), "a&b");
  EXPECT_EQ(find_text(*message, *parse_path("OBX[3]-6")), std::nullopt);
}

TEST(Path, IsWrittenAsItIsRead) {
  for (const std::string_view text :
       {"PID-3", "PID-3.1", "OBX[3]-5", "PID-3[2].4.1", "ZX1-10[1]"}) {
    EXPECT_EQ(to_string(*parse_path(text)), text);
  }
}

TEST(Path, SaysWhatIsExpectedWhere) {
  EXPECT_EQ(at(""), "path \"\": a segment id such as PID expected at character 1");
  EXPECT_EQ(at("P-3"), "path \"P-3\": a segment id such as PID expected at character 1");
  EXPECT_EQ(at("PID"), "path \"PID\": - and a field's number expected at character 4");
  EXPECT_EQ(at("PID-"),
            "path \"PID-\": the field's number, from 1 to 999999 expected at character 5");
  EXPECT_EQ(at("PID-0"),
            "path \"PID-0\": the field's number, from 1 to 999999 expected at character 5");
  EXPECT_EQ(at("PID[-3"),
            "path \"PID[-3\": the segment's number, from 1 to 999999 expected at character 5");
  EXPECT_EQ(at("PID-3[2"), "path \"PID-3[2\": ] expected at character 8");
  EXPECT_EQ(at("PID-3.1.2.3"), "path \"PID-3.1.2.3\": the end expected at character 10");
  EXPECT_EQ(at("PID-3 "), "path \"PID-3 \": the end expected at character 6");
}

TEST(Path, RefusesNumbersAndTextsWithoutMeasure) {
  EXPECT_FALSE(parse_path("PID-1000000"));
  EXPECT_FALSE(parse_path("PID-99999999999999999999"));
  EXPECT_FALSE(parse_path(std::string(1000, 'P')));
}

}  // namespace

}  // namespace myelin::hl7v2
