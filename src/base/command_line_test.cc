#include "base/command_line.h"

#include <gtest/gtest.h>

namespace myelin {
namespace {

const std::vector<FlagSpec> kKnown = {
    {"data", FlagValue::Required},    {"json", FlagValue::None},
    {"help", FlagValue::None},        {"console.enabled", FlagValue::Optional},
    {"feeds.*", FlagValue::Required}, {"property", FlagValue::Required, "", 'X'}};

Result<CommandLine> parse(std::vector<std::string> args) {
  return parse_command_line(args, kKnown);
}

TEST(CommandLine, SplitsWordsAndFlagsInAnyOrder) {
  const auto line = parse({"send", "--data", "/d", "a.hl7", "--json", "b.hl7"});
  ASSERT_TRUE(line.has_value());
  EXPECT_EQ(line->words, (std::vector<std::string>{"send", "a.hl7", "b.hl7"}));
  EXPECT_EQ(line->find("data"), "/d");
  EXPECT_TRUE(line->has("json"));
  EXPECT_FALSE(line->has("help"));
}

TEST(CommandLine, TakesAValueAfterEqualsAsItIs) {
  EXPECT_EQ(parse({"--data=a=b"})->find("data"), "a=b");
  EXPECT_EQ(parse({"--data="})->find("data"), "");
  EXPECT_EQ(parse({"--data", "-1"})->find("data"), "-1");
}

TEST(CommandLine, TakesAnOptionalValueByEqualsOnly) {
  const auto line = parse({"--console.enabled", "word", "--console.enabled=false"});
  ASSERT_TRUE(line.has_value());
  EXPECT_EQ(line->words, std::vector<std::string>{"word"});
  EXPECT_FALSE(line->flags[0].value.has_value());
  EXPECT_EQ(line->flags[1].value, "false");
}

TEST(CommandLine, KeepsRepeatedFlagsAndFindsTheLast) {
  const auto line = parse({"--data", "a", "--data=b"});
  EXPECT_EQ(line->find("data"), "b");
  EXPECT_EQ(line->find_all("data"), (std::vector<std::string>{"a", "b"}));
}

TEST(CommandLine, TakesAllAfterTwoHyphensAsWords) {
  const auto line = parse({"--json", "--", "--data", "-x", "--"});
  ASSERT_TRUE(line.has_value());
  EXPECT_EQ(line->words, (std::vector<std::string>{"--data", "-x", "--"}));
  EXPECT_EQ(parse({"-"})->words, std::vector<std::string>{"-"});
}

TEST(CommandLine, KnowsFamiliesOfFlags) {
  EXPECT_EQ(parse({"--feeds.lab.port", "1"})->find("feeds.lab.port"), "1");
  EXPECT_FALSE(parse({"--feeds", "1"}).has_value());
  EXPECT_FALSE(parse({"--feeds.", "1"}).has_value());
}

TEST(CommandLine, UnderstandsOneShortFlag) { EXPECT_TRUE(parse({"-h"})->has("help")); }

TEST(CommandLine, TakesTheValueOfALetterBesideItOrBehindIt) {
  const auto line = parse({"-X", "a=b", "-Xc=d", "--property", "e"});
  ASSERT_TRUE(line.has_value());
  EXPECT_EQ(line->find_all("property"), (std::vector<std::string>{"a=b", "c=d", "e"}));
  EXPECT_EQ(parse({"-X"}).error().message(), "--property needs a value");
}

TEST(CommandLine, NamesTheNearestFlagForAnUnknownOne) {
  const auto line = parse({"--dta=x"});
  ASSERT_FALSE(line.has_value());
  EXPECT_EQ(line.error().code(), ErrorCode::InvalidInput);
  EXPECT_EQ(line.error().message(), "unknown flag --dta; did you mean --data?");
}

TEST(CommandLine, RefusesAMissingValueAndOneTooMuch) {
  EXPECT_EQ(parse({"--data"}).error().message(), "--data needs a value");
  EXPECT_EQ(parse({"--data", "--json"}).error().message(), "--data needs a value");
  EXPECT_EQ(parse({"--json=1"}).error().message(), "--json takes no value");
  EXPECT_EQ(parse({"-x"}).error().message(), "unknown flag -x; flags begin with two hyphens");
}

}  // namespace
}  // namespace myelin
