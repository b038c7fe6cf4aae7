#include "servers/stream/event_json.h"

#include <map>
#include <optional>
#include <utility>

#include "base/base64.h"
#include "base/json_validate.h"
#include "base/json_writer.h"
#include "base/utf8.h"

namespace myelin::stream {

namespace {

void append_base64_member(std::string& out, std::string_view name, std::string_view bytes) {
  out.append(",\"").append(name).append("\":\"");
  append_base64(out, bytes);
  out.push_back('"');
}

void append_key(std::string& out, const std::optional<std::string_view>& key) {
  if (!key) {
    out.append(",\"key\":null");
  } else if (is_valid_utf8(*key)) {
    out.append(",\"key\":");
    append_json_string(out, *key);
  } else {
    append_base64_member(out, "keyBase64", *key);
  }
}

void append_headers(std::string& out, const kafka::Headers& headers) {
  // A map, because how many there are is for whoever wrote them to choose.
  std::map<std::string_view, std::optional<std::string_view>> last;
  for (const auto& header : headers) last.insert_or_assign(header.key, header.value);
  out.append(",\"headers\":{");
  bool first = true;
  for (const auto& [key, value] : last) {
    if (!std::exchange(first, false)) out.push_back(',');
    append_json_string(out, key);
    out.push_back(':');
    if (value) {
      append_json_string(out, *value);
    } else {
      out.append("null");
    }
  }
  out.push_back('}');
}

void append_value(std::string& out, const std::optional<std::string_view>& value) {
  if (!value) {
    out.append(",\"value\":null");
  } else if (is_valid_json(*value)) {
    out.append(",\"value\":").append(*value);
  } else {
    append_base64_member(out, "valueBase64", *value);
  }
}

}  // namespace

void append_event_json(std::string& out, const RecordPlace& place,
                       const kafka::RecordView& record) {
  out.append("{\"topic\":");
  append_json_string(out, place.topic);
  out.append(",\"partition\":").append(std::to_string(place.partition));
  out.append(",\"offset\":").append(std::to_string(place.offset));
  out.append(",\"receivedAt\":\"").append(format_rfc3339(place.received)).push_back('"');
  append_key(out, record.key);
  append_headers(out, record.headers);
  append_value(out, record.value);
  out.push_back('}');
}

}  // namespace myelin::stream
