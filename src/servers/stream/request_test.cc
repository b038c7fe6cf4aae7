#include "servers/stream/request.h"

#include <gtest/gtest.h>

namespace myelin::stream {
namespace {

http::Request request_of(std::string pattern,
                         std::initializer_list<std::pair<const char*, const char*>> query = {},
                         http::Headers headers = {}) {
  http::Request request;
  request.route.append("pattern", std::move(pattern));
  for (const auto& [name, value] : query) request.query.append(name, value);
  request.headers = std::move(headers);
  return request;
}

std::string start_of(const http::Request& request) {
  const auto start = parse_start(request);
  if (!start) return "error";
  if (std::holds_alternative<bus::FromNow>(*start)) return "now";
  if (std::holds_alternative<bus::FromEarliest>(*start)) return "earliest";
  if (const auto* time = std::get_if<bus::FromTime>(&*start)) return format_rfc3339(time->time);
  return "cursor " + std::get<bus::FromCursor>(*start).cursor;
}

TEST(StreamRequest, TakesTopicsAndPatterns) {
  for (const char* pattern : {"hl7.adt.a01", "*", "hl7.*", "*.a01", "A-b_c.9", "hl7.*.a01"})
    EXPECT_TRUE(check_pattern(pattern)) << pattern;
}

TEST(StreamRequest, RefusesWhatNoTopicIsCalled) {
  for (const char* pattern : {"", ".", "..", "a..b", "a/b", "a b", "h\xc3\xa9", "a?b", "__*",
                              "__myelin_metadata", "a\nb"})
    EXPECT_FALSE(check_pattern(pattern)) << pattern;
  EXPECT_FALSE(check_pattern(std::string(250, 'a')));
  EXPECT_TRUE(check_pattern(std::string(249, 'a')));
}

TEST(StreamRequest, BeginsWhereItIsAsked) {
  EXPECT_EQ(start_of(request_of("*")), "now");
  EXPECT_EQ(start_of(request_of("*", {{"from", "now"}})), "now");
  EXPECT_EQ(start_of(request_of("*", {{"from", "earliest"}})), "earliest");
  EXPECT_EQ(start_of(request_of("*", {{"from", "2026-01-31T08:00:00+01:00"}})),
            "2026-01-31T07:00:00.000Z");
  for (const char* from : {"", "latest", "2026-01-31", "2026-01-31T08:00:00", "0"})
    EXPECT_EQ(start_of(request_of("*", {{"from", from}})), "error") << from;
}

TEST(StreamRequest, PrefersACursorToFrom) {
  EXPECT_EQ(start_of(request_of("*", {{"from", "earliest"}}, {{"Last-Event-ID", "c1"}})),
            "cursor c1");
  EXPECT_EQ(start_of(request_of("*", {{"from", "earliest"}, {"lastEventId", "c2"}})), "cursor c2");
  EXPECT_EQ(start_of(request_of("*", {{"lastEventId", "c2"}}, {{"last-event-id", "c1"}})),
            "cursor c1");
  EXPECT_EQ(start_of(request_of("*", {{"from", "bad"}, {"lastEventId", "c2"}})), "cursor c2");
}

TEST(StreamRequest, TakesAnEmptyCursorForNone) {
  EXPECT_EQ(start_of(request_of("*", {{"from", "earliest"}}, {{"Last-Event-ID", ""}})), "earliest");
  EXPECT_EQ(start_of(request_of("*", {{"lastEventId", ""}})), "now");
}

TEST(StreamRequest, RefusesACursorThatIsTooLong) {
  EXPECT_EQ(start_of(request_of("*", {}, {{"Last-Event-ID", std::string(5000, 'a')}})), "error");
}

}  // namespace
}  // namespace myelin::stream
