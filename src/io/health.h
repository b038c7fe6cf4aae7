// /healthz, /readyz, /metrics.
//
// /healthz says that the process serves HTTP: 200 "ok". /readyz asks each check: 200 when all are
// ready, else 503, with a JSON object of check → reason. /metrics is the registry's text for
// Prometheus.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "base/metrics.h"
#include "base/mutex.h"
#include "base/result.h"
#include "io/router.h"

namespace myelin::http {

// Named questions "are you ready?", asked at each /readyz. Thread-safe. A check is quick, does not
// block, and may be called on any io thread; its error's text is shown to whoever may ask.
class Readiness {
 public:
  using Check = std::function<Status()>;

  void add(std::string name, Check check) MYELIN_EXCLUDES(mutex_);
  // Waits for a running check: afterwards what it referred to may go.
  void remove(const std::string& name) MYELIN_EXCLUDES(mutex_);
  std::map<std::string, Status> ask() const MYELIN_EXCLUDES(mutex_);

 private:
  mutable Mutex mutex_;
  std::map<std::string, Check> checks_ MYELIN_GUARDED_BY(mutex_);
};

// Both outlive the router.
void install_health(Router& router, const Readiness& readiness, const metrics::Registry& registry);

}  // namespace myelin::http
