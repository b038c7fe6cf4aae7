// KafkaServer: a listener, and one with TLS where there is a certificate, whose connections speak
// Kafka's protocol to the broker.
//
// Owned by app. Every acknowledgment (acks=1 and acks=all alike) comes after the records are on
// stable storage. Memory of requests is accounted before they are read, memory of answers with
// records before these are; a connection that does not get a share waits.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/logging.h"
#include "base/metrics.h"
#include "base/time.h"
#include "base/uuid.h"
#include "broker/broker.h"
#include "io/listener.h"
#include "io/runtime.h"
#include "io/task_scope.h"
#include "security/audit.h"
#include "security/authorizer.h"
#include "servers/kafka/memory_budget.h"
#include "servers/kafka/settings.h"

namespace myelin::kafka {

// What the server needs from the house; all of it outlives the server.
struct Parts {
  io::Runtime& runtime;
  broker::Broker& broker;
  security::Authorizer& authorizer;
  security::AuditSink& audit;
  UuidGenerator& ids;
  Logger& logger;
  metrics::Registry& registry;
  const Clock& clock;
};

class KafkaServer {
 public:
  // InvalidInput names the setting that is wrong. Binds nothing yet.
  static Result<std::unique_ptr<KafkaServer>> make(Parts parts, ServerSettings settings);
  ~KafkaServer();
  KafkaServer(const KafkaServer&) = delete;
  KafkaServer& operator=(const KafkaServer&) = delete;

  // Binds and begins to accept. Once.
  Status start();
  // After start().
  std::uint16_t port() const { return listener_->local_port(); }
  // 0: there is no TLS.
  std::uint16_t tls_port() const { return tls_listener_ ? tls_listener_->local_port() : 0; }
  // Ends the accepting and the connections, before the broker closes. False when something still
  // runs when the time is over. Not on an io thread.
  bool stop(std::chrono::milliseconds time);

  const Parts& parts() const { return parts_; }
  const ServerSettings& settings() const { return settings_; }
  broker::Broker& broker() { return parts_.broker; }
  // As clients show it: 22 characters of the directory's id.
  const std::string& cluster_id() const { return cluster_id_; }
  std::int32_t leader_epoch() const { return parts_.broker.log().leader_epoch(); }

  // Large requests have a budget of their own, so that whoever begins some and does not go on keeps
  // nobody else from being read.
  MemoryBudget& memory_for(std::size_t request_bytes) {
    return request_bytes > kLargeRequestBytes ? large_request_memory_ : request_memory_;
  }
  std::size_t request_memory_bytes() const {
    return request_memory_.used_bytes() + large_request_memory_.used_bytes();
  }
  // Small answers have a budget of their own too: those who follow a topic's end, and those who
  // catch up by small steps, are served while others do not read their large ones.
  static constexpr std::size_t kSmallAnswerBytes = 64u << 10;
  MemoryBudget& small_fetch_memory() { return small_fetch_memory_; }
  MemoryBudget& large_fetch_memory() { return large_fetch_memory_; }
  std::size_t fetch_memory_bytes() const {
    return small_fetch_memory_.used_bytes() + large_fetch_memory_.used_bytes();
  }
  // Open ones, of both listeners. After start().
  std::size_t connections() const {
    return listener_->counts().open + (tls_listener_ ? tls_listener_->counts().open : 0);
  }
  // For a read that is taken out before the next suspension.
  std::span<char> shared_buffer(const io::IoThread& thread);
  metrics::Counter& requests(std::int16_t api_key) const;
  metrics::Counter& refused() const { return refused_; }
  // Audit records of sessions that are gone.
  io::TaskScope& ends() { return ends_; }

 private:
  static constexpr std::size_t kLargeRequestBytes = 1u << 20;

  KafkaServer(Parts parts, ServerSettings settings);
  void install_metrics();
  void install_tls_metrics();
  // Sessions and rebalances of consumer groups that are due.
  io::Task<void> tend_groups();
  io::Task<void> serve(std::unique_ptr<io::Connection> connection);

  const Parts parts_;
  const ServerSettings settings_;
  const std::string cluster_id_;
  MemoryBudget request_memory_;
  MemoryBudget large_request_memory_;
  MemoryBudget small_fetch_memory_;
  MemoryBudget large_fetch_memory_;
  std::vector<std::vector<char>> shared_buffers_;  // By io thread.
  std::vector<metrics::Counter*> requests_;        // By api key; null for those that have none.
  metrics::Counter& refused_;
  std::vector<metrics::Callback> callbacks_;
  io::TaskScope ends_;
  io::TaskScope chores_;
  std::unique_ptr<io::TcpListener> listener_;
  std::unique_ptr<io::TcpListener> tls_listener_;
};

}  // namespace myelin::kafka
