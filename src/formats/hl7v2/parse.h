// parse: bytes become a Message. Tolerant, lossless, linear in the bytes; two allocations.
//
// What departs from the standard but can be read is read and told as a Deviation: a byte order
// mark, line breaks before MSH, any mixture of CR, LF and CR LF, none at the end, empty lines,
// lower-case or unknown segment ids, extra fields, odd encoding characters. A segment ends at any
// CR or LF.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "formats/hl7v2/message.h"

namespace myelin::hl7v2 {

struct ParseOptions {
  std::size_t message_bytes_max = 64u << 20;
  std::size_t segment_count_max = 1u << 18;
  std::size_t field_count_max = 1u << 22;
};

// Why bytes are no message.
enum class ParseFault : std::uint8_t {
  None,
  Empty,           // No bytes, or line breaks only.
  NoHeader,        // Does not begin with MSH.
  Batch,           // Begins with FHS or BHS: a batch, not one message.
  HeaderTooShort,  // MSH ends before its delimiters do.
  FieldSeparator,  // MSH-1 is a letter, a digit, a blank or no printable ASCII character.
  Delimiters,      // MSH-2 leaves no component separator.
  TooLong,         // Over one of the limits of ParseOptions.
};

// The fault's name in lower case with hyphens ("no-header"), for reasons on record.
std::string_view to_string(ParseFault fault);

// InvalidInput, or Exhausted over a limit; the error names the place ("MSH-1", "byte 3"), never
// content. `fault`, where given, is set in every case. parse() takes the bytes; where it fails they
// are left as they were. parse_view() refers to bytes that outlive the message.
Result<Message> parse(std::string&& raw, const ParseOptions& options = {},
                      ParseFault* fault = nullptr);
Result<Message> parse_view(std::string_view raw, const ParseOptions& options = {},
                           ParseFault* fault = nullptr);

// How many bytes stand before a message: a byte order mark, and line breaks.
std::size_t preamble_bytes(std::string_view raw);
// Printable ASCII, neither letter nor digit nor blank.
bool is_delimiter(char c);
// MSH-1 and MSH-2 as delimiters; what cannot be one, or clashes with one before it, is 0.
Delimiters delimiters_of(char field_separator, std::string_view encoding_characters);

}  // namespace myelin::hl7v2
