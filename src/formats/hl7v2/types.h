// What HL7 calls a message type (table 0076), a trigger event (table 0003) and a version, over all
// versions from 2.1 to 2.8.2 and the additions known since.
//
// Codes are matched exactly, in capital letters, as the tables have them: "adt" is no message type.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string_view>

namespace myelin::hl7v2 {

bool is_message_type(std::string_view code);  // "ADT".
bool is_event_type(std::string_view code);    // "A01".

struct Version {
  std::uint8_t major = 0;
  std::uint8_t minor = 0;
  std::uint8_t patch = 0;

  friend auto operator<=>(const Version&, const Version&) = default;
};

// MSH-12 or its first component: "2.5.1", "2.3". Numbers below 100 only; nothing for other text.
std::optional<Version> parse_version(std::string_view text);
// Whether HL7 published a standard of that number (2.1 to 2.9.1).
bool is_known_version(const Version& version);

}  // namespace myelin::hl7v2
