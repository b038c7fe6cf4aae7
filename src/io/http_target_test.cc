#include "io/http_target.h"

#include <gtest/gtest.h>

namespace myelin::http {
namespace {

TEST(PercentDecode, DecodesEscapesOfEitherCase) {
  EXPECT_EQ(percent_decode("a%2Fb%2fc%C3%A4").value(), "a/b/c\xC3\xA4");
}

TEST(PercentDecode, RefusesBrokenEscapesAndNul) {
  for (const auto* text : {"%", "%2", "%zz", "a%g0", "%00"})
    EXPECT_FALSE(percent_decode(text)) << text;
}

TEST(ParseTarget, SplitsPathAndQuery) {
  const auto target = parse_target("/events/hl7.*?from=now&q=a+b%26c&flag&=x&&e=");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->path, "/events/hl7.*");
  EXPECT_EQ(target->query.find("from"), "now");
  EXPECT_EQ(target->query.find("q"), "a b&c");
  EXPECT_EQ(target->query.find("flag"), "");
  EXPECT_EQ(target->query.find("e"), "");
  EXPECT_EQ(target->query.find("nothing"), std::nullopt);
  EXPECT_EQ(target->query.all().size(), 5u);
}

TEST(ParseTarget, KeepsRepeatedParametersInOrder) {
  const auto target = parse_target("/?a=1&b=2&a=3");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->query.find_all("a"), (std::vector<std::string_view>{"1", "3"}));
}

TEST(ParseTarget, TakesTheAbsoluteForm) {
  const auto target = parse_target("HTTP://Localhost:8080/a?b=c");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->authority, "Localhost:8080");
  EXPECT_EQ(target->path, "/a");
  EXPECT_EQ(parse_target("http://host")->path, "/");
  EXPECT_EQ(parse_target("http://host?a=b")->query.find("a"), "b");
}

TEST(ParseTarget, TakesTheAsterisk) { EXPECT_EQ(parse_target("*")->path, "*"); }

TEST(ParseTarget, RefusesWhatIsNoTarget) {
  for (const auto* text : {"", "events", "ftp://host/", "http:///a", "/a#b", "/a b", "/%", "/?a=%2",
                           "/a\x7f", "host:80"})
    EXPECT_FALSE(parse_target(text)) << text;
}

TEST(ParseTarget, RefusesDotSegmentsHoweverTheyAreWritten) {
  for (const auto* text : {"/..", "/a/../b", "/a/.", "/%2e%2e/b", "/a/%2E/b", "/.%2e"})
    EXPECT_FALSE(parse_target(text)) << text;
  EXPECT_TRUE(parse_target("/a..b/.c/..."));
}

TEST(ParseTarget, TakesParametersUpToTheLimit) {
  std::string text = "/?";
  for (std::size_t i = 0; i < kQueryParametersMax; ++i) text += "a&";
  EXPECT_TRUE(parse_target(text));
  EXPECT_FALSE(parse_target(text + "a"));
}

TEST(ParseHost, SplitsHostAndPort) {
  EXPECT_EQ(parse_host("LocalHost:8080")->host, "localhost");
  EXPECT_EQ(parse_host("localhost:8080")->port, "8080");
  EXPECT_EQ(parse_host("[::1]:8080")->host, "[::1]");
  EXPECT_EQ(parse_host("[::1]:8080")->port, "8080");
  EXPECT_EQ(parse_host("a.example")->port, "");
}

TEST(ParseHost, RefusesWhatIsNoHost) {
  for (const auto* text :
       {"", ":80", "[::1", "[]", "a b", "a/b", "a@b", "a:b", "a:123456", "[::1]x", "a,b"})
    EXPECT_FALSE(parse_host(text)) << text;
}

}  // namespace
}  // namespace myelin::http
