#include "io/http_parser.h"

#include <gtest/gtest.h>

namespace myelin::http {
namespace {

using Step = RequestParser::Step;

constexpr ParserLimits kLimits{
    .header_bytes_max = 16 << 10, .header_count_max = 100, .target_bytes_max = 8 << 10};

// The status that a head is refused with, 0 when it is taken.
int refused(std::string_view head, ParserLimits limits = kLimits) {
  RequestParser parser(limits);
  std::size_t used = 0;
  const auto step = parser.parse_head(head, used);
  EXPECT_NE(step, Step::NeedMore) << head;
  return step == Step::Malformed ? parser.trouble().status : 0;
}

std::string with_fields(std::string_view fields) {
  return "POST / HTTP/1.1\r\n" + std::string(fields) + "\r\n";
}

TEST(RequestParser, GivesTheSameHeadAndBodyWhereverItIsCut) {
  const std::string request =
      "POST /a?b HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
      "5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nTrailer: t\r\n\r\n";
  for (std::size_t cut = 1; cut < request.size(); ++cut) {
    RequestParser parser(kLimits);
    std::string pending = request.substr(0, cut);
    std::string rest = request.substr(cut);
    std::size_t used = 0;
    while (parser.parse_head(pending, used) == Step::NeedMore) {
      pending.erase(0, used);
      ASSERT_FALSE(rest.empty()) << cut;
      pending += rest.substr(0, 1);
      rest.erase(0, 1);
    }
    pending.erase(0, used);
    std::string body;
    for (;;) {
      const auto step = parser.parse_body(pending, used, body, 3);
      ASSERT_NE(step, Step::Malformed) << cut;
      pending.erase(0, used);
      if (step == Step::Done) break;
      if (used == 0) {
        ASSERT_FALSE(rest.empty()) << cut;
        pending += rest.substr(0, 1);
        rest.erase(0, 1);
      }
    }
    EXPECT_EQ(parser.head().target, "/a?b");
    EXPECT_EQ(parser.head().headers.size(), 2u);
    EXPECT_EQ(body, "hello world") << cut;
  }
}

TEST(RequestParser, LeavesTheNextRequestsBytes) {
  RequestParser parser(kLimits);
  std::size_t used = 0;
  const std::string two = "GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\n";
  EXPECT_EQ(parser.parse_head(two, used), Step::Done);
  EXPECT_EQ(used, two.size() / 2);
  EXPECT_TRUE(parser.body_done());
}

TEST(RequestParser, RefusesTwoReadingsOfTheBodysLength) {
  EXPECT_EQ(refused(with_fields("Content-Length: 1\r\nContent-Length: 2\r\n")), 400);
  EXPECT_EQ(refused(with_fields("Content-Length: 1\r\nContent-Length: 1\r\n")), 400);
  EXPECT_EQ(refused(with_fields("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n")), 400);
  EXPECT_EQ(refused(with_fields("Transfer-Encoding: chunked\r\nContent-Length: 1\r\n")), 400);
  EXPECT_EQ(refused(with_fields("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n")),
            400);
  EXPECT_EQ(refused(with_fields("Content-Length: -1\r\n")), 400);
  EXPECT_EQ(refused(with_fields("Content-Length: 1, 1\r\n")), 400);
  EXPECT_EQ(refused("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), 400);
}

TEST(RequestParser, RefusesTransferEncodingsItDoesNotKnow) {
  EXPECT_EQ(refused(with_fields("Transfer-Encoding: gzip\r\n")), 501);
  EXPECT_EQ(refused(with_fields("Transfer-Encoding: gzip, chunked\r\n")), 501);
}

TEST(RequestParser, RefusesWhatIsNotHttp) {
  EXPECT_EQ(refused("\x16\x03\x01 hello\r\n\r\n"), 400);
  EXPECT_EQ(refused("GET\r\n\r\n"), 400);
  EXPECT_EQ(refused(with_fields("Na me: x\r\n")), 400);
  EXPECT_EQ(refused(with_fields("Name : x\r\n")), 400);
  EXPECT_EQ(refused(with_fields("no colon\r\n")), 400);
  EXPECT_EQ(refused(with_fields(std::string_view("A: b\0c\r\n", 8))), 400);
  EXPECT_EQ(refused("GET / HTTP/2.0\r\n\r\n"), 505);
}

TEST(RequestParser, RefusesAHeaderOverItsLimitsBeforeItsEnd) {
  RequestParser parser(kLimits);
  std::size_t used = 0;
  const std::string head = "GET / HTTP/1.1\r\nA: " + std::string(20'000, 'x');
  EXPECT_EQ(parser.parse_head(head, used), Step::Malformed);
  EXPECT_EQ(parser.trouble().status, 431);
}

TEST(RequestParser, RefusesTooManyFields) {
  std::string fields;
  for (int i = 0; i < 100; ++i) fields += "A: b\r\n";
  EXPECT_EQ(refused(with_fields(fields)), 0);
  EXPECT_EQ(refused(with_fields(fields + "A: b\r\n")), 431);
}

TEST(RequestParser, RefusesATargetOverItsLimit) {
  const auto request = [](std::size_t bytes) {
    return "GET /" + std::string(bytes - 1, 'x') + " HTTP/1.1\r\n\r\n";
  };
  EXPECT_EQ(refused(request(kLimits.target_bytes_max)), 0);
  EXPECT_EQ(refused(request(kLimits.target_bytes_max + 1)), 414);
  EXPECT_EQ(refused(request(20'000)), 414);
}

TEST(RequestParser, SaysWhetherTheConnectionStays) {
  const auto keeps = [](const std::string& head) {
    RequestParser parser(kLimits);
    std::size_t used = 0;
    EXPECT_EQ(parser.parse_head(head, used), Step::Done);
    return parser.head().keep_alive;
  };
  EXPECT_TRUE(keeps("GET / HTTP/1.1\r\n\r\n"));
  EXPECT_FALSE(keeps("GET / HTTP/1.1\r\nConnection: x, CLOSE\r\n\r\n"));
  EXPECT_FALSE(keeps("GET / HTTP/1.0\r\n\r\n"));
  EXPECT_TRUE(keeps("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
}

TEST(RequestParser, RefusesBrokenChunks) {
  for (const auto* chunks : {"x\r\n", "5\r\nhelloXX\r\n", "-1\r\n", "ffffffffffffffffff\r\n"}) {
    RequestParser parser(kLimits);
    std::size_t used = 0;
    ASSERT_EQ(parser.parse_head(with_fields("Transfer-Encoding: chunked\r\n"), used), Step::Done);
    std::string body;
    std::string pending = chunks;
    Step step = Step::NeedMore;
    for (int i = 0; i < 5 && step == Step::NeedMore; ++i) {
      step = parser.parse_body(pending, used, body, 100);
      pending.erase(0, used);
    }
    EXPECT_EQ(step, Step::Malformed) << chunks;
  }
}

}  // namespace
}  // namespace myelin::http
