// MYELIN_CHECK(condition, message): ends the process when an invariant of ours does not hold.
//
// The log makes that safe: nothing acknowledged is lost, and a restart recovers. Never for what a
// peer, a file or a person can cause; that is a Result.
#pragma once

#include <string_view>

namespace myelin {

// Writes one line to standard error and aborts.
[[noreturn]] void check_failed(std::string_view condition, std::string_view message,
                               const char* file, int line);

// The exit code of a process whose disk has failed it.
inline constexpr int kExitFatal = 70;

// Ends the process for a reason outside of us that leaves nothing else to do (a failed sync): one
// clear line, exit code kExitFatal, no core. Does not run destructors.
[[noreturn]] void fatal(std::string_view message);

}  // namespace myelin

#define MYELIN_CHECK(condition, message)                               \
  do {                                                                 \
    if (!(condition)) [[unlikely]] {                                   \
      ::myelin::check_failed(#condition, message, __FILE__, __LINE__); \
    }                                                                  \
  } while (false)
