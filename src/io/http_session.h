// Session: one HTTP connection's task, and ServerState: what the sessions of a server share.
// Internal to the HTTP server.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "io/http_parser.h"
#include "io/http_server.h"
#include "io/http_target.h"
#include "io/listener.h"
#include "io/notifier.h"

namespace myelin::http {

class Session;

struct ServerState {
  ServerState(io::Runtime& runtime_of_server, std::string server_name,
              ServerSettings server_settings);

  // 0 when the request's Host is one of ours; otherwise the status that refuses it.
  int check_host(const RequestHead& head, const Target& target,
                 const std::string& local_address) const;

  io::Runtime& runtime;
  const std::string name;
  const ServerSettings settings;
  const ParserLimits parser_limits;
  Handler handler;
  std::uint16_t port = 0;
  std::atomic<bool> draining{false};
  std::atomic<std::uint64_t> requests{0};
  std::atomic<std::uint64_t> malformed{0};
  std::atomic<std::uint64_t> wrong_host{0};
  std::atomic<std::uint64_t> failed{0};
  std::atomic<std::uint64_t> slow_readers{0};
  // One set per io thread, each touched on its thread only.
  std::vector<std::set<Session*>> sessions;
  std::unique_ptr<io::TcpListener> listener;  // Last: its end waits for the sessions.

 private:
  bool is_ours(const HostPort& host, const std::string& local_address) const;
};

class Session {
 public:
  Session(ServerState& state, std::unique_ptr<io::Connection> connection);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session();

  // Serves requests until one side ends it.
  Task<void> run();
  // The server stops: ends the connection when nobody waits for an answer that has an end.
  void drain();

  // For the exchange of a request.
  ServerState& state() { return state_; }
  io::Connection& connection() { return *connection_; }
  void mark_endless();
  bool keeps_alive() const { return !state_.draining.load(); }
  std::string_view buffered() const {
    return std::string_view(buffer_).substr(begin_, end_ - begin_);
  }
  void consume(std::size_t bytes) { begin_ += bytes; }
  // Reads more behind what is buffered: the number of bytes, 0 when the peer has ended.
  Task<Result<std::size_t>> fill();

 private:
  enum class Waiting : std::uint8_t { ForRequest, ForAnswer, Endlessly };
  enum class Next : std::uint8_t { Request, End };

  Task<Next> one_request();
  Task<RequestParser::Step> read_head(RequestParser& parser);
  Task<Next> serve(RequestParser& parser);
  Task<void> run_handler(Request& request, ResponseWriter& writer);
  Task<void> handle(Request& request, ResponseWriter& writer);
  Task<void> watch_peer();

  ServerState& state_;
  std::unique_ptr<io::Connection> connection_;
  Waiting waiting_ = Waiting::ForRequest;
  io::Notifier answer_changed_;  // For watch_peer(): the answer is endless, or has ended.
  // What was read and not yet parsed is [begin_, end_). Grows to the header's limit.
  std::string buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace myelin::http
