// Acknowledgments: an ACK message that answers a message, from its header alone.
//
// The answer speaks as the sender does: its delimiters, its version (MSH-12), processing id
// (MSH-11) and character set (MSH-18), its applications and facilities the other way round, its
// control id in MSA-2 byte for byte. MSH-9 is ACK^event^ACK since version 2.4 and ACK alone before,
// or where the message has no event. MSH-15 and MSH-16 stay empty: acknowledgments are not
// acknowledged.
//
// What went wrong is told as the version has it: since 2.5 in an ERR segment (ERR-2 location, ERR-3
// code of table 0357, ERR-4 severity, ERR-8 text); before 2.7 the text is in MSA-3 too. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "formats/hl7v2/header.h"
#include "formats/hl7v2/path.h"

namespace myelin::hl7v2 {

enum class AckCode : std::uint8_t {
  AA,  // Application accept.
  AE,  // Application error.
  AR,  // Application reject.
  CA,  // Commit accept.
  CE,  // Commit error.
  CR,  // Commit reject.
};

std::string_view to_string(AckCode code);  // "AA".
std::optional<AckCode> parse_ack_code(std::string_view text);
bool is_accept(AckCode code);  // AA and CA.

// Table 0357; the values are its codes.
enum class ErrorCondition : std::uint16_t {
  SegmentSequence = 100,
  RequiredFieldMissing = 101,
  DataType = 102,
  TableValueNotFound = 103,
  UnsupportedMessageType = 200,
  UnsupportedEventCode = 201,
  UnsupportedProcessingId = 202,
  UnsupportedVersionId = 203,
  UnknownKeyIdentifier = 204,
  DuplicateKeyIdentifier = 205,
  ApplicationRecordLocked = 206,
  ApplicationInternal = 207,
};

std::string_view to_string(ErrorCondition condition);  // "Required field missing".

struct AckOptions {
  AckCode code = AckCode::AA;
  Timestamp time{};          // MSH-7, in UTC.
  std::string control_id{};  // MSH-10, ours.
  // The rest only for what is not accepted.
  std::string text{};  // Holds no content of the message: it may reach logs on its way.
  ErrorCondition condition = ErrorCondition::ApplicationInternal;
  std::optional<Path> location{};
};

// At most this many bytes of `text` are told.
inline constexpr std::size_t kAckTextBytesMax = 200;

// Without framing, each segment ended by CR. Never holds MLLP's end of a frame, whatever the header
// holds. A header that was not found gives an answer in HL7's usual delimiters, version 2.5, with
// an empty MSA-2.
std::string build_ack(const Header& header, const AckOptions& options);

}  // namespace myelin::hl7v2
