#include "io/health.h"

#include "io/http_test_support.h"

namespace myelin::http {
namespace {

class Health : public testing::HttpTest {
 protected:
  Health() {
    install_health(router_, readiness_, registry_);
    start(router_.as_handler());
  }

  metrics::Registry registry_;
  Readiness readiness_;
  Router router_;
};

TEST_F(Health, IsAliveWhateverIsReady) {
  readiness_.add("log", [] { return Status(Error(ErrorCode::Unavailable, "recovering")); });
  EXPECT_EQ(body_of(get("/healthz")), "ok\n");
}

TEST_F(Health, IsReadyWhenEachCheckIs) {
  readiness_.add("log", [] { return Status(); });
  const auto answer = get("/readyz");
  EXPECT_EQ(status_of_answer(answer), 200);
  EXPECT_EQ(body_of(answer), R"({"checks":{"log":"ok"},"ready":true})");
}

TEST_F(Health, NamesTheCheckThatIsNotReady) {
  readiness_.add("log", [] { return Status(Error(ErrorCode::Unavailable, "recovering")); });
  readiness_.add("bus", [] { return Status(); });
  const auto answer = get("/readyz");
  EXPECT_EQ(status_of_answer(answer), 503);
  EXPECT_EQ(body_of(answer), R"({"checks":{"bus":"ok","log":"recovering"},"ready":false})");
  readiness_.remove("log");
  EXPECT_EQ(status_of_answer(get("/readyz")), 200);
}

TEST_F(Health, ShowsTheRegistry) {
  registry_.counter("myelin_test_total", "A test.").increment(3);
  const auto answer = get("/metrics");
  EXPECT_TRUE(has_field(answer, "Content-Type: text/plain; version=0.0.4; charset=utf-8"));
  EXPECT_NE(body_of(answer).find("myelin_test_total 3"), std::string::npos);
}

}  // namespace
}  // namespace myelin::http
