// Answer: an acknowledgment as a sender reads it, and whether a message asks for one. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "formats/hl7v2/ack.h"
#include "formats/hl7v2/header.h"

namespace myelin::cli::send {

struct Answer {
  std::optional<hl7v2::AckCode> code;  // Nothing for a code that HL7 does not have.
  std::string code_text;               // MSA-1, printable.
  std::string control_id;              // MSA-2, as it stands there.
  std::string text;                    // MSA-3 and what ERR says, printable; may be empty.
};

inline constexpr std::size_t kAnswerTextBytesMax = 400;

// InvalidInput when it is no HL7 message or has no MSA.
Result<Answer> read_answer(std::string_view message);

// Which answer a message's MSH-15 and MSH-16 ask for. Both empty: always one. Else one whenever one
// of them asks for it: AL always, SU on success, ER on failure, NE never.
enum class Expected : std::uint8_t {
  Always,     // Wait: at least a success is answered.
  OnFailure,  // An answer says that it failed; none that it has not failed yet.
  Never,
};
Expected expected_answer(const hl7v2::Header& header);
// A second answer, to the same message, may follow the first: the application's after the accept
// acknowledgment.
bool may_follow(const hl7v2::Header& header);

// Control characters become spaces (an answer must not steer the terminal), broken UTF-8 question
// marks; cut at the limit.
std::string printable(std::string_view text, std::size_t bytes_max);

}  // namespace myelin::cli::send
