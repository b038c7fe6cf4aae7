// MllpServer: a listener whose connections are senders of one feed.
//
// Owned by app, one per listener. Each connection has two coroutines on one io thread: one reads,
// frames and appends, the other acknowledges in order as receipts become durable. Nothing is
// acknowledged before it is durable; what cannot become durable is not acknowledged at all and
// closes the connection, because many senders drop a message on AE or AR and send again on silence.
//
// A connection holds at most one message being read, and the acknowledgments of what is in flight
// (`in_flight_messages_max`, `in_flight_bytes_max`); beyond that it is not read.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>

#include "base/logging.h"
#include "base/metrics.h"
#include "base/time.h"
#include "base/uuid.h"
#include "bus/bus.h"
#include "feeds/feed.h"
#include "io/listener.h"
#include "io/runtime.h"
#include "io/task_scope.h"
#include "security/audit.h"
#include "security/authorizer.h"
#include "servers/mllp/settings.h"

namespace myelin::mllp {

// What the server needs from the house; all of it outlives the server.
struct Parts {
  io::Runtime& runtime;
  bus::Bus& bus;
  security::Authorizer& authorizer;
  security::AuditSink& audit;
  UuidGenerator& ids;
  Logger& logger;
  metrics::Registry& registry;
  const Clock& clock;
};

class Session;

// Of one feed; kept by reference because a look-up takes a lock.
struct Metrics {
  Metrics(metrics::Registry& registry, const std::string& feed);

  metrics::Counter& kept(feeds::Kept where);

  metrics::Gauge& connections;
  metrics::Counter& typed;  // Messages by where they are kept.
  metrics::Counter& other;
  metrics::Counter& errors;
  metrics::Counter& too_long;  // Messages refused.
  metrics::Counter& not_durable;
  metrics::Counter& garbage_bytes;
  metrics::Counter& exhausted;       // Waits because the bus took no more.
  metrics::Histogram& acknowledged;  // Seconds from a message's last byte to its acknowledgment.
};

class MllpServer {
 public:
  // Checks the settings; binds nothing yet. `epoch` rises at each start of the server.
  static Result<std::unique_ptr<MllpServer>> make(Parts parts, Settings settings,
                                                  std::uint64_t epoch);
  ~MllpServer();
  MllpServer(const MllpServer&) = delete;
  MllpServer& operator=(const MllpServer&) = delete;

  // Makes the feed's topics, binds and begins to accept. Once.
  Status start();
  // After start().
  std::uint16_t port() const { return listener_->local_port(); }
  // Ends the accepting, cancels the connections, and waits until their ends are in the audit;
  // before the bus stops. What was appended and not acknowledged will be sent again by its sender.
  // False when something still runs when the time is over. Not on an io thread.
  bool stop(std::chrono::milliseconds time);

 private:
  friend class Session;

  MllpServer(Parts parts, Settings settings, std::unique_ptr<feeds::Feed> feed);
  io::Task<void> serve(std::unique_ptr<io::Connection> connection);

  const Parts parts_;
  const Settings settings_;
  const std::unique_ptr<feeds::Feed> feed_;
  Metrics metrics_;
  io::TaskScope ends_;  // Audit records of connections that are gone.
  std::unique_ptr<io::TcpListener> listener_;
};

}  // namespace myelin::mllp
