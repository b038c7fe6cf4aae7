#include "api/admin/admin_server.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "api/admin/bodies.h"
#include "api/admin/guard.h"

namespace myelin::admin {
namespace {

using security::AuditAction;
using security::Operation;
using security::Resource;

http::Response json(int status, std::string body) {
  return {.status = status,
          .headers = {{"Cache-Control", "no-store"}},
          .content_type = "application/json; charset=utf-8",
          .body = std::move(body)};
}

bus::TopicName topic_of(const http::Request& request) {
  return bus::TopicName::from_full(request.route_value("name"));
}

// Who asks, on behalf of the tenant that what is asked for belongs to.
bus::Context context_of(const http::Request& request, std::string tenant = {}) {
  return {.principal = std::string(security::kLocalPrincipal),
          .tenant = std::move(tenant),
          .peer = request.peer,
          .trace = {},
          .deadline = std::nullopt};
}

Resource stored_data() { return {security::ResourceKind::Cluster, "log"}; }

Result<Uuid> snapshot_id(const http::Request& request) {
  auto id = Uuid::parse(request.route_value("id"));
  if (!id) return Error(ErrorCode::NotFound, "there is no such snapshot");
  return id;
}

// The record of what was removed is not removed by hand.
Status check_removable(const bus::TopicName& name) {
  if (!name.name.starts_with("security.audit.")) return {};
  return Error(ErrorCode::Forbidden, "the audit cannot be deleted");
}

}  // namespace

AdminServer::AdminServer(Parts parts, Limits limits)
    : parts_(parts),
      limits_(limits),
      snapshots_(limits.snapshots_max, limits.snapshot_life),
      scope_(parts.runtime, "admin") {
  scope_.spawn("admin.expiry", expire_snapshots());
}

AdminServer::~AdminServer() = default;

void AdminServer::add(http::Router& router, http::Method method, std::string_view pattern,
                      Kind kind, Action action) {
  router.add(method, "/api/v1/admin/" + std::string(pattern),
             [this, kind, action](http::Request& request, http::ResponseWriter& writer) {
               return serve(request, writer, kind, action);
             });
}

void AdminServer::install(http::Router& router) {
  using enum http::Method;
  add(router, Get, "log", Kind::Look, &AdminServer::show_log);
  add(router, Post, "log/snapshots", Kind::Change, &AdminServer::take_snapshot);
  add(router, Get, "log/snapshots/{id}/checkpoint", Kind::Look, &AdminServer::show_checkpoint);
  add(router, Post, "log/snapshots/{id}/renew", Kind::Change, &AdminServer::renew_snapshot);
  add(router, Delete, "log/snapshots/{id}", Kind::Change, &AdminServer::release_snapshot);
  add(router, Get, "topics", Kind::Look, &AdminServer::show_topics);
  add(router, Get, "topics/{name}/config", Kind::Look, &AdminServer::show_config);
  add(router, Patch, "topics/{name}/config", Kind::Change, &AdminServer::change_config);
  add(router, Delete, "topics/{name}", Kind::Change, &AdminServer::delete_topic);
  add(router, Post, "topics/{name}/partitions/{partition}/delete-records", Kind::Change,
      &AdminServer::delete_records);
}

bool AdminServer::stop(std::chrono::milliseconds time) {
  const bool stopped = scope_.stop(time);
  snapshots_.clear();
  return stopped;
}

io::Task<void> AdminServer::serve(http::Request& request, http::ResponseWriter& writer, Kind kind,
                                  Action action) {
  auto allowed = check_local(request);
  if (allowed && kind == Kind::Change) allowed = check_intent(request);
  if (!allowed) {
    parts_.logger.limited(LogLevel::Warn, "admin.refused",
                          {{"peer", request.peer}, {"error", allowed.error().message()}});
    (void)co_await writer.send_error(allowed.error());
    co_return;
  }
  auto answer = co_await (this->*action)(request);
  if (answer) {
    (void)co_await writer.send(std::move(*answer));
  } else {
    (void)co_await writer.send_error(answer.error());
  }
}

io::Task<void> AdminServer::expire_snapshots() {
  for (;;) {
    co_await io::sleep_for(limits_.expiry_interval);
    snapshots_.expire(parts_.clock.steady());
  }
}

security::AuditEvent AdminServer::event(const bus::Context& context, AuditAction action,
                                        Resource resource) const {
  const auto id = parts_.ids.next();
  return {.id = id,
          .session = id,
          .time = parts_.clock.now(),
          .context = context,
          .action = action,
          .resource = std::move(resource),
          .outcome = security::AuditOutcome::Success,
          .reason = {},
          .counts = {}};
}

io::Task<Status> AdminServer::authorize(bus::Context context, Operation operation,
                                        Resource resource, AuditAction action) {
  const auto allowed = parts_.authorizer.authorize(context, operation, resource);
  if (allowed) co_return allowed;
  auto refused = event(context, action, std::move(resource));
  refused.outcome = security::AuditOutcome::Refused;
  refused.reason = to_string(allowed.error().code());
  // Nothing is done either way.
  (void)co_await parts_.audit.record(std::move(refused));
  co_return allowed;
}

io::Task<Status> AdminServer::record(security::AuditEvent event) {
  const auto recorded = co_await parts_.audit.record(std::move(event));
  if (recorded) co_return Status();
  co_return Error(ErrorCode::Unavailable, "it cannot be recorded in the audit, so it is not done");
}

io::Task<Status> AdminServer::record_failure(security::AuditEvent began, const Error& error) {
  began.id = parts_.ids.next();  // Of the session that began it.
  began.time = parts_.clock.now();
  began.outcome = security::AuditOutcome::Failed;
  began.reason = to_string(error.code());
  co_return co_await parts_.audit.record(std::move(began));
}

// An event for each partition that holds records, below the one of the topic.
io::Task<Status> AdminServer::record_removal(const security::AuditEvent& began,
                                             const TopicReport& topic) {
  MYELIN_CO_TRY_VOID(co_await record(began));
  for (std::size_t i = 0; i < topic.partitions.size(); ++i) {
    const auto& partition = topic.partitions[i];
    if (partition.start == partition.end) continue;
    auto part = event(began.context, AuditAction::RecordsRemoved, began.resource);
    part.session = began.session;
    part.reason = "topic-deleted";
    part.counts = {{"partition", i},
                   {"firstOffset", static_cast<std::uint64_t>(partition.start.value)},
                   {"keptFromOffset", static_cast<std::uint64_t>(partition.end.value)}};
    MYELIN_CO_TRY_VOID(co_await record(std::move(part)));
  }
  co_return Status();
}

AdminServer::Answer AdminServer::show_log(http::Request& request) {
  MYELIN_CO_TRY_VOID(
      parts_.authorizer.authorize(context_of(request), Operation::Describe, stored_data()));
  const auto report =
      co_await parts_.runtime.blocking([this] { return parts_.operations.log_report(); });
  co_return json(200, log_json(report));
}

AdminServer::Answer AdminServer::take_snapshot(http::Request& request) {
  const auto context = context_of(request);
  MYELIN_CO_TRY_VOID(
      co_await authorize(context, Operation::Read, stored_data(), AuditAction::SnapshotTaken));
  const auto began = event(context, AuditAction::SnapshotTaken, stored_data());
  MYELIN_CO_TRY_VOID(snapshots_.reserve(began.id, parts_.clock.steady()));
  const auto recorded = co_await record(began);
  auto taken = Result<SnapshotPtr>(Error(ErrorCode::Unavailable, ""));
  if (recorded) {
    taken = co_await parts_.runtime.blocking([this] { return parts_.operations.take_snapshot(); });
  } else {
    taken = recorded.error();
  }
  if (!taken) {
    (void)snapshots_.release(began.id);
    if (recorded) (void)co_await record_failure(began, taken.error());
    co_return taken.error();
  }
  MYELIN_CO_TRY_VOID(snapshots_.put(began.id, *taken, parts_.clock.steady()));
  co_return json(201, snapshot_json(began.id, **taken, parts_.clock.now() + snapshots_.life()));
}

AdminServer::Answer AdminServer::show_checkpoint(http::Request& request) {
  MYELIN_CO_TRY_VOID(
      parts_.authorizer.authorize(context_of(request), Operation::Read, stored_data()));
  MYELIN_CO_TRY(id, snapshot_id(request));
  MYELIN_CO_TRY(snapshot, snapshots_.find(id, parts_.clock.steady()));
  auto bytes = co_await parts_.runtime.blocking([&snapshot] { return snapshot->checkpoint(); });
  co_return http::Response{.status = 200,
                           .headers = {{"Cache-Control", "no-store"}},
                           .content_type = "application/octet-stream",
                           .body = std::move(bytes)};
}

AdminServer::Answer AdminServer::renew_snapshot(http::Request& request) {
  MYELIN_CO_TRY_VOID(
      parts_.authorizer.authorize(context_of(request), Operation::Read, stored_data()));
  MYELIN_CO_TRY(id, snapshot_id(request));
  MYELIN_CO_TRY_VOID(snapshots_.renew(id, parts_.clock.steady()));
  co_return json(200, expiry_json(id, parts_.clock.now() + snapshots_.life()));
}

AdminServer::Answer AdminServer::release_snapshot(http::Request& request) {
  MYELIN_CO_TRY_VOID(
      parts_.authorizer.authorize(context_of(request), Operation::Read, stored_data()));
  MYELIN_CO_TRY(id, snapshot_id(request));
  MYELIN_CO_TRY_VOID(snapshots_.release(id));
  co_return http::Response{.status = 204, .headers = {}, .content_type = {}, .body = {}};
}

AdminServer::Answer AdminServer::show_topics(http::Request& request) {
  auto topics = co_await parts_.runtime.blocking([this] { return parts_.operations.topics(); });
  std::erase_if(topics, [&](const TopicReport& topic) {
    return !parts_.authorizer.authorize(context_of(request, topic.name.tenant), Operation::Describe,
                                        Resource::topic(topic.name.full()));
  });
  co_return json(200, topics_json(topics));
}

io::Task<Result<TopicReport>> AdminServer::find_topic(bus::TopicName name) {
  co_return co_await parts_.runtime.blocking(
      [this, &name] { return parts_.operations.topic(name); });
}

AdminServer::Answer AdminServer::show_config(http::Request& request) {
  const auto name = topic_of(request);
  MYELIN_CO_TRY_VOID(parts_.authorizer.authorize(
      context_of(request, name.tenant), Operation::Describe, Resource::topic(name.full())));
  MYELIN_CO_TRY(topic, co_await find_topic(name));
  co_return json(200, config_json(topic.config));
}

AdminServer::Answer AdminServer::change_config(http::Request& request) {
  const auto name = topic_of(request);
  const auto context = context_of(request, name.tenant);
  const auto resource = Resource::topic(name.full());
  MYELIN_CO_TRY_VOID(
      co_await authorize(context, Operation::Alter, resource, AuditAction::TopicConfigured));
  MYELIN_CO_TRY(body, co_await request.read_body(kBodyBytesMax));
  MYELIN_CO_TRY(changes, parse_config_changes(body));
  MYELIN_CO_TRY_VOID(co_await parts_.runtime.blocking(
      [&] { return parts_.operations.check_config(name, changes); }));
  auto began = event(context, AuditAction::TopicConfigured, resource);
  for (const auto& [setting, value] : changes) began.settings.push_back({setting, value});
  MYELIN_CO_TRY_VOID(co_await record(began));
  const auto done =
      co_await parts_.runtime.blocking([&] { return parts_.operations.configure(name, changes); });
  if (!done) {
    (void)co_await record_failure(std::move(began), done.error());
    co_return done.error();
  }
  MYELIN_CO_TRY(topic, co_await find_topic(name));
  co_return json(200, config_json(topic.config));
}

AdminServer::Answer AdminServer::delete_topic(http::Request& request) {
  const auto name = topic_of(request);
  const auto context = context_of(request, name.tenant);
  const auto resource = Resource::topic(name.full());
  MYELIN_CO_TRY_VOID(
      co_await authorize(context, Operation::Delete, resource, AuditAction::TopicDeleted));
  MYELIN_CO_TRY_VOID(check_removable(name));
  MYELIN_CO_TRY(topic, co_await find_topic(name));
  auto began = event(context, AuditAction::TopicDeleted, resource);
  began.counts = {{"partitions", topic.partitions.size()}};
  MYELIN_CO_TRY_VOID(co_await record_removal(began, topic));
  const auto done =
      co_await parts_.runtime.blocking([&] { return parts_.operations.remove(name); });
  if (!done) {
    (void)co_await record_failure(std::move(began), done.error());
    co_return done.error();
  }
  co_return http::Response{.status = 204, .headers = {}, .content_type = {}, .body = {}};
}

AdminServer::Answer AdminServer::delete_records(http::Request& request) {
  const auto name = topic_of(request);
  const auto context = context_of(request, name.tenant);
  const auto resource = Resource::topic(name.full());
  MYELIN_CO_TRY_VOID(
      co_await authorize(context, Operation::Delete, resource, AuditAction::RecordsRemoved));
  MYELIN_CO_TRY_VOID(check_removable(name));
  MYELIN_CO_TRY(body, co_await request.read_body(kBodyBytesMax));
  MYELIN_CO_TRY(before, parse_before(body));
  MYELIN_CO_TRY(topic, co_await find_topic(name));
  const auto text = request.route_value("partition");
  std::uint32_t number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size() ||
      number >= topic.partitions.size()) {
    co_return Error(ErrorCode::NotFound, "the topic has no such partition");
  }
  const auto& partition = topic.partitions[number];
  if (before > partition.end) {
    co_return Error(ErrorCode::InvalidInput,
                    fmt::format("the partition ends at offset {}", partition.end.value));
  }
  const bus::PartitionIndex index(static_cast<std::int32_t>(number));
  if (before <= partition.start) co_return json(200, start_json(index, partition.start));
  auto began = event(context, AuditAction::RecordsRemoved, resource);
  began.reason = "delete-records";
  began.counts = {{"partition", number},
                  {"firstOffset", static_cast<std::uint64_t>(partition.start.value)},
                  {"keptFromOffset", static_cast<std::uint64_t>(before.value)}};
  MYELIN_CO_TRY_VOID(co_await record(began));
  const auto done = co_await parts_.runtime.blocking(
      [&] { return parts_.operations.delete_records(name, index, before); });
  if (!done) {
    (void)co_await record_failure(std::move(began), done.error());
    co_return done.error();
  }
  co_return json(200, start_json(index, *done));
}

}  // namespace myelin::admin
