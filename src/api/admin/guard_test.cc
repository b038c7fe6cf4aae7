#include "api/admin/guard.h"

#include <gtest/gtest.h>

namespace myelin::admin {
namespace {

http::Request from(std::string peer, http::Headers headers = {}) {
  http::Request request;
  request.peer = std::move(peer);
  request.headers = std::move(headers);
  return request;
}

TEST(AdminGuard, ServesLoopback) {
  for (const auto* peer :
       {"127.0.0.1:5000", "127.9.9.9:5000", "[::1]:5000", "[::ffff:127.0.0.1]:5000"}) {
    EXPECT_TRUE(check_local(from(peer))) << peer;
  }
}

TEST(AdminGuard, RefusesEveryOtherMachine) {
  for (const auto* peer : {"10.0.0.1:5000", "[fe80::1]:5000", "128.0.0.1:1", "[::ffff:10.0.0.1]:1",
                           "127.evil.example:80", "1270.0.0.1:1", ""}) {
    const auto allowed = check_local(from(peer));
    ASSERT_FALSE(allowed) << peer;
    EXPECT_EQ(allowed.error().code(), ErrorCode::Forbidden);
  }
}

TEST(AdminGuard, RefusesWhatComesThroughAProxy) {
  for (const auto* name : {"X-Forwarded-For", "forwarded", "Via", "X-Real-IP"})
    EXPECT_FALSE(check_local(from("127.0.0.1:1", {{name, "x"}}))) << name;
}

TEST(AdminGuard, WantsTheHeaderForAChange) {
  EXPECT_TRUE(check_intent(from("127.0.0.1:1", {{"myelin-admin", "1"}})));
  EXPECT_FALSE(check_intent(from("127.0.0.1:1")));
  EXPECT_FALSE(check_intent(from("127.0.0.1:1", {{"Myelin-Admin", "0"}})));
  EXPECT_FALSE(check_intent(from("127.0.0.1:1", {{"Myelin-Admin", "1"}, {"Myelin-Admin", "1"}})));
}

TEST(AdminGuard, TakesAPageOfItsOwnOriginOnly) {
  const auto with_origin = [](std::string origin) {
    return check_intent(
        from("127.0.0.1:1",
             {{"Myelin-Admin", "1"}, {"Host", "Localhost:8080"}, {"Origin", std::move(origin)}}));
  };
  EXPECT_TRUE(with_origin("http://localhost:8080"));
  for (const auto* origin : {"http://localhost:8081", "http://evil.example", "null", "",
                             "http://localhost:8080.evil.example", "http://localhost"}) {
    EXPECT_FALSE(with_origin(origin)) << origin;
  }
}

}  // namespace
}  // namespace myelin::admin
