#include "security/audit.h"

#include <utility>

#include "base/json_writer.h"
#include "formats/event/envelope.h"

namespace myelin::security {

namespace {

constexpr std::string_view kSource = "myelin";

bus::Context server_context() {
  return {.principal = std::string(kLocalPrincipal),
          .tenant = {},
          .peer = {},
          .trace = {},
          .deadline = std::nullopt};
}

void append_settings(JsonWriter& json, const std::vector<AuditSetting>& settings) {
  json.key("settings");
  json.begin_object();
  for (const auto& setting : settings) {
    json.key(setting.name);
    if (setting.value) {
      json.string(*setting.value);
    } else {
      json.null();
    }
  }
  json.end_object();
}

void append_payload(std::string& out, const AuditEvent& event) {
  JsonWriter json(out);
  json.begin_object();
  json.member("action", to_string(event.action));
  json.member("outcome", to_string(event.outcome));
  if (!event.reason.empty()) json.member("reason", event.reason);
  json.member("principal", event.context.principal);
  json.member("tenant", event.context.tenant);
  json.member("peer", event.context.peer);
  json.key("resource");
  json.begin_object();
  json.member("kind", to_string(event.resource.kind));
  json.member("name", event.resource.name);
  json.end_object();
  json.key("counts");
  json.begin_object();
  for (const auto& count : event.counts) json.member(count.name, count.value);
  json.end_object();
  if (!event.settings.empty()) append_settings(json, event.settings);
  json.end_object();
}

}  // namespace

std::string_view to_string(AuditAction action) {
  switch (action) {
    case AuditAction::StreamOpened: return "stream.opened";
    case AuditAction::StreamEnded: return "stream.ended";
    case AuditAction::ConnectionOpened: return "connection.opened";
    case AuditAction::ConnectionEnded: return "connection.ended";
    case AuditAction::TopicRead: return "topic.read";
    case AuditAction::TopicWritten: return "topic.written";
    case AuditAction::RecordsRemoved: return "records.removed";
    case AuditAction::TopicConfigured: return "topic.configured";
    case AuditAction::TopicCreated: return "topic.created";
    case AuditAction::PartitionsAdded: return "topic.partitions-added";
    case AuditAction::TopicDeleted: return "topic.deleted";
    case AuditAction::SnapshotTaken: return "snapshot.taken";
  }
  return "unknown";
}

std::string_view to_string(AuditOutcome outcome) {
  switch (outcome) {
    case AuditOutcome::Success: return "success";
    case AuditOutcome::Refused: return "refused";
    case AuditOutcome::Failed: return "failed";
  }
  return "unknown";
}

std::string audit_json(const AuditEvent& event) {
  const std::string id = event.id.to_string();
  const std::string session = event.session.to_string();
  event::Metadata metadata{.event_id = id,
                           .event_type = kAuditTopic,
                           .event_source = kSource,
                           .correlation_id = session,
                           .timestamp = event.time};
  if (event.session != event.id) metadata.causation_id = session;
  std::string out;
  out.reserve(2 * event::kEnvelopeBytesUsual);
  event::begin_envelope(out, metadata);
  append_payload(out, event);
  event::end_envelope(out);
  return out;
}

BusAuditSink::BusAuditSink(bus::Bus& bus, Logger& logger, metrics::Registry& registry)
    : bus_(bus),
      logger_(logger),
      recorded_(registry.counter("myelin_audit_recorded_total", "Audit events made durable.")),
      lost_(registry.counter("myelin_audit_lost_total",
                             "Audit events that could not be made durable.")) {}

Status BusAuditSink::start() {
  return bus_.topics().ensure(server_context(), {.tenant = {}, .name = std::string(kAuditTopic)});
}

io::Task<Status> BusAuditSink::record(AuditEvent event) {
  const Status stored = co_await store(event);
  if (stored) {
    recorded_.increment();
    co_return stored;
  }
  lost_.increment();
  logger_.limited(LogLevel::Error, "audit.lost",
                  {{"action", to_string(event.action)},
                   {"principal", event.context.principal},
                   {"peer", event.context.peer},
                   {"resource", event.resource.name},
                   {"error", stored.error().message()}});
  co_return stored.error().with_context("audit");
}

io::Task<Status> BusAuditSink::store(const AuditEvent& event) {
  bus::Record record{.topic = {.tenant = {}, .name = std::string(kAuditTopic)},
                     .partition = std::nullopt,
                     .key = std::nullopt,
                     .value = audit_json(event),
                     .headers = {{"action", std::string(to_string(event.action))},
                                 {"session", event.session.to_string()}},
                     .timestamp = event.time};
  bus::WriteSet writes;
  writes.records.push_back(std::move(record));
  MYELIN_CO_TRY(receipt, bus_.append(server_context(), std::move(writes)));
  MYELIN_CO_TRY_VOID(co_await receipt.durable());
  co_return Status();
}

}  // namespace myelin::security
