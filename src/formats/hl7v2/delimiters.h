// Delimiters: the characters that a message's MSH-1 and MSH-2 set for it.
#pragma once

#include <string_view>

namespace myelin::hl7v2 {

// A member of 0 is a delimiter that the message does not have: nothing splits there.
struct Delimiters {
  char field = '|';
  char component = '^';
  char repetition = '~';
  char escape = '\\';
  char subcomponent = '&';
  char truncation = 0;  // '#' since version 2.7.

  friend bool operator==(const Delimiters&, const Delimiters&) = default;
};

// For what is never split or unescaped: MSH-1 and MSH-2.
inline constexpr Delimiters kVerbatim{0, 0, 0, 0, 0, 0};

// The text that stands for HL7 null: the value is to be deleted, where empty leaves it as it is.
inline constexpr std::string_view kNull = "\"\"";

}  // namespace myelin::hl7v2
