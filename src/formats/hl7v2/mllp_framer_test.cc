#include "formats/hl7v2/mllp_framer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace myelin::hl7v2 {

namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using namespace std::string_literals;

// What came out: messages as they are, too long ones as "long:<beginning>", an error as "lost".
std::vector<std::string> drain(MllpFramer& framer) {
  std::vector<std::string> out;
  for (;;) {
    const auto frame = framer.next();
    if (!frame) {
      out.emplace_back("lost");
      return out;
    }
    if (!*frame) return out;
    const bool is_long = (*frame)->kind == MllpFrame::Kind::TooLong;
    out.push_back((is_long ? "long:" : "") + std::string((*frame)->bytes));
  }
}

std::vector<std::string> frames_of(std::string_view stream, std::size_t portion,
                                   std::size_t message_bytes_max = 1000,
                                   OnGarbage on_garbage = OnGarbage::Fail) {
  MllpFramer framer(message_bytes_max, on_garbage);
  std::vector<std::string> out;
  for (std::size_t at = 0; at < stream.size(); at += portion) {
    framer.feed(stream.substr(at, portion));
    const auto more = drain(framer);
    out.insert(out.end(), more.begin(), more.end());
    if (!out.empty() && out.back() == "lost") break;
  }
  return out;
}

std::vector<std::string> frames_of(std::string_view stream) {
  return frames_of(stream, stream.size());
}

TEST(MllpFramer, GivesAMessageWithoutItsFraming) {
  EXPECT_THAT(frames_of("\x0BMSH|1\r\x1C\r"), ElementsAre("MSH|1\r"));
}

TEST(MllpFramer, GivesAllMessagesOfOneRead) {
  EXPECT_THAT(frames_of("\x0B"
                        "a\x1C\r\x0B"
                        "b\x1C\r\x0B"
                        "c"),
              ElementsAre("a", "b"));
}

TEST(MllpFramer, GivesTheSameFramesHoweverTheStreamIsCut) {
  const std::string stream =
      "\r\n\x0B"
      "first\rline\x1C\r\n\x0B\x0B"
      "sec\x1Cond\x1C\r\x1C\r\x0B\x1C\r\x0B" +
      std::string(40, 'x') +
      "\x1C\x1C\r\x0B"
      "fo\x0Bur\r\x1C\r\x0B" +
      std::string(20, 'y') + "\x1C\r";
  const auto whole = frames_of(stream, stream.size(), 20);
  ASSERT_THAT(whole, ElementsAre("first\rline", "sec\x1Cond", "", "long:" + std::string(20, 'x'),
                                 "fo\x0Bur\r", std::string(20, 'y')));
  for (std::size_t portion = 1; portion < stream.size(); ++portion) {
    EXPECT_EQ(frames_of(stream, portion, 20), whole) << "in portions of " << portion;
  }
}

TEST(MllpFramer, GivesTheSameFramesHoweverTheStreamIsCutInTwo) {
  const std::string stream = mllp_wrap("one") + "\n" + mllp_wrap("two\x1C") + mllp_wrap("longer");
  for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
    MllpFramer framer(4);
    framer.feed(std::string_view(stream).substr(0, cut));
    auto frames = drain(framer);
    framer.feed(std::string_view(stream).substr(cut));
    const auto rest = drain(framer);
    frames.insert(frames.end(), rest.begin(), rest.end());
    EXPECT_THAT(frames, ElementsAre("one", "two\x1C", "long:long")) << "cut at " << cut;
  }
}

TEST(MllpFramer, GivesNothingUntilTheEndHasCome) {
  MllpFramer framer(100);
  framer.feed("\x0Bmessage\x1C");
  EXPECT_THAT(drain(framer), IsEmpty());
  EXPECT_TRUE(framer.is_inside_frame());
  framer.feed("\r");
  EXPECT_THAT(drain(framer), ElementsAre("message"));
  EXPECT_FALSE(framer.is_inside_frame());
}

TEST(MllpFramer, SkipsLineBreaksBetweenFrames) {
  EXPECT_THAT(frames_of("\r\n\n\x0B"
                        "a\x1C\r\r\n\n\x0B"
                        "b\x1C\r\n"),
              ElementsAre("a", "b"));
}

TEST(MllpFramer, SkipsADoubledStart) {
  EXPECT_THAT(frames_of("\x0B\x0B\x0B"
                        "a\x1C\r"),
              ElementsAre("a"));
}

TEST(MllpFramer, SkipsADoubledEnd) {
  EXPECT_THAT(frames_of("\x0B"
                        "a\x1C\r\x1C\r\x0B"
                        "b\x1C\r"),
              ElementsAre("a", "b"));
}

TEST(MllpFramer, TakesALoneEndByteForContent) {
  EXPECT_THAT(frames_of("\x0B"
                        "a\x1C"
                        "b\x1C\x1C\r"),
              ElementsAre("a\x1C"
                          "b\x1C"));
}

TEST(MllpFramer, TakesAStartByteWithinAMessageForContent) {
  EXPECT_THAT(frames_of("\x0B"
                        "a\x0B"
                        "b\x1C\r"),
              ElementsAre("a\x0B"
                          "b"));
}

TEST(MllpFramer, GivesAnEmptyMessage) { EXPECT_THAT(frames_of("\x0B\x1C\r"), ElementsAre("")); }

TEST(MllpFramer, KeepsNulAndHighBytes) {
  EXPECT_THAT(frames_of("\x0B\0\xFF\x1C\r"s), ElementsAre("\0\xFF"s));
}

TEST(MllpFramer, LosesTheFramingAtGarbage) {
  MllpFramer framer(100);
  framer.feed(
      "\x0B"
      "a\x1C\rGET / HTTP/1.1\r\n");
  EXPECT_THAT(drain(framer), ElementsAre("a", "lost"));
  framer.feed(
      "\x0B"
      "b\x1C\r");
  EXPECT_THAT(drain(framer), ElementsAre("lost"));
  EXPECT_EQ(framer.garbage_bytes(), 1u);
}

TEST(MllpFramer, LosesTheFramingAtALoneEndByteOutside) {
  EXPECT_THAT(frames_of("\x1C"
                        "a"),
              ElementsAre("lost"));
}

TEST(MllpFramer, SkipsAndCountsGarbageWhereItMay) {
  MllpFramer framer(100, OnGarbage::Skip);
  framer.feed(
      "noise\r\n\x0B"
      "a\x1C\rmore\x1C!\x0B"
      "b\x1C\r");
  EXPECT_THAT(drain(framer), ElementsAre("a", "b"));
  EXPECT_EQ(framer.garbage_bytes(), 11u);
}

TEST(MllpFramer, AcceptsAMessageAtTheLimit) {
  EXPECT_THAT(frames_of("\x0B"
                        "12345678\x1C\r",
                        100, 8),
              ElementsAre("12345678"));
}

TEST(MllpFramer, AcceptsAMessageAtTheLimitWhoseEndIsCut) {
  EXPECT_THAT(frames_of("\x0B"
                        "12345678\x1C\r",
                        10, 8),
              ElementsAre("12345678"));
}

TEST(MllpFramer, RefusesAMessageOverTheLimitBeforeItsEndArrives) {
  EXPECT_THAT(frames_of("\x0B"
                        "123456789",
                        100, 8),
              ElementsAre("long:12345678"));
}

TEST(MllpFramer, GoesOnAfterAMessageOverTheLimit) {
  EXPECT_THAT(frames_of("\x0B"
                        "123456789\x1C\r\x0B"
                        "a\x1C\r",
                        3, 8),
              ElementsAre("long:12345678", "a"));
}

TEST(MllpFramer, TellsNoMoreThanTheBeginningOfALongMessage) {
  const auto frames = frames_of("\x0B" + std::string(20'000, 'x'), 1000, 10'000);
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].size(), MllpFramer::kBeginningBytesMax + 5);
}

TEST(MllpFramer, DoesNotHoldTheRestOfALongMessage) {
  MllpFramer framer(1000);
  framer.feed("\x0B");
  const std::string portion(500, 'x');
  std::size_t most = 0;
  for (int i = 0; i < 100; ++i) {
    framer.feed(portion);
    drain(framer);
    most = std::max(most, framer.held_bytes());
  }
  EXPECT_LE(most, 1000 + 1 + portion.size());
  EXPECT_EQ(framer.too_long_count(), 1u);
}

TEST(MllpFramer, CountsMessages) {
  MllpFramer framer(10);
  framer.feed(mllp_wrap("a") + mllp_wrap("b") + mllp_wrap("much too long"));
  drain(framer);
  EXPECT_EQ(framer.message_count(), 2u);
  EXPECT_EQ(framer.too_long_count(), 1u);
}

TEST(MllpFramer, KeepsItsFramesUntilTheNextFeed) {
  MllpFramer framer(100);
  framer.feed(mllp_wrap("one") + mllp_wrap("two"));
  const auto one = framer.next();
  const auto two = framer.next();
  EXPECT_THAT(drain(framer), IsEmpty());
  EXPECT_EQ((*one)->bytes, "one");
  EXPECT_EQ((*two)->bytes, "two");
}

TEST(MllpWrap, PutsAMessageBetweenTheFramingBytes) {
  EXPECT_EQ(mllp_wrap("MSH|\r"), "\x0BMSH|\r\x1C\r");
}

}  // namespace

}  // namespace myelin::hl7v2
