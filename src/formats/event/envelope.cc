#include "formats/event/envelope.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <charconv>
#include <cmath>

#include "base/json_writer.h"

namespace myelin::event {
namespace {

namespace ondemand = simdjson::ondemand;

Error invalid(std::string_view what) {
  return {ErrorCode::InvalidInput, fmt::format("event envelope: {}", what)};
}

// Text and numbers of simdjson's messages come from its own table, never from the bytes it read.
Status checked(simdjson::error_code code) {
  if (code == simdjson::SUCCESS) return {};
  return invalid(simdjson::error_message(code));
}

// Nothing for a number that is no time in 64 bits of milliseconds; fractions of one are cut.
std::optional<Timestamp> parse_timestamp(std::string_view token) {
  const char* const begin = token.begin();
  const char* const end = token.end();
  std::int64_t ms = 0;
  const auto integer = std::from_chars(begin, end, ms);
  const bool has_fraction =
      integer.ptr != end && (*integer.ptr == '.' || *integer.ptr == 'e' || *integer.ptr == 'E');
  if (integer.ec == std::errc() && !has_fraction) return timestamp_from_ms(ms);
  double value = 0;
  if (std::from_chars(begin, end, value).ec != std::errc()) return std::nullopt;
  if (!(std::abs(value) < 9.2e18)) return std::nullopt;
  return timestamp_from_ms(static_cast<std::int64_t>(value));
}

Status read_member(std::string_view key, ondemand::value value, StoredMetadata& metadata) {
  ondemand::json_type type{};
  MYELIN_TRY_VOID(checked(value.type().get(type)));
  if (type == ondemand::json_type::number) {
    if (key == "timestamp") metadata.timestamp = parse_timestamp(value.raw_json_token());
    return {};
  }
  if (type != ondemand::json_type::string) return {};
  std::string_view text;
  MYELIN_TRY_VOID(checked(value.get_string().get(text)));
  if (key == "eventId") metadata.event_id = text;
  if (key == "eventType") metadata.event_type = text;
  if (key == "eventSource") metadata.event_source = text;
  if (key == "correlationId") metadata.correlation_id = text;
  if (key == "causationId") metadata.causation_id = std::string(text);
  if (key == "version") metadata.version = text;
  return {};
}

Result<StoredMetadata> read_members(ondemand::value value) {
  ondemand::object members;
  MYELIN_TRY_VOID(checked(value.get_object().get(members)));
  StoredMetadata metadata;
  for (auto member : members) {
    std::string_view key;
    ondemand::value inner;
    MYELIN_TRY_VOID(checked(member.unescaped_key().get(key)));
    MYELIN_TRY_VOID(checked(member.value().get(inner)));
    MYELIN_TRY_VOID(read_member(key, inner, metadata));
  }
  if (metadata.event_id.empty()) return invalid("no eventId");
  return metadata;
}

}  // namespace

void begin_envelope(std::string& out, const Metadata& metadata) {
  JsonWriter json(out);
  json.begin_object();
  json.key("metadata");
  json.begin_object();
  json.member("eventId", metadata.event_id);
  json.member("eventType", metadata.event_type);
  json.member("eventSource", metadata.event_source);
  json.member("correlationId",
              metadata.correlation_id.empty() ? metadata.event_id : metadata.correlation_id);
  if (metadata.causation_id) json.member("causationId", *metadata.causation_id);
  json.member("timestamp", to_ms(metadata.timestamp));
  json.member("version", metadata.version);
  json.end_object();
  json.key("payload");
}

void end_envelope(std::string& out) { out.push_back('}'); }

void append_envelope(std::string& out, const Metadata& metadata, std::string_view payload_json) {
  out.reserve(out.size() + kEnvelopeBytesUsual + payload_json.size());
  begin_envelope(out, metadata);
  out.append(payload_json);
  end_envelope(out);
}

Lineage StoredMetadata::lineage_of_effect() const {
  return {correlation_id.empty() ? event_id : correlation_id, event_id};
}

Result<StoredMetadata> read_metadata(std::string_view envelope, std::size_t envelope_bytes_max) {
  if (envelope.size() > envelope_bytes_max) {
    return invalid(fmt::format("{} bytes, more than {}", envelope.size(), envelope_bytes_max));
  }
  const simdjson::padded_string padded(envelope);
  ondemand::parser parser;
  ondemand::document document;
  ondemand::object members;
  MYELIN_TRY_VOID(checked(parser.iterate(padded).get(document)));
  MYELIN_TRY_VOID(checked(document.get_object().get(members)));
  for (auto member : members) {
    std::string_view key;
    MYELIN_TRY_VOID(checked(member.unescaped_key().get(key)));
    if (key != "metadata") continue;
    ondemand::value value;
    MYELIN_TRY_VOID(checked(member.value().get(value)));
    return read_members(value);
  }
  return invalid("no metadata");
}

}  // namespace myelin::event
