#include "io/http_server.h"

#include <boost/asio/post.hpp>
#include <latch>
#include <utility>

#include "io/http_session.h"

namespace myelin::http {
namespace {

constexpr std::chrono::seconds kCancelEnd{2};

Task<void> serve_connection(ServerState& state, std::unique_ptr<io::Connection> connection) {
  Session session(state, std::move(connection));
  co_await session.run();
}

}  // namespace

Server::Server(std::unique_ptr<ServerState> state) : state_(std::move(state)) {}

Server::~Server() { stop(std::chrono::milliseconds(0)); }

Result<std::unique_ptr<Server>> Server::bind(io::Runtime& runtime, std::string name,
                                             ServerSettings settings) {
  auto state = std::make_unique<ServerState>(runtime, std::move(name), std::move(settings));
  for (const std::string& host : state->settings.host_names) {
    const auto parsed = parse_host(host);
    if (!parsed) return Error(ErrorCode::InvalidInput, "host_names: " + host + " is no host name");
  }
  MYELIN_TRY(listener, io::TcpListener::bind(runtime, state->name, state->settings.listener));
  state->port = listener->local_port();
  state->listener = std::move(listener);
  return std::unique_ptr<Server>(new Server(std::move(state)));
}

void Server::start(Handler handler) {
  state_->handler = std::move(handler);
  ServerState& state = *state_;
  state_->listener->start([&state](std::unique_ptr<io::Connection> connection) {
    return serve_connection(state, std::move(connection));
  });
}

std::uint16_t Server::local_port() const { return state_->port; }
const ServerSettings& Server::settings() const { return state_->settings; }
io::TcpListener::Counts Server::connection_counts() const { return state_->listener->counts(); }

Server::Counts Server::counts() const {
  return {state_->requests.load(), state_->malformed.load(), state_->wrong_host.load(),
          state_->failed.load(), state_->slow_readers.load()};
}

bool Server::stop(std::chrono::milliseconds time) {
  if (stopped_) return true;
  stopped_ = true;
  state_->draining.store(true);
  state_->listener->stop_accepting();
  io::Runtime& runtime = state_->runtime;
  std::latch drained(static_cast<std::ptrdiff_t>(runtime.thread_count()));
  for (std::size_t i = 0; i < runtime.thread_count(); ++i) {
    boost::asio::post(runtime.thread(i), [this, i, &drained] {
      for (Session* session : state_->sessions[i]) session->drain();
      drained.count_down();
    });
  }
  drained.wait();
  if (state_->listener->scope().join(time)) return true;
  state_->listener->stop(kCancelEnd);
  return false;
}

}  // namespace myelin::http
