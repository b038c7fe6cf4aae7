// The Kafka engine: the bus over an Apache Kafka cluster, through librdkafka.
//
// A first cut: a write set is one record (more is InvalidInput until transactions are there), and
// the order that a subscription promises is each partition's. README.md has the rest.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bus/bus.h"
#include "io/runtime.h"

namespace myelin::bus {

struct KafkaBusOptions {
  std::string bootstrap;  // "host:port,host:port"; is named in errors and log lines.
  // Of librdkafka: security.protocol, sasl.*, ssl.*. What the promises of the bus rest on (acks,
  // idempotence, queues, resets) is set over them. Values reach no error and no log line.
  std::vector<std::pair<std::string, std::string>> properties = {};

  // Of topics that are made on first use; -1: as the cluster says.
  std::int32_t partitions = -1;
  std::int32_t replication = -1;
  std::size_t topics_max = 10'000;  // In the cluster; beyond it append and ensure say Exhausted.

  std::chrono::milliseconds delivery_timeout{30'000};  // From append to Unavailable.
  std::chrono::milliseconds request_timeout{5'000};    // Of a question to the cluster.
  std::chrono::milliseconds topics_refresh{2'000};     // How old the list of topics may be.

  std::size_t queue_bytes_max = 64u << 20;  // Of records that are not durable yet.
  std::size_t record_bytes_max = 32u << 20;
  // What one subscription or read fetches ahead, and a quarter more; a larger batch comes alone.
  std::size_t fetch_bytes_max = 4u << 20;
  std::size_t subscriptions_max = 128;  // Each is a client of its own: README.md has its cost.
  std::size_t reads_max = 64;           // At one time.
};

// Does not wait for the cluster, nor fail without it. InvalidInput names the setting that
// librdkafka does not take. The runtime and the clock outlive the bus, and the bus its
// subscriptions; its destructor waits for its tasks, so that it is not run on an io thread.
// Receipts that are not durable by then say Canceled.
Result<std::unique_ptr<Bus>> make_kafka_bus(io::Runtime& runtime, const Clock& clock,
                                            KafkaBusOptions options);

}  // namespace myelin::bus
