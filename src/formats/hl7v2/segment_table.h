// The segments of HL7 2.1 to 2.8.2, and the most fields that any of these versions gives them.
#pragma once

#include <cstdint>
#include <string_view>

namespace myelin::hl7v2 {

enum class SegmentKind : std::uint8_t {
  Standard,
  Local,      // Begins with Z.
  Unknown,    // Of a segment id's form, but in no version.
  Malformed,  // Not three characters, or others than capital letters and digits.
};

struct SegmentFacts {
  SegmentKind kind;
  std::uint8_t field_count_max;  // 0 where nothing is known.
};

SegmentFacts segment_facts(std::string_view id);

// Equal but for the case of letters.
bool same_segment_id(std::string_view a, std::string_view b);

}  // namespace myelin::hl7v2
