#include "servers/mllp/mllp_server.h"

#include <algorithm>
#include <utility>

#include "servers/mllp/session.h"

namespace myelin::mllp {

namespace {

metrics::Counter& message_counter(metrics::Registry& registry, const std::string& feed,
                                  std::string_view kept) {
  return registry
      .counters("myelin_mllp_messages_total", "Messages taken, by where they are kept.",
                {"feed", "kept"})
      .with({feed, kept});
}

metrics::Counter& refusal_counter(metrics::Registry& registry, const std::string& feed,
                                  std::string_view reason) {
  return registry
      .counters("myelin_mllp_refused_total", "Messages that were not taken, by reason.",
                {"feed", "reason"})
      .with({feed, reason});
}

}  // namespace

Metrics::Metrics(metrics::Registry& registry, const std::string& feed)
    : connections(registry.gauges("myelin_mllp_connections", "Connections that are open.", {"feed"})
                      .with({feed})),
      typed(message_counter(registry, feed, "typed")),
      other(message_counter(registry, feed, "other")),
      errors(message_counter(registry, feed, "errors")),
      too_long(refusal_counter(registry, feed, "too_long")),
      not_durable(refusal_counter(registry, feed, "not_durable")),
      garbage_bytes(registry
                        .counters("myelin_mllp_garbage_bytes_total",
                                  "Bytes that stood outside of frames.", {"feed"})
                        .with({feed})),
      exhausted(registry
                    .counters("myelin_mllp_exhausted_total",
                              "Times a connection waited because the disk was behind.", {"feed"})
                    .with({feed})),
      acknowledged(registry
                       .histograms("myelin_mllp_acknowledged_seconds",
                                   "From a message's last byte until it is durable and its "
                                   "acknowledgment is about to be written.",
                                   metrics::latency_bounds(), {"feed"})
                       .with({feed})) {}

metrics::Counter& Metrics::kept(feeds::Kept where) {
  switch (where) {
    case feeds::Kept::Typed: return typed;
    case feeds::Kept::Other: return other;
    case feeds::Kept::Errors: break;
  }
  return errors;
}

Result<std::unique_ptr<MllpServer>> MllpServer::make(Parts parts, Settings settings,
                                                     std::uint64_t epoch) {
  MYELIN_TRY(feed, feeds::Feed::make(settings.feed, epoch,
                                     {.bus = parts.bus, .ids = parts.ids, .clock = parts.clock}));
  return std::unique_ptr<MllpServer>(new MllpServer(parts, std::move(settings), std::move(feed)));
}

MllpServer::MllpServer(Parts parts, Settings settings, std::unique_ptr<feeds::Feed> feed)
    : parts_(parts),
      settings_(std::move(settings)),
      feed_(std::move(feed)),
      metrics_(parts.registry, feed_->settings().name),
      ends_(parts.runtime, "mllp.ends") {}

MllpServer::~MllpServer() = default;

Status MllpServer::start() {
  MYELIN_TRY_VOID(feed_->start());
  MYELIN_TRY(listener, io::TcpListener::bind(parts_.runtime, "mllp", settings_.listener));
  listener_ = std::move(listener);
  listener_->start(
      [this](std::unique_ptr<io::Connection> connection) { return serve(std::move(connection)); });
  parts_.logger.info("mllp.started", {{"feed", feed_->settings().name},
                                      {"address", settings_.listener.address},
                                      {"port", listener_->local_port()}});
  return {};
}

bool MllpServer::stop(std::chrono::milliseconds time) {
  const SteadyTime due = parts_.clock.steady() + time;
  bool stopped = !listener_ || listener_->stop(time);
  const auto left =
      std::chrono::duration_cast<std::chrono::milliseconds>(due - parts_.clock.steady());
  stopped = ends_.join(std::max(left, std::chrono::milliseconds(0))) && stopped;
  return stopped;
}

io::Task<void> MllpServer::serve(std::unique_ptr<io::Connection> connection) {
  Session session(*this, *connection);
  co_await session.run();
}

}  // namespace myelin::mllp
