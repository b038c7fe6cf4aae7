// Path: a place in a message, as people write it: "PID-3.1", "OBX[3]-5", "PID-3[2].4.1".
//
// SEGMENT [nth] - FIELD [repetition] . COMPONENT . SUBCOMPONENT, each number from 1; what is in
// brackets may be left out. A field without a repetition is the whole field, all repetitions; with
// a component it is the first repetition. MSH-1 is the field separator, MSH-2 the encoding
// characters.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "formats/hl7v2/message.h"

namespace myelin::hl7v2 {

struct Path {
  std::string segment{};  // In capital letters.
  std::uint32_t segment_nth = 1;
  std::uint32_t field = 0;
  std::uint32_t repetition = 0;    // 0: not given.
  std::uint32_t component = 0;     // 0: not given.
  std::uint32_t subcomponent = 0;  // 0: not given.

  friend bool operator==(const Path&, const Path&) = default;
};

// InvalidInput saying what is expected and where.
Result<Path> parse_path(std::string_view text);
std::string to_string(const Path& path);

// What stands at the place, as it stands there: empty or HL7 null too. Nothing where the message
// does not reach so far.
std::optional<std::string_view> find_raw(const Message& message, const Path& path);
// The same with escapes resolved. HL7 null is two quotation marks here as well.
std::optional<std::string> find_text(const Message& message, const Path& path);

}  // namespace myelin::hl7v2
