#include "formats/hl7v2/split.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace myelin::hl7v2 {

namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

auto split(std::string_view file) {
  return split_messages(file, LineEnds::CarriageReturn).messages;
}

TEST(SplitMessages, BeginsAMessageAtEachMsh) {
  EXPECT_THAT(split("MSH|1\rPID|1\rMSH|2\r"), ElementsAre("MSH|1\rPID|1\r", "MSH|2\r"));
}

TEST(SplitMessages, TurnsLineEndsIntoCarriageReturns) {
  EXPECT_THAT(split("MSH|1\nPID|1\r\nPV1|1\rMSH|2"), ElementsAre("MSH|1\rPID|1\rPV1|1\r", "MSH|2"));
}

TEST(SplitMessages, LeavesLineEndsAsTheyAre) {
  EXPECT_THAT(split_messages("MSH|1\nPID|1\r\n\nMSH|2\r", LineEnds::AsIs).messages,
              ElementsAre("MSH|1\nPID|1\r\n\n", "MSH|2\r"));
}

TEST(SplitMessages, DropsBatchLines) {
  const auto files = split_messages("FHS|^~\\&|x\rBHS|^~\\&\rMSH|1\rPID|1\rMSH|2\rBTS|2\rFTS|1\r",
                                    LineEnds::CarriageReturn);
  EXPECT_THAT(files.messages, ElementsAre("MSH|1\rPID|1\r", "MSH|2\r"));
  EXPECT_EQ(files.batch_line_count, 4u);
  EXPECT_EQ(files.skipped_bytes, 0u);
}

TEST(SplitMessages, DropsAByteOrderMark) {
  EXPECT_THAT(split("\xEF\xBB\xBFMSH|1\r"), ElementsAre("MSH|1\r"));
}

TEST(SplitMessages, DropsFramingBytes) {
  EXPECT_THAT(split("\x0BMSH|1\rPID|1\r\x1C\r\x0BMSH|2\x1C\r"),
              ElementsAre("MSH|1\rPID|1\r", "MSH|2\r"));
}

TEST(SplitMessages, CountsWhatStandsBeforeTheFirstMsh) {
  const auto split = split_messages("# note\nEVN|1\nMSH|1\n", LineEnds::CarriageReturn);
  EXPECT_THAT(split.messages, ElementsAre("MSH|1\r"));
  EXPECT_EQ(split.skipped_bytes, 13u);
}

TEST(SplitMessages, DoesNotBeginAMessageWithinALineOrAtAWord) {
  EXPECT_THAT(split("MSH|1\rNTE|MSH|2\rMSHED potatoes\r"),
              ElementsAre("MSH|1\rNTE|MSH|2\rMSHED potatoes\r"));
}

TEST(SplitMessages, FindsNoneWhereThereIsNone) {
  EXPECT_THAT(split(""), IsEmpty());
  EXPECT_THAT(split("PID|1\r"), IsEmpty());
}

}  // namespace

}  // namespace myelin::hl7v2
