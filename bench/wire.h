// What the load programs share: sockets without a framework, MLLP messages of a given size, a
// clock, the JSON of a run.
//
// The client of a measurement shares the machine with the server, so it does as little as it can:
// raw epoll, messages made once, acknowledgments counted rather than parsed.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "bench/histogram.h"
#include "io/address.h"

namespace myelin::bench {

std::int64_t now_ns();  // Steady.
double cpu_seconds();   // Of this process.

// A connected socket that does not block. Closed when destroyed.
class Socket {
 public:
  explicit Socket(int fd) : fd_(fd) {}
  Socket(Socket&& other) noexcept;
  Socket& operator=(Socket&&) = delete;
  ~Socket();

  int fd() const { return fd_; }
  // Sends now what the kernel takes and keeps the rest. False when the connection is gone.
  bool send(std::string_view bytes);
  bool flush() { return send({}); }
  bool has_pending() const { return !pending_.empty(); }
  // What is there; empty when there is nothing or, with `gone` set, never will be. Valid until the
  // next read.
  std::string_view read(bool& gone);

 private:
  int fd_;
  std::string pending_;
  std::string buffer_ = std::string(256u << 10, '\0');
};

Result<Socket> connect(const io::Address& address);

// Waits until one of the sockets can be read (or written, where one has something pending).
class Poll {
 public:
  Poll();
  Poll(const Poll&) = delete;
  Poll& operator=(const Poll&) = delete;
  ~Poll();

  void add(const Socket& socket, std::uint32_t number);
  void watch_writing(const Socket& socket, std::uint32_t number);
  // Calls `ready` with the number of each; returns at `due_ns` at the latest.
  void wait(std::int64_t due_ns, const std::function<void(std::uint32_t)>& ready);

 private:
  int fd_;
};

// A framed ADT^A01 of about this many bytes, whose control id is replaced for each sending.
class MessageTemplate {
 public:
  static constexpr std::size_t kIdBytes = 17;

  explicit MessageTemplate(std::size_t message_bytes);
  // With this letter and the number in 16 hexadecimal digits as its control id.
  std::string_view with_id(char letter, std::uint64_t number);
  std::size_t message_bytes() const { return frame_.size() - 3; }

 private:
  std::string frame_;
  std::size_t id_at_;
};

// Counts acknowledgments in a stream of frames, cut anywhere.
class AckCounter {
 public:
  struct Counts {
    std::uint64_t answered = 0;
    std::uint64_t refused = 0;  // Of them: not AA, not CA.
  };
  Counts feed(std::string_view bytes);

 private:
  std::string held_;
};

// One JSON object on standard output.
class JsonLine {
 public:
  JsonLine& add(std::string_view name, std::uint64_t value);
  JsonLine& add(std::string_view name, double value);
  void print();

 private:
  void name(std::string_view name);
  std::string text_;
};

// "p50_us":…,"p90_us":…,"p99_us":…,"max_us":….
void add_latencies(JsonLine& json, std::string_view prefix, const Histogram& histogram);

}  // namespace myelin::bench
