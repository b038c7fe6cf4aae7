// What can be set for the Kafka door.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "base/result.h"
#include "base/settings.h"
#include "io/listener.h"
#include "io/tls_context.h"

namespace myelin::kafka {

enum class ReplicationFactor : std::uint8_t { Refuse, Clamp };

// A listener of its own; its limits are those of the other one, each for itself.
struct TlsListenerSettings {
  io::TlsSettings tls;
  std::string address;
  std::uint16_t port = 9093;
  std::string advertised_host;
  std::uint16_t advertised_port = 0;

  template <class Visitor>
  void visit(Visitor& visitor) {
    tls.visit(visitor);
    visitor.field("address", address,
                  "IP address to listen on, or localhost; empty: kafka.address.");
    visitor.field("port", port, "TCP port to listen on for TLS; 0 picks a free one.");
    visitor.field("advertised_host", advertised_host,
                  "Host that clients of this port are told to connect to: a name in the "
                  "certificate; empty: kafka.advertised_host.");
    visitor.field("advertised_port", advertised_port,
                  "Port that they are told to connect to; 0: the one they came to.");
  }
};

struct ServerSettings {
  io::ListenerSettings listener{.port = 9092,
                                .connections_max = 16'384,
                                .handshake_timeout = std::chrono::minutes(1),
                                .idle_timeout = std::chrono::minutes(10)};
  TlsListenerSettings tls;
  std::string advertised_host;
  std::uint16_t advertised_port = 0;
  std::int32_t node_id = 1;
  bool auto_create_topics = true;
  std::string replication_factor = "refuse";
  bool allow_unauthenticated = false;
  ByteSize request_bytes_max = 100_MiB;
  ByteSize request_memory = 256_MiB;
  std::chrono::milliseconds request_timeout{60'000};
  std::uint32_t in_flight_requests_max = 64;
  ByteSize fetch_bytes_max = 8_MiB;
  ByteSize fetch_memory = 256_MiB;

  template <class Visitor>
  void visit(Visitor& visitor) {
    listener.visit(visitor);
    visitor.group("tls", tls, "A second port, with TLS.");
    visitor.field("advertised_host", advertised_host,
                  "Host that clients are told to connect to; empty: the one they came to.");
    visitor.field("advertised_port", advertised_port,
                  "Port that clients are told to connect to; 0: the one they came to.");
    visitor.field("node_id", node_id, "The broker's id.", {.min = 0});
    visitor.field("auto_create_topics", auto_create_topics,
                  "A topic that a client asks for and that does not exist is made.");
    visitor.field("replication_factor", replication_factor,
                  "What becomes of topics that ask for more than one replica: refuse, or clamp.");
    visitor.field("allow_unauthenticated", allow_unauthenticated,
                  "Clients beyond this machine may do everything, without a password.");
    visitor.field("request_bytes_max", request_bytes_max,
                  "A connection that sends a larger request is closed.",
                  {.min = 1024, .max = 1 << 30});
    visitor.field("request_memory", request_memory,
                  "What requests may take together, half of it for those beyond 1 MiB; beyond, "
                  "connections are not read.",
                  {.min = 1 << 20});
    visitor.field("request_timeout", request_timeout,
                  "A request that has begun must have come whole within this time.",
                  {.min = 1000, .max = 3'600'000});
    visitor.field("in_flight_requests_max", in_flight_requests_max,
                  "Requests of one connection that are worked on; beyond, it is not read.",
                  {.min = 1, .max = 65'536});
    visitor.field("fetch_bytes_max", fetch_bytes_max,
                  "Records in one answer, at most (one batch at least).", {.min = 1024});
    visitor.field("fetch_memory", fetch_memory,
                  "What answers with records may take together; beyond, they wait.",
                  {.min = 1 << 20});
  }

  ReplicationFactor on_replication_factor() const {
    return replication_factor == "clamp" ? ReplicationFactor::Clamp : ReplicationFactor::Refuse;
  }

  // Of the listener with TLS.
  io::ListenerSettings tls_listener() const {
    auto settings = listener;
    if (!tls.address.empty()) settings.address = tls.address;
    settings.port = tls.port;
    settings.tls = tls.tls;
    return settings;
  }

  // InvalidInput names the key that is wrong.
  Status check() const {
    if (replication_factor != "refuse" && replication_factor != "clamp")
      return Error(ErrorCode::InvalidInput, "replication_factor: refuse or clamp is wanted");
    return io::check_tls(tls.tls);
  }
};

}  // namespace myelin::kafka
