// TcpListener: a door's ear. Binds, accepts, spreads connections over the io threads, keeps the
// limits. With a certificate it speaks TLS, and a handler gets its connection after the handshake.
//
// Owned by a server. Connections are tasks of the listener's scope: stop() ends the accepting at
// once and the connections within its time. A connection's handler runs until it returns or throws;
// then the connection closes.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "io/connection.h"
#include "io/runtime.h"
#include "io/task.h"
#include "io/tls_credentials.h"
#include "io/tls_settings.h"

namespace myelin::io {

struct ListenerSettings {
  // An IP address, or "localhost": 127.0.0.1 and, where there is IPv6, ::1.
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;
  std::uint32_t backlog = 1024;
  std::uint32_t connections_max = 4096;
  std::chrono::milliseconds handshake_timeout{30'000};
  std::chrono::milliseconds idle_timeout{300'000};
  std::chrono::milliseconds write_timeout{30'000};
  TlsSettings tls = {};  // A group of the settings of those doors that can speak TLS.

  template <class Visitor>
  void visit(Visitor& visitor) {
    visitor.field("address", address, "IP address to listen on, or localhost.");
    visitor.field("port", port, "TCP port to listen on; 0 picks a free one.");
    visitor.field("backlog", backlog, "Connections that may wait to be accepted.", {.min = 1});
    visitor.field("connections_max", connections_max, "Further connections are closed at once.",
                  {.min = 1});
    visitor.field("handshake_timeout", handshake_timeout,
                  "A new connection must send its first byte within this time, and end a TLS "
                  "handshake; 0 waits forever.");
    visitor.field("idle_timeout", idle_timeout,
                  "A connection that sends nothing for this time is closed; 0 waits forever.");
    visitor.field("write_timeout", write_timeout,
                  "A peer that takes nothing for this time is closed; 0 waits forever.");
  }
};

class TcpListener {
 public:
  // The connection lives until the handler returns. Called on the connection's io thread.
  using Handler = std::function<Task<void>(std::unique_ptr<Connection>)>;

  struct Counts {
    std::uint64_t accepted;
    std::uint64_t refused;            // Closed because connections_max was reached.
    std::uint64_t failed;             // Accept errors (no descriptors, say) that were waited out.
    std::uint64_t handshakes_failed;  // Of those accepted.
    std::uint32_t open;
  };

  // Binds and listens; a connection made from here on waits in the backlog. The error names
  // address, port and, where it can be found out, the process that holds the port, or the file of
  // TLS that is no good. `name` is for tasks and log lines. Reads files.
  static Result<std::unique_ptr<TcpListener>> bind(Runtime& runtime, std::string name,
                                                   ListenerSettings settings);
  ~TcpListener();

  // Begins to accept. Once.
  void start(Handler handler);

  std::uint16_t local_port() const { return local_port_; }
  const ListenerSettings& settings() const { return settings_; }
  // Null without TLS.
  const TlsCredentials* credentials() const { return credentials_.get(); }
  Counts counts() const;
  TaskScope& scope() { return connections_; }

  // Ends the accepting and closes the ear; connections go on.
  void stop_accepting();
  // Both: accepting ends, connections are canceled. False when some still run when the time is
  // over.
  bool stop(std::chrono::milliseconds time);

 private:
  using Acceptor = boost::asio::basic_socket_acceptor<boost::asio::ip::tcp, Executor>;

  TcpListener(Runtime& runtime, std::string name, ListenerSettings settings);
  Status bind_all();
  Status bind_one(const boost::asio::ip::address& address, std::uint16_t port);
  Task<void> accept_loop(Acceptor& acceptor);
  // Follows the files of TLS.
  Task<void> reload_loop();
  struct Slot;  // A place among connections_max, given back when it goes.
  void accepted(TcpSocket socket, IoThread& thread);
  Task<void> serve(TcpSocket socket, std::unique_ptr<Slot> slot);
  Task<bool> secure(Connection& connection);

  Runtime& runtime_;
  const std::string name_;
  const ListenerSettings settings_;
  std::unique_ptr<TlsCredentials> credentials_;
  Handler handler_;
  std::uint16_t local_port_ = 0;
  std::vector<std::unique_ptr<Acceptor>> acceptors_;
  std::atomic<std::uint64_t> accepted_{0};
  std::atomic<std::uint64_t> refused_{0};
  std::atomic<std::uint64_t> failed_{0};
  std::atomic<std::uint64_t> handshakes_failed_{0};
  std::atomic<std::uint32_t> open_{0};
  TaskScope accepting_;
  TaskScope connections_;
};

}  // namespace myelin::io
