// StreamServer: topics as Server-Sent Events, GET /events/{topic or pattern}.
//
// Owned by app, outlives the HTTP server that its routes serve. One coroutine per stream, on the
// HTTP connection's io thread; the counts are atomics. A stream keeps nothing for a slow reader
// beyond the one batch it is sending: the next is read from the bus only when the socket has taken
// this one, so whoever is slow is served from disk later, and whoever takes nothing for
// `write_timeout` is disconnected and resumes with Last-Event-ID.
//
// Opening a stream is authorized and audited first; what cannot be audited is refused (503).
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/logging.h"
#include "base/metrics.h"
#include "base/time.h"
#include "base/uuid.h"
#include "bus/bus.h"
#include "io/http.h"
#include "io/router.h"
#include "io/runtime.h"
#include "io/sse.h"
#include "io/task_scope.h"
#include "security/audit.h"
#include "security/authorizer.h"
#include "servers/stream/settings.h"

namespace myelin::stream {

// What a stream needs from the house; all of it outlives the server.
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

class StreamServer {
 public:
  StreamServer(Parts parts, Settings settings);
  ~StreamServer();
  StreamServer(const StreamServer&) = delete;
  StreamServer& operator=(const StreamServer&) = delete;

  // Adds the route. The router's server must be stopped before this object goes.
  void install(http::Router& router);

  std::uint32_t open_streams() const { return open_.load(std::memory_order_relaxed); }

  // After the HTTP server has stopped and before the bus does: waits until the ends of streams are
  // in the audit. False when some are not when the time is over. Not on an io thread.
  bool stop(std::chrono::milliseconds time);

 private:
  class Slot;
  struct Stream;

  io::Task<void> serve(http::Request& request, http::ResponseWriter& writer);
  io::Task<Status> open(Stream& stream, bus::SubscribeOptions options);
  io::Task<void> deliver(Stream& stream, http::ResponseWriter& writer);
  // Until the peer takes nothing any more (nothing) or the bus fails (its error).
  io::Task<std::optional<Error>> deliver_all(Stream& stream, http::SseStream& sse);
  // An error is the bus's; that the peer took nothing is a value.
  enum class Step : std::uint8_t { Sent, PeerTooSlow };
  io::Task<Result<Step>> send_next(Stream& stream, http::SseStream& sse);
  io::Task<Result<Step>> send_batch(Stream& stream, http::SseStream& sse, const bus::Batch& batch);
  io::Task<void> send_failure(http::SseStream& sse, const Error& error);
  io::Task<void> refuse(const Stream& stream, http::ResponseWriter& writer, Error error);
  // Puts the end of an audited stream into the audit, whatever ended it.
  void end(const Stream& stream);
  security::AuditEvent audit_event(const Stream& stream, security::AuditAction action) const;
  static io::Task<void> record(security::AuditSink& sink, security::AuditEvent event);

  const Parts parts_;
  const Settings settings_;
  std::atomic<std::uint32_t> open_{0};
  metrics::Counter& opened_;
  metrics::Family<metrics::Counter>& ended_;
  metrics::Family<metrics::Counter>& refused_;
  metrics::Counter& events_;
  metrics::Callback open_gauge_;
  io::TaskScope ends_;  // Audit records of streams that are gone.
};

}  // namespace myelin::stream
