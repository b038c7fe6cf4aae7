// What came from elsewhere, made fit for a terminal: it cannot steer it, and is UTF-8.
#pragma once

#include <string>
#include <string_view>

namespace myelin::cli::kafka {

// One line: a control character becomes a space, a byte that is no UTF-8 becomes "?".
std::string one_line(std::string_view bytes);

// Appends the lines of a text, each behind `indent` and ended by a line feed. CR, LF and CR LF all
// end a line, as HL7, files and mails have them; one at the very end begins no other line.
void append_lines(std::string& out, std::string_view bytes, std::string_view indent);

// Appends lines of offset, 16 bytes in hex and as ASCII.
void append_hex_dump(std::string& out, std::string_view bytes, std::string_view indent);

// How many columns a terminal gives the text: its characters.
std::size_t columns(std::string_view utf8);

}  // namespace myelin::cli::kafka
