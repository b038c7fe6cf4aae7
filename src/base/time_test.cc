#include "base/time.h"

#include <gtest/gtest.h>

namespace myelin {
namespace {

using namespace std::chrono_literals;

std::string again(std::string_view text) {
  const auto time = parse_rfc3339(text);
  return time ? format_rfc3339(*time) : "refused";
}

TEST(Rfc3339, WritesUtcWithMilliseconds) {
  EXPECT_EQ(format_rfc3339(timestamp_from_ms(0)), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(format_rfc3339(timestamp_from_ms(1'700'000'000'123)), "2023-11-14T22:13:20.123Z");
  EXPECT_EQ(format_rfc3339(timestamp_from_ms(-1)), "1969-12-31T23:59:59.999Z");
}

TEST(Rfc3339, ReadsAnyOffset) {
  EXPECT_EQ(again("2026-11-21T06:12:49Z"), "2026-11-21T06:12:49.000Z");
  EXPECT_EQ(again("2026-11-21t06:12:49z"), "2026-11-21T06:12:49.000Z");
  EXPECT_EQ(again("2026-11-21 06:12:49+02:00"), "2026-11-21T04:12:49.000Z");
  EXPECT_EQ(again("2026-12-31T23:59:59-00:30"), "2027-01-01T00:29:59.000Z");
  EXPECT_EQ(again("2026-01-01T00:00:00+23:59"), "2025-12-31T00:01:00.000Z");
  EXPECT_EQ(again("2026-01-01T00:00:00-00:00"), "2026-01-01T00:00:00.000Z");
}

TEST(Rfc3339, CutsFractionsToMilliseconds) {
  EXPECT_EQ(again("2026-01-01T00:00:00.5Z"), "2026-01-01T00:00:00.500Z");
  EXPECT_EQ(again("2026-01-01T00:00:00.9999Z"), "2026-01-01T00:00:00.999Z");
  EXPECT_EQ(again("2026-01-01T00:00:00.001000000001Z"), "2026-01-01T00:00:00.001Z");
}

TEST(Rfc3339, KnowsLeapYearsAndLeapSeconds) {
  EXPECT_EQ(again("2024-02-29T00:00:00Z"), "2024-02-29T00:00:00.000Z");
  EXPECT_EQ(again("2000-02-29T00:00:00Z"), "2000-02-29T00:00:00.000Z");
  EXPECT_EQ(again("1900-02-29T00:00:00Z"), "refused");
  EXPECT_EQ(again("2023-02-29T00:00:00Z"), "refused");
  EXPECT_EQ(again("2016-12-31T23:59:60Z"), "2017-01-01T00:00:00.000Z");
}

TEST(Rfc3339, RefusesAnythingElse) {
  for (const char* text : {"",
                           "now",
                           "2026",
                           "2026-11-21",
                           "2026-11-21T06:12Z",
                           "2026-11-21T06:12:49",
                           "2026-11-21T06:12:49.Z",
                           "2026-11-21T06:12:49ZZ",
                           "2026-11-21T06:12:49Z ",
                           " 2026-11-21T06:12:49Z",
                           "2026-13-01T00:00:00Z",
                           "2026-00-01T00:00:00Z",
                           "2026-01-32T00:00:00Z",
                           "2026-01-00T00:00:00Z",
                           "2026-01-01T24:00:00Z",
                           "2026-01-01T00:60:00Z",
                           "2026-01-01T00:00:61Z",
                           "2026-01-01T00:00:00+24:00",
                           "2026-01-01T00:00:00+00:60",
                           "2026-01-01T00:00:00+0200",
                           "2026-1-1T00:00:00Z",
                           "+2026-01-01T00:00:00Z",
                           "2026-01-01T-1:00:00Z",
                           "20260101T000000Z"}) {
    EXPECT_EQ(again(text), "refused") << text;
  }
  EXPECT_EQ(parse_rfc3339("x").error().code(), ErrorCode::InvalidInput);
}

TEST(Rfc3339, ReadsBackEachDayOfFourCenturies) {
  for (std::int64_t day = -60 * 365; day < 340 * 365; day += 1) {
    const auto time = timestamp_from_ms(day * 86'400'000 + 45'296'789);
    ASSERT_EQ(parse_rfc3339(format_rfc3339(time)).value_or(Timestamp{}), time);
  }
}

TEST(ManualClock, StandsStillUntilMoved) {
  ManualClock clock(timestamp_from_ms(1000));
  const auto steady = clock.steady();
  EXPECT_EQ(to_ms(clock.now()), 1000);
  clock.advance(250ms);
  EXPECT_EQ(to_ms(clock.now()), 1250);
  EXPECT_EQ(clock.steady() - steady, 250ms);
}

TEST(SystemClock, GoesOn) {
  const SystemClock clock;
  EXPECT_GT(to_ms(clock.now()), 1'700'000'000'000);
  const auto before = clock.steady();
  EXPECT_LE(before, clock.steady());
}

}  // namespace
}  // namespace myelin
