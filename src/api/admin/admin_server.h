// AdminServer: the API for whoever runs this server, under /api/v1/admin/: the log's state,
// snapshots for backups, topics and their settings, deleting.
//
// For this machine alone (guard.h). Every request is authorized; a change, or a snapshot, is in the
// audit durably before it happens, and again if it then fails. Owned by app; outlives the HTTP
// server that its routes serve, and is stopped before the log closes. Requests run on their
// connections' io threads, Operations on the runtime's pool.
#pragma once

#include <chrono>
#include <string>

#include "api/admin/operations.h"
#include "api/admin/snapshot_table.h"
#include "base/logging.h"
#include "base/time.h"
#include "base/uuid.h"
#include "io/http.h"
#include "io/router.h"
#include "io/runtime.h"
#include "io/task_scope.h"
#include "security/audit.h"
#include "security/authorizer.h"

namespace myelin::admin {

// What the API needs from the house; all of it outlives the server.
struct Parts {
  io::Runtime& runtime;
  Operations& operations;
  security::Authorizer& authorizer;
  security::AuditSink& audit;
  UuidGenerator& ids;
  Logger& logger;
  const Clock& clock;
};

struct Limits {
  std::size_t snapshots_max = 4;
  std::chrono::milliseconds snapshot_life = std::chrono::minutes(5);
  std::chrono::milliseconds expiry_interval = std::chrono::seconds(5);
};

class AdminServer {
 public:
  explicit AdminServer(Parts parts, Limits limits = {});
  ~AdminServer();
  AdminServer(const AdminServer&) = delete;
  AdminServer& operator=(const AdminServer&) = delete;

  // Adds the routes. The router's server must be stopped before this object is.
  void install(http::Router& router);

  std::size_t snapshots() const { return snapshots_.size(); }

  // After the HTTP server has stopped and before the log closes: lets go of all snapshots. Not on
  // an io thread.
  bool stop(std::chrono::milliseconds time);

 private:
  using Answer = io::Task<Result<http::Response>>;
  using Action = Answer (AdminServer::*)(http::Request&);
  enum class Kind : std::uint8_t { Look, Change };

  void add(http::Router& router, http::Method method, std::string_view pattern, Kind kind,
           Action action);
  io::Task<void> serve(http::Request& request, http::ResponseWriter& writer, Kind kind,
                       Action action);

  Answer show_log(http::Request& request);
  Answer take_snapshot(http::Request& request);
  Answer show_checkpoint(http::Request& request);
  Answer renew_snapshot(http::Request& request);
  Answer release_snapshot(http::Request& request);
  Answer show_topics(http::Request& request);
  Answer show_config(http::Request& request);
  Answer change_config(http::Request& request);
  Answer delete_topic(http::Request& request);
  Answer delete_records(http::Request& request);

  security::AuditEvent event(const bus::Context& context, security::AuditAction action,
                             security::Resource resource) const;
  // Forbidden is in the audit too.
  io::Task<Status> authorize(bus::Context context, security::Operation operation,
                             security::Resource resource, security::AuditAction action);
  // An error means that nothing may be done.
  io::Task<Status> record(security::AuditEvent event);
  io::Task<Status> record_failure(security::AuditEvent began, const Error& error);
  io::Task<Status> record_removal(const security::AuditEvent& began, const TopicReport& topic);
  io::Task<Result<TopicReport>> find_topic(bus::TopicName name);
  io::Task<void> expire_snapshots();

  const Parts parts_;
  const Limits limits_;
  SnapshotTable snapshots_;
  io::TaskScope scope_;
};

}  // namespace myelin::admin
