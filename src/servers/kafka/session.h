// Session: one client's connection, from its first request to its last response.
//
// Lives in the connection's root coroutine, on one io thread; no lock. One coroutine reads requests
// and starts their handlers, another finishes these in order and writes what they answer.
#pragma once

#include <deque>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "broker/broker.h"
#include "io/connection.h"
#include "io/notifier.h"
#include "security/audit.h"
#include "security/authorizer.h"
#include "servers/kafka/handler.h"

namespace myelin::kafka {

class FetchState;

class Session {
 public:
  Session(KafkaServer& server, io::Connection& connection);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session();

  // Throws Broken when the peer goes away and Canceled when the server stops.
  io::Task<void> run();

  KafkaServer& server() { return server_; }
  const security::Context& context() const { return context_; }
  // Where clients are told to come to.
  std::string advertised_host() const;
  std::int32_t advertised_port() const;
  bool is_tls() const { return connection_.is_tls(); }
  // The client's address, without its port.
  std::string peer_host() const;
  bool may(security::Operation operation, const security::Resource& resource) const;
  // The first time that this connection reads or writes a topic is in the audit before it happens.
  // False when it cannot be.
  io::Task<bool> note_access(security::AuditAction action, const broker::Topic& topic);
  void count_records(security::AuditAction action, std::uint64_t records);
  // What this connection fetches.
  FetchState& fetch_state() { return *fetch_state_; }

 private:
  struct InFlight {
    InFlight(Session& session, const ApiEntry& entry, RequestBytes request,
             const DecodedHeader& header, SteadyTime received)
        : call(session, *entry.api, std::move(request), header, received), handler(entry.make()) {}
    Call call;
    const std::unique_ptr<Handler> handler;
    std::size_t answer_bytes = 0;  // As of when it was started.
  };

  io::Task<void> read();
  // Nothing at the stream's end.
  io::Task<std::optional<RequestBytes>> next_request();
  // False at the stream's end.
  io::Task<bool> read_more();
  io::Task<bool> fill(std::span<char> rest);
  // False when the connection is to be closed.
  io::Task<bool> start(RequestBytes request);
  bool is_full() const;
  // One of a handler's.
  static io::Task<void> run_step(io::Task<void> step, Call& call);
  // Throws Broken where an answer cannot be given: read() may wait for room that would never come.
  io::Task<void> write();
  bool gather(const Call& call, std::string& small) const;
  // `last` may be null.
  io::Task<bool> write_answers(std::string_view small, const Output* last);
  void refuse(std::string_view reason);
  void refuse(const Call& call);
  security::AuditEvent audit_event(security::AuditAction action, security::Resource resource);
  static io::Task<void> record(security::AuditSink& sink, security::AuditEvent event);

  KafkaServer& server_;
  io::Connection& connection_;
  const security::Context context_;
  const Uuid id_;  // Of the session, in the audit.
  std::set<std::pair<security::AuditAction, broker::TopicId>> noted_;
  std::uint64_t records_read_ = 0;
  std::uint64_t records_written_ = 0;
  std::string unread_;  // Read and not yet taken.
  std::deque<std::unique_ptr<InFlight>> in_flight_;
  std::size_t in_flight_count_ = 0;
  std::size_t unsent_bytes_ = 0;  // Of answers of those in flight.
  io::Notifier more_;             // For write(): something is in flight, or nothing more comes.
  io::Notifier room_;             // For read(): something is not in flight any more.
  bool reading_ = true;
  std::unique_ptr<FetchState> fetch_state_;
};

}  // namespace myelin::kafka
