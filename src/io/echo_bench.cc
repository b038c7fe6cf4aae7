// Round trips over 64 stop-and-wait connections, client and server on the same cores: what a door
// with many small senders sees. "Committed" adds a thread that completes each message through a
// one-shot, as the log's committer does.
#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <array>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "base/logging.h"
#include "base/time.h"
#include "io/listener.h"
#include "io/one_shot.h"
#include "io/runtime.h"

namespace {

using namespace myelin;
using namespace myelin::io;

constexpr int kConnections = 64;
constexpr std::string_view kMessage = "MSH|^~\\&|a|b|c|d|20240101||ADT^A01|1|P|2.5\r";

// Completes in groups whatever was handed in since the last group.
class Committer {
 public:
  Committer() : thread_([this] { run(); }) {}
  ~Committer() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_one();
    thread_.join();
  }
  void submit(OneShot<int>* shot) {
    bool wake = false;
    {
      const std::lock_guard lock(mutex_);
      wake = waiting_.empty();
      waiting_.push_back(shot);
    }
    if (wake) changed_.notify_one();
  }

 private:
  void run() {
    WakeupBatch batch;
    std::vector<OneShot<int>*> group;
    for (;;) {
      {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
        if (waiting_.empty()) return;
        group.swap(waiting_);
      }
      for (OneShot<int>* shot : group) shot->set(1, batch);
      group.clear();
      batch.flush();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<OneShot<int>*> waiting_;
  bool stopping_ = false;
  std::thread thread_;
};

Task<void> echo(std::unique_ptr<Connection> connection, Committer* committer) {
  std::array<char, 4096> buffer;
  for (;;) {
    const auto count = co_await connection->read_some(buffer);
    if (!count || *count == 0) co_return;
    if (committer != nullptr) {
      OneShot<int> durable;
      committer->submit(&durable);
      co_await durable.wait_uncanceled();
    }
    const auto written = co_await connection->write_all(std::string_view(buffer.data(), *count));
    if (!written) co_return;
  }
}

int connect_to(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) std::abort();
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

// One thread, one epoll: as cheap a client as there is.
void drive(benchmark::State& state, std::uint16_t port) {
  const int poll = ::epoll_create1(0);
  std::vector<int> sockets;
  for (int i = 0; i < kConnections; ++i) {
    const int fd = connect_to(port);
    epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
    ::epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event);
    sockets.push_back(fd);
    [[maybe_unused]] const auto sent = ::send(fd, kMessage.data(), kMessage.size(), 0);
  }
  std::array<epoll_event, kConnections> events;
  char buffer[4096];
  int ready = 0;
  int next = 0;
  for (auto _ : state) {
    if (next == ready) {
      ready = ::epoll_wait(poll, events.data(), kConnections, -1);
      next = 0;
    }
    const int fd = events[static_cast<std::size_t>(next++)].data.fd;
    [[maybe_unused]] const auto received = ::recv(fd, buffer, sizeof buffer, 0);
    [[maybe_unused]] const auto sent = ::send(fd, kMessage.data(), kMessage.size(), 0);
  }
  state.SetItemsProcessed(state.iterations());
  for (const int fd : sockets) ::close(fd);
  ::close(poll);
}

void run(benchmark::State& state, bool commits) {
  SystemClock clock;
  Logger logger({}, clock, STDERR_FILENO);
  Runtime runtime(logger, {.threads = static_cast<std::size_t>(state.range(0))});
  std::unique_ptr<Committer> committer;
  if (commits) committer = std::make_unique<Committer>();
  auto listener = TcpListener::bind(runtime, "bench", {}).value();
  listener->start([&committer](std::unique_ptr<Connection> connection) {
    return echo(std::move(connection), committer.get());
  });
  drive(state, listener->local_port());
  listener->stop(std::chrono::seconds(10));
}

// What the machine gives without any of ours: a bare epoll loop a thread, level-triggered.
void serve_bare(int poll) {
  std::array<epoll_event, kConnections> events;
  char buffer[4096];
  for (;;) {
    const int ready = ::epoll_wait(poll, events.data(), kConnections, -1);
    for (int i = 0; i < ready; ++i) {
      const int fd = events[static_cast<std::size_t>(i)].data.fd;
      if (fd < 0) return;
      const auto count = ::recv(fd, buffer, sizeof buffer, 0);
      if (count <= 0) {
        ::close(fd);
        continue;
      }
      [[maybe_unused]] const auto sent =
          ::send(fd, buffer, static_cast<std::size_t>(count), MSG_NOSIGNAL);
    }
  }
}

void bare_round_trips(benchmark::State& state) {
  const int ear = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(ear, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(ear, kConnections) != 0 ||
      ::getsockname(ear, reinterpret_cast<sockaddr*>(&address), &size) != 0)
    std::abort();
  std::vector<int> polls;
  std::vector<std::thread> servers;
  const auto threads = static_cast<std::size_t>(state.range(0));
  for (std::size_t i = 0; i < threads; ++i) {
    polls.push_back(::epoll_create1(0));
    servers.emplace_back(serve_bare, polls.back());
  }
  std::thread acceptor([&] {
    for (std::size_t i = 0; i < kConnections; ++i) {
      const int fd = ::accept(ear, nullptr, nullptr);
      epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
      ::epoll_ctl(polls[i % threads], EPOLL_CTL_ADD, fd, &event);
    }
  });
  drive(state, ntohs(address.sin_port));
  acceptor.join();
  int pipe[2];
  if (::pipe(pipe) != 0) std::abort();
  for (const int poll : polls) {
    epoll_event stop{.events = EPOLLOUT, .data = {.fd = -1}};
    ::epoll_ctl(poll, EPOLL_CTL_ADD, pipe[1], &stop);
  }
  for (auto& server : servers) server.join();
  for (const int fd : polls) ::close(fd);
  ::close(pipe[0]);
  ::close(pipe[1]);
  ::close(ear);
}

void echo_round_trips(benchmark::State& state) { run(state, false); }
void committed_round_trips(benchmark::State& state) { run(state, true); }

}  // namespace

// Processor time is the whole process's, client and server, a round trip.
BENCHMARK(bare_round_trips)->Arg(1)->Arg(2)->UseRealTime()->MeasureProcessCPUTime()->MinTime(3);
BENCHMARK(echo_round_trips)->Arg(1)->Arg(2)->UseRealTime()->MeasureProcessCPUTime()->MinTime(3);
BENCHMARK(committed_round_trips)
    ->Arg(1)
    ->Arg(2)
    ->UseRealTime()
    ->MeasureProcessCPUTime()
    ->MinTime(3);
