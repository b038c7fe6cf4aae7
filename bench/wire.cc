#include "bench/wire.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <memory>
#include <utility>

namespace myelin::bench {

std::int64_t now_ns() { return std::chrono::steady_clock::now().time_since_epoch().count(); }

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

Socket::Socket(Socket&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      pending_(std::move(other.pending_)),
      buffer_(std::move(other.buffer_)) {}

Socket::~Socket() {
  if (fd_ >= 0) ::close(fd_);
}

bool Socket::send(std::string_view bytes) {
  if (!pending_.empty()) {
    pending_.append(bytes);
    bytes = pending_;
  }
  std::size_t sent = 0;
  while (sent < bytes.size()) {
    const auto count = ::send(fd_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (count >= 0) {
      sent += static_cast<std::size_t>(count);
    } else if (errno == EAGAIN) {
      break;
    } else if (errno != EINTR) {
      return false;
    }
  }
  pending_ = std::string(bytes.substr(sent));
  return true;
}

std::string_view Socket::read(bool& gone) {
  const auto count = ::recv(fd_, buffer_.data(), buffer_.size(), 0);
  if (count > 0) return {buffer_.data(), static_cast<std::size_t>(count)};
  gone = count == 0 || (errno != EAGAIN && errno != EINTR);
  return {};
}

Result<Socket> connect(const io::Address& address) {
  const Error failed(ErrorCode::Unavailable, "cannot connect to " + io::to_string(address));
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &hints, &found) !=
      0)
    return failed;
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, &::freeaddrinfo);
  for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
    Socket socket(::socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (::connect(socket.fd(), at->ai_addr, at->ai_addrlen) != 0) continue;
    const int on = 1;
    ::setsockopt(socket.fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ::fcntl(socket.fd(), F_SETFL, ::fcntl(socket.fd(), F_GETFL) | O_NONBLOCK);
    return socket;
  }
  return failed;
}

Poll::Poll() : fd_(::epoll_create1(EPOLL_CLOEXEC)) {}
Poll::~Poll() { ::close(fd_); }

void Poll::add(const Socket& socket, std::uint32_t number) {
  epoll_event event{.events = EPOLLIN, .data = {.u32 = number}};
  ::epoll_ctl(fd_, EPOLL_CTL_ADD, socket.fd(), &event);
}

void Poll::watch_writing(const Socket& socket, std::uint32_t number) {
  epoll_event event{.events = EPOLLIN, .data = {.u32 = number}};
  if (socket.has_pending()) event.events |= EPOLLOUT;
  ::epoll_ctl(fd_, EPOLL_CTL_MOD, socket.fd(), &event);
}

void Poll::wait(std::int64_t due_ns, const std::function<void(std::uint32_t)>& ready) {
  std::array<epoll_event, 256> events;
  const std::int64_t left = std::max<std::int64_t>(due_ns - now_ns(), 0);
  const timespec time{.tv_sec = left / 1'000'000'000, .tv_nsec = left % 1'000'000'000};
  const int count = ::epoll_pwait2(fd_, events.data(), events.size(), &time, nullptr);
  for (int i = 0; i < count; ++i) ready(events[static_cast<std::size_t>(i)].data.u32);
}

MessageTemplate::MessageTemplate(std::size_t message_bytes) {
  frame_ = "\x0BMSH|^~\\&|LOAD|BENCH|MYELIN|BENCH|20260101120000||ADT^A01^ADT_A01|";
  id_at_ = frame_.size();
  frame_.append(kIdBytes, '0');
  frame_ +=
      "|T|2.5.1\rEVN||20260101120000\rPID|1||L1^^^BENCH^MR||Testwood^Nova\rPV1|1|I|MED^101^A\r";
  // The rest is notes of ordinary length.
  constexpr std::size_t kNoteBytes = 120;
  const std::string_view head = "NTE|1||";
  while (frame_.size() < message_bytes + 1) {
    const std::size_t room = message_bytes + 1 - frame_.size();
    if (room < head.size() + 2) break;
    frame_ += head;
    frame_.append(std::min(room, kNoteBytes) - head.size() - 1, 'x');
    frame_ += '\r';
  }
  frame_ += "\x1C\r";
}

std::string_view MessageTemplate::with_id(char letter, std::uint64_t number) {
  frame_[id_at_] = letter;
  for (std::size_t i = kIdBytes - 1; i > 0; --i, number >>= 4)
    frame_[id_at_ + i] = "0123456789abcdef"[number & 15];
  return frame_;
}

AckCounter::Counts AckCounter::feed(std::string_view bytes) {
  if (!held_.empty()) {
    held_.append(bytes);
    bytes = held_;
  }
  Counts counts;
  for (;;) {
    const std::size_t end = bytes.find("\x1C\r");
    if (end == std::string_view::npos) break;
    const std::string_view answer = bytes.substr(0, end);
    const std::size_t msa = answer.find("\rMSA|");
    const std::string_view code = msa == std::string_view::npos ? "" : answer.substr(msa + 5, 2);
    ++counts.answered;
    if (code != "AA" && code != "CA") ++counts.refused;
    bytes.remove_prefix(end + 2);
  }
  held_ = std::string(bytes);
  return counts;
}

void JsonLine::name(std::string_view name) {
  text_ += fmt::format("{}\"{}\":", text_.empty() ? "" : ",", name);
}

JsonLine& JsonLine::add(std::string_view key, std::uint64_t value) {
  name(key);
  text_ += std::to_string(value);
  return *this;
}

JsonLine& JsonLine::add(std::string_view key, double value) {
  name(key);
  text_ += fmt::format("{:.3f}", value);
  return *this;
}

void JsonLine::print() {
  std::printf("{%s}\n", text_.c_str());
  std::fflush(stdout);
}

void add_latencies(JsonLine& json, std::string_view prefix, const Histogram& histogram) {
  const std::string before(prefix);
  json.add(before + "p50_us", histogram.percentile_us(0.5))
      .add(before + "p90_us", histogram.percentile_us(0.9))
      .add(before + "p99_us", histogram.percentile_us(0.99))
      .add(before + "max_us", histogram.max_us());
}

}  // namespace myelin::bench
