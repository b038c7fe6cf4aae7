#include "servers/mllp/session.h"

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

#include "io/runtime.h"

namespace myelin::mllp {

namespace {

constexpr std::size_t kReadBytes = 32u << 10;
constexpr std::size_t kWriteBytes = 64u << 10;
constexpr std::chrono::milliseconds kRetryDelayMin{1};
constexpr std::chrono::milliseconds kRetryDelayMax{100};

}  // namespace

Session::Session(MllpServer& server, io::Connection& connection)
    : server_(server),
      connection_(connection),
      context_{.principal = server.feed_->principal(),
               .tenant = server.feed_->settings().tenant,
               .peer = connection.peer(),
               .trace = {},
               .deadline = std::nullopt},
      id_(server.parts_.ids.next()),
      framer_(
          server.feed_->settings().message_bytes_max.value,
          server.feed_->settings().skip_garbage ? hl7v2::OnGarbage::Skip : hl7v2::OnGarbage::Fail) {
  server_.metrics_.connections.add(1);
}

Session::~Session() {
  server_.metrics_.connections.subtract(1);
  server_.parts_.logger.limited(LogLevel::Info, "mllp.connection.ended",
                                {{"feed", server_.feed_->settings().name},
                                 {"peer", context_.peer},
                                 {"reason", end_reason_},
                                 {"accepted", accepted_},
                                 {"refused", refused_}});
  if (!audited_) return;
  auto event = audit_event(security::AuditAction::ConnectionEnded);
  event.reason = end_reason_;
  event.counts = {{"accepted", accepted_}, {"refused", refused_}};
  // This task may be canceled already and could not wait any more.
  server_.ends_.spawn("mllp.end", record(server_.parts_.audit, std::move(event)));
}

io::Task<void> Session::run() {
  const auto opened = co_await open();
  if (!opened) {
    stop_because(to_string(opened.error().code()));
    server_.parts_.logger.limited(LogLevel::Warn, "mllp.connection.refused",
                                  {{"feed", server_.feed_->settings().name},
                                   {"peer", context_.peer},
                                   {"error", opened.error().message()}});
    co_return;
  }
  co_await io::both(read(), acknowledge());
  // What the peer still sends must not turn our last acknowledgments into a reset.
  if (!failed_) co_await connection_.drain_and_close();
}

io::Task<Status> Session::open() {
  const auto allowed = server_.parts_.authorizer.authorize(
      context_, security::Operation::Write, security::Resource::topic(feeds::kTopicPattern));
  auto event = audit_event(security::AuditAction::ConnectionOpened);
  if (!allowed) {
    event.outcome = security::AuditOutcome::Refused;
    event.reason = to_string(allowed.error().code());
    // Nothing was accessed, so the refusal stands whether or not it is recorded.
    (void)co_await server_.parts_.audit.record(std::move(event));
    co_return allowed;
  }
  MYELIN_CO_TRY_VOID(co_await server_.parts_.audit.record(std::move(event)));
  audited_ = true;
  co_return Status();
}

io::Task<void> Session::read() {
  std::vector<char> buffer(kReadBytes);
  for (Next next = Next::GoOn; next == Next::GoOn;) {
    const auto got = co_await connection_.read_some(buffer);
    if (!got) {
      stop_because("idle");
      break;
    }
    if (*got == 0) {
      stop_because(framer_.is_inside_frame() ? "cut-off" : "closed");
      break;
    }
    next = co_await take({buffer.data(), *got});
  }
  reading_ = false;
  more_.notify();
}

io::Task<Session::Next> Session::take(std::string_view bytes) {
  framer_.feed(bytes);
  for (;;) {
    const auto frame = framer_.next();
    count_garbage();
    if (!frame) {
      stop_because("garbage");
      co_return Next::Stop;
    }
    if (!*frame) co_return Next::GoOn;
    const hl7v2::MllpFrame& found = **frame;
    const bool too_long = found.kind == hl7v2::MllpFrame::Kind::TooLong;
    const Next room = co_await wait_for_room(too_long ? 0 : found.bytes.size());
    if (room == Next::Stop) co_return Next::Stop;
    if (too_long) {
      answer_too_long(found.bytes);
      continue;
    }
    const Next accepted = co_await accept(found.bytes);
    if (accepted == Next::Stop) co_return Next::Stop;
  }
}

io::Task<Session::Next> Session::wait_for_room(std::size_t message_bytes) {
  const auto& settings = server_.settings_;
  while (!failed_ && in_flight_messages_ > 0 &&
         (in_flight_messages_ >= settings.in_flight_messages_max ||
          in_flight_bytes_ + message_bytes > settings.in_flight_bytes_max.value)) {
    co_await room_.wait();
  }
  co_return failed_ ? Next::Stop : Next::GoOn;
}

io::Task<Session::Next> Session::accept(std::string_view message) {
  const SteadyTime received = server_.parts_.clock.steady();
  for (auto delay = kRetryDelayMin;; delay = std::min(2 * delay, kRetryDelayMax)) {
    auto accepted = server_.feed_->accept(context_, message);
    if (accepted) {
      server_.metrics_.kept(accepted->kept).increment();
      push({.receipt = std::move(accepted->receipt),
            .acknowledgment = std::move(accepted->acknowledgment),
            .message_bytes = message.size(),
            .received = received});
      co_return Next::GoOn;
    }
    if (accepted.error().code() != ErrorCode::Exhausted) {
      not_durable(accepted.error(), 1);
      stop_because("not-durable");
      co_return Next::Stop;
    }
    server_.metrics_.exhausted.increment();
    co_await io::sleep_for(delay);
    if (failed_) co_return Next::Stop;
  }
}

void Session::answer_too_long(std::string_view beginning) {
  server_.metrics_.too_long.increment();
  ++refused_;
  push({.receipt = std::nullopt,
        .acknowledgment = server_.feed_->reject_too_long(beginning),
        .message_bytes = 0,
        .received = server_.parts_.clock.steady()});
}

void Session::count_garbage() {
  const std::uint64_t now = framer_.garbage_bytes();
  if (now == garbage_counted_) return;
  server_.metrics_.garbage_bytes.increment(now - garbage_counted_);
  garbage_counted_ = now;
}

void Session::not_durable(const Error& error, std::uint64_t messages) {
  server_.metrics_.not_durable.increment(messages);
  refused_ += messages;
  server_.parts_.logger.limited(LogLevel::Warn, "mllp.not_durable",
                                {{"feed", server_.feed_->settings().name},
                                 {"peer", context_.peer},
                                 {"messages", messages},
                                 {"error", error.message()}});
}

io::Task<void> Session::acknowledge() {
  std::string out;
  for (;;) {
    while (in_flight_.empty()) {
      if (!reading_) co_return;
      co_await more_.wait();
    }
    out.clear();
    Status taken = co_await take_durable(out);
    // What became durable together is acknowledged together.
    while (taken && !in_flight_.empty() && out.size() < kWriteBytes && front_is_ready())
      taken = co_await take_durable(out);
    // Those before one that failed are durable, and their senders may know.
    if (!out.empty()) {
      const Status written = co_await connection_.write_all(out);
      if (!written) fail("slow");
    }
    if (!taken) {
      not_durable(taken.error(), in_flight_messages_);
      fail("not-durable");
    }
    room_.notify();
    if (failed_) co_return;
  }
}

bool Session::front_is_ready() const {
  const auto& receipt = in_flight_.front().receipt;
  return !receipt || receipt->ready();
}

io::Task<Status> Session::take_durable(std::string& out) {
  const InFlight entry = std::move(in_flight_.front());
  in_flight_.pop_front();
  if (entry.receipt) {
    MYELIN_CO_TRY_VOID(co_await entry.receipt->durable());
    ++accepted_;
    const std::chrono::duration<double> took = server_.parts_.clock.steady() - entry.received;
    server_.metrics_.acknowledged.observe(took.count());
  }
  --in_flight_messages_;
  in_flight_bytes_ -= entry.message_bytes;
  if (!entry.acknowledgment.empty()) hl7v2::append_mllp_frame(out, entry.acknowledgment);
  co_return Status();
}

void Session::push(InFlight entry) {
  ++in_flight_messages_;
  in_flight_bytes_ += entry.message_bytes;
  in_flight_.push_back(std::move(entry));
  more_.notify();
}

void Session::fail(std::string_view reason) {
  if (!failed_) end_reason_ = reason;
  failed_ = true;
  connection_.close();
}

security::AuditEvent Session::audit_event(security::AuditAction action) const {
  const bool opens = action == security::AuditAction::ConnectionOpened;
  return {.id = opens ? id_ : server_.parts_.ids.next(),
          .session = id_,
          .time = server_.parts_.clock.now(),
          .context = context_,
          .action = action,
          .resource = security::Resource::topic(feeds::kTopicPattern),
          .outcome = security::AuditOutcome::Success,
          .reason = {},
          .counts = {}};
}

io::Task<void> Session::record(security::AuditSink& sink, security::AuditEvent event) {
  // The sink logs and counts what it could not record.
  (void)co_await sink.record(std::move(event));
}

}  // namespace myelin::mllp
