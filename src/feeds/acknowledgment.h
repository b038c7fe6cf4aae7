// Which acknowledgment a message gets. Pure.
//
// Original mode (MSH-15 and MSH-16 both empty): always an application acknowledgment (AA, AE, AR),
// sent when the message is durable. Enhanced mode: an accept acknowledgment (CA, CE, CR) when
// MSH-15 asks for one; otherwise an application acknowledgment when MSH-16 asks for one; otherwise
// none. AL asks always, NE never, SU for successes, ER for errors and rejections. An empty MSH-15
// beside a valued MSH-16 is NE. A value that HL7's table 0155 does not have counts as empty: a
// sender that waits for an answer gets one.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "feeds/settings.h"
#include "formats/hl7v2/ack.h"

namespace myelin::feeds {

enum class Verdict : std::uint8_t { Accept, Error, Reject };

Verdict verdict_of(OnError on_error);

std::optional<hl7v2::AckCode> choose_acknowledgment(std::string_view accept_type,
                                                    std::string_view application_type,
                                                    Verdict verdict);

}  // namespace myelin::feeds
