// Escape sequences of HL7 chapter 2 ("Use of escape sequences in text fields"). Pure functions.
//
// Resolved: \F\ \S\ \T\ \R\ \E\ to the message's own delimiters (to HL7's usual one where it has
// none), \P\ to its truncation character, \Xhh…\ to bytes, \.br\ to a line feed. Kept as they are:
// highlighting (\H\ \N\), the other formatting commands (\.sp\ …), character sets (\Cxxyy\
// \Mxxyyzz\), local ones (\Zxx\), and \P\ in a message without a truncation character. An escape
// character that begins none of these is text, wherever it stands; codes are capital letters, as
// the standard has them.
#pragma once

#include <string>
#include <string_view>

#include "formats/hl7v2/delimiters.h"

namespace myelin::hl7v2 {

// False: the text reads the same unescaped.
bool has_escapes(std::string_view raw, const Delimiters& delimiters);

std::string unescape(std::string_view raw, const Delimiters& delimiters);
void append_unescaped(std::string& out, std::string_view raw, const Delimiters& delimiters);

// The text as a field of a message with these delimiters: unescape() gives it back. Control
// characters but tab become \Xhh\, so that no text ends a segment or an MLLP frame; a text of just
// two quotation marks is written so that it is not HL7 null. Without an escape character, what
// would need one becomes a space.
std::string escape(std::string_view text, const Delimiters& delimiters);
void append_escaped(std::string& out, std::string_view text, const Delimiters& delimiters);

}  // namespace myelin::hl7v2
