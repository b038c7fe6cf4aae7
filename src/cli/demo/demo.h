// `myelin demo`: a simulated hospital sends HL7 to an MLLP listener until it is stopped.
#pragma once

#include <cstdio>
#include <span>
#include <string>
#include <string_view>

namespace myelin::cli::demo {

inline constexpr std::string_view kName = "demo";
inline constexpr std::string_view kSummary = "Sends the messages of a simulated hospital.";

// How the command ends.
enum Exit : int {
  kDone = 0,     // Stopped by its limits or by a signal.
  kRefused = 1,  // The same, but the server refused a message.
  kUsage = 2,    // Wrong arguments.
};

// `args` are what follows the command's name. Blocks until done. SIGINT and SIGTERM end it in
// order; they are blocked for the calling thread from here on.
int run(std::span<const std::string> args, std::FILE* out, std::FILE* err);

}  // namespace myelin::cli::demo
