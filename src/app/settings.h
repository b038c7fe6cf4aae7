// Everything that can be configured: one list, visited by the loader, `myelin config` and the
// manual.
#pragma once

#include <array>
#include <string>

#include "base/logging.h"
#include "base/settings.h"
#include "broker/broker.h"
#include "io/http_server.h"
#include "servers/kafka/settings.h"
#include "servers/mllp/settings.h"
#include "servers/stream/settings.h"

namespace myelin::app {

struct LoggingSettings {
  LogLevel level = LogLevel::Info;
  LogFormat format = LogFormat::Human;

  template <class Visitor>
  void visit(Visitor& visitor) {
    visitor.field("level", level, "Lines below it are left out.");
    visitor.field("format", format, "human, or json: one object a line.");
  }
};

// The durable log. Sizes of the journal take effect when a data directory is made.
struct LogSettings {
  ByteSize journal_file_bytes = 128_MiB;
  ByteSize segment_bytes = 1_GiB;
  ByteSize buffer_bytes_max = 64_MiB;
  std::chrono::milliseconds flush_interval{5000};
  ByteSize large_batch_bytes = 256_KiB;
  ByteSize free_bytes_min = 64_MiB;
  std::uint32_t disk_warn_percent = 80;
  std::uint32_t disk_refuse_percent = 95;
  std::chrono::milliseconds housekeeping_interval{30'000};
  ByteSize scrub_bytes_per_second = 4_MiB;
  ByteSize compaction_memory = 64_MiB;
  ByteSize compaction_bytes_per_second = 64_MiB;
  std::chrono::milliseconds producer_expiry{std::chrono::hours(24)};
  std::uint32_t producers_max = 1'000'000;

  template <class Visitor>
  void visit(Visitor& visitor) {
    visitor.field("journal_file_bytes", journal_file_bytes,
                  "Size of each of the journal's three files, when a data directory is made.",
                  {.min = 256 << 10, .max = 1 << 30});
    visitor.field("segment_bytes", segment_bytes,
                  "A partition's files are begun anew at this size.",
                  {.min = 4096, .max = 2147483647});
    visitor.field("buffer_bytes_max", buffer_bytes_max, "Memory for records not yet in segments.",
                  {.min = 1 << 20});
    visitor.field("flush_interval", flush_interval, "Records move to segments after this time.",
                  {.min = 1, .max = 60'000});
    visitor.field("large_batch_bytes", large_batch_bytes,
                  "Batches so large go straight to their segment, past the journal.",
                  {.min = 65'536});
    visitor.field("free_bytes_min", free_bytes_min,
                  "Writes are refused when less would be left on the disk; reads go on.");
    visitor.field("disk_warn_percent", disk_warn_percent,
                  "A warning is logged when so much of the disk is used.", {.min = 1, .max = 100});
    visitor.field("disk_refuse_percent", disk_refuse_percent,
                  "Writes are refused when so much of the disk is used; reads go on.",
                  {.min = 1, .max = 100});
    visitor.field("housekeeping_interval", housekeeping_interval,
                  "How often retention and compaction look for something to do.", {.min = 100});
    visitor.field("scrub_bytes_per_second", scrub_bytes_per_second,
                  "Everything stored is read and checked at this pace, over and over; 0: never.");
    visitor.field("compaction_memory", compaction_memory,
                  "Memory for the keys of a partition that is compacted.", {.min = 1 << 20});
    visitor.field("compaction_bytes_per_second", compaction_bytes_per_second,
                  "Compaction reads at this pace; 0: as fast as it goes.");
    visitor.field("producer_expiry", producer_expiry,
                  "An idempotent producer that writes nothing for this time is forgotten.",
                  {.min = 60'000});
    visitor.field("producers_max", producers_max,
                  "Idempotent producers that are remembered, each in every partition that it "
                  "writes to; beyond it those idle for longest are forgotten.",
                  {.min = 1000});
  }
};

struct RuntimeSettings {
  std::uint32_t threads = 0;
  std::uint32_t blocking_threads = 4;
  std::chrono::milliseconds stop_timeout{10'000};

  template <class Visitor>
  void visit(Visitor& visitor) {
    visitor.field("threads", threads, "Threads for connections; 0: one a core.", {.max = 1024});
    visitor.field("blocking_threads", blocking_threads, "Threads for reads from the disk.",
                  {.min = 1, .max = 256});
    visitor.field("stop_timeout", stop_timeout, "An orderly stop takes at most this long.");
  }
};

struct Settings {
  std::string data = "data";
  http::ServerSettings http;
  kafka::ServerSettings kafka;
  mllp::Settings mllp;
  stream::Settings stream;
  broker::Settings broker;
  LogSettings log;
  LoggingSettings logging;
  RuntimeSettings runtime;

  template <class Visitor>
  void visit(Visitor& visitor) {
    visitor.field("data", data, "Directory that holds everything the server keeps.");
    visitor.group("http", http, "HTTP: console, streams, health, metrics.");
    visitor.group("kafka", kafka, "Kafka's protocol.");
    visitor.group("mllp", mllp, "HL7 version 2 over MLLP.");
    visitor.group("stream", stream, "Streams of events (GET /events/…).");
    visitor.group("broker", broker, "Topics.");
    visitor.group("log", log, "The durable log.");
    visitor.group("logging", logging, "The server's own log lines, on standard error.");
    visitor.group("runtime", runtime, "Threads and stopping.");
  }
};

}  // namespace myelin::app
