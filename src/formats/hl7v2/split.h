// split_messages: the messages in a file's bytes, as a sender puts them on the wire.
//
// A message begins at each line that begins with MSH. Dropped are a byte order mark, batch lines
// (FHS, BHS, BTS, FTS), what stands before the first MSH, and MLLP's framing bytes where a file has
// them at the beginning or end of a line. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace myelin::hl7v2 {

enum class LineEnds : std::uint8_t {
  AsIs,
  CarriageReturn,  // LF and CR LF become CR. Nothing is added where a last line has no end.
};

struct SplitMessages {
  std::vector<std::string> messages;
  std::size_t skipped_bytes = 0;  // Before the first MSH, batch lines apart.
  std::size_t batch_line_count = 0;
};

SplitMessages split_messages(std::string_view file, LineEnds line_ends);

}  // namespace myelin::hl7v2
