#include "io/router.h"

#include "io/http_test_support.h"

namespace myelin::http {
namespace {

class RouterTest : public testing::HttpTest {
 protected:
  RouterTest() {
    add(Method::Get, "/", "root");
    add(Method::Get, "/events/{pattern}", "events");
    add(Method::Get, "/events/all", "all");
    add(Method::Post, "/events/{pattern}", "post");
    add(Method::Get, "/files/{rest...}", "files");
    add(Method::Get, "/a/{x}/b", "axb");
    add(Method::Get, "/a/c/d", "acd");
    start(router_.as_handler());
  }

  // The handler answers its name and the route's parameters.
  void add(Method method, std::string_view pattern, std::string name) {
    router_.add(method, pattern, [name](Request& request, ResponseWriter& writer) {
      return answer(name, request, writer);
    });
  }
  static Task<void> answer(std::string name, Request& request, ResponseWriter& writer) {
    for (const auto& [key, value] : request.route.all()) name += " " + key + "=" + value;
    (void)co_await writer.send({.status = 200, .headers = {}, .content_type = "", .body = name});
  }

  Router router_;
};

TEST_F(RouterTest, PrefersALiteralToAParameterToTheRest) {
  EXPECT_EQ(body_of(get("/")), "root");
  EXPECT_EQ(body_of(get("/events/all")), "all");
  EXPECT_EQ(body_of(get("/events/hl7.*")), "events pattern=hl7.*");
  EXPECT_EQ(body_of(get("/files/a/b/c")), "files rest=a/b/c");
  EXPECT_EQ(body_of(get("/files/")), "files rest=");
}

TEST_F(RouterTest, TriesTheParameterWhenTheLiteralLeadsNowhere) {
  EXPECT_EQ(body_of(get("/a/c/d")), "acd");
  EXPECT_EQ(body_of(get("/a/c/b")), "axb x=c");
}

TEST_F(RouterTest, DecodesParametersAfterSplitting) {
  EXPECT_EQ(body_of(get("/events/a%2Fb%20c")), "events pattern=a/b c");
}

TEST_F(RouterTest, AnswersNotFoundInTheEnvelope) {
  for (const auto* path : {"/nothing", "/events", "/events/", "/events/a/b", "/a/c"}) {
    const auto answer = get(path);
    EXPECT_EQ(status_of_answer(answer), 404) << path;
    EXPECT_TRUE(body_of(answer).starts_with(R"({"error":{"code":"not-found")")) << path;
  }
}

TEST_F(RouterTest, AnswersAnotherMethodWithThoseThatAreAllowed) {
  const auto answer = ask("DELETE /events/x HTTP/1.1\r\n" + host() + "\r\n");
  EXPECT_EQ(status_of_answer(answer), 405);
  EXPECT_NE(answer.find("\r\nAllow: GET, HEAD, POST, OPTIONS\r\n"), std::string::npos) << answer;
}

TEST_F(RouterTest, AnswersOptionsWithoutAnyCorsHeader) {
  const auto answer =
      ask("OPTIONS /events/x HTTP/1.1\r\nOrigin: http://evil.example\r\n" + host() + "\r\n");
  EXPECT_EQ(status_of_answer(answer), 204);
  EXPECT_NE(answer.find("\r\nAllow: "), std::string::npos);
  EXPECT_EQ(answer.find("Access-Control"), std::string::npos);
}

TEST_F(RouterTest, HeadFallsBackToGetWithoutItsBody) {
  io::testing::Client client(port());
  client.send("HEAD /events/all HTTP/1.1\r\n" + host() + "Connection: close\r\n\r\n");
  const auto answer = client.read_all();
  EXPECT_EQ(status_of_answer(answer), 200);
  EXPECT_NE(answer.find("\r\nContent-Length: 3\r\n"), std::string::npos);
  EXPECT_TRUE(answer.ends_with("\r\n\r\n"));
}

}  // namespace
}  // namespace myelin::http
