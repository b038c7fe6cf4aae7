#include "app/server.h"

#include <fmt/format.h>

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
  options.space.free_bytes_min = settings.log.free_bytes_min.value;
  options.fail = [](const std::string& message) { fatal(message); };
  return options;
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
  const auto options = log_options(settings_);
  const auto began = clock_.steady();
  MYELIN_TRY(broker, broker::Broker::open(*disk_, clock_, random_, options, settings_.broker));
  broker_ = std::move(broker);
  const auto& log = broker_->log();
  const auto took = std::chrono::duration_cast<milliseconds>(clock_.steady() - began);
  logger_.info("log.opened", {{"directory", options.directory},
                              {"start", log.incarnation()},
                              {"commit", log.visible().value},
                              {"ms", took.count()}});
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
  stream_ = std::make_unique<stream::StreamServer>(
      stream::Parts{*runtime_, *bus_, *authorizer_, *audit_, ids_, logger_, registry_, clock_},
      settings_.stream);
  readiness_.add("log", [this] { return broker_->log().writable(); });
  http::install_health(router_, readiness_, registry_);
  stream_->install(router_);
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
  install_metrics();
  install_http_metrics();
  http_->start(router_.as_handler());
  return {};
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
  const auto time = settings_.runtime.stop_timeout;
  bool all = true;
  // Doors first: nothing new comes in; then what they gave to the log is committed; then the
  // threads.
  if (mllp_) all = mllp_->stop(time) && all;
  if (http_) all = http_->stop(time) && all;
  if (stream_) all = stream_->stop(time) && all;
  if (!all) return false;
  callbacks_.clear();
  mllp_.reset();
  http_.reset();
  if (broker_) {
    if (const auto closed = broker_->close(); !closed) {
      logger_.error("log.close_failed", {{"reason", closed.error().message()}});
    }
  }
  return !runtime_ || runtime_->stop(time);
}

}  // namespace myelin::app
