#include "io/listener.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <utility>

#include "io/port_owner.h"

namespace myelin::io {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr std::chrono::milliseconds kAcceptPause{50};
constexpr std::chrono::seconds kAcceptEnd{10};
constexpr int kFreePortTries = 10;
constexpr std::chrono::seconds kReloadInterval{1};

std::string where(const asio::ip::address& address, std::uint16_t port) {
  const std::string text = address.to_string();
  return (address.is_v6() ? "[" + text + "]" : text) + ":" + std::to_string(port);
}

Error bind_error(const asio::ip::address& address, std::uint16_t port,
                 const boost::system::error_code& error) {
  std::string message = "cannot listen on " + where(address, port) + ": " + error.message();
  if (error != asio::error::address_in_use) return Error(ErrorCode::InvalidInput, message);
  if (const auto owner = find_port_owner(port))
    message += " (held by " + owner->name + ", process " + std::to_string(owner->pid) + ")";
  return Error(ErrorCode::Conflict, message);
}

}  // namespace

struct TcpListener::Slot {
  explicit Slot(std::atomic<std::uint32_t>& count) : open(count) { ++open; }
  Slot(const Slot&) = delete;
  Slot& operator=(const Slot&) = delete;
  ~Slot() { --open; }
  std::atomic<std::uint32_t>& open;
};

TcpListener::TcpListener(Runtime& runtime, std::string name, ListenerSettings settings)
    : runtime_(runtime),
      name_(std::move(name)),
      settings_(std::move(settings)),
      accepting_(runtime, name_ + ".accept"),
      connections_(runtime, name_) {}

TcpListener::~TcpListener() { stop_accepting(); }

Result<std::unique_ptr<TcpListener>> TcpListener::bind(Runtime& runtime, std::string name,
                                                       ListenerSettings settings) {
  std::unique_ptr<TcpListener> listener(
      new TcpListener(runtime, std::move(name), std::move(settings)));
  MYELIN_TRY_VOID(check_tls(listener->settings_.tls));
  if (listener->settings_.tls.enabled()) {
    MYELIN_TRY(credentials,
               TlsCredentials::load(listener->settings_.tls, listener->name_, runtime.logger()));
    listener->credentials_ = std::move(credentials);
  }
  MYELIN_TRY_VOID(listener->bind_all());
  return listener;
}

Status TcpListener::bind_all() {
  if (settings_.address != "localhost") {
    boost::system::error_code error;
    const auto address = asio::ip::make_address(settings_.address, error);
    if (error)
      return Error(ErrorCode::InvalidInput,
                   "cannot listen on " + settings_.address + ": not an IP address or localhost");
    return bind_one(address, settings_.port);
  }
  for (int tries = 1;; ++tries) {
    MYELIN_TRY_VOID(bind_one(asio::ip::address_v4::loopback(), settings_.port));
    auto v6 = bind_one(asio::ip::address_v6::loopback(), local_port_);
    // Without IPv6 the other one is all there is.
    if (v6 || v6.error().code() != ErrorCode::Conflict) return Status();
    if (settings_.port != 0 || tries == kFreePortTries) return v6;
    acceptors_.clear();  // The port that was free for the one was not for the other.
  }
}

Status TcpListener::bind_one(const asio::ip::address& address, std::uint16_t port) {
  const tcp::endpoint endpoint(address, port);
  auto acceptor = std::make_unique<Acceptor>(runtime_.next_thread().get_executor());
  boost::system::error_code error;
  acceptor->open(endpoint.protocol(), error);
  if (!error) acceptor->set_option(tcp::acceptor::reuse_address(true), error);
  if (!error && address.is_v6() && address.is_loopback())
    acceptor->set_option(asio::ip::v6_only(true), error);
  if (!error) acceptor->bind(endpoint, error);
  if (!error) acceptor->listen(static_cast<int>(settings_.backlog), error);
  if (error) return bind_error(address, port, error);
  const auto bound = acceptor->local_endpoint(error);
  if (error) return bind_error(address, port, error);
  local_port_ = bound.port();
  acceptors_.push_back(std::move(acceptor));
  return Status();
}

void TcpListener::start(Handler handler) {
  handler_ = std::move(handler);
  for (const auto& acceptor : acceptors_)
    accepting_.spawn_on(IoThread::of(acceptor->get_executor()), name_ + ".accept",
                        accept_loop(*acceptor));
  if (credentials_) accepting_.spawn(name_ + ".tls", reload_loop());
}

Task<void> TcpListener::reload_loop() {
  for (;;) {
    co_await sleep_for(kReloadInterval);
    co_await runtime_.blocking([this] { credentials_->look(); });
  }
}

Task<void> TcpListener::accept_loop(Acceptor& acceptor) {
  for (;;) {
    IoThread& thread = runtime_.next_thread();
    auto [error, socket] =
        co_await acceptor.async_accept(thread.get_executor(), asio::as_tuple(use_task));
    if (!error) {
      accepted(std::move(socket), thread);
      continue;
    }
    if (error == asio::error::operation_aborted) throw Canceled();
    failed_.fetch_add(1, std::memory_order_relaxed);
    // Out of descriptors or memory: those who are connected go on, and end some time.
    if (error != asio::error::connection_aborted) {
      runtime_.logger().limited(LogLevel::Warn, "listener.accept-failed",
                                {{"listener", name_}, {"reason", error.message()}});
      co_await sleep_for(kAcceptPause);
    }
  }
}

void TcpListener::accepted(TcpSocket socket, IoThread& thread) {
  if (open_.load() >= settings_.connections_max) {
    refused_.fetch_add(1, std::memory_order_relaxed);
    runtime_.logger().limited(LogLevel::Warn, "listener.full",
                              {{"listener", name_}, {"connections", settings_.connections_max}});
    return;
  }
  accepted_.fetch_add(1, std::memory_order_relaxed);
  auto slot = std::make_unique<Slot>(open_);
  connections_.spawn_on(thread, name_, serve(std::move(socket), std::move(slot)));
}

Task<void> TcpListener::serve(TcpSocket socket, std::unique_ptr<Slot> slot) {
  auto connection = std::make_unique<Connection>(std::move(socket));
  connection->set_first_read_timeout(settings_.handshake_timeout);
  connection->set_read_timeout(settings_.idle_timeout);
  connection->set_write_timeout(settings_.write_timeout);
  if (credentials_) {
    const bool secured = co_await secure(*connection);
    if (!secured) co_return;
  }
  co_await handler_(std::move(connection));
}

Task<bool> TcpListener::secure(Connection& connection) {
  const auto shaken =
      co_await connection.accept_tls(credentials_->current(), settings_.handshake_timeout);
  if (shaken) co_return true;
  handshakes_failed_.fetch_add(1, std::memory_order_relaxed);
  runtime_.logger().limited(
      LogLevel::Info, "tls.handshake_failed",
      {{"listener", name_}, {"peer", connection.peer()}, {"reason", shaken.error().message()}});
  // So that the peer gets to read why.
  co_await connection.drain_and_close();
  co_return false;
}

TcpListener::Counts TcpListener::counts() const {
  return {accepted_.load(), refused_.load(), failed_.load(), handshakes_failed_.load(),
          open_.load()};
}

void TcpListener::stop_accepting() {
  accepting_.cancel();
  if (!accepting_.stop(kAcceptEnd)) return;
  acceptors_.clear();
}

bool TcpListener::stop(std::chrono::milliseconds time) {
  stop_accepting();
  return connections_.stop(time);
}

}  // namespace myelin::io
