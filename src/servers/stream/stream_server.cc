#include "servers/stream/stream_server.h"

#include <optional>
#include <string>
#include <utility>

#include "base/json_writer.h"
#include "formats/kafka/unpacked_batch.h"
#include "io/notifier.h"
#include "servers/stream/event_json.h"
#include "servers/stream/request.h"

namespace myelin::stream {

namespace {

// Several events share a write up to here; beyond, what is there goes out first.
// What the broker unpacks when it takes a batch in.
constexpr std::size_t kUnpackedBytesMax = 256u << 20;
constexpr std::size_t kWriteBytes = 64u << 10;

void add_gap(http::SseStream& sse, std::string_view message) {
  std::string data;
  JsonWriter json(data);
  json.begin_object();
  json.member("message", message);
  json.end_object();
  sse.add({}, "gap", data);
}

}  // namespace

// One of the streams that the limit allows.
class StreamServer::Slot {
 public:
  static std::optional<Slot> take(std::atomic<std::uint32_t>& open, std::uint32_t max) {
    if (open.fetch_add(1, std::memory_order_relaxed) < max) return Slot(open);
    open.fetch_sub(1, std::memory_order_relaxed);
    return std::nullopt;
  }
  Slot(Slot&& other) noexcept : open_(std::exchange(other.open_, nullptr)) {}
  Slot& operator=(Slot&&) = delete;
  ~Slot() {
    if (open_ != nullptr) open_->fetch_sub(1, std::memory_order_relaxed);
  }

 private:
  explicit Slot(std::atomic<std::uint32_t>& open) : open_(&open) {}
  std::atomic<std::uint32_t>* open_;
};

// Lives in the frame of serve(); what is left to do at its end is done however it ends.
struct StreamServer::Stream {
  StreamServer& server;
  bus::Context context;
  std::string pattern;
  Uuid session;
  std::unique_ptr<bus::Subscription> subscription = nullptr;
  bool audited = false;
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
  security::AuditOutcome outcome = security::AuditOutcome::Success;
  std::string end_reason = "closed";  // The reader left, or the server stops: both throw.
  std::string text{};                 // One event's JSON; kept for its memory.

  ~Stream() {
    if (audited) server.end(*this);
  }
};

StreamServer::StreamServer(Parts parts, Settings settings)
    : parts_(parts),
      settings_(settings),
      opened_(parts.registry.counter("myelin_stream_opened_total", "Streams that were opened.")),
      ended_(parts.registry.counters("myelin_stream_ended_total", "Streams that ended, by reason.",
                                     {"reason"})),
      refused_(parts.registry.counters("myelin_stream_refused_total",
                                       "Requests for streams that were refused, by reason.",
                                       {"reason"})),
      events_(parts.registry.counter("myelin_stream_events_total", "Events sent to streams.")),
      open_gauge_(parts.registry.gauge_callback("myelin_stream_open", "Streams that are open.",
                                                [this] { return double{1} * open_.load(); })),
      ends_(parts.runtime, "stream.ends") {}

StreamServer::~StreamServer() = default;

void StreamServer::install(http::Router& router) {
  router.add(http::Method::Get, "/events/{pattern}",
             [this](http::Request& request, http::ResponseWriter& writer) {
               return serve(request, writer);
             });
}

bool StreamServer::stop(std::chrono::milliseconds time) { return ends_.join(time); }

io::Task<void> StreamServer::serve(http::Request& request, http::ResponseWriter& writer) {
  Stream stream{.server = *this,
                .context = {.principal = std::string(security::kLocalPrincipal),
                            .tenant = {},
                            .peer = request.peer,
                            .trace = {},
                            .deadline = std::nullopt},
                .pattern = std::string(request.route_value("pattern")),
                .session = parts_.ids.next()};
  auto options = parse_request(request);
  if (!options) {
    co_await refuse(stream, writer, std::move(options).error());
    co_return;
  }
  const auto allowed = parts_.authorizer.authorize(stream.context, security::Operation::Read,
                                                   security::Resource::topic(stream.pattern));
  if (!allowed) {
    co_await refuse(stream, writer, allowed.error());
    co_return;
  }
  if (request.method == http::Method::Head) {
    http::Response head;
    head.content_type = "text/event-stream";
    (void)co_await writer.send(std::move(head));
    co_return;
  }
  const auto slot = Slot::take(open_, settings_.streams_max);
  if (!slot) {
    refused_.with({"streams_max"}).increment();
    (void)co_await writer.send_error(503, "exhausted",
                                     "too many streams are open; try again later");
    co_return;
  }
  options->batch_bytes_max = settings_.batch_bytes_max.value;
  const auto opened = co_await open(stream, std::move(*options));
  if (!opened) {
    co_await refuse(stream, writer, opened.error());
    co_return;
  }
  co_await deliver(stream, writer);
}

io::Task<Status> StreamServer::open(Stream& stream, bus::SubscribeOptions options) {
  // Subscribed before it is audited: what is appended meanwhile (this audit record too) belongs to
  // a stream from now on.
  MYELIN_CO_TRY(subscription, co_await parts_.bus.subscribe(stream.context, std::move(options)));
  const auto recorded =
      co_await parts_.audit.record(audit_event(stream, security::AuditAction::StreamOpened));
  if (!recorded)
    co_return Error(ErrorCode::Unavailable, "the access cannot be recorded in the audit");
  stream.subscription = std::move(subscription);
  stream.audited = true;
  opened_.increment();
  co_return Status();
}

io::Task<void> StreamServer::deliver(Stream& stream, http::ResponseWriter& writer) {
  writer.mark_endless();
  writer.set_write_timeout(settings_.write_timeout);
  http::SseStream sse(writer);
  const auto failed = co_await deliver_all(stream, sse);
  if (failed) {
    stream.outcome = security::AuditOutcome::Failed;
    stream.end_reason = to_string(failed->code());
    parts_.logger.limited(
        LogLevel::Warn, "stream.failed",
        {{"pattern", stream.pattern}, {"peer", stream.context.peer}, {"error", failed->message()}});
    co_await send_failure(sse, *failed);
  } else {
    stream.end_reason = "slow";
  }
}

io::Task<std::optional<Error>> StreamServer::deliver_all(Stream& stream, http::SseStream& sse) {
  // The head and what subscribe() found out go out in one write.
  if (const auto gap = stream.subscription->take_gap()) add_gap(sse, *gap);
  const auto started = co_await sse.start();
  for (Step step = started ? Step::Sent : Step::PeerTooSlow; step == Step::Sent;) {
    const auto sent = co_await send_next(stream, sse);
    if (!sent) co_return sent.error();
    step = *sent;
  }
  co_return std::nullopt;
}

io::Task<Result<StreamServer::Step>> StreamServer::send_next(Stream& stream, http::SseStream& sse) {
  MYELIN_CO_TRY(batches, co_await stream.subscription->next(settings_.heartbeat));
  if (const auto gap = stream.subscription->take_gap()) add_gap(sse, *gap);
  for (const auto& batch : batches) {
    MYELIN_CO_TRY(step, co_await send_batch(stream, sse, batch));
    if (step != Step::Sent) co_return step;
  }
  if (batches.empty() && sse.pending_bytes() == 0) sse.add_comment("");
  if (sse.pending_bytes() > 0) {
    const auto flushed = co_await sse.flush();
    if (!flushed) co_return Step::PeerTooSlow;
  }
  co_return Step::Sent;
}

io::Task<Result<StreamServer::Step>> StreamServer::send_batch(Stream& stream, http::SseStream& sse,
                                                              const bus::Batch& batch) {
  // A Kafka client may have packed it.
  MYELIN_CO_TRY(unpacked, kafka::unpack(batch.ref.bytes, kUnpackedBytesMax));
  auto reader = unpacked.reader();
  // Ends of transactions are the broker's, not a reader's.
  if (reader.info().is_control()) co_return Step::Sent;
  for (;;) {
    MYELIN_CO_TRY(record, reader.next());
    if (!record) co_return Step::Sent;
    const auto number = static_cast<std::uint32_t>(record->offset_delta);
    if (!stream.subscription->wants(batch, number)) continue;
    stream.text.clear();
    append_event_json(stream.text,
                      {.topic = batch.topic->name,
                       .partition = batch.ref.partition.partition.value,
                       .offset = batch.ref.base_offset.value + record->offset_delta,
                       .received = batch.ref.received},
                      *record);
    sse.add(stream.subscription->cursor(batch, number), {}, stream.text);
    stream.bytes += stream.text.size();
    ++stream.records;
    events_.increment();
    if (sse.pending_bytes() < kWriteBytes) continue;
    const auto flushed = co_await sse.flush();
    if (!flushed) co_return Step::PeerTooSlow;
  }
}

io::Task<void> StreamServer::send_failure(http::SseStream& sse, const Error& error) {
  std::string data;
  JsonWriter json(data);
  json.begin_object();
  json.member("code", to_string(error.code()));
  json.member("message", error.message());
  json.end_object();
  const auto told = co_await sse.send({}, "failure", data);
  if (told) (void)co_await sse.finish();
}

io::Task<void> StreamServer::refuse(const Stream& stream, http::ResponseWriter& writer,
                                    Error error) {
  const auto reason = to_string(error.code());
  refused_.with({reason}).increment();
  parts_.logger.limited(LogLevel::Info, "stream.refused",
                        {{"peer", stream.context.peer}, {"error", error.message()}});
  if (error.code() == ErrorCode::Forbidden || error.code() == ErrorCode::Unauthenticated) {
    auto event = audit_event(stream, security::AuditAction::StreamOpened);
    event.outcome = security::AuditOutcome::Refused;
    event.reason = reason;
    // Nothing is shown to the peer either way, so this one need not be durable first.
    (void)co_await parts_.audit.record(std::move(event));
  }
  (void)co_await writer.send_error(error);
}

void StreamServer::end(const Stream& stream) {
  ended_.with({stream.end_reason}).increment();
  auto event = audit_event(stream, security::AuditAction::StreamEnded);
  event.outcome = stream.outcome;
  event.reason = stream.end_reason;
  event.counts = {{"records", stream.records}, {"bytes", stream.bytes}};
  // The stream's own task may be canceled already and could not wait any more.
  ends_.spawn("stream.end", record(parts_.audit, std::move(event)));
}

security::AuditEvent StreamServer::audit_event(const Stream& stream,
                                               security::AuditAction action) const {
  const bool opens = action == security::AuditAction::StreamOpened;
  return {.id = opens ? stream.session : parts_.ids.next(),
          .session = stream.session,
          .time = parts_.clock.now(),
          .context = stream.context,
          .action = action,
          .resource = security::Resource::topic(stream.pattern),
          .outcome = security::AuditOutcome::Success,
          .reason = {},
          .counts = {}};
}

io::Task<void> StreamServer::record(security::AuditSink& sink, security::AuditEvent event) {
  // The sink logs and counts what it could not record.
  (void)co_await sink.record(std::move(event));
}

}  // namespace myelin::stream
