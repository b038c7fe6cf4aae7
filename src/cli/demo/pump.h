// Pump: sends the simulated hospital's messages at a rate, with many on their way at once.
//
// Messages are sent when they are due, up to kWindow of them unacknowledged. When the connection is
// lost, or an acknowledgment does not come in time, the pump connects again, with growing pauses,
// and sends what was not acknowledged once more, with the same control ids: no message is left out,
// some may arrive twice. A refused message (AE, AR) is counted and not repeated. Time that was
// missed is not caught up for beyond a second's messages.
//
// One io thread; what is handed over outlives the task.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>

#include "base/time.h"
#include "cli/demo/options.h"
#include "cli/demo/source.h"
#include "formats/hl7v2/mllp_framer.h"
#include "io/connection.h"
#include "io/notifier.h"
#include "io/runtime.h"

namespace myelin::cli::demo {

struct Totals {
  std::uint64_t sent = 0;   // Messages, each once.
  std::uint64_t bytes = 0;  // Of them, with framing.
  std::uint64_t sent_again = 0;
  std::uint64_t accepted = 0;
  std::uint64_t refused = 0;
};

// What happens, as it happens; called on the pump's io thread.
class Observer {
 public:
  virtual ~Observer() = default;
  virtual void connected(std::string_view peer) = 0;
  // Once until it is connected again.
  virtual void away(std::string_view reason) = 0;
  // `code` is MSA-1.
  virtual void acknowledged(const DemoMessage& message, std::string_view code) = 0;
};

class Pump {
 public:
  static constexpr std::size_t kWindow = 256;
  static constexpr std::size_t kAnswerBytesMax = 1u << 20;

  struct Times {
    std::chrono::milliseconds answer{30'000};
    std::chrono::milliseconds retry_first{200};
    std::chrono::milliseconds retry_last{5'000};
  };

  Pump(io::Runtime& runtime, const Options& options, Source& source, Observer& observer);
  Pump(io::Runtime& runtime, const Options& options, Source& source, Observer& observer,
       Times times);

  // Until the limits are reached and all is acknowledged; canceling it is the other way to end it.
  io::Task<void> run();

  const Totals& totals() const { return totals_; }

 private:
  struct Sent {
    DemoMessage message;
    SteadyTime time;
  };

  bool has_more() const;
  bool finished() const { return !has_more() && awaiting_.empty(); }
  io::Task<void> connect();
  io::Task<void> pause();
  void tell_away(std::string_view reason);
  io::Task<void> talk();
  io::Task<void> send();
  io::Task<void> send_again();
  io::Task<void> write_due(SteadyTime now);
  io::Task<void> receive();
  void take_answer(std::string_view message);
  void lose(std::string_view reason);

  io::Runtime& runtime_;
  const Options& options_;
  Source& source_;
  Observer& observer_;
  const Times times_;
  const std::chrono::nanoseconds interval_;

  std::unique_ptr<io::Connection> connection_;
  std::deque<Sent> awaiting_;  // In the order sent; kWindow of them at most.
  SteadyTime next_due_{};
  io::Notifier wake_;  // For the sending half: room, or the end.
  bool lost_ = false;
  bool told_away_ = false;
  std::chrono::milliseconds pause_;  // Grows until something is acknowledged.
  std::string reason_;
  Totals totals_;
};

}  // namespace myelin::cli::demo
