// Header: the MSH fields that routing and acknowledging need, as views.
//
// Read from a parsed message, or from the mere beginning of one that was too long or could not be
// parsed: then as much as can be made out. Values are as they stand in the message:
// escapes are not resolved, and nothing is split but MSH-9.
#pragma once

#include <cstddef>
#include <string_view>

#include "base/phi.h"
#include "formats/hl7v2/delimiters.h"
#include "formats/hl7v2/message.h"

namespace myelin::hl7v2 {

struct Header {
  bool found = false;                           // False: there is no header; all is empty.
  Delimiters delimiters;                        // HL7's usual ones where there is no header.
  std::string_view encoding_characters;         // MSH-2.
  std::string_view sending_application;         // MSH-3.
  std::string_view sending_facility;            // MSH-4.
  std::string_view receiving_application;       // MSH-5.
  std::string_view receiving_facility;          // MSH-6.
  std::string_view message_type;                // MSH-9.1.
  std::string_view trigger_event;               // MSH-9.2.
  std::string_view message_structure;           // MSH-9.3.
  std::string_view control_id;                  // MSH-10.
  std::string_view processing_id;               // MSH-11.
  std::string_view version;                     // MSH-12, with what follows its number.
  std::string_view accept_acknowledgment;       // MSH-15.
  std::string_view application_acknowledgment;  // MSH-16.
  std::string_view character_set;               // MSH-18.
};

// Views into the message.
Header header_of(const Message& message);

// Views into `beginning`. A batch header (FHS, BHS) counts: of it are taken the applications,
// facilities and the batch's control id.
Header header_of_bytes(std::string_view beginning);

// MSH-9.2, or EVN-1 where that is empty.
std::string_view trigger_event(const Message& message);

// The first repetition of PID-3 in the first PID segment that has one.
struct PatientIdentifier {
  Phi id;                         // CX.1, raw.
  std::string_view authority;     // CX.4.1, the assigning authority's name, raw.
  std::string_view authority_id;  // CX.4.2, its universal id, raw.
  std::string_view type;          // CX.5, raw.
};
PatientIdentifier first_patient_identifier(const Message& message);

}  // namespace myelin::hl7v2
