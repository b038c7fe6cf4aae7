// Connection: one TCP connection on one io thread.
//
// Owned by its root task (TcpListener hands it to the handler). One task may read while another of
// the same thread writes; never two readers or two writers. A time-out is a Result with
// ErrorCode::Unavailable; afterwards the connection still works and its owner decides. A connection
// that is gone throws Broken, a canceled task Canceled. Nagle's delay is off.
//
// After accept_tls() the same holds for what is encrypted. What differs: an end that the peer did
// not announce is an end like any other, and a read may wait though the socket has bytes.
#pragma once

#include <array>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "io/io_thread.h"
#include "io/task.h"
#include "io/timer_queue.h"
#include "io/tls_engine.h"

namespace myelin::io {

class Runtime;

using TcpSocket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, Executor>;

class Connection {
 public:
  // The socket's executor is an IoThread's.
  explicit Connection(TcpSocket socket);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  // Zero (the default): no limit.
  // A read_some must bring something within this time.
  void set_read_timeout(std::chrono::milliseconds time) { read_timeout_ = time; }
  // A further limit for the first read: the peer that connects and says nothing.
  void set_first_read_timeout(std::chrono::milliseconds time) { first_read_timeout_ = time; }
  // A write must move on within this time: the peer takes at least one byte. Met when a peer reads
  // too slowly.
  void set_write_timeout(std::chrono::milliseconds time) { write_timeout_ = time; }
  // All reads together end by this instant, whatever they bring; kNever takes it back. For "the
  // whole header in time".
  void set_read_deadline(SteadyTime due) { read_deadline_ = due; }

  // The server's side of a TLS handshake, before anything else is read or written; all of it within
  // this time (zero: no limit). The error says why there is none, with nothing of the peer's in it;
  // afterwards the connection is only good for drain_and_close(). A peer that goes away without a
  // byte is Broken.
  Task<Status> accept_tls(TlsContext context, std::chrono::milliseconds time);
  bool is_tls() const { return tls_ != nullptr; }

  // What is there, at least a byte; 0: the peer has closed its side, more never comes.
  Task<Result<std::size_t>> read_some(std::span<char> into);
  // The same, into memory that is not touched while it waits: the idle connections of a thread may
  // share it. What was read is taken out before the next suspension.
  Task<Result<std::size_t>> read_shared(std::span<char> into);
  // All of it, or an error: the time-out, with some of the bytes gone. Parts go out in as few
  // packets (and TLS records) as they can.
  Task<Status> write_all(std::string_view bytes);
  Task<Status> write_all(std::span<const std::string_view> parts);

  // No more will be written; the peer reads an end. Reading goes on.
  void shutdown_write();
  // At once; a task that waits on this connection gets Broken.
  void close();
  // Ends politely when the peer may still be sending: says end, then reads and drops what comes,
  // within limits, so that our last answer is not lost to a reset.
  Task<void> drain_and_close(std::chrono::milliseconds time = std::chrono::milliseconds(1000));

  // "127.0.0.1:53412", "[::1]:53412".
  const std::string& peer() const { return peer_; }
  // "127.0.0.1", "::1": the address that the peer connected to.
  const std::string& local_address() const { return local_address_; }
  std::uint16_t local_port() const { return local_port_; }
  IoThread& thread() { return thread_; }
  // Without what TLS adds.
  std::uint64_t bytes_read() const { return bytes_read_; }
  std::uint64_t bytes_written() const { return bytes_written_; }

 private:
  using Parts = std::span<const std::string_view>;

  Task<Result<std::size_t>> read_some_plain(std::span<char> into);
  Task<Result<std::size_t>> read_some_tls(std::span<char> into);
  Task<Status> write_plain(std::string_view bytes);
  Task<Status> write_plain(Parts parts);
  Task<Status> write_tls(std::string_view bytes);
  Task<Status> write_tls(Parts parts);

  SteadyTime read_due(SteadyTime now) const;
  void check_open() const;
  // Nothing when there is nothing yet.
  std::optional<std::size_t> receive_now(std::span<char> into);
  Task<Status> wait_readable();
  // Bytes that the kernel takes at once, of what follows the first `skip`.
  std::size_t send_now(Parts parts, std::size_t skip);
  Task<Status> write_rest(Parts parts, std::size_t sent, std::size_t total);
  Task<Status> wait_writable();
  Task<Status> shake_hands();
  // Encrypts and sends until all is gone, the kernel takes no more, or others have waited enough.
  bool push(TlsRecords& records);

  IoThread& thread_;
  TcpSocket socket_;
  std::unique_ptr<TlsEngine> tls_;
  std::string peer_;
  std::string local_address_;
  std::uint16_t local_port_ = 0;
  std::chrono::milliseconds read_timeout_{0};
  std::chrono::milliseconds first_read_timeout_{0};
  std::chrono::milliseconds write_timeout_{0};
  SteadyTime read_deadline_ = kNever;
  SteadyTime write_deadline_ = kNever;
  bool closed_ = false;
  bool read_timed_out_ = false;
  bool write_timed_out_ = false;
  std::uint32_t reads_at_once_ = 0;   // Since a read last waited.
  std::uint32_t writes_at_once_ = 0;  // Since a write last gave way to other tasks.
  std::uint64_t bytes_read_ = 0;
  std::uint64_t bytes_written_ = 0;
  Deadline read_timer_;
  Deadline write_timer_;
};

// Resolves (on the runtime's pool) and connects, trying each address. Unavailable when nothing
// answers in time.
Task<Result<std::unique_ptr<Connection>>> connect(Runtime& runtime, std::string host,
                                                  std::uint16_t port,
                                                  std::chrono::milliseconds time);

}  // namespace myelin::io
