// The messages in the files that were named, ready for the wire.
#pragma once

#include <cstddef>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cli/send/options.h"

namespace myelin::cli::send {

// All files together; they are held in memory, for --repeat and so that a wrong name is told before
// anything is sent.
inline constexpr std::size_t kInputBytesMax = std::size_t{1} << 30;

struct Outgoing {
  std::string source;  // "adt.hl7", and "adt.hl7#2" where the file holds more than one.
  std::string bytes;
};

struct Input {
  std::vector<Outgoing> messages;
  std::vector<std::string> notes;  // What was left out, in sentences.
  std::size_t empty_files = 0;     // Hold no message; the notes name them.
};

// NotFound, Forbidden or InvalidInput name the file that cannot be read, or say that there is
// nothing to send. One file among others without a message is no error. `in` is read for "-".
Result<Input> read_input(const Options& options, std::FILE* in);

// The messages of one file's bytes.
void add_messages(std::string_view name, std::string_view bytes, hl7v2::LineEnds line_ends,
                  Input& input);

}  // namespace myelin::cli::send
