// The envelope of every event that the platform itself makes:
//
//   {"metadata":{"eventId","eventType","eventSource","correlationId","causationId","timestamp","version"},"payload":…}
//
// Members stand in that order, without spaces. Ids are strings, the timestamp is a number
// (milliseconds since 1970 in UTC), causationId is absent from an event that no other caused.
// Lineage: an event that comes in from outside correlates with its own id, and all that it causes
// inherits that and names its direct cause.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace myelin::event {

inline constexpr std::string_view kVersion = "1.0.0";
// What append_envelope() adds to the payload where ids are UUIDs and names are of usual length.
inline constexpr std::size_t kEnvelopeBytesUsual = 400;

// What the writer is given: views, so that nothing is copied to be written.
struct Metadata {
  std::string_view event_id;  // A UUIDv7.
  std::string_view event_type;
  std::string_view event_source;
  std::string_view correlation_id = {};  // Empty: the event's own id.
  std::optional<std::string_view> causation_id = std::nullopt;
  Timestamp timestamp{};
  std::string_view version = kVersion;
};

// Appends the whole envelope. `payload_json` is taken as it is: the caller knows that it is one
// JSON value. Allocates nothing but the room in `out`.
void append_envelope(std::string& out, const Metadata& metadata, std::string_view payload_json);

// The same in two parts, for a payload that is written straight into `out` between them.
void begin_envelope(std::string& out, const Metadata& metadata);
void end_envelope(std::string& out);

// What an event carries on to those it causes.
struct Lineage {
  std::string correlation_id;
  std::optional<std::string> causation_id;

  friend bool operator==(const Lineage&, const Lineage&) = default;
};

// The metadata of a stored event. Others may have written it: members may be missing, ids need not
// be UUIDs.
struct StoredMetadata {
  std::string event_id;
  std::string event_type;
  std::string event_source;
  std::string correlation_id;
  std::optional<std::string> causation_id;
  std::optional<Timestamp> timestamp;
  std::string version;

  // For an event that this one causes.
  Lineage lineage_of_effect() const;
};

// Reads the metadata at the front of `envelope` or wherever it stands in it. Members that are
// missing, unknown, null or of another type are passed over, a payload is not looked into;
// InvalidInput where the bytes are no JSON object as far as they are read, or metadata or its
// eventId is missing, and where they are longer than the limit.
Result<StoredMetadata> read_metadata(std::string_view envelope,
                                     std::size_t envelope_bytes_max = std::size_t{64} << 20);

}  // namespace myelin::event
