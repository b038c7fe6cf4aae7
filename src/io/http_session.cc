#include "io/http_session.h"

#include <algorithm>
#include <array>
#include <exception>
#include <utility>

#include "io/http_exchange.h"
#include "io/outcome.h"

namespace myelin::http {
namespace {

// Unwinds watch_peer() when the handler has ended first.
struct AnswerEnded {};

constexpr std::size_t kBufferBytes = 4096;
constexpr std::size_t kReadBytesMin = 1024;

}  // namespace

ServerState::ServerState(io::Runtime& runtime_of_server, std::string server_name,
                         ServerSettings server_settings)
    : runtime(runtime_of_server),
      name(std::move(server_name)),
      settings(std::move(server_settings)),
      parser_limits{settings.header_bytes_max.value, settings.header_count_max,
                    settings.target_bytes_max.value},
      sessions(runtime.thread_count()) {}

bool ServerState::is_ours(const HostPort& host, const std::string& local_address) const {
  const std::string own_port = std::to_string(port);
  const bool port_fits = host.port == own_port || (host.port.empty() && port == 80);
  const bool v6 = local_address.find(':') != std::string::npos;
  const std::string own_address = v6 ? "[" + local_address + "]" : local_address;
  for (const std::string_view own : {std::string_view("localhost"), std::string_view("127.0.0.1"),
                                     std::string_view("[::1]"), std::string_view(own_address)}) {
    if (port_fits && host.host == own) return true;
  }
  return std::ranges::any_of(settings.host_names, [&](const std::string& name_text) {
    const auto named = parse_host(name_text);
    if (!named || named->host != host.host) return false;
    if (!named->port.empty()) return named->port == host.port;
    return host.port.empty() || host.port == own_port;
  });
}

int ServerState::check_host(const RequestHead& head, const Target& target,
                            const std::string& local_address) const {
  const auto count = head.headers.count("Host");
  if (count > 1 || (count == 0 && head.version == 11)) return 400;
  for (const std::optional<std::string_view> text :
       {head.headers.find("Host"), target.authority.empty()
                                       ? std::nullopt
                                       : std::optional<std::string_view>(target.authority)}) {
    if (!text) continue;
    const auto host = parse_host(*text);
    if (!host) return 400;
    if (!is_ours(*host, local_address)) return 421;
  }
  return 0;
}

Session::Session(ServerState& state, std::unique_ptr<io::Connection> connection)
    : state_(state), connection_(std::move(connection)) {
  state_.sessions[connection_->thread().index()].insert(this);
}

Session::~Session() { state_.sessions[connection_->thread().index()].erase(this); }

void Session::drain() {
  if (waiting_ != Waiting::ForAnswer) connection_->close();
}

void Session::mark_endless() {
  waiting_ = Waiting::Endlessly;
  if (state_.draining.load()) connection_->close();
  answer_changed_.notify();
}

Task<Result<std::size_t>> Session::fill() {
  if (begin_ == end_) begin_ = end_ = 0;
  if (buffer_.size() - end_ < kReadBytesMin && begin_ > 0) {
    buffer_.erase(0, begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (buffer_.size() - end_ < kReadBytesMin)
    buffer_.resize(std::max(kBufferBytes, buffer_.size() * 2));
  MYELIN_CO_TRY(count, co_await connection_->read_some(
                           std::span(buffer_.data() + end_, buffer_.size() - end_)));
  end_ += count;
  co_return count;
}

Task<void> Session::run() {
  while (co_await one_request() == Next::Request) {
  }
}

Task<Session::Next> Session::one_request() {
  waiting_ = Waiting::ForRequest;
  if (state_.draining.load()) co_return Next::End;
  connection_->set_read_timeout(state_.settings.listener.idle_timeout);
  if (begin_ == end_) {
    const auto count = co_await fill();
    if (!count || *count == 0) co_return Next::End;
  }
  waiting_ = Waiting::ForAnswer;
  RequestParser parser(state_.parser_limits);
  connection_->set_read_deadline(std::chrono::steady_clock::now() + state_.settings.header_timeout);
  const auto step = co_await read_head(parser);
  connection_->set_read_deadline(io::kNever);
  if (step == RequestParser::Step::NeedMore) co_return Next::End;  // The peer left.
  connection_->set_read_timeout(state_.settings.body_timeout);
  if (step == RequestParser::Step::Done) co_return co_await serve(parser);

  state_.malformed.fetch_add(1, std::memory_order_relaxed);
  Exchange exchange(*this, parser);
  exchange.end_connection();
  const auto& trouble = parser.trouble();
  if (co_await exchange.send_error(trouble.status, "invalid-request", trouble.message))
    co_await connection_->drain_and_close();
  co_return Next::End;
}

// NeedMore when the peer ended before its header did.
Task<RequestParser::Step> Session::read_head(RequestParser& parser) {
  bool begun = false;
  for (;;) {
    // An empty line or two before a request are some clients' habit.
    while (!begun && begin_ < end_ && (buffer_[begin_] == '\r' || buffer_[begin_] == '\n'))
      ++begin_;
    if (begin_ < end_) {
      begun = true;
      std::size_t used = 0;
      const auto step = parser.parse_head(buffered(), used);
      consume(used);
      if (step != RequestParser::Step::NeedMore) co_return step;
    }
    const auto count = co_await fill();
    if (!count) {
      parser.refuse(408, "the header did not come in time");
      co_return RequestParser::Step::Malformed;
    }
    if (*count == 0) co_return RequestParser::Step::NeedMore;
  }
}

Task<Session::Next> Session::serve(RequestParser& parser) {
  const RequestHead& head = parser.head();
  state_.requests.fetch_add(1, std::memory_order_relaxed);
  Exchange exchange(*this, parser);
  auto target = parse_target(head.target);
  int refused = 0;
  std::string_view why;
  if (!target) {
    refused = 400, why = "the target is malformed";
  } else if (const int wrong = state_.check_host(head, *target, connection_->local_address())) {
    refused = wrong, why = "the Host header is not this server's";
  } else if (!head.method) {
    refused = 501, why = "the method is not supported";
  } else if (head.content_length.value_or(0) > state_.settings.body_bytes_max.value) {
    refused = 413, why = "the body is too long";
  }
  if (refused != 0) {
    auto& counter = refused == 421 ? state_.wrong_host : state_.malformed;
    counter.fetch_add(1, std::memory_order_relaxed);
    exchange.end_connection();
    (void)co_await exchange.send_error(refused, refused == 421 ? "wrong-host" : "invalid-request",
                                       why);
  } else {
    Request request{.method = *head.method,
                    .target = std::move(target->origin),
                    .path = std::move(target->path),
                    .query = std::move(target->query),
                    .headers = head.headers,
                    .route = {},
                    .peer = connection_->peer(),
                    .body = &exchange};
    co_await run_handler(request, exchange);
  }
  // What the peer sent during an endless answer was thrown away.
  const bool keep = co_await exchange.complete() && waiting_ != Waiting::Endlessly;
  connection_->set_write_timeout(state_.settings.listener.write_timeout);
  if (keep) co_return Next::Request;
  if (exchange.aborted()) {
    connection_->close();
  } else {
    co_await connection_->drain_and_close();
  }
  co_return Next::End;
}

Task<void> Session::handle(Request& request, ResponseWriter& writer) {
  co_await state_.handler(request, writer);
  if (waiting_ == Waiting::Endlessly) throw AnswerEnded();
  answer_changed_.notify();
}

// An endless answer may have nothing to write for a long time: that its peer has left, or that
// drain() has closed the connection, shows in reading only, and must end the handler.
Task<void> Session::watch_peer() {
  co_await answer_changed_.wait();
  if (waiting_ != Waiting::Endlessly) co_return;
  connection_->set_read_timeout(std::chrono::milliseconds(0));
  std::array<char, 256> ignored;
  for (;;) {
    const auto count = co_await connection_->read_some(ignored);
    if (count && *count == 0) throw io::Broken("the peer has left an endless answer");
  }
}

Task<void> Session::run_handler(Request& request, ResponseWriter& writer) {
  std::exception_ptr thrown;
  try {
    co_await io::both(handle(request, writer), watch_peer());
  } catch (const AnswerEnded&) {
  } catch (...) {
    thrown = std::current_exception();
  }
  if (thrown) {
    const auto trouble = io::unexpected(thrown);
    if (!trouble) std::rethrow_exception(thrown);
    state_.failed.fetch_add(1, std::memory_order_relaxed);
    state_.runtime.logger().limited(LogLevel::Error, "http.handler-failed",
                                    {{"server", state_.name}, {"exception", *trouble}});
  }
  if (!writer.started())
    (void)co_await writer.send_error(500, "internal", "the request could not be served");
}

}  // namespace myelin::http
