// What can be set for one MLLP listener.
#pragma once

#include <chrono>
#include <cstdint>

#include "base/result.h"
#include "base/settings.h"
#include "feeds/settings.h"
#include "io/listener.h"

namespace myelin::mllp {

struct Settings {
  // Senders keep their connection while there is nothing to send, at night for hours.
  io::ListenerSettings listener{.port = 2575,
                                .connections_max = 1024,
                                .handshake_timeout = std::chrono::minutes(5),
                                .idle_timeout = std::chrono::hours(1)};
  std::uint32_t in_flight_messages_max = 256;
  ByteSize in_flight_bytes_max = 4_MiB;
  feeds::FeedSettings feed;

  template <class Visitor>
  void visit(Visitor& visitor) {
    listener.visit(visitor);
    visitor.field("in_flight_messages_max", in_flight_messages_max,
                  "Messages of one connection that may wait for the disk; beyond, it is not read.",
                  {.min = 1, .max = 65'536});
    visitor.field("in_flight_bytes_max", in_flight_bytes_max,
                  "The same in bytes of messages (one message at least).",
                  {.min = 1024, .max = 256 << 20});
    visitor.group("feed", feed, "The feed whose messages arrive here.");
  }

  // InvalidInput names the key that is wrong.
  Status check() const { return feed.check(); }
};

}  // namespace myelin::mllp
