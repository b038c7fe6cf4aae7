#include "app/server.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base/check.h"
#include "servers/console/console_server.h"

namespace myelin::app {
namespace {

using std::chrono::milliseconds;

log::Options log_options(const Settings& settings) {
  log::Options options;
  options.directory = std::filesystem::absolute(settings.data).lexically_normal().string();
  while (options.directory.size() > 1 && options.directory.ends_with('/'))
    options.directory.pop_back();
  options.journal_file_bytes = settings.log.journal_file_bytes.value;
  options.segment_bytes = settings.log.segment_bytes.value;
  options.buffer_bytes_max = settings.log.buffer_bytes_max.value;
  options.flush_interval = settings.log.flush_interval;
  options.large_batch_bytes = settings.log.large_batch_bytes.value;
  options.producer_expiry = settings.log.producer_expiry;
  options.producers_max = settings.log.producers_max;
  options.space.free_bytes_min = settings.log.free_bytes_min.value;
  options.space.warn_percent = settings.log.disk_warn_percent;
  options.space.refuse_percent = settings.log.disk_refuse_percent;
  options.fail = [](const std::string& message) { fatal(message); };
  return options;
}

io::Task<void> record_audit(security::AuditSink& audit, security::AuditEvent event,
                            Status& recorded) {
  recorded = co_await audit.record(std::move(event));
}

}  // namespace

Server::Server(const Settings& settings, Logger& logger)
    : settings_(settings), logger_(logger), disk_(log::make_posix_disk()) {}

Server::~Server() = default;

Result<std::unique_ptr<Server>> Server::start(const Settings& settings, Logger& logger) {
  std::unique_ptr<Server> server(new Server(settings, logger));
  io::RuntimeOptions options;
  options.threads = settings.runtime.threads;
  options.blocking_threads = settings.runtime.blocking_threads;
  server->runtime_ = std::make_unique<io::Runtime>(logger, options);
  auto status = server->open_log();
  if (status) status = server->open_doors();
  if (status) return server;
  server->stop();
  return std::move(status).error();
}

Status Server::open_log() {
  auto options = log_options(settings_);
  options.space.on_change = [this](const log::SpaceReport& space) { tell_space(space); };
  const auto began = clock_.steady();
  MYELIN_TRY(broker, broker::Broker::open(*disk_, clock_, random_, options, settings_.broker));
  broker_ = std::move(broker);
  const auto& log = broker_->log();
  const auto took = std::chrono::duration_cast<milliseconds>(clock_.steady() - began);
  logger_.info("log.opened", {{"directory", options.directory},
                              {"start", log.incarnation()},
                              {"commit", log.visible().value},
                              {"ms", took.count()}});
  for (const auto& lost : broker_->lost_group_records()) {
    logger_.error("groups.damaged", {{"topic", broker::kOffsetsTopic},
                                     {"first_offset", lost.first.value},
                                     {"last_offset", lost.last.value},
                                     {"what", lost.what},
                                     {"effect", "groups stand at earlier offsets, or at none"}});
  }
  if (!log.weakness().empty()) {
    logger_.warn("log.weak", {{"directory", options.directory}, {"because", log.weakness()}});
  }
  bus_ = bus::make_embedded_bus(*runtime_, *broker_, clock_);
  return {};
}

Status Server::open_doors() {
  authorizer_ = std::make_unique<security::LocalAuthorizer>();
  audit_ = std::make_unique<security::BusAuditSink>(*bus_, logger_, registry_);
  MYELIN_TRY_VOID(audit_->start());
  start_housekeeping();
  stream_ = std::make_unique<stream::StreamServer>(
      stream::Parts{*runtime_, *bus_, *authorizer_, *audit_, ids_, logger_, registry_, clock_},
      settings_.stream);
  readiness_.add("log", [this] { return broker_->log().writable(); });
  http::install_health(router_, readiness_, registry_);
  stream_->install(router_);
  admin_operations_ = std::make_unique<AdminOperations>(*broker_, *housekeeper_);
  admin_ = std::make_unique<admin::AdminServer>(
      admin::Parts{*runtime_, *admin_operations_, *authorizer_, *audit_, ids_, logger_, clock_});
  admin_->install(router_);
  console::install(router_);

  MYELIN_TRY(mllp, mllp::MllpServer::make(
                       {*runtime_, *bus_, *authorizer_, *audit_, ids_, logger_, registry_, clock_},
                       settings_.mllp, broker_->log().incarnation()));
  mllp_ = std::move(mllp);
  if (auto bound = mllp_->start(); !bound) {
    return std::move(bound).error().with_context("MLLP (--mllp.port chooses another port)");
  }
  auto http = http::Server::bind(*runtime_, "http", settings_.http);
  if (!http) return std::move(http).error().with_context("HTTP (--http.port chooses another port)");
  http_ = std::move(*http);
  MYELIN_TRY_VOID(open_kafka());
  install_metrics();
  install_log_metrics();
  install_http_metrics();
  http_->start(router_.as_handler());
  return {};
}

Status Server::open_kafka() {
  auto made = kafka::KafkaServer::make(
      {*runtime_, *broker_, *authorizer_, *audit_, ids_, logger_, registry_, clock_},
      settings_.kafka);
  if (!made) return std::move(made).error().with_context("kafka");
  kafka_ = std::move(*made);
  return kafka_->start();
}

void Server::install_metrics() {
  auto& log = broker_->log();
  callbacks_.push_back(
      registry_.gauge_callback("myelin_log_commit", "Number of the last durable commit.",
                               [&log] { return static_cast<double>(log.visible().value); }));
  callbacks_.push_back(registry_.gauge_callback(
      "myelin_topics", "Topics, the server's own left out.",
      [this] { return static_cast<double>(broker_->list({{}, {"*"}}).size()); }));
}

void Server::tell_space(const log::SpaceReport& space) {
  const auto level = space.state == log::SpaceState::Ok    ? LogLevel::Info
                     : space.state == log::SpaceState::Low ? LogLevel::Warn
                                                           : LogLevel::Error;
  logger_.log(level, "log.disk",
              {{"state", log::to_string(space.state)},
               {"used_percent", space.used_percent},
               {"free_bytes", space.free_bytes},
               {"writes", space.state == log::SpaceState::Full ? "refused" : "taken"}});
}

// Nothing is removed before it is in the audit.
Status Server::audit_removal(const log::RemovedRecords& removed) {
  const auto id = ids_.next();
  security::AuditEvent event{
      .id = id,
      .session = id,
      .time = clock_.now(),
      .context = {.principal = std::string(security::kLocalPrincipal),
                  .tenant = {},
                  .peer = {},
                  .trace = {},
                  .deadline = std::nullopt},
      .action = security::AuditAction::RecordsRemoved,
      .resource = security::Resource::topic(removed.topic->spec.name),
      .outcome = security::AuditOutcome::Success,
      .reason = std::string(log::to_string(removed.reason)),
      .counts = {{"partition", static_cast<std::uint64_t>(removed.partition.value)},
                 {"firstOffset", static_cast<std::uint64_t>(removed.from.value)},
                 {"keptFromOffset", static_cast<std::uint64_t>(removed.to.value)},
                 {"bytes", removed.bytes}}};
  Status recorded;
  runtime_->run_to_end(record_audit(*audit_, std::move(event), recorded));
  if (!recorded) return recorded;
  logger_.info("log.records_removed", {{"topic", removed.topic->spec.name},
                                       {"partition", removed.partition.value},
                                       {"first_offset", removed.from.value},
                                       {"kept_from_offset", removed.to.value},
                                       {"bytes", removed.bytes},
                                       {"because", log::to_string(removed.reason)}});
  return {};
}

void Server::start_housekeeping() {
  log::HousekeepingOptions options;
  options.interval = settings_.log.housekeeping_interval;
  options.before_removal = [this](const auto& removed) { return audit_removal(removed); };
  options.on_error = [this](std::string_view what, const Error& error) {
    logger_.limited(LogLevel::Error, what, {{"error", error.message()}});
  };
  options.scrub.bytes_per_second = settings_.log.scrub_bytes_per_second.value;
  options.scrub.on_damage = [this](const log::TopicPtr& topic, log::PartitionIndex partition,
                                   const log::Damage& damage) {
    logger_.error("log.damaged", {{"topic", topic->spec.name},
                                  {"partition", partition.value},
                                  {"first_offset", damage.first.value},
                                  {"last_offset", damage.last.value},
                                  {"file", damage.path},
                                  {"byte", damage.byte},
                                  {"what", damage.what}});
  };
  options.compaction.key_map_bytes_max = settings_.log.compaction_memory.value;
  options.compaction.read_bytes_per_second = settings_.log.compaction_bytes_per_second.value;
  random_.fill(options.compaction.hash_key.data(), sizeof options.compaction.hash_key);
  housekeeper_ = std::make_unique<log::Housekeeper>(broker_->log(), std::move(options));
  housekeeper_->start();
}

void Server::install_log_metrics() {
  const auto gauge = [this](std::string_view name, std::string_view help, auto read) {
    callbacks_.push_back(
        registry_.gauge_callback(name, help, [read] { return static_cast<double>(read()); }));
  };
  const auto count = [this](std::string_view name, std::string_view help, auto read) {
    callbacks_.push_back(registry_.callback(
        metrics::Kind::Counter, name, help, {},
        [read](metrics::SampleSink& sink) { sink.sample({}, static_cast<double>(read())); }));
  };
  auto& log = broker_->log();
  auto& keeper = *housekeeper_;
  gauge("myelin_log_disk_used_percent", "Of the file system that holds the data directory.",
        [&log] { return log.space().used_percent; });
  gauge("myelin_log_disk_free_bytes", "Of the file system that holds the data directory.",
        [&log] { return log.space().free_bytes; });
  gauge("myelin_log_writes_refused", "1 while the disk is too full to write.",
        [&log] { return log.space().state == log::SpaceState::Full ? 1 : 0; });
  gauge("myelin_log_journal_used_ratio", "Of the journal that no checkpoint covers.",
        [&log] { return log.journal_used(); });
  gauge("myelin_log_damaged_ranges", "Stored ranges that fail their checks; see log.damaged.",
        [&keeper] { return keeper.scrubber().damage_count(); });
  count("myelin_log_scrubbed_bytes_total", "Stored bytes that the scrub has verified.",
        [&keeper] { return keeper.scrubber().report().bytes; });
  count("myelin_log_scrub_rounds_total", "Rounds of the scrub over everything stored.",
        [&keeper] { return keeper.scrubber().report().rounds; });
  count("myelin_log_removed_records_total", "Records that retention has removed.",
        [&keeper] { return keeper.counts().removed_records; });
  count("myelin_log_removed_bytes_total", "Bytes that retention has removed.",
        [&keeper] { return keeper.counts().removed_bytes; });
  count("myelin_log_compacted_records_total", "Records that compaction has removed.",
        [&keeper] { return keeper.compactor().counts().removed_records; });
  count("myelin_log_checkpoints_total", "Checkpoints written since the start.",
        [&log] { return log.checkpoint_count(); });
}

void Server::install_http_metrics() {
  const auto count = [this](std::string_view name, std::string_view help, auto read) {
    callbacks_.push_back(registry_.callback(
        metrics::Kind::Counter, name, help, {},
        [read](metrics::SampleSink& sink) { sink.sample({}, static_cast<double>(read())); }));
  };
  auto& http = *http_;
  count("myelin_http_requests_total", "HTTP requests.", [&http] { return http.counts().requests; });
  count("myelin_http_malformed_total", "HTTP requests that the server itself refused.",
        [&http] { return http.counts().malformed; });
  count("myelin_http_wrong_host_total", "HTTP requests whose Host is not this server's.",
        [&http] { return http.counts().wrong_host; });
  count("myelin_http_failed_total", "HTTP requests whose handler failed.",
        [&http] { return http.counts().failed; });
  count("myelin_http_connections_total", "HTTP connections accepted.",
        [&http] { return http.connection_counts().accepted; });
  count("myelin_http_connections_refused_total", "HTTP connections beyond http.connections_max.",
        [&http] { return http.connection_counts().refused; });
}

bool Server::stop() {
  const auto due = clock_.steady() + settings_.runtime.stop_timeout;
  const auto left = [&] {
    return std::max(milliseconds(1),
                    std::chrono::duration_cast<milliseconds>(due - clock_.steady()));
  };
  bool all = true;
  // Doors first: nothing new comes in; then what they gave to the log is committed; then the
  // threads.
  if (kafka_) all = kafka_->stop(left()) && all;
  if (mllp_) all = mllp_->stop(left()) && all;
  if (http_) all = http_->stop(left()) && all;
  if (admin_) all = admin_->stop(left()) && all;
  if (stream_) all = stream_->stop(left()) && all;
  if (!all) return false;
  callbacks_.clear();
  if (housekeeper_) housekeeper_->stop();
  kafka_.reset();
  mllp_.reset();
  http_.reset();
  if (broker_) {
    if (const auto closed = broker_->close(); !closed) {
      fatal(fmt::format("data directory {}: {}. Nothing acknowledged is lost; a restart recovers",
                        settings_.data, closed.error().message()));
    }
  }
  return !runtime_ || runtime_->stop(left());
}

}  // namespace myelin::app
