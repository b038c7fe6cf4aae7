#include "servers/kafka/kafka_server.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/base64.h"
#include "servers/kafka/catalogue.h"
#include "servers/kafka/groups.h"
#include "servers/kafka/session.h"

namespace myelin::kafka {
namespace {

constexpr std::size_t kSharedBufferBytes = 64u << 10;

// Kafka's ids are 16 bytes in base64 for URLs, without padding.
std::string short_id(const Uuid& id) {
  auto text = encode_base64(id.view());
  while (text.ends_with('=')) text.pop_back();
  std::ranges::replace(text, '+', '-');
  std::ranges::replace(text, '/', '_');
  return text;
}

// A port that is taken is told with the setting that chooses another one.
Result<std::unique_ptr<io::TcpListener>> bind(io::Runtime& runtime, std::string name,
                                              io::ListenerSettings settings) {
  const auto context = fmt::format("Kafka (--{}.port chooses another port)", name);
  auto bound = io::TcpListener::bind(runtime, std::move(name), std::move(settings));
  if (bound) return bound;
  const bool taken = bound.error().code() == ErrorCode::Conflict;
  return std::move(bound).error().with_context(taken ? context : "kafka");
}

}  // namespace

Result<std::unique_ptr<KafkaServer>> KafkaServer::make(Parts parts, ServerSettings settings) {
  MYELIN_TRY_VOID(settings.check());
  return std::unique_ptr<KafkaServer>(new KafkaServer(parts, std::move(settings)));
}

KafkaServer::KafkaServer(Parts parts, ServerSettings settings)
    : parts_(parts),
      settings_(std::move(settings)),
      cluster_id_(short_id(parts.broker.log().directory_id())),
      request_memory_(settings_.request_memory.value / 2),
      large_request_memory_(settings_.request_memory.value / 2),
      small_fetch_memory_(settings_.fetch_memory.value / 4),
      large_fetch_memory_(settings_.fetch_memory.value - settings_.fetch_memory.value / 4),
      shared_buffers_(parts.runtime.thread_count()),
      refused_(parts.registry.counter("myelin_kafka_refused_total",
                                      "Connections closed for a request that cannot be read.")),
      ends_(parts.runtime, "kafka.ends"),
      chores_(parts.runtime, "kafka.chores") {
  for (auto& buffer : shared_buffers_) buffer.resize(kSharedBufferBytes);
  auto& family = parts_.registry.counters("myelin_kafka_requests_total",
                                          "Requests of Kafka clients, by API.", {"api"});
  for (const auto& entry : all_entries()) {
    const auto key = static_cast<std::size_t>(entry.api->key);
    if (requests_.size() <= key) requests_.resize(key + 1);
    requests_[key] = &family.with({std::string(entry.api->name)});
  }
  callbacks_.push_back(parts_.registry.gauge_callback(
      "myelin_kafka_request_memory_bytes", "Memory of requests that are being worked on.",
      [this] { return static_cast<double>(request_memory_bytes()); }));
  callbacks_.push_back(parts_.registry.gauge_callback(
      "myelin_kafka_fetch_memory_bytes", "Memory of answers with records.",
      [this] { return static_cast<double>(fetch_memory_bytes()); }));
}

KafkaServer::~KafkaServer() = default;

Status KafkaServer::start() {
  MYELIN_TRY(listener, bind(parts_.runtime, "kafka", settings_.listener));
  listener_ = std::move(listener);
  if (settings_.tls.tls.enabled()) {
    MYELIN_TRY(secure, bind(parts_.runtime, "kafka.tls", settings_.tls_listener()));
    tls_listener_ = std::move(secure);
  }
  install_metrics();
  const auto handler = [this](std::unique_ptr<io::Connection> connection) {
    return serve(std::move(connection));
  };
  listener_->start(handler);
  parts_.logger.info("kafka.started", {{"address", settings_.listener.address},
                                       {"port", listener_->local_port()},
                                       {"cluster", cluster_id_}});
  if (tls_listener_) {
    install_tls_metrics();
    tls_listener_->start(handler);
    parts_.logger.info("kafka.tls_started",
                       {{"address", tls_listener_->settings().address},
                        {"port", tls_listener_->local_port()},
                        {"certificate", settings_.tls.tls.certificate},
                        {"expires", format_rfc3339(tls_listener_->credentials()->expires())}});
  }
  chores_.spawn("kafka.groups", tend_groups());
  return {};
}

void KafkaServer::install_metrics() {
  callbacks_.push_back(parts_.registry.gauge_callback(
      "myelin_kafka_connections", "Connections that are open, with TLS or without.",
      [this] { return static_cast<double>(connections()); }));
}

void KafkaServer::install_tls_metrics() {
  callbacks_.push_back(parts_.registry.callback(
      metrics::Kind::Counter, "myelin_kafka_tls_handshakes_failed_total",
      "Connections closed because they came to no TLS.", {}, [this](metrics::SampleSink& sink) {
        sink.sample({}, static_cast<double>(tls_listener_->counts().handshakes_failed));
      }));
  callbacks_.push_back(parts_.registry.gauge_callback(
      "myelin_kafka_tls_certificate_end_seconds", "When the certificate ends, in Unix time.",
      [this] {
        return static_cast<double>(to_ms(tls_listener_->credentials()->expires())) / 1000;
      }));
}

bool KafkaServer::stop(std::chrono::milliseconds time) {
  const SteadyTime due = parts_.clock.steady() + time;
  // First both ears, so that nobody who is sent away comes back by the other one.
  for (auto* listener : {listener_.get(), tls_listener_.get()})
    if (listener != nullptr) listener->stop_accepting();
  bool stopped = !listener_ || listener_->stop(time);
  stopped = (!tls_listener_ || tls_listener_->stop(time)) && stopped;
  stopped = chores_.stop(time) && stopped;
  const auto left =
      std::chrono::duration_cast<std::chrono::milliseconds>(due - parts_.clock.steady());
  stopped = ends_.join(std::max(left, std::chrono::milliseconds(0))) && stopped;
  callbacks_.clear();
  return stopped;
}

std::span<char> KafkaServer::shared_buffer(const io::IoThread& thread) {
  return shared_buffers_[thread.index()];
}

metrics::Counter& KafkaServer::requests(std::int16_t api_key) const {
  return *requests_[static_cast<std::size_t>(api_key)];
}

io::Task<void> KafkaServer::tend_groups() {
  for (;;) {
    auto& groups = parts_.broker.groups();
    const auto pause = until_groups_tick(parts_.clock.steady(), groups.next_due());
    co_await io::sleep_for(pause);
    groups.tick();
  }
}

io::Task<void> KafkaServer::serve(std::unique_ptr<io::Connection> connection) {
  Session session(*this, *connection);
  co_await session.run();
}

}  // namespace myelin::kafka
