// Server: every part of one process, built in the order of its dependencies and stopped in reverse.
//
// Owned by the serve command. The one place that knows everybody.
#pragma once

#include <memory>
#include <string>

#include "api/admin/admin_server.h"
#include "app/admin_operations.h"
#include "app/settings.h"
#include "base/metrics.h"
#include "base/uuid.h"
#include "broker/broker.h"
#include "bus/embedded.h"
#include "io/health.h"
#include "io/router.h"
#include "io/runtime.h"
#include "log/disk.h"
#include "log/housekeeping.h"
#include "security/audit.h"
#include "security/authorizer.h"
#include "servers/kafka/kafka_server.h"
#include "servers/mllp/mllp_server.h"
#include "servers/stream/stream_server.h"

namespace myelin::app {

class Server {
 public:
  // Recovers the data directory and opens the doors. Blocks. An error says what to change.
  static Result<std::unique_ptr<Server>> start(const Settings& settings, Logger& logger);
  ~Server();

  // Closes the doors, commits what was taken in, leaves the directory clean. False when something
  // still ran at the end of the time: then the process must end, which the log makes safe. A disk
  // that fails meanwhile ends the process (kExitFatal).
  bool stop();

  std::uint16_t http_port() const { return http_->local_port(); }
  std::uint16_t kafka_port() const { return kafka_->port(); }
  std::uint16_t kafka_tls_port() const { return kafka_->tls_port(); }
  std::uint16_t mllp_port() const { return mllp_->port(); }

 private:
  Server(const Settings& settings, Logger& logger);
  Status open_log();
  Status open_doors();
  Status open_kafka();
  void start_housekeeping();
  void tell_space(const log::SpaceReport& space);
  Status audit_removal(const log::RemovedRecords& removed);
  void install_metrics();
  void install_log_metrics();
  void install_http_metrics();

  const Settings settings_;
  Logger& logger_;
  SystemClock clock_;
  SystemRandom random_;
  UuidGenerator ids_{clock_, random_};
  metrics::Registry registry_;
  http::Readiness readiness_;
  std::unique_ptr<log::Disk> disk_;
  std::unique_ptr<io::Runtime> runtime_;
  std::unique_ptr<broker::Broker> broker_;
  std::unique_ptr<bus::Bus> bus_;
  std::unique_ptr<security::Authorizer> authorizer_;
  std::unique_ptr<security::BusAuditSink> audit_;
  std::unique_ptr<log::Housekeeper> housekeeper_;
  std::unique_ptr<stream::StreamServer> stream_;
  std::unique_ptr<AdminOperations> admin_operations_;
  std::unique_ptr<admin::AdminServer> admin_;
  http::Router router_;
  std::unique_ptr<http::Server> http_;
  std::unique_ptr<mllp::MllpServer> mllp_;
  std::unique_ptr<kafka::KafkaServer> kafka_;
  std::vector<metrics::Callback> callbacks_;
};

}  // namespace myelin::app
