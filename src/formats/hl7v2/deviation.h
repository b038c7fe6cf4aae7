// Deviation: where a message that was read departs from the standard.
//
// A deviation says what and where, never the message's own content: it may go to logs and to people
// who may not see patients.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace myelin::hl7v2 {

enum class DeviationCode : std::uint8_t {
  ByteOrderMark,           // A UTF-8 byte order mark before MSH.
  LeadingLineBreak,        // Line breaks before MSH.
  LineFeed,                // A segment ended by LF. Told once.
  CarriageReturnLineFeed,  // A segment ended by CR LF. Told once.
  NoLastLineEnd,           // The last segment is not ended by CR.
  BlankSegment,            // An empty line. Told once.
  SegmentIdCase,           // A segment id that is right in capital letters.
  SegmentIdForm,   // Not a capital letter and two capital letters or digits: often a line of text.
  UnknownSegment,  // In no version of the standard, and not a Z segment.
  ExtraFields,     // More fields than any version of the standard gives the segment.
  SecondHeader,    // Another MSH.
  EncodingCharactersShort,    // MSH-2 has fewer than four.
  EncodingCharactersLong,     // MSH-2 has more than five.
  EncodingCharactersIllegal,  // Letters, digits, blanks or control characters; they are not used.
  EncodingCharactersClash,    // The same character for two uses; the later use is dropped.
  TruncationCharacter,        // A fifth encoding character before version 2.7.
  Version,                    // MSH-12 is empty or no version of the standard.
  MessageType,                // MSH-9 is empty.
  ControlId,                  // MSH-10 is empty.
};

// The code's name in lower case with hyphens ("line-feed"), for metrics.
std::string_view to_string(DeviationCode code);

struct Deviation {
  DeviationCode code;
  std::uint32_t segment;  // Counted from 1; 0 before the first.
  std::uint32_t offset;   // Of the byte where it begins.

  // "MSH-2", "segment 4" or "byte 0".
  std::string location() const;
  // A sentence without a full stop.
  std::string_view message() const;

  friend bool operator==(const Deviation&, const Deviation&) = default;
};

}  // namespace myelin::hl7v2
