#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "app/commands.h"
#include "app/load_settings.h"
#include "app/server.h"
#include "base/check.h"

namespace myelin::app {
namespace {

constexpr std::string_view kUsage =
    "myelin serve [--config FILE] [--data DIR] [--SETTING VALUE]…\n"
    "\n"
    "Starts the server. Without any setting it keeps its data in ./data and listens on loopback "
    "only:\n"
    "HTTP on 127.0.0.1:8080 (console, streams, metrics), Kafka's protocol on 127.0.0.1:9092 and "
    "MLLP on\n127.0.0.1:2575. SIGINT or SIGTERM stops it in order. `myelin config` prints the "
    "settings in effect.\n"
    "\n"
    "Settings, as flags, as environment variables or in the file:\n\n";

void print_doors(const Settings& settings, const Server& server) {
  const auto address = settings.http.listener.address;
  std::string kafka = fmt::format("{}:{}", settings.kafka.listener.address, server.kafka_port());
  if (server.kafka_tls_port() != 0)
    kafka += fmt::format(", with TLS {}:{}", settings.kafka.tls_listener().address,
                         server.kafka_tls_port());
  fmt::print(stderr,
             "\n  Console  http://{0}:{1}/\n  Streams  http://{0}:{1}/events/hl7.*?from=earliest\n "
             " Kafka    {2}\n  MLLP     {3}:{4}\n"
             "  Ctrl-C stops the server.\n\n",
             address, server.http_port(), kafka, settings.mllp.listener.address,
             server.mllp_port());
}

// A connection and a segment each take descriptors; the soft limit is kept low for programs that
// use select().
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

int run(const Settings& settings) {
  io::block_stop_signals();
  raise_descriptor_limit();
  SystemClock clock;
  Logger logger({.level = settings.logging.level, .format = settings.logging.format}, clock,
                STDERR_FILENO);
  auto started = Server::start(settings, logger);
  if (!started) {
    logger.error("server.not_started", {{"reason", started.error().message()}});
    return 1;
  }
  auto& server = *started;
  logger.info("server.started", {{"http", server->http_port()},
                                 {"kafka", server->kafka_port()},
                                 {"mllp", server->mllp_port()}});
  if (settings.logging.format == LogFormat::Human) print_doors(settings, *server);
  const int signal = io::wait_for_stop_signal();
  logger.info("server.stopping", {{"signal", signal}});
  if (!server->stop()) {
    logger.error("server.stop_timed_out",
                 {{"note", "ending now; the log recovers at the next start"}});
    std::_Exit(1);
  }
  logger.info("server.stopped");
  return 0;
}

}  // namespace

std::string serve_help() { return fmt::format("{}{}", kUsage, config_help(Settings{})); }

std::string config_command_help() {
  return "myelin config [--config FILE] [--schema] [--SETTING VALUE]…\n\n"
         "Prints the settings in effect as YAML and where each came from; --schema prints the "
         "file's JSON Schema.\nThe settings are those of `myelin serve --help`.\n";
}

int serve(std::span<const std::string> args) {
  const auto loaded = load_settings(args, {});
  if (!loaded) {
    fmt::print(stderr, "myelin serve: {}\n", loaded.error().message());
    return 2;
  }
  if (loaded->line.has("help")) {
    fmt::print("{}", serve_help());
    return 0;
  }
  for (const auto& name : loaded->sources.unknown_environment) {
    fmt::print(stderr, "myelin serve: the environment variable {} names no setting\n", name);
  }
  return run(loaded->settings);
}

int config(std::span<const std::string> args) {
  auto loaded = load_settings(args, {{"schema", FlagValue::None, "JSON Schema of the file."}});
  if (!loaded) {
    fmt::print(stderr, "myelin config: {}\n", loaded.error().message());
    return 2;
  }
  if (loaded->line.has("help")) {
    fmt::print("{}", config_command_help());
  } else if (loaded->line.has("schema")) {
    fmt::print("{}\n", config_schema(Settings{}, "Myelin"));
  } else {
    fmt::print("{}", config_as_yaml(loaded->settings, loaded->sources));
  }
  return 0;
}

}  // namespace myelin::app
