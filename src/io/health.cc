#include "io/health.h"

#include <utility>

#include "base/json_writer.h"

namespace myelin::http {
namespace {

Task<void> answer_alive(Request&, ResponseWriter& writer) {
  (void)co_await writer.send(
      {.status = 200, .headers = {}, .content_type = "text/plain; charset=utf-8", .body = "ok\n"});
}

Task<void> answer_ready(const Readiness& readiness, ResponseWriter& writer) {
  std::string body;
  bool ready = true;
  {
    JsonWriter json(body);
    json.begin_object();
    json.key("checks");
    json.begin_object();
    for (const auto& [name, status] : readiness.ask()) {
      ready = ready && status;
      json.member(name, status ? std::string("ok") : status.error().message());
    }
    json.end_object();
    json.member("ready", ready);
    json.end_object();
  }
  (void)co_await writer.send_json(ready ? 200 : 503, std::move(body));
}

Task<void> answer_metrics(const metrics::Registry& registry, ResponseWriter& writer) {
  (void)co_await writer.send({.status = 200,
                              .headers = {},
                              .content_type = "text/plain; version=0.0.4; charset=utf-8",
                              .body = registry.prometheus_text()});
}

}  // namespace

void Readiness::add(std::string name, Check check) {
  MutexLock lock(mutex_);
  checks_.insert_or_assign(std::move(name), std::move(check));
}

void Readiness::remove(const std::string& name) {
  MutexLock lock(mutex_);
  checks_.erase(name);
}

std::map<std::string, Status> Readiness::ask() const {
  MutexLock lock(mutex_);
  std::map<std::string, Status> answers;
  for (const auto& [name, check] : checks_) answers.emplace(name, check());
  return answers;
}

void install_health(Router& router, const Readiness& readiness, const metrics::Registry& registry) {
  router.add(Method::Get, "/healthz", answer_alive);
  router.add(Method::Get, "/readyz", [&readiness](Request&, ResponseWriter& writer) {
    return answer_ready(readiness, writer);
  });
  router.add(Method::Get, "/metrics", [&registry](Request&, ResponseWriter& writer) {
    return answer_metrics(registry, writer);
  });
}

}  // namespace myelin::http
