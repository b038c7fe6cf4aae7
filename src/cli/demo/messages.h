// The simulated hospital's events as HL7 2.5.1 messages.
#pragma once

#include <string>
#include <string_view>

#include "cli/demo/hospital.h"

namespace myelin::cli::demo {

struct DemoMessage {
  std::string control_id;
  std::string_view type;  // "ADT^A01".
  std::string bytes;      // Segments ended by CR, no framing.
};

// `random` gives the values of results and the texts of reports. The sender asks for an application
// acknowledgment (MSH-15 and MSH-16 are empty); MSH-11 says T, training.
DemoMessage write_message(const Event& event, std::string control_id, Random& random);

// "20261121061249.123+0000".
std::string hl7_time(Timestamp time);

}  // namespace myelin::cli::demo
