#include "feeds/event_json.h"

#include <algorithm>

#include "base/base64.h"
#include "base/check.h"
#include "base/json_writer.h"
#include "base/utf8.h"
#include "feeds/message_json.h"

namespace myelin::feeds {

namespace {

// Room for the envelope and for what stands beside raw and message.
constexpr std::size_t kFrameBytesMax = 8u << 10;
constexpr std::size_t kEscapedByteMax = 6;  // A control character as \u0001.

// An upper bound of the text's length as a JSON string.
std::size_t escaped_size(std::string_view utf8) {
  const auto needs_escape = [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\' || c == 0x7f;
  };
  const auto escapes = static_cast<std::size_t>(std::ranges::count_if(utf8, needs_escape));
  return utf8.size() + (kEscapedByteMax - 1) * escapes;
}

void append_raw(std::string& out, std::string_view raw, bool is_utf8, std::size_t event_bytes_max) {
  const std::size_t room = event_bytes_max - std::min(event_bytes_max, kFrameBytesMax);
  const bool as_text =
      is_utf8 && (raw.size() * kEscapedByteMax <= room || escaped_size(raw) <= room);
  if (as_text) {
    out.append("\"raw\":");
    append_json_string(out, raw);
  } else {
    out.append("\"rawBase64\":\"");
    append_base64(out, raw);
    out.push_back('"');
  }
}

void append_deviations(std::string& out, const hl7v2::Message& message) {
  if (message.deviation_count() == 0) return;
  out.append(",\"deviations\":[");
  bool first = true;
  for (const auto& deviation : message.deviations()) {
    out.append(first ? "{\"location\":" : ",{\"location\":");
    first = false;
    append_json_string(out, deviation.location());
    out.append(",\"code\":");
    append_json_string(out, to_string(deviation.code));
    out.push_back('}');
  }
  out.push_back(']');
  const std::size_t omitted = message.deviation_count() - message.deviations().size();
  if (omitted > 0) out.append(",\"deviationsOmitted\":").append(std::to_string(omitted));
}

}  // namespace

std::string message_event(const event::Metadata& metadata, const MessageView& view,
                          const FeedSettings& settings, std::size_t event_bytes_max) {
  const std::string_view raw = view.message().raw();
  std::string out;
  // The parsed form of usual messages is two to three times as long as they are.
  out.reserve(std::min(event_bytes_max, event::kEnvelopeBytesUsual + 256 +
                                            (settings.store_raw ? raw.size() * 9 / 8 : 0) +
                                            (settings.store_message ? raw.size() * 3 : 0)));
  event::begin_envelope(out, metadata);
  out.push_back('{');
  const std::size_t begin = out.size();
  if (settings.store_raw) append_raw(out, raw, view.is_utf8(), event_bytes_max);
  if (settings.store_message) {
    const std::size_t without_message = out.size();
    if (settings.store_raw) out.push_back(',');
    out.append("\"message\":");
    if (!append_message_json(out, view, event_bytes_max - kFrameBytesMax)) {
      out.resize(without_message);
      if (!settings.store_raw) append_raw(out, raw, view.is_utf8(), event_bytes_max);
      out.append(",\"messageOmitted\":\"size\"");
    }
  }
  append_deviations(out, view.message());
  MYELIN_CHECK(out.size() > begin, "a feed that stores neither raw nor message");
  out.push_back('}');
  event::end_envelope(out);
  return out;
}

std::string error_event(const event::Metadata& metadata, std::string_view raw,
                        const Trouble& trouble, std::size_t event_bytes_max) {
  std::string out;
  out.reserve(event::kEnvelopeBytesUsual + 256 + raw.size() * 4 / 3);
  event::begin_envelope(out, metadata);
  out.push_back('{');
  append_raw(out, raw, is_valid_utf8(raw), event_bytes_max);
  out.append(",\"reason\":");
  append_json_string(out, trouble.reason);
  out.append(",\"location\":");
  append_json_string(out, trouble.location);
  out.append(",\"detail\":");
  append_json_string(out, trouble.detail);
  out.push_back('}');
  event::end_envelope(out);
  return out;
}

}  // namespace myelin::feeds
