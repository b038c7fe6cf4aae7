#include "io/http_server.h"

#include <atomic>
#include <stdexcept>

#include "io/http_test_support.h"
#include "io/notifier.h"

namespace myelin::http {
namespace {

using namespace std::chrono_literals;
using io::testing::Client;
using io::testing::eventually;

Task<void> echo_target(Request& request, ResponseWriter& writer) {
  (void)co_await writer.send(
      {.status = 200, .headers = {}, .content_type = "text/plain", .body = request.target});
}

Task<void> echo_body(Request& request, ResponseWriter& writer) {
  const auto body = co_await request.read_body(100'000);
  if (!body) {
    (void)co_await writer.send_error(body.error());
    co_return;
  }
  (void)co_await writer.send({.status = 200, .headers = {}, .content_type = "", .body = *body});
}

Task<void> ignore_body(Request&, ResponseWriter& writer) {
  (void)co_await writer.send({.status = 200, .headers = {}, .content_type = "", .body = "ignored"});
}

Task<void> stream_three(Request&, ResponseWriter& writer) {
  (void)co_await writer.start(200, {{"Content-Type", "text/plain"}});
  for (const auto* part : {"one ", "two ", "three"}) (void)co_await writer.write(part);
  (void)co_await writer.finish();
}

Task<void> stream_without_end(Request&, ResponseWriter& writer) {
  (void)co_await writer.start(200, {});
  (void)co_await writer.write("part");
}

Task<void> throw_error(Request&, ResponseWriter&) {
  co_await io::yield();
  throw std::runtime_error("text of a peer");
}

Task<void> answer_nothing(Request&, ResponseWriter&) { co_return; }

Task<void> slow(Request&, ResponseWriter& writer) {
  co_await io::sleep_for(50ms);
  (void)co_await writer.send({.status = 200, .headers = {}, .content_type = "", .body = "slow"});
}

Task<void> split_response(Request&, ResponseWriter& writer) {
  (void)co_await writer.send({.status = 200,
                              .headers = {{"X-Good", "yes"},
                                          {"X-Bad", "a\r\nSet-Cookie: b"},
                                          {"X Bad", "c"},
                                          {"Content-Length", "999"},
                                          {"Transfer-Encoding", "chunked"}},
                              .content_type = "text/plain\r\nX-Bad: d",
                              .body = "body"});
}

class HttpServer : public testing::HttpTest {
 protected:
  std::string post(std::string_view fields, std::string_view body) {
    return ask("POST / HTTP/1.1\r\n" + host() + std::string(fields) + "\r\n" + std::string(body));
  }
};

TEST_F(HttpServer, AnswersWithItsHeaders) {
  start(echo_target);
  const auto answer = get("/a?b=c");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\nDate: "));
  EXPECT_EQ(body_of(answer), "/a?b=c");
  for (const auto* field : {"Server: Myelin", "Content-Type: text/plain", "Content-Length: 6",
                            "X-Content-Type-Options: nosniff", "Referrer-Policy: no-referrer",
                            "Cache-Control: no-store"})
    EXPECT_TRUE(has_field(answer, field)) << field;
  EXPECT_EQ(answer.find("Access-Control"), std::string::npos);
}

TEST_F(HttpServer, GivesTheSameAnswerWhereverTheHeaderIsCut) {
  start(echo_target);
  const std::string request = get_text("/cut");
  Client client(port());
  for (std::size_t cut = 1; cut < request.size(); ++cut) {
    client.send(request.substr(0, cut));
    if (cut % 8 == 0) std::this_thread::sleep_for(1ms);
    client.send(request.substr(cut));
    ASSERT_EQ(body_of(client.read_answer()), "/cut") << cut;
  }
}

TEST_F(HttpServer, TakesAHeaderByteByByte) {
  start(echo_target);
  Client client(port());
  for (const char c : get_text("/bytes")) client.send(std::string_view(&c, 1));
  EXPECT_EQ(body_of(client.read_answer()), "/bytes");
}

TEST_F(HttpServer, AnswersPipelinedRequestsInOrder) {
  start(echo_target);
  std::string requests;
  for (int i = 0; i < 200; ++i) requests += get_text("/" + std::to_string(i));
  Client client(port());
  client.send(requests);
  for (int i = 0; i < 200; ++i) ASSERT_EQ(body_of(client.read_answer()), "/" + std::to_string(i));
}

TEST_F(HttpServer, ClosesWhenAskedTo) {
  start(echo_target);
  Client client(port());
  client.send("GET / HTTP/1.1\r\n" + host() + "Connection: close\r\n\r\n");
  const auto answer = client.read_all();
  EXPECT_TRUE(has_field(answer, "Connection: close"));
  EXPECT_EQ(body_of(answer), "/");
}

TEST_F(HttpServer, SpeaksHttp10) {
  start(stream_three);
  Client client(port());
  client.send("GET / HTTP/1.0\r\n\r\n");
  const auto answer = client.read_all();
  EXPECT_EQ(body_of(answer), "one two three");
  EXPECT_EQ(answer.find("Transfer-Encoding"), std::string::npos);
}

TEST_F(HttpServer, RefusesMalformedRequestsAndCloses) {
  start(echo_target);
  const auto refused = [&](const std::string& request) {
    Client client(port());
    client.send(request);
    const auto answer = client.read_all();
    EXPECT_TRUE(has_field(answer, "Connection: close")) << request;
    return status_of_answer(answer);
  };
  EXPECT_EQ(refused("hello\r\n\r\n"), 400);
  EXPECT_EQ(refused("GET /% HTTP/1.1\r\n" + host() + "\r\n"), 400);
  EXPECT_EQ(refused("GET /../a HTTP/1.1\r\n" + host() + "\r\n"), 400);
  EXPECT_EQ(refused("BREW / HTTP/1.1\r\n" + host() + "\r\n"), 501);
  EXPECT_EQ(refused("GET / HTTP/1.1\r\n" + host() + "A: " + std::string(20'000, 'x') + "\r\n\r\n"),
            431);
  EXPECT_EQ(refused("GET /" + std::string(9000, 'x') + " HTTP/1.1\r\n" + host() + "\r\n"), 414);
  EXPECT_EQ(server_->counts().malformed, 6u);
}

TEST_F(HttpServer, AnswersAnotherHostWith421) {
  start(echo_target, {.host_names = {"myelin.example", "proxy.example:443"}});
  const auto own = std::to_string(port());
  const auto status = [&](const std::string& value) {
    return status_of_answer(ask("GET / HTTP/1.1\r\nHost: " + value + "\r\n\r\n"));
  };
  for (const auto& value :
       {"localhost:" + own, "LOCALHOST:" + own, "127.0.0.1:" + own, "[::1]:" + own,
        std::string("myelin.example"), "myelin.example:" + own, std::string("proxy.example:443")})
    EXPECT_EQ(status(value), 200) << value;
  for (const auto& value :
       {std::string("localhost"), std::string("localhost:1"), "evil.example:" + own,
        std::string("evil.example"), "localhost.evil.example:" + own, "127.0.0.2:" + own,
        std::string("proxy.example"), std::string("myelin.example:1")})
    EXPECT_EQ(status(value), 421) << value;
  EXPECT_EQ(server_->counts().wrong_host, 8u);
}

TEST_F(HttpServer, RefusesAMissingOrDoubledHost) {
  start(echo_target);
  EXPECT_EQ(status_of_answer(ask("GET / HTTP/1.1\r\n\r\n")), 400);
  EXPECT_EQ(status_of_answer(ask("GET / HTTP/1.1\r\n" + host() + host() + "\r\n")), 400);
  EXPECT_EQ(status_of_answer(ask("GET / HTTP/1.1\r\nHost: a b\r\n\r\n")), 400);
  EXPECT_EQ(status_of_answer(ask("GET / HTTP/1.0\r\n\r\n")), 200);
}

TEST_F(HttpServer, ChecksTheHostOfAnAbsoluteTargetToo) {
  start(echo_target);
  EXPECT_EQ(status_of_answer(ask("GET http://evil.example/ HTTP/1.1\r\n" + host() + "\r\n")), 421);
  const auto own = "http://localhost:" + std::to_string(port()) + "/x";
  EXPECT_EQ(body_of(ask("GET " + own + " HTTP/1.1\r\n" + host() + "\r\n")), "/x");
}

TEST_F(HttpServer, ReadsABodyOfKnownLength) {
  start(echo_body);
  EXPECT_EQ(body_of(post("Content-Length: 5\r\n", "hello")), "hello");
  EXPECT_EQ(body_of(post("Content-Length: 0\r\n", "")), "");
}

TEST_F(HttpServer, ReadsAChunkedBodyCutAnywhere) {
  start(echo_body);
  const std::string request = "POST / HTTP/1.1\r\n" + host() +
                              "Transfer-Encoding: chunked\r\n\r\n" +
                              "5\r\nhello\r\n7;a=b\r\n, world\r\n0\r\n\r\n";
  Client client(port());
  for (std::size_t cut = 1; cut < request.size(); ++cut) {
    client.send(request.substr(0, cut));
    if (cut % 8 == 0) std::this_thread::sleep_for(1ms);
    client.send(request.substr(cut));
    ASSERT_EQ(body_of(client.read_answer()), "hello, world") << cut;
  }
}

TEST_F(HttpServer, RefusesBrokenChunks) {
  start(echo_body);
  EXPECT_EQ(status_of_answer(post("Transfer-Encoding: chunked\r\n", "xyz\r\n")), 400);
}

TEST_F(HttpServer, RefusesAChunkHeadThatDoesNotEnd) {
  start(echo_body);
  Client client(port());
  client.send("POST / HTTP/1.1\r\n" + host() + "Transfer-Encoding: chunked\r\n\r\n1;" +
              std::string(40'000, 'x'));
  EXPECT_EQ(status_of_answer(client.read_answer()), 400);
}

TEST_F(HttpServer, AnswersABodyOverTheHandlersLimitWith413) {
  start(echo_body);
  EXPECT_EQ(status_of_answer(post("Content-Length: 100001\r\n", "")), 413);
  EXPECT_EQ(body_of(post("Content-Length: 100000\r\n", std::string(100'000, 'x'))).size(),
            100'000u);
  std::string chunks;
  for (int i = 0; i < 11; ++i) chunks += "2710\r\n" + std::string(10'000, 'x') + "\r\n";
  EXPECT_EQ(status_of_answer(post("Transfer-Encoding: chunked\r\n", chunks + "0\r\n\r\n")), 413);
}

TEST_F(HttpServer, AnswersABodyOverItsOwnLimitWith413BeforeTheHandler) {
  start(ignore_body, {.body_bytes_max = 10_KiB});
  EXPECT_EQ(status_of_answer(post("Content-Length: 10241\r\n", "")), 413);
}

TEST_F(HttpServer, KeepsTheConnectionWhenAShortBodyIsNotRead) {
  start(ignore_body);
  Client client(port());
  for (int i = 0; i < 3; ++i) {
    client.send("POST / HTTP/1.1\r\n" + host() + "Content-Length: 5\r\n\r\nhello");
    EXPECT_EQ(body_of(client.read_answer()), "ignored");
  }
}

TEST_F(HttpServer, ClosesWhenALongBodyIsNotRead) {
  start(ignore_body);
  Client client(port());
  client.send("POST / HTTP/1.1\r\n" + host() + "Content-Length: 1000000\r\n\r\nhello");
  const auto answer = client.read_answer();
  EXPECT_TRUE(has_field(answer, "Connection: close"));
  client.end();
  EXPECT_EQ(client.read_all(), "");
}

TEST_F(HttpServer, SaysContinueWhenTheHandlerReads) {
  start(echo_body);
  Client client(port());
  client.send("POST / HTTP/1.1\r\n" + host() + "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n");
  EXPECT_EQ(client.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("hello");
  EXPECT_EQ(body_of(client.read_answer()), "hello");
}

TEST_F(HttpServer, DoesNotSayContinueWhenTheHandlerDoesNotRead) {
  start(ignore_body);
  Client client(port());
  client.send("POST / HTTP/1.1\r\n" + host() + "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n");
  const auto answer = client.read_answer();
  EXPECT_EQ(status_of_answer(answer), 200);
  EXPECT_TRUE(has_field(answer, "Connection: close"));
}

TEST_F(HttpServer, StreamsAnAnswerInChunksAndGoesOn) {
  start(stream_three);
  Client client(port());
  for (int i = 0; i < 2; ++i) {
    client.send(get_text("/"));
    const auto head = client.read_until("\r\n\r\n");
    EXPECT_TRUE(has_field(head, "Transfer-Encoding: chunked"));
    EXPECT_EQ(client.read_until("0\r\n\r\n"), "4\r\none \r\n4\r\ntwo \r\n5\r\nthree\r\n0\r\n\r\n");
  }
}

TEST_F(HttpServer, CutsAnAnswerThatTheHandlerDidNotFinish) {
  start(stream_without_end);
  Client client(port());
  client.send(get_text("/"));
  const auto answer = client.read_all();
  EXPECT_TRUE(answer.ends_with("4\r\npart\r\n")) << answer;
}

TEST_F(HttpServer, AnswersAHandlerThatThrowsWith500WithoutItsText) {
  start(throw_error);
  const auto answer = get("/");
  EXPECT_EQ(status_of_answer(answer), 500);
  EXPECT_EQ(answer.find("text of a peer"), std::string::npos);
  EXPECT_NE(log_.text().find("http.handler-failed"), std::string::npos);
  EXPECT_EQ(log_.text().find("text of a peer"), std::string::npos);
  EXPECT_EQ(server_->counts().failed, 1u);
}

TEST_F(HttpServer, AnswersForAHandlerThatDoesNot) {
  start(answer_nothing);
  EXPECT_EQ(status_of_answer(get("/")), 500);
}

TEST_F(HttpServer, LeavesOutHeadersThatWouldSplitTheAnswer) {
  start(split_response);
  const auto answer = get("/");
  EXPECT_TRUE(has_field(answer, "X-Good: yes"));
  EXPECT_TRUE(has_field(answer, "Content-Length: 4"));
  for (const auto* bad : {"Set-Cookie", "X-Bad", "X Bad", "999", "chunked"})
    EXPECT_EQ(answer.find(bad), std::string::npos) << bad;
}

TEST_F(HttpServer, EndsAHeaderThatDripsWith408) {
  start(echo_target, {.header_timeout = 50ms});
  Client client(port());
  std::atomic<bool> ended = false;
  std::thread drip([&] {
    client.send("GET / HTTP/1.1\r\n");
    while (!ended && client.send("A: b\r\n")) std::this_thread::sleep_for(5ms);
  });
  EXPECT_EQ(status_of_answer(client.read_until("\r\n\r\n")), 408);
  ended = true;
  drip.join();
}

TEST_F(HttpServer, ClosesAnIdleConnectionSilently) {
  start(echo_target, {.listener = {.port = 0, .idle_timeout = 30ms}});
  Client client(port());
  client.send(get_text("/"));
  EXPECT_EQ(body_of(client.read_answer()), "/");
  EXPECT_EQ(client.read_all(), "");
}

TEST_F(HttpServer, EndsABodyThatDoesNotCome) {
  start(echo_body, {.body_timeout = 30ms});
  EXPECT_EQ(status_of_answer(post("Content-Length: 5\r\n", "he")), 503);
}

TEST_F(HttpServer, SurvivesAClientThatClosesAtAnyByte) {
  start(echo_body);
  const std::string request =
      "POST / HTTP/1.1\r\n" + host() + "Content-Length: 10\r\n\r\n0123456789";
  for (std::size_t cut = 0; cut <= request.size(); ++cut) {
    Client client(port());
    client.send(request.substr(0, cut));
    if (cut % 2 == 0) client.reset();
  }
  EXPECT_TRUE(eventually([&] { return server_->connection_counts().open == 0; }));
  EXPECT_EQ(server_->counts().failed, 0u);
  EXPECT_EQ(body_of(post("Content-Length: 2\r\n", "ok")), "ok");
}

TEST_F(HttpServer, StopLetsARequestFinish) {
  start(slow);
  Client client(port());
  client.send(get_text("/"));
  ASSERT_TRUE(eventually([&] { return server_->counts().requests == 1; }));
  EXPECT_TRUE(server_->stop(10s));
  const auto answer = client.read_all();
  EXPECT_EQ(body_of(answer), "slow");
  EXPECT_TRUE(has_field(answer, "Connection: close"));
}

TEST_F(HttpServer, StopEndsIdleConnectionsAtOnce) {
  start(echo_target);
  Client client(port());
  client.send(get_text("/"));
  client.read_answer();
  EXPECT_TRUE(server_->stop(10s));
  EXPECT_EQ(client.read_all(), "");
}

TEST_F(HttpServer, StopCancelsARequestThatOutlastsItsTime) {
  io::Notifier never;
  start([&never](Request&, ResponseWriter&) { return never.wait(); });
  Client client(port());
  client.send(get_text("/"));
  ASSERT_TRUE(eventually([&] { return server_->counts().requests == 1; }));
  EXPECT_FALSE(server_->stop(20ms));
  EXPECT_EQ(client.read_all(), "");
  EXPECT_EQ(server_->connection_counts().open, 0u);
}

TEST_F(HttpServer, RefusesAHostNameThatIsNone) {
  const auto server =
      Server::bind(runtime_, "http", {.listener = {.port = 0}, .host_names = {"a b"}});
  ASSERT_FALSE(server);
  EXPECT_EQ(server.error().code(), ErrorCode::InvalidInput);
}

}  // namespace
}  // namespace myelin::http
