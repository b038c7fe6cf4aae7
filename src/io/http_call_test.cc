#include "io/http_call.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "io/http_test_support.h"

namespace myelin::http {
namespace {

using ::testing::HasSubstr;

TEST(ParseUrl, TakesHostPortAndTarget) {
  const auto url = parse_url("http://127.0.0.1:8080/api/v1/x?y=1");
  ASSERT_TRUE(url) << url.error().message();
  EXPECT_EQ(url->address, (io::Address{"127.0.0.1", 8080}));
  EXPECT_EQ(url->host, "127.0.0.1:8080");
  EXPECT_EQ(url->target, "/api/v1/x?y=1");
}

TEST(ParseUrl, AddsTheRootToAHostAlone) {
  EXPECT_EQ(parse_url("http://[::1]:80")->target, "/");
  EXPECT_EQ(parse_url("http://lab?x")->target, "/?x");
}

TEST(ParseUrl, RefusesWhatIsNotOurs) {
  for (const auto* url :
       {"https://lab/", "lab:80", "", "http://", "http://a:b@lab/", "http://lab/#x",
        "http://lab/ x", "http://lab/\r\nX: y", "http://lab:99999/"}) {
    const auto parsed = parse_url(url);
    ASSERT_FALSE(parsed) << url;
    EXPECT_EQ(parsed.error().code(), ErrorCode::InvalidInput) << url;
  }
}

class HttpCall : public testing::HttpTest {
 protected:
  Call to(std::string_view path) const {
    return {.url = "http://127.0.0.1:" + std::to_string(port()) + std::string(path)};
  }
  void answer_with(Response response) {
    start([response](Request&, ResponseWriter& writer) -> Task<void> {
      return send(writer, response);
    });
  }
  static Task<void> send(ResponseWriter& writer, Response response) {
    (void)co_await writer.send(std::move(response));
  }
};

TEST_F(HttpCall, BringsStatusHeadersAndBody) {
  answer_with(
      {.status = 409, .headers = {{"X-One", "1"}}, .content_type = "text/plain", .body = "no"});
  const auto answer = call(to("/"));
  ASSERT_TRUE(answer) << answer.error().message();
  EXPECT_EQ(answer->status, 409);
  EXPECT_EQ(answer->headers.find("x-one"), "1");
  EXPECT_EQ(answer->content_type, "text/plain");
  EXPECT_EQ(answer->body, "no");
}

Task<void> echo(Request& request, ResponseWriter& writer) {
  const auto body = co_await request.read_body(1 << 20);
  Response response;
  response.body = std::string(to_string(request.method)) + " " + request.target + " " +
                  std::string(request.headers.find("Myelin-Admin").value_or("")) + " " +
                  (body ? *body : "?");
  (void)co_await writer.send(std::move(response));
}

TEST_F(HttpCall, SendsMethodTargetHeadersAndBody) {
  start(echo);
  auto request = to("/a?b=c");
  request.method = Method::Patch;
  request.headers.append("Myelin-Admin", "1");
  request.body = "{}";
  const auto answer = call(request);
  ASSERT_TRUE(answer) << answer.error().message();
  EXPECT_EQ(answer->body, "PATCH /a?b=c 1 {}");
}

Task<void> in_pieces(Request&, ResponseWriter& writer) {
  (void)co_await writer.start(200, {});
  for (int i = 0; i < 100; ++i) (void)co_await writer.write(std::string(1000, 'x'));
  (void)co_await writer.finish();
}

TEST_F(HttpCall, ReadsAnAnswerInPieces) {
  start(in_pieces);
  const auto answer = call(to("/"));
  ASSERT_TRUE(answer) << answer.error().message();
  EXPECT_EQ(answer->body, std::string(100'000, 'x'));
}

TEST_F(HttpCall, TakesAnAnswerAtTheLimit) {
  start(in_pieces);
  auto request = to("/");
  request.answer_bytes_max = 100'000;
  EXPECT_TRUE(call(request));
}

TEST_F(HttpCall, RefusesAnAnswerOverTheLimit) {
  start(in_pieces);
  auto request = to("/");
  request.answer_bytes_max = 99'999;
  const auto answer = call(request);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code(), ErrorCode::Exhausted);
}

Task<void> never(Request&, ResponseWriter&) { co_await io::sleep_for(std::chrono::hours(1)); }

TEST_F(HttpCall, GivesUpWhenTheTimeIsOver) {
  start(never);
  auto request = to("/");
  request.timeout = std::chrono::milliseconds(50);
  const auto answer = call(request);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code(), ErrorCode::Unavailable);
  EXPECT_THAT(answer.error().message(), HasSubstr("within 50 ms"));
}

TEST_F(HttpCall, SaysThatNobodyAnswers) {
  start(echo);
  const auto request = to("/");
  server_->stop(std::chrono::seconds(5));
  server_.reset();
  const auto answer = call(request);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code(), ErrorCode::Unavailable);
  EXPECT_THAT(answer.error().message(), HasSubstr("127.0.0.1:"));
}

// A peer of bytes: what it says is up to the test.
class RawPeer : public io::testing::IoTest {
 protected:
  Result<Response> call_to_one_that_says(std::string text) {
    auto listener = io::TcpListener::bind(runtime_, "raw", {.port = 0});
    EXPECT_TRUE(listener);
    (*listener)->start([text](std::unique_ptr<io::Connection> connection) {
      return say(std::move(connection), text);
    });
    Call request{.url = "http://127.0.0.1:" + std::to_string((*listener)->local_port()) + "/"};
    auto answer = call(request);
    (*listener)->scope().stop(std::chrono::seconds(5));
    return answer;
  }
  static Task<void> say(std::unique_ptr<io::Connection> connection, std::string text) {
    char ignored[4096];
    (void)co_await connection->read_some(ignored);
    (void)co_await connection->write_all(text);
    connection->shutdown_write();
  }
};

TEST_F(RawPeer, SaysThatItIsNoHttp) {
  const auto answer = call_to_one_that_says("220 smtp.example ESMTP\r\n\r\n");
  ASSERT_FALSE(answer);
  EXPECT_THAT(answer.error().message(), HasSubstr("does not answer with HTTP"));
}

TEST_F(RawPeer, TakesNoAnswerThatIsCutShort) {
  for (const auto* text :
       {"", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort"}) {
    const auto answer = call_to_one_that_says(text);
    ASSERT_FALSE(answer) << text;
    EXPECT_EQ(answer.error().code(), ErrorCode::Unavailable);
  }
}

TEST_F(RawPeer, RefusesAHeadOverTheLimit) {
  const auto answer = call_to_one_that_says(
      "HTTP/1.1 200 OK\r\nX: " + std::string(kAnswerHeadBytesMax, 'x') + "\r\n\r\n");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code(), ErrorCode::Exhausted);
}

TEST(HttpCallOf, RefusesAHeaderThatWouldBecomeTwo) {
  const auto answer = call({.url = "http://127.0.0.1:9/", .headers = {{"X", "1\r\nY: 2"}}});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code(), ErrorCode::InvalidInput);
}

}  // namespace
}  // namespace myelin::http
