#include "io/connection.h"

#include <netdb.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/this_coro.hpp>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "base/check.h"
#include "io/runtime.h"

namespace myelin::io {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr auto kTuple = asio::as_tuple(use_task);
constexpr std::size_t kPartsAtOnce = 64;
constexpr std::uint32_t kReadsAtOnce = 16;
constexpr std::uint32_t kWritesAtOnce = 64;
constexpr std::size_t kDrainBytesMax = 256 << 10;

std::string address_text(const asio::ip::address& address) {
  if (address.is_v6() && address.to_v6().is_v4_mapped())
    return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).to_string();
  return address.to_string();
}

std::string endpoint_text(const tcp::endpoint& endpoint) {
  const std::string address = address_text(endpoint.address());
  const bool brackets = address.find(':') != std::string::npos;
  return (brackets ? "[" + address + "]" : address) + ":" + std::to_string(endpoint.port());
}

SteadyTime after(SteadyTime now, std::chrono::milliseconds time) {
  return time.count() > 0 ? now + time : kNever;
}

Error timed_out(std::string_view what) { return Error(ErrorCode::Unavailable, std::string(what)); }

}  // namespace

Connection::Connection(TcpSocket socket)
    : thread_(IoThread::of(socket.get_executor())),
      socket_(std::move(socket)),
      read_timer_(
          thread_.timers(),
          [](void* self) {
            auto& connection = *static_cast<Connection*>(self);
            connection.read_timed_out_ = true;
            // Ends a write of another task as well; that one sees that it is not meant and goes on.
            boost::system::error_code ignored;
            connection.socket_.cancel(ignored);
          },
          this),
      write_timer_(
          thread_.timers(),
          [](void* self) {
            auto& connection = *static_cast<Connection*>(self);
            connection.write_timed_out_ = true;
            boost::system::error_code ignored;
            connection.socket_.cancel(ignored);
          },
          this) {
  boost::system::error_code error;
  const auto remote = socket_.remote_endpoint(error);
  peer_ = error ? "unknown" : endpoint_text(remote);
  const auto local = socket_.local_endpoint(error);
  if (!error) {
    local_address_ = address_text(local.address());
    local_port_ = local.port();
  }
  socket_.set_option(tcp::no_delay(true), error);
}

Connection::~Connection() { close(); }

void Connection::close() {
  if (tls_ && !closed_) tls_->shutdown();
  closed_ = true;
  read_timer_.clear();
  write_timer_.clear();
  boost::system::error_code ignored;
  socket_.close(ignored);
}

void Connection::shutdown_write() {
  if (tls_) tls_->shutdown();
  boost::system::error_code ignored;
  socket_.shutdown(tcp::socket::shutdown_send, ignored);
}

void Connection::check_open() const {
  if (closed_) throw Broken("the connection is closed");
}

SteadyTime Connection::read_due(SteadyTime now) const {
  const auto due = std::min(read_deadline_, after(now, read_timeout_));
  return bytes_read_ == 0 ? std::min(due, after(now, first_read_timeout_)) : due;
}

// Not coroutines: one that could go both ways would cost the plain one.
Task<Result<std::size_t>> Connection::read_some(std::span<char> into) {
  MYELIN_CHECK(!into.empty(), "a read into nothing");
  return tls_ ? read_some_tls(into) : read_some_plain(into);
}

Task<Status> Connection::write_all(std::string_view bytes) {
  return tls_ ? write_tls(bytes) : write_plain(bytes);
}

Task<Status> Connection::write_all(Parts parts) {
  return tls_ ? write_tls(parts) : write_plain(parts);
}

Task<Result<std::size_t>> Connection::read_some_plain(std::span<char> into) {
  const auto now = std::chrono::steady_clock::now();
  const auto due = read_due(now);
  if (due <= now) co_return timed_out("the peer did not send in time");
  for (;;) {
    check_open();
    read_timed_out_ = false;
    read_timer_.set(due);
    const auto [error, count] =
        co_await socket_.async_read_some(asio::buffer(into.data(), into.size()), kTuple);
    read_timer_.clear();
    if (!error) {
      bytes_read_ += count;
      co_return count;
    }
    if (error == asio::error::eof) co_return std::size_t{0};
    if (error != asio::error::operation_aborted) throw Broken(error.message());
    if (read_timed_out_) co_return timed_out("the peer did not send in time");
    const auto state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none) throw Canceled();
    // The writer's time-out ended our wait too.
  }
}

std::optional<std::size_t> Connection::receive_now(std::span<char> into) {
  check_open();
  if (tls_) {
    const auto count = tls_->receive(into);
    bytes_read_ += count.value_or(0);
    return count;
  }
  for (;;) {
    const auto count = ::recv(socket_.native_handle(), into.data(), into.size(), MSG_DONTWAIT);
    if (count >= 0) {
      bytes_read_ += static_cast<std::uint64_t>(count);
      return static_cast<std::size_t>(count);
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) return std::nullopt;
    if (errno != EINTR)
      throw Broken(boost::system::error_code(errno, boost::system::system_category()).message());
  }
}

Task<Result<std::size_t>> Connection::read_shared(std::span<char> into) {
  MYELIN_CHECK(!into.empty(), "a read into nothing");
  if (++reads_at_once_ >= kReadsAtOnce) {
    reads_at_once_ = 0;
    co_await yield();
  }
  for (;;) {
    if (const auto count = receive_now(into)) co_return *count;
    reads_at_once_ = 0;
    MYELIN_CO_TRY_VOID(co_await wait_readable());
  }
}

Task<Status> Connection::wait_readable() {
  const auto now = std::chrono::steady_clock::now();
  const auto due = read_due(now);
  if (due <= now) co_return timed_out("the peer did not send in time");
  for (;;) {
    check_open();
    read_timed_out_ = false;
    read_timer_.set(due);
    const auto [error] = co_await socket_.async_wait(TcpSocket::wait_read, kTuple);
    read_timer_.clear();
    if (!error) co_return Status();
    if (error != asio::error::operation_aborted) throw Broken(error.message());
    if (read_timed_out_) co_return timed_out("the peer did not send in time");
    const auto state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none) throw Canceled();
  }
}

std::size_t Connection::send_now(Parts parts, std::size_t skip) {
  check_open();
  std::array<iovec, kPartsAtOnce> vectors;
  std::size_t count = 0;
  for (const std::string_view part : parts) {
    if (count == kPartsAtOnce) break;
    if (skip >= part.size()) {
      skip -= part.size();
      continue;
    }
    // sendmsg does not write through this pointer.
    vectors[count++] = {const_cast<char*>(part.data()) + skip, part.size() - skip};
    skip = 0;
  }
  msghdr message{};
  message.msg_iov = vectors.data();
  message.msg_iovlen = count;
  for (;;) {
    const auto sent = ::sendmsg(socket_.native_handle(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent >= 0) {
      bytes_written_ += static_cast<std::uint64_t>(sent);
      return static_cast<std::size_t>(sent);
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) return 0;
    if (errno != EINTR)
      throw Broken(boost::system::error_code(errno, boost::system::system_category()).message());
  }
}

Task<Status> Connection::write_plain(std::string_view bytes) {
  const std::string_view parts[] = {bytes};
  // Most writes fit the kernel's buffer: no suspension, no timer.
  const std::size_t sent = bytes.empty() ? 0 : send_now(parts, 0);
  if (sent < bytes.size() || ++writes_at_once_ >= kWritesAtOnce)
    co_return co_await write_rest(parts, sent, bytes.size());
  co_return Status();
}

Task<Status> Connection::write_plain(Parts parts) {
  std::size_t total = 0;
  for (const std::string_view part : parts) total += part.size();
  const std::size_t sent = total == 0 ? 0 : send_now(parts, 0);
  if (sent < total || ++writes_at_once_ >= kWritesAtOnce)
    co_return co_await write_rest(parts, sent, total);
  co_return Status();
}

Task<Status> Connection::write_rest(Parts parts, std::size_t sent, std::size_t total) {
  if (++writes_at_once_ >= kWritesAtOnce) {
    // A peer that takes everything at once must not keep this thread to itself.
    writes_at_once_ = 0;
    co_await yield();
  }
  std::size_t gone = 0;
  while (sent < total) {
    // Parts that are gone are not looked at again.
    while (!parts.empty() && sent - gone >= parts.front().size()) {
      gone += parts.front().size();
      parts = parts.subspan(1);
    }
    const std::size_t more = send_now(parts, sent - gone);
    sent += more;
    if (more == 0) MYELIN_CO_TRY_VOID(co_await wait_writable());
  }
  co_return Status();
}

Task<Status> Connection::wait_writable() {
  const auto now = std::chrono::steady_clock::now();
  // A handshake as a whole has a deadline.
  const auto due = std::min(after(now, write_timeout_), write_deadline_);
  for (;;) {
    check_open();
    write_timed_out_ = false;
    write_timer_.set(due);
    const auto [error] = co_await socket_.async_wait(TcpSocket::wait_write, kTuple);
    write_timer_.clear();
    if (!error) co_return Status();
    if (error != asio::error::operation_aborted) throw Broken(error.message());
    if (write_timed_out_) co_return timed_out("the peer did not read in time");
    const auto state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none) throw Canceled();
  }
}

Task<void> Connection::drain_and_close(std::chrono::milliseconds time) {
  shutdown_write();
  read_deadline_ = std::min(read_deadline_, std::chrono::steady_clock::now() + time);
  std::array<char, 4096> dropped;
  try {
    for (std::size_t total = 0; total < kDrainBytesMax;) {
      const auto count = co_await read_some(dropped);
      if (!count || *count == 0) break;
      total += *count;
    }
  } catch (const Broken&) {
    closed_ = true;  // It is what we are here for.
  }
  close();
}

namespace {

Result<std::vector<tcp::endpoint>> resolve(const std::string& host, std::uint16_t port) {
  // RFC 6761 section 6.3: this name is the loopback whatever the machine's tables and servers say.
  if (host == "localhost") {
    return std::vector<tcp::endpoint>{{asio::ip::address_v4::loopback(), port},
                                      {asio::ip::address_v6::loopback(), port}};
  }
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int code = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (code != 0)
    return Error(ErrorCode::Unavailable, "cannot resolve " + host + ": " + ::gai_strerror(code));
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, &::freeaddrinfo);
  std::vector<tcp::endpoint> endpoints;
  for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
    tcp::endpoint endpoint;
    if (at->ai_addrlen > endpoint.capacity()) continue;
    std::memcpy(endpoint.data(), at->ai_addr, at->ai_addrlen);
    endpoint.resize(at->ai_addrlen);
    endpoints.push_back(endpoint);
  }
  return endpoints;
}

}  // namespace

Task<Result<std::unique_ptr<Connection>>> connect(Runtime& runtime, std::string host,
                                                  std::uint16_t port,
                                                  std::chrono::milliseconds time) {
  const auto due = std::chrono::steady_clock::now() + time;
  MYELIN_CO_TRY(endpoints,
                co_await runtime.blocking([&host, port] { return resolve(host, port); }));
  const Executor executor = co_await asio::this_coro::executor;
  std::string reason = "no address";
  for (const tcp::endpoint& endpoint : endpoints) {
    TcpSocket socket(executor);
    Deadline deadline(
        IoThread::of(executor).timers(),
        [](void* self) {
          boost::system::error_code ignored;
          static_cast<TcpSocket*>(self)->cancel(ignored);
        },
        &socket);
    deadline.set(due);
    const auto [error] = co_await socket.async_connect(endpoint, kTuple);
    if (!error) co_return std::make_unique<Connection>(std::move(socket));
    const auto state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none) throw Canceled();
    reason = error == asio::error::operation_aborted ? "no answer in time" : error.message();
    if (std::chrono::steady_clock::now() >= due) break;
  }
  co_return Error(ErrorCode::Unavailable,
                  "cannot connect to " + host + ":" + std::to_string(port) + ": " + reason);
}

}  // namespace myelin::io
