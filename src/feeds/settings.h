// FeedSettings: what can be set for one feed of HL7 messages.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "base/settings.h"

namespace myelin::feeds {

// The answer to a message that cannot be parsed. It is kept on hl7.errors whichever it is.
enum class OnError : std::uint8_t { AE, AR, AA };

constexpr std::array<std::pair<std::string_view, OnError>, 3> setting_names(OnError) {
  return {{{"AE", OnError::AE}, {"AR", OnError::AR}, {"AA", OnError::AA}}};
}

inline constexpr ByteSize kMessageBytesMax = 32_MiB;
inline constexpr std::size_t kFeedNameMax = 64;

struct FeedSettings {
  std::string name = "default";
  std::string tenant;
  std::string key = "pid-3";
  bool store_raw = true;
  bool store_message = true;
  OnError on_error = OnError::AE;
  bool skip_garbage = false;
  ByteSize message_bytes_max = 16_MiB;

  template <class Visitor>
  void visit(Visitor& visitor) {
    visitor.field("name", name, "The feed's name, in each event's headers and in metrics.");
    visitor.field("tenant", tenant, "The tenant whose topics get the events; empty: the default.");
    visitor.field("key", key,
                  "What becomes an event's key: pid-3 (the first patient identifier with its "
                  "authority), none, or a path such as PV1-19.1.");
    visitor.field("store_raw", store_raw, "Events hold the message as it came.");
    visitor.field("store_message", store_message, "Events hold the parsed message.");
    visitor.field("on_error", on_error,
                  "The answer to a message that cannot be parsed: AE, AR or AA (CE, CR or CA where "
                  "the sender asks for accept acknowledgments).");
    visitor.field("skip_garbage", skip_garbage,
                  "Bytes between frames are skipped instead of closing the connection.");
    visitor.field("message_bytes_max", message_bytes_max, "Longer messages are answered AR.",
                  {.min = 1024, .max = static_cast<double>(kMessageBytesMax.value)});
  }

  // InvalidInput names the key that is wrong. A feed stores raw, message, or both.
  Status check() const;
};

}  // namespace myelin::feeds
