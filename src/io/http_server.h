// Server: HTTP/1.1 (and 1.0) over a TcpListener.
//
// Each connection is one task that reads a request, runs the handler, answers, and reads the next:
// pipelined requests are answered in order. Every size and time that a peer controls has a limit in
// the settings. A request whose Host is not the listener's is answered 421 before any handler sees
// it, and there are no CORS headers: without that any web page could read patients through a
// browser on the same machine.
//
// stop(): idle connections and endless answers (SSE) end at once, other requests are given `time`
// to finish.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/settings.h"
#include "io/http.h"
#include "io/listener.h"
#include "io/runtime.h"

namespace myelin::http {

struct ServerSettings {
  io::ListenerSettings listener{.port = 8080};
  std::vector<std::string> host_names = {};
  ByteSize header_bytes_max = 16_KiB;
  std::uint32_t header_count_max = 100;
  ByteSize target_bytes_max = 8_KiB;
  ByteSize body_bytes_max = 32_MiB;
  std::chrono::milliseconds header_timeout{10'000};
  std::chrono::milliseconds body_timeout{30'000};

  template <class Visitor>
  void visit(Visitor& visitor) {
    listener.visit(visitor);
    visitor.field("host_names", host_names,
                  "Names (name, or name:port) that the Host header may have besides localhost and "
                  "the address listened on; others get 421.");
    visitor.field("header_bytes_max", header_bytes_max, "Longer request headers get 431.",
                  {.min = 1024, .max = 1 << 20});
    visitor.field("header_count_max", header_count_max, "More header fields get 431.");
    visitor.field("target_bytes_max", target_bytes_max, "Longer request targets get 414.");
    visitor.field("body_bytes_max", body_bytes_max, "Longer request bodies get 413.");
    visitor.field("header_timeout", header_timeout,
                  "A request header must be complete within this time after its first byte.");
    visitor.field("body_timeout", body_timeout,
                  "A request body must bring something within this time.");
  }
};

struct ServerState;

class Server {
 public:
  struct Counts {
    std::uint64_t requests;
    std::uint64_t malformed;   // Answered 400, 408, 413, 414, 431, 501 or 505 by the server itself.
    std::uint64_t wrong_host;  // Answered 421.
    std::uint64_t failed;      // The handler threw.
    std::uint64_t slow_readers;  // Ended because the peer took nothing for the write time-out.
  };

  // Binds. The error is the listener's.
  static Result<std::unique_ptr<Server>> bind(io::Runtime& runtime, std::string name,
                                              ServerSettings settings);
  ~Server();

  // Begins to serve. What the handler refers to outlives the server.
  void start(Handler handler);

  std::uint16_t local_port() const;
  Counts counts() const;
  io::TcpListener::Counts connection_counts() const;
  const ServerSettings& settings() const;

  // False when requests still run when the time is over (they are canceled then). From a thread
  // that is not an io thread; again, it does nothing.
  bool stop(std::chrono::milliseconds time);

 private:
  explicit Server(std::unique_ptr<ServerState> state);

  std::unique_ptr<ServerState> state_;
  bool stopped_ = false;
};

}  // namespace myelin::http
