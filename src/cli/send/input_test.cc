#include "cli/send/input.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/send/options.h"

namespace myelin::cli::send {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr auto kCarriageReturn = hl7v2::LineEnds::CarriageReturn;
constexpr auto kAsIs = hl7v2::LineEnds::AsIs;

std::vector<std::string> bytes_of(const Input& input) {
  std::vector<std::string> bytes;
  for (const auto& message : input.messages) bytes.push_back(message.bytes);
  return bytes;
}

Result<Options> options(std::vector<std::string> args) { return parse_options(args); }

TEST(AddMessages, SplitsAtMshAndEndsLinesByCarriageReturns) {
  Input input;
  add_messages("a.hl7", "MSH|1\nPID|1\r\nMSH|2\rPID|2", kCarriageReturn, input);
  EXPECT_THAT(bytes_of(input), ElementsAre("MSH|1\rPID|1\r", "MSH|2\rPID|2"));
  EXPECT_EQ(input.messages[1].source, "a.hl7#2");
}

TEST(AddMessages, NamesAnOnlyMessageByItsFile) {
  Input input;
  add_messages("a.hl7", "MSH|1\r", kCarriageReturn, input);
  EXPECT_EQ(input.messages[0].source, "a.hl7");
}

TEST(AddMessages, DropsAByteOrderMark) {
  Input input;
  add_messages("a", "\xEF\xBB\xBFMSH|1\n", kCarriageReturn, input);
  EXPECT_THAT(bytes_of(input), ElementsAre("MSH|1\r"));
}

TEST(AddMessages, KeepsLineEndsAndAByteOrderMarkAsTheyAre) {
  Input input;
  add_messages("a", "\xEF\xBB\xBFMSH|1\nPID|1\r\nMSH|2\n", kAsIs, input);
  EXPECT_THAT(bytes_of(input), ElementsAre("\xEF\xBB\xBFMSH|1\nPID|1\r\n", "MSH|2\n"));
}

TEST(AddMessages, TellsWhatItLeftOut) {
  Input input;
  add_messages("a.hl7", "note\nMSH|1\r", kCarriageReturn, input);
  EXPECT_THAT(input.notes, ElementsAre("a.hl7: 5 bytes before the first MSH are left out"));
}

TEST(AddMessages, CountsAndNamesAFileWithoutAMessage) {
  Input input;
  add_messages("a.txt", "PID|1\r", kCarriageReturn, input);
  EXPECT_EQ(input.empty_files, 1u);
  EXPECT_THAT(input.notes, ElementsAre(HasSubstr("a.txt: holds no HL7 message")));
}

TEST(ReadInput, NamesAFileThatIsNotThere) {
  const auto input = read_input({.files = {"no/such.hl7"}}, stdin);
  ASSERT_FALSE(input);
  EXPECT_EQ(input.error().code(), ErrorCode::NotFound);
  EXPECT_EQ(input.error().message(), "no/such.hl7: there is no such file");
}

TEST(ReadInput, RefusesAFolder) {
  const auto input = read_input({.files = {::testing::TempDir()}}, stdin);
  ASSERT_FALSE(input);
  EXPECT_THAT(input.error().message(), HasSubstr("cannot be read"));
}

TEST(ParseOptions, TakesFilesAndFlags) {
  const auto parsed =
      options({"a", "--to", "lab:1", "-", "--as-is", "--quiet", "--timeout=2s", "--repeat", "3"});
  ASSERT_TRUE(parsed);
  EXPECT_THAT(parsed->files, ElementsAre("a", "-"));
  EXPECT_EQ(parsed->to, (io::Address{"lab", 1}));
  EXPECT_EQ(parsed->line_ends, kAsIs);
  EXPECT_EQ(parsed->lines, Lines::Failures);
  EXPECT_EQ(parsed->timeout, std::chrono::seconds(2));
  EXPECT_EQ(parsed->repeat, 3u);
}

TEST(ParseOptions, SendsToTheMllpDoorOfThisMachineByDefault) {
  const auto parsed = options({"a"});
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->to, (io::Address{"127.0.0.1", 2575}));
}

TEST(ParseOptions, NamesTheFlagThatIsWrong) {
  for (const std::vector<std::string>& args : {std::vector<std::string>{"a", "--to", "x:y"},
                                               {"a", "--timeout", "0s"},
                                               {"a", "--timeout", "soon"},
                                               {"a", "--repeat", "0"},
                                               {"a", "--repeat", "-1"}}) {
    const auto parsed = options(args);
    ASSERT_FALSE(parsed);
    EXPECT_THAT(parsed.error().message(), HasSubstr(args[1]));
  }
}

TEST(ParseOptions, WantsAFile) { EXPECT_FALSE(options({})); }

TEST(ParseOptions, ReadsStandardInputOnceOnly) { EXPECT_FALSE(options({"-", "-"})); }

}  // namespace
}  // namespace myelin::cli::send
