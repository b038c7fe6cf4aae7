#include "servers/kafka/session.h"

#include <fmt/format.h>

#include <algorithm>

#include "formats/kafka_protocol/api_versions.h"
#include "io/runtime.h"
#include "servers/kafka/catalogue.h"
#include "servers/kafka/fetch_state.h"
#include "servers/kafka/kafka_server.h"

namespace myelin::kafka {
namespace {

constexpr std::size_t kLengthBytes = 4;
constexpr std::size_t kHeaderBytesMin = 8;
constexpr std::size_t kUnreadBytesKept = 1024;  // An idle connection holds no more.
// Of answers that wait for a peer to read: beyond it no further request is begun.
constexpr std::size_t kUnsentBytesMax = 1u << 20;
constexpr std::size_t kGatheredBytesMax = 16u << 10;  // Of small answers that go out together.

bool is_loopback(std::string_view peer) {
  return peer.starts_with("127.") || peer.starts_with("[::1]");
}

std::string principal_of(const io::Connection& connection, const ServerSettings& settings) {
  if (is_loopback(connection.peer()) || settings.allow_unauthenticated)
    return std::string(security::kLocalPrincipal);
  return "User:ANONYMOUS";
}

}  // namespace

Session::Session(KafkaServer& server, io::Connection& connection)
    : server_(server),
      connection_(connection),
      context_{.principal = principal_of(connection, server.settings()),
               .tenant = {},
               .peer = connection.peer(),
               .trace = {},
               .deadline = std::nullopt},
      id_(server.parts().ids.next()),
      fetch_state_(std::make_unique<FetchState>(server.broker())) {}

Session::~Session() {
  if (noted_.empty()) return;
  auto event = audit_event(security::AuditAction::ConnectionEnded,
                           {security::ResourceKind::Cluster, "kafka"});
  event.counts = {{"recordsRead", records_read_}, {"recordsWritten", records_written_}};
  // This task may be canceled already and could not wait any more.
  server_.ends().spawn("kafka.end", record(server_.parts().audit, std::move(event)));
}

security::AuditEvent Session::audit_event(security::AuditAction action,
                                          security::Resource resource) {
  return {.id = server_.parts().ids.next(),
          .session = id_,
          .time = server_.parts().clock.now(),
          .context = context_,
          .action = action,
          .resource = std::move(resource),
          .outcome = security::AuditOutcome::Success,
          .reason = {},
          .counts = {}};
}

io::Task<void> Session::record(security::AuditSink& sink, security::AuditEvent event) {
  // The sink logs and counts what it could not record.
  (void)co_await sink.record(std::move(event));
}

io::Task<bool> Session::note_access(security::AuditAction action, const broker::Topic& topic) {
  const std::pair key{action, topic.id()};
  if (noted_.contains(key)) co_return true;
  const auto recorded = co_await server_.parts().audit.record(
      audit_event(action, security::Resource::topic(topic.name.full())));
  if (recorded) noted_.insert(key);
  co_return recorded.has_value();
}

void Session::count_records(security::AuditAction action, std::uint64_t records) {
  (action == security::AuditAction::TopicRead ? records_read_ : records_written_) += records;
}

std::string Session::advertised_host() const {
  const auto& settings = server_.settings();
  const bool own_host = is_tls() && !settings.tls.advertised_host.empty();
  const auto& host = own_host ? settings.tls.advertised_host : settings.advertised_host;
  return host.empty() ? connection_.local_address() : host;
}

std::int32_t Session::advertised_port() const {
  const auto& settings = server_.settings();
  const auto port = is_tls() ? settings.tls.advertised_port : settings.advertised_port;
  return port == 0 ? connection_.local_port() : port;
}

std::string Session::peer_host() const { return context_.peer.substr(0, context_.peer.rfind(':')); }

bool Session::may(security::Operation operation, const security::Resource& resource) const {
  return server_.parts().authorizer.authorize(context_, operation, resource).has_value();
}

io::Task<void> Session::run() { co_await io::both(read(), write()); }

io::Task<void> Session::read() {
  for (;;) {
    auto request = co_await next_request();
    // A client that has gone waits for no answer; what it appended stays.
    if (!request) throw io::Broken("the client has closed the connection");
    const bool goes_on = co_await start(std::move(*request));
    if (!goes_on) break;
  }
  reading_ = false;
  more_.notify();
}

io::Task<bool> Session::read_more() {
  const auto buffer = server_.shared_buffer(connection_.thread());
  const auto count = co_await connection_.read_shared(buffer);
  if (!count || *count == 0) co_return false;
  unread_.append(buffer.data(), *count);
  co_return true;
}

io::Task<bool> Session::fill(std::span<char> rest) {
  while (!rest.empty()) {
    const auto count = co_await connection_.read_shared(rest);
    if (!count || *count == 0) co_return false;
    rest = rest.subspan(*count);
  }
  co_return true;
}

io::Task<std::optional<RequestBytes>> Session::next_request() {
  while (unread_.size() < kLengthBytes) {
    const bool more = co_await read_more();
    if (!more) co_return std::nullopt;
  }
  const auto length = load_be<std::int32_t>(unread_.data());
  if (length < static_cast<std::int32_t>(kHeaderBytesMin) ||
      static_cast<std::uint64_t>(length) > server_.settings().request_bytes_max.value) {
    // A record of TLS (a handshake, an alert), read as a length.
    const bool tls_record =
        !is_tls() && (unread_.starts_with("\x16\x03") || unread_.starts_with("\x15\x03"));
    refuse(tls_record ? "a client that speaks TLS, on the port without it"
                      : fmt::format("a request of {} bytes", length));
    throw io::Broken("the connection is closed");
  }
  RequestBytes request;
  request.size = static_cast<std::size_t>(length);
  request.share = co_await server_.memory_for(request.size).take(request.size);
  request.bytes = std::make_unique_for_overwrite<char[]>(request.size);
  const auto there = std::min(unread_.size() - kLengthBytes, request.size);
  std::copy_n(unread_.data() + kLengthBytes, there, request.bytes.get());
  unread_.erase(0, kLengthBytes + there);
  if (unread_.empty() && unread_.capacity() > kUnreadBytesKept) unread_.shrink_to_fit();
  connection_.set_read_deadline(server_.parts().clock.steady() +
                                server_.settings().request_timeout);
  const bool whole = co_await fill({request.bytes.get() + there, request.size - there});
  connection_.set_read_deadline(io::kNever);
  if (!whole) co_return std::nullopt;
  co_return request;
}

io::Task<bool> Session::start(RequestBytes request) {
  while (is_full()) co_await room_.wait();
  const auto peeked = peek_request_header(request.view());
  const auto* entry = peeked ? find_entry(peeked->api_key) : nullptr;
  if (entry == nullptr) {
    refuse("a request that is not known here");
    co_return false;
  }
  const bool is_old_or_new = !entry->api->has(peeked->api_version);
  if (is_old_or_new && entry->api->key != kApiVersions.key) {
    refuse(fmt::format("{} in version {}", entry->api->name, peeked->api_version));
    co_return false;
  }
  auto header = is_old_or_new ? Result<DecodedHeader>(DecodedHeader{*peeked, kHeaderBytesMin})
                              : decode_request_header(request.view(), *entry->api);
  if (!header) {
    refuse(header.error().message());
    co_return false;
  }
  server_.requests(entry->api->key).increment();
  auto in_flight = std::make_unique<InFlight>(*this, *entry, std::move(request), *header,
                                              server_.parts().clock.steady());
  auto& call = in_flight->call;
  co_await run_step(in_flight->handler->start(call), call);
  if (call.refusal()) {
    refuse(call);
    co_return false;
  }
  ++in_flight_count_;
  in_flight->answer_bytes = call.answer_bytes();
  unsent_bytes_ += in_flight->answer_bytes;
  in_flight_.push_back(std::move(in_flight));
  more_.notify();
  co_return true;
}

bool Session::is_full() const {
  return in_flight_count_ >= server_.settings().in_flight_requests_max ||
         unsent_bytes_ > kUnsentBytesMax;
}

io::Task<void> Session::run_step(io::Task<void> step, Call& call) {
  try {
    co_await std::move(step);
  } catch (const ArenaFull&) {
    call.refuse(Error(ErrorCode::Exhausted, fmt::format("its answer would take more than {} bytes",
                                                        Call::kAnswerBytesMax)));
  }
}

io::Task<void> Session::write() {
  std::string small;  // Answers that go out with the next one.
  for (;;) {
    while (in_flight_.empty()) {
      if (!reading_) co_return;
      co_await more_.wait();
    }
    const auto next = std::move(in_flight_.front());
    in_flight_.pop_front();
    auto& call = next->call;
    co_await run_step(next->handler->finish(call), call);
    const bool refused = call.refusal().has_value();
    const bool gathered = !refused && gather(call, small);
    if (!gathered) {
      const bool written = co_await write_answers(small, refused ? nullptr : &call.output());
      if (refused) {
        refuse(call);
        throw io::Broken("an answer was refused");
      }
      if (!written) {
        server_.parts().logger.limited(LogLevel::Warn, "kafka.connection.slow",
                                       {{"peer", context_.peer}, {"api", call.api().name}});
        throw io::Broken("an answer could not be written");
      }
      small = std::string();  // An idle connection keeps nothing.
    }
    --in_flight_count_;
    unsent_bytes_ -= next->answer_bytes;
    room_.notify();
  }
}

// A write to the socket costs more than all else that a small answer does: one whose successor can
// be answered without waiting, as is one that the same commit made durable, goes out with that.
bool Session::gather(const Call& call, std::string& small) const {
  const auto& output = call.output();
  if (!output.is_plain() || small.size() + output.bytes().size() > kGatheredBytesMax) return false;
  if (in_flight_.empty() || !in_flight_.front()->handler->is_ready()) return false;
  small += output.bytes();
  return true;
}

io::Task<bool> Session::write_answers(std::string_view small, const Output* last) {
  std::vector<std::string_view> parts;
  if (last != nullptr && !last->bytes().empty()) parts = last->parts();
  if (!small.empty()) parts.insert(parts.begin(), small);
  if (parts.empty()) co_return true;
  const auto written = co_await connection_.write_all(parts);
  co_return written.has_value();
}

void Session::refuse(std::string_view reason) {
  server_.refused().increment();
  server_.parts().logger.limited(LogLevel::Warn, "kafka.connection.refused",
                                 {{"peer", context_.peer}, {"reason", reason}});
}

void Session::refuse(const Call& call) {
  refuse(fmt::format("{} v{}: {}", call.api().name, call.version(), call.refusal()->message()));
}

}  // namespace myelin::kafka
