#include <gtest/gtest.h>

#include "bench/chunked.h"
#include "bench/wire.h"
#include "formats/hl7v2/header.h"
#include "formats/hl7v2/parse.h"

namespace myelin::bench {
namespace {

TEST(Histogram, TellsPercentilesWithinItsError) {
  Histogram histogram;
  for (int us = 1; us <= 1000; ++us) histogram.add(us * 1000);
  EXPECT_NEAR(histogram.percentile_us(0.5), 500, 9);
  EXPECT_NEAR(histogram.percentile_us(0.99), 990, 17);
  EXPECT_EQ(histogram.max_us(), 1000);
  EXPECT_EQ(histogram.count(), 1000u);
}

TEST(Histogram, NeverTellsMoreThanTheLongest) {
  Histogram histogram;
  histogram.add(123'456);
  EXPECT_EQ(histogram.percentile_us(0.5), 123.456);
  EXPECT_EQ(histogram.percentile_us(1), 123.456);
}

TEST(Histogram, HoldsHoursAndNothing) {
  Histogram histogram;
  EXPECT_EQ(histogram.percentile_us(0.5), 0);
  histogram.add(-5);
  histogram.add(std::int64_t{3600} * 1'000'000'000);
  EXPECT_EQ(histogram.percentile_us(0), 0);
  EXPECT_EQ(histogram.max_us(), 3.6e9);
}

TEST(ChunkedBody, GivesTheSameBodyHoweverItIsCut) {
  const std::string_view wire = "5\r\nhello\r\n1A\r\nabcdefghijklmnopqrstuvwxyz\r\n1\r\n!\r\n";
  for (std::size_t portion = 1; portion <= wire.size(); ++portion) {
    ChunkedBody chunks;
    std::string body;
    for (std::size_t at = 0; at < wire.size(); at += portion)
      ASSERT_TRUE(chunks.feed(wire.substr(at, portion), body));
    ASSERT_EQ(body, "helloabcdefghijklmnopqrstuvwxyz!");
  }
}

TEST(ChunkedBody, RefusesWhatIsNotChunked) {
  ChunkedBody chunks;
  std::string body;
  EXPECT_FALSE(chunks.feed("data: x", body));
}

TEST(MessageTemplate, IsAWholeMessageOfTheSizeAskedFor) {
  for (const std::size_t size : {256u, 1000u, 1024u, 100'000u}) {
    MessageTemplate message(size);
    EXPECT_NEAR(static_cast<double>(message.message_bytes()), static_cast<double>(size), 10);
    const auto frame = message.with_id('L', 0xBEEF);
    const auto parsed = hl7v2::parse_view(frame.substr(1, frame.size() - 3));
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->deviation_count(), 0u);
    EXPECT_EQ(hl7v2::header_of(*parsed).control_id, "L000000000000beef");
  }
}

TEST(AckCounter, CountsAnswersCutAnywhereAndThoseThatRefuse) {
  const std::string wire =
      "\x0BMSH|x\rMSA|AA|1\r\x1C\r\x0BMSH|x\rMSA|AE|2\r\x1C\r\x0BMSH|x\rMSA|CA|3\r\x1C\r";
  for (std::size_t portion = 1; portion <= wire.size(); ++portion) {
    AckCounter counter;
    AckCounter::Counts all;
    for (std::size_t at = 0; at < wire.size(); at += portion) {
      const auto counts = counter.feed(std::string_view(wire).substr(at, portion));
      all.answered += counts.answered;
      all.refused += counts.refused;
    }
    ASSERT_EQ(all.answered, 3u);
    ASSERT_EQ(all.refused, 1u);
  }
}

}  // namespace
}  // namespace myelin::bench
