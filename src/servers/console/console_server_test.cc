#include "servers/console/console_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "io/http_test_support.h"

namespace myelin::console {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr Asset kScript{.path = "/assets/index-abcdefgh.js",
                        .content_type = "text/javascript; charset=utf-8",
                        .tag = "0123",
                        .caching = Caching::Immutable,
                        .body = "the script as it is",
                        .gzip = "packed"};
constexpr Asset kPage{.path = "/",
                      .content_type = "text/html; charset=utf-8",
                      .tag = "4567",
                      .caching = Caching::Revalidate,
                      .body = "page",
                      .gzip = {}};

http::Request asking(http::Headers headers = {}) {
  http::Request request;
  request.headers = std::move(headers);
  return request;
}

std::string field(const http::Response& response, std::string_view name) {
  return std::string(response.headers.find(name).value_or("none"));
}

TEST(ConsoleAnswer, GivesTheBodyAsItIsToWhoAsksForNothingElse) {
  const auto response = answer(kScript, asking());
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, kScript.body);
  EXPECT_EQ(response.content_type, kScript.content_type);
  EXPECT_EQ(field(response, "Content-Encoding"), "none");
}

TEST(ConsoleAnswer, GivesTheGzippedBodyToWhoAcceptsIt) {
  const auto response = answer(kScript, asking({{"Accept-Encoding", "br, gzip, deflate"}}));
  EXPECT_EQ(response.body, "packed");
  EXPECT_EQ(field(response, "Content-Encoding"), "gzip");
  EXPECT_EQ(field(response, "Vary"), "Accept-Encoding");
}

TEST(ConsoleAnswer, DoesNotGzipWhatTheRequestRulesOut) {
  EXPECT_EQ(answer(kScript, asking({{"Accept-Encoding", "gzip;q=0"}})).body, kScript.body);
}

TEST(ConsoleAnswer, GivesAnAssetWithoutGzippedBodyAsItIs) {
  const auto response = answer(kPage, asking({{"Accept-Encoding", "gzip"}}));
  EXPECT_EQ(response.body, "page");
  EXPECT_EQ(field(response, "Content-Encoding"), "none");
}

TEST(ConsoleAnswer, TellsTheTwoBodiesApartByTheirTags) {
  EXPECT_EQ(field(answer(kScript, asking()), "ETag"), "\"0123\"");
  EXPECT_EQ(field(answer(kScript, asking({{"Accept-Encoding", "gzip"}})), "ETag"), "\"0123-gz\"");
}

TEST(ConsoleAnswer, SendsNoBodyToWhoHasIt) {
  for (const char* tags : {"\"0123\"", "W/\"0123\"", "\"other\", \"0123\"", "*"}) {
    const auto response = answer(kScript, asking({{"If-None-Match", tags}}));
    EXPECT_EQ(response.status, 304) << tags;
    EXPECT_EQ(response.body, "") << tags;
    EXPECT_EQ(field(response, "ETag"), "\"0123\"") << tags;
  }
}

TEST(ConsoleAnswer, SendsTheBodyToWhoHasAnother) {
  EXPECT_EQ(answer(kScript, asking({{"If-None-Match", "\"01234\""}})).status, 200);
  EXPECT_EQ(answer(kScript, asking({{"If-None-Match", "\"0123-gz\""}})).status, 200);
}

TEST(ConsoleAnswer, LetsABrowserKeepOnlyWhatCannotChange) {
  EXPECT_THAT(field(answer(kScript, asking()), "Cache-Control"), HasSubstr("immutable"));
  EXPECT_EQ(field(answer(kPage, asking()), "Cache-Control"), "no-cache");
}

TEST(ConsoleAnswer, ForbidsEverythingFromElsewhere) {
  const auto response = answer(kPage, asking());
  const std::string policy = field(response, "Content-Security-Policy");
  EXPECT_THAT(policy, HasSubstr("default-src 'none'"));
  EXPECT_THAT(policy, HasSubstr("script-src 'self';"));
  EXPECT_THAT(policy, HasSubstr("frame-ancestors 'none'"));
  EXPECT_THAT(policy, Not(HasSubstr("unsafe")));
  EXPECT_EQ(field(response, "X-Frame-Options"), "DENY");
  EXPECT_EQ(field(response, "Referrer-Policy"), "no-referrer");
}

TEST(ConsoleAssets, HaveOneStartPageAndNoPathTwice) {
  std::set<std::string_view> paths;
  for (const Asset& asset : built_in_assets()) {
    EXPECT_TRUE(paths.insert(asset.path).second) << asset.path;
    EXPECT_FALSE(asset.body.empty()) << asset.path;
    if (asset.path == "/") EXPECT_EQ(asset.content_type, "text/html; charset=utf-8");
  }
  EXPECT_TRUE(paths.contains("/"));
}

TEST(ConsoleAssets, AreGzippedWhereThatIsShorter) {
  for (const Asset& asset : built_in_assets()) {
    if (asset.gzip.empty()) continue;
    EXPECT_LT(asset.gzip.size(), asset.body.size()) << asset.path;
    EXPECT_EQ(asset.gzip.substr(0, 2), "\x1f\x8b") << asset.path;
  }
}

TEST(ConsoleAssets, HaveNothingInlineThatThePolicyWouldBlock) {
  for (const Asset& asset : built_in_assets()) {
    if (!asset.content_type.starts_with("text/html")) continue;
    const std::string page(asset.body);
    EXPECT_THAT(page, Not(HasSubstr("<style"))) << asset.path;
    EXPECT_THAT(page, Not(HasSubstr("style="))) << asset.path;
    EXPECT_THAT(page, Not(HasSubstr("javascript:"))) << asset.path;
    for (auto at = page.find("<script"); at != std::string::npos; at = page.find("<script", at + 1))
      EXPECT_THAT(page.substr(at, page.find('>', at) - at), HasSubstr("src=")) << asset.path;
  }
}

class ConsoleServer : public http::testing::HttpTest {
 protected:
  void SetUp() override {
    install(router_);
    start(router_.as_handler());
  }
  http::Router router_;
};

TEST_F(ConsoleServer, ServesEachBuiltInFile) {
  for (const Asset& asset : built_in_assets()) {
    const std::string whole = get(asset.path);
    EXPECT_EQ(status_of_answer(whole), 200) << asset.path;
    EXPECT_EQ(body_of(whole), asset.body) << asset.path;
    EXPECT_TRUE(has_field(whole, "Content-Type: " + std::string(asset.content_type)));
  }
}

TEST_F(ConsoleServer, KnowsNoOtherPath) {
  for (const char* path : {"/index.html", "/assets/", "/assets/none.js", "/live", "/favicon.ico"})
    EXPECT_EQ(status_of_answer(get(path)), 404) << path;
}

TEST_F(ConsoleServer, AnswersHeadWithoutABody) {
  Client client(port());
  client.send("HEAD / HTTP/1.1\r\n" + host() + "Connection: close\r\n\r\n");
  const std::string whole = client.read_all();
  EXPECT_EQ(status_of_answer(whole), 200);
  EXPECT_EQ(body_of(whole), "");
}

TEST_F(ConsoleServer, RefusesToBeWrittenTo) {
  const std::string request = "POST / HTTP/1.1\r\n" + host() + "Content-Length: 0\r\n\r\n";
  EXPECT_EQ(status_of_answer(ask(request)), 405);
}

}  // namespace
}  // namespace myelin::console
