// Audit: who accessed data, when, from where, and with which outcome.
//
// A door makes the event and awaits that it is durable. An event holds no patient data: topics and
// patterns, feeds, counts and error codes, never a key, a value or a query string.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/logging.h"
#include "base/metrics.h"
#include "base/result.h"
#include "base/time.h"
#include "base/uuid.h"
#include "bus/bus.h"
#include "io/task.h"
#include "security/authorizer.h"

namespace myelin::security {

inline constexpr std::string_view kAuditTopic = "security.audit.data-access";

enum class AuditAction : std::uint8_t {
  StreamOpened,      // A subscription begins to deliver.
  StreamEnded,       // With what it delivered.
  ConnectionOpened,  // A sender connected to a feed.
  ConnectionEnded,   // With what was taken and what was refused.
  TopicRead,         // A client gets the first records of a topic on this connection.
  TopicWritten,      // A client sends its first ones.
  RecordsRemoved,    // About to happen: partition, first offset, first one kept.
  TopicConfigured,   // About to happen, as all below.
  TopicDeleted,
  TopicCreated,
  PartitionsAdded,
  SnapshotTaken,  // Of everything that is stored, to be copied.
};

std::string_view to_string(AuditAction action);  // "stream.opened".

enum class AuditOutcome : std::uint8_t { Success, Refused, Failed };

std::string_view to_string(AuditOutcome outcome);  // "success".

struct AuditCount {
  std::string_view name;  // A literal: "records".
  std::uint64_t value;
};

struct AuditSetting {
  std::string name;                  // "retention.ms".
  std::optional<std::string> value;  // None: back to its default.
};

struct AuditEvent {
  Uuid id;  // Version 7; the envelope's eventId.
  Uuid
      session;  // The id of the event that opened what this one ends; the same as `id` in that one.
  Timestamp time;
  bus::Context context;  // Principal, tenant, peer.
  AuditAction action;
  Resource resource;
  AuditOutcome outcome = AuditOutcome::Success;
  std::string reason;  // An error code's name ("forbidden"); empty for a success.
  std::vector<AuditCount> counts;
  std::vector<AuditSetting> settings = {};  // That were changed.
};

// The event as it is stored: the platform's envelope (formats/event), whose correlationId is the
// session, around
// {"action","outcome","reason","principal","tenant","peer","resource","counts","settings"}.
std::string audit_json(const AuditEvent& event);

class AuditSink {
 public:
  virtual ~AuditSink() = default;

  // Ends when the event is durable; tries once. An error means that nobody will find it: a door
  // that reads data refuses the request. Thread-safe; to be awaited on an io thread.
  virtual io::Task<Status> record(AuditEvent event) = 0;
};

// Appends events to `security.audit.data-access` of the default tenant as the server itself.
class BusAuditSink final : public AuditSink {
 public:
  BusAuditSink(bus::Bus& bus, Logger& logger, metrics::Registry& registry);

  // Makes the topic, so that a full topic table cannot stop the audit later. Once, before use.
  Status start();

  // A failure is also logged and counted: an event that was lost at a connection's end has nobody
  // else to tell it.
  io::Task<Status> record(AuditEvent event) override;

 private:
  io::Task<Status> store(const AuditEvent& event);

  bus::Bus& bus_;
  Logger& logger_;
  metrics::Counter& recorded_;
  metrics::Counter& lost_;
};

}  // namespace myelin::security
