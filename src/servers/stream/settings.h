// What can be set for the streams of events.
#pragma once

#include <chrono>
#include <cstdint>

#include "base/settings.h"

namespace myelin::stream {

struct Settings {
  std::uint32_t streams_max = 256;
  std::chrono::milliseconds heartbeat{15'000};
  std::chrono::milliseconds write_timeout{30'000};
  ByteSize batch_bytes_max = 256_KiB;

  template <class Visitor>
  void visit(Visitor& visitor) {
    visitor.field("streams_max", streams_max, "Further streams get 503.", {.min = 1});
    visitor.field("heartbeat", heartbeat, "A silent stream sends a comment this often.",
                  {.min = 100, .max = 600'000});
    visitor.field("write_timeout", write_timeout,
                  "A reader that takes nothing for this time is disconnected.",
                  {.min = 100, .max = 3'600'000});
    visitor.field("batch_bytes_max", batch_bytes_max,
                  "What is read ahead for one stream, at most (one batch at least).",
                  {.min = 1024, .max = 64 << 20});
  }
};

}  // namespace myelin::stream
