// `myelin send`: HL7 version 2 files go to an MLLP listener, and each acknowledgment is printed.
#pragma once

#include <cstdio>
#include <span>
#include <string>
#include <string_view>

namespace myelin::cli::send {

inline constexpr std::string_view kName = "send";
inline constexpr std::string_view kSummary =
    "Sends HL7 files over MLLP and prints each acknowledgment.";

// How the command ends.
enum Exit : int {
  kAllAccepted = 0,  // Each message that asks for an acknowledgment got AA or CA.
  kNotAccepted = 1,  // One was refused, or not answered, or not sent, or a file holds none.
  kUsage = 2,        // Nothing was sent: wrong arguments, a file that cannot be read.
};

// `args` are what follows the command's name. Blocks until done; signals stay as they are, so that
// Ctrl-C ends the process. The file "-" is standard input.
int run(std::span<const std::string> args, std::FILE* out, std::FILE* err);
// The same with another standard input.
int run_with_input(std::span<const std::string> args, std::FILE* in, std::FILE* out,
                   std::FILE* err);

}  // namespace myelin::cli::send
