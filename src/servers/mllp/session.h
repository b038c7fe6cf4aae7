// Session: one sender's connection, from its first byte to its last acknowledgment.
//
// Lives in the connection's root coroutine, on one io thread; no lock.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "bus/bus.h"
#include "formats/hl7v2/mllp_framer.h"
#include "io/connection.h"
#include "io/notifier.h"
#include "security/audit.h"
#include "servers/mllp/mllp_server.h"

namespace myelin::mllp {

class Session {
 public:
  Session(MllpServer& server, io::Connection& connection);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  // Leaves the connection's end in the log and, if its opening is in it, in the audit.
  ~Session();

  // Throws Broken when the peer goes away and Canceled when the server stops.
  io::Task<void> run();

 private:
  // A message on its way to the disk, or an answer that waits for those before it.
  struct InFlight {
    std::optional<bus::Receipt> receipt;
    std::string acknowledgment;
    std::size_t message_bytes;
    SteadyTime received;
  };
  enum class Next : bool { GoOn, Stop };

  io::Task<Status> open();
  io::Task<void> read();
  io::Task<Next> take(std::string_view bytes);
  io::Task<Next> accept(std::string_view message);
  io::Task<Next> wait_for_room(std::size_t message_bytes);
  void answer_too_long(std::string_view beginning);
  io::Task<void> acknowledge();
  // Takes the first in flight, which need not be durable yet, and appends its acknowledgment.
  io::Task<Status> take_durable(std::string& out);
  bool front_is_ready() const;
  void push(InFlight entry);
  void count_garbage();
  void not_durable(const Error& error, std::uint64_t messages);
  // Closes the connection at once: nothing more is read or acknowledged.
  void fail(std::string_view reason);
  void stop_because(std::string_view reason) { end_reason_ = reason; }
  security::AuditEvent audit_event(security::AuditAction action) const;
  static io::Task<void> record(security::AuditSink& sink, security::AuditEvent event);

  MllpServer& server_;
  io::Connection& connection_;
  const bus::Context context_;
  const Uuid id_;
  hl7v2::MllpFramer framer_;
  std::deque<InFlight> in_flight_;
  std::size_t in_flight_bytes_ = 0;
  std::size_t in_flight_messages_ = 0;
  io::Notifier more_;  // For acknowledge(): something is in flight, or nothing more comes.
  io::Notifier room_;  // For read(): something is not in flight any more.
  bool reading_ = true;
  bool failed_ = false;
  bool audited_ = false;
  std::uint64_t garbage_counted_ = 0;
  std::uint64_t accepted_ = 0;
  std::uint64_t refused_ = 0;
  std::string_view end_reason_ = "closed";
};

}  // namespace myelin::mllp
