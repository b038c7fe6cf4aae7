#include "formats/hl7v2/escape.h"

#include <gtest/gtest.h>

#include <string>

namespace myelin::hl7v2 {

namespace {

using namespace std::string_literals;

constexpr Delimiters kUsual;
constexpr Delimiters kOwn{'#', '!', '%', '*', '@', 0};

std::string resolved(std::string_view raw) { return unescape(raw, kUsual); }

TEST(Unescape, ResolvesTheDelimiters) {
  EXPECT_EQ(resolved("a\\F\\b\\S\\c\\T\\d\\R\\e\\E\\f"), "a|b^c&d~e\\f");
}

TEST(Unescape, ResolvesToTheDelimitersOfTheMessage) {
  EXPECT_EQ(unescape("a*F*b*S*c*T*d*R*e*E*f\\F\\", kOwn), "a#b!c@d%e*f\\F\\");
}

TEST(Unescape, ResolvesToTheUsualDelimiterWhereTheMessageHasNone) {
  EXPECT_EQ(unescape("a\\T\\b", {.subcomponent = 0}), "a&b");
}

TEST(Unescape, ResolvesAnEscapeAtTheEndOfAField) { EXPECT_EQ(resolved("a\\E\\"), "a\\"); }

TEST(Unescape, ResolvesEscapesInARow) { EXPECT_EQ(resolved("\\F\\\\F\\\\E\\"), "||\\"); }

TEST(Unescape, ResolvesHexadecimalToBytes) {
  EXPECT_EQ(resolved("\\X41\\\\X0d0A\\\\XC3BC\\"), "A\r\n\xC3\xBC");
}

TEST(Unescape, ResolvesHexadecimalToNul) { EXPECT_EQ(resolved("\\X00\\"), "\0"s); }

TEST(Unescape, KeepsHexadecimalThatIsNone) {
  for (const std::string_view raw : {"\\X\\", "\\X4\\", "\\X414\\", "\\X4G\\", "\\x41\\"}) {
    EXPECT_EQ(resolved(raw), raw);
  }
}

TEST(Unescape, ResolvesALineBreak) { EXPECT_EQ(resolved("one\\.br\\two"), "one\ntwo"); }

TEST(Unescape, KeepsFormattingCharacterSetsAndLocalEscapes) {
  for (const std::string_view raw : {"\\H\\bold\\N\\", "\\.sp\\", "\\.in+4\\", "\\.ce\\",
                                     "\\C2842\\", "\\M824041\\", "\\Z99\\"}) {
    EXPECT_EQ(resolved(raw), raw);
  }
}

TEST(Unescape, DoesNotReadAKeptEscapesEndAsAStart) {
  EXPECT_EQ(resolved("\\H\\F\\N\\"), "\\H\\F\\N\\");
}

TEST(Unescape, KeepsALoneEscapeCharacter) {
  for (const std::string_view raw : {"\\", "a\\", "\\a", "a\\b"}) EXPECT_EQ(resolved(raw), raw);
}

TEST(Unescape, ResolvesWhatFollowsALoneEscapeCharacter) {
  EXPECT_EQ(resolved("C:\\temp\\T\\x"), "C:\\temp&x");
}

TEST(Unescape, KeepsAnEmptyEscape) { EXPECT_EQ(resolved("a\\\\b"), "a\\\\b"); }

TEST(Unescape, ResolvesTheTruncationCharacterOnlyWhereThereIsOne) {
  EXPECT_EQ(unescape("a\\P\\", {.truncation = '#'}), "a#");
  EXPECT_EQ(resolved("a\\P\\"), "a\\P\\");
}

TEST(Unescape, KeepsEverythingWithoutAnEscapeCharacter) {
  EXPECT_EQ(unescape("a\\F\\b", {.escape = 0}), "a\\F\\b");
}

TEST(Escape, EscapesTheDelimitersOfTheMessage) {
  EXPECT_EQ(escape("a|b^c&d~e\\f", kUsual), "a\\F\\b\\S\\c\\T\\d\\R\\e\\E\\f");
  EXPECT_EQ(escape("a#b!c@d%e*f|", kOwn), "a*F*b*S*c*T*d*R*e*E*f|");
}

TEST(Escape, EscapesWhatWouldEndASegmentOrAFrame) {
  EXPECT_EQ(escape("a\r\n\x0B\x1C\r\tb", kUsual), "a\\X0D\\\\X0A\\\\X0B\\\\X1C\\\\X0D\\\tb");
}

TEST(Escape, EscapesTheTruncationCharacterWhereThereIsOne) {
  EXPECT_EQ(escape("#", {.truncation = '#'}), "\\P\\");
  EXPECT_EQ(escape("#", kUsual), "#");
}

TEST(Escape, DoesNotTurnTwoQuotationMarksIntoNull) {
  EXPECT_EQ(escape("\"\"", kUsual), "\\X2222\\");
  EXPECT_EQ(resolved("\\X2222\\"), "\"\"");
}

TEST(Escape, WritesABlankWhereNothingCanBeEscaped) {
  EXPECT_EQ(escape("a|b\rc", {.escape = 0}), "a b c");
}

TEST(Escape, IsUndoneByUnescape) {
  std::string all;
  for (int c = 0; c < 256; ++c) all.push_back(static_cast<char>(c));
  all += "\\F\\ \\X41\\ \\.br\\ \\H\\ \\";
  EXPECT_EQ(resolved(escape(all, kUsual)), all);
  EXPECT_EQ(unescape(escape(all, kOwn), kOwn), all);
}

}  // namespace

}  // namespace myelin::hl7v2
