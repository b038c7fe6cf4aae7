// The events that a feed makes, as the bytes that are stored: the platform's envelope around
//
//   {"raw" or "rawBase64", "message", "deviations":[{"location","code"}]}   a message
//   {"raw" or "rawBase64", "reason", "location", "detail"}                  what is no message
//
// `raw` is the message byte for byte; bytes that are not UTF-8, or whose escapes would make the
// event too large, are `rawBase64` instead. Where the parsed message would make it too large, it is
// left out: "messageOmitted":"size", and raw is there even if the feed leaves it out. Beyond the
// first deviations that the parser lists, "deviationsOmitted" is the number of the others.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "feeds/message_view.h"
#include "feeds/settings.h"
#include "formats/event/envelope.h"

namespace myelin::feeds {

inline constexpr std::size_t kEventBytesMax = std::size_t{44} << 20;

// At most kEventBytesMax for a message of at most kMessageBytesMax.
std::string message_event(const event::Metadata& metadata, const MessageView& view,
                          const FeedSettings& settings,
                          std::size_t event_bytes_max = kEventBytesMax);

// Why bytes are no message. Holds nothing of them.
struct Trouble {
  std::string_view reason;    // "no-header".
  std::string_view location;  // "MSH-1".
  std::string_view detail;    // A sentence.
};
std::string error_event(const event::Metadata& metadata, std::string_view raw,
                        const Trouble& trouble, std::size_t event_bytes_max = kEventBytesMax);

}  // namespace myelin::feeds
