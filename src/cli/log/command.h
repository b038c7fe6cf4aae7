// `myelin log`: check, dump and repair of a data directory that no server runs on.
#pragma once

#include <cstdio>
#include <span>
#include <string>
#include <string_view>

#include "base/time.h"
#include "base/uuid.h"
#include "log/disk.h"

namespace myelin::cli::log_tools {

inline constexpr std::string_view kName = "log";
inline constexpr std::string_view kSummary = "Checks, prints or repairs a data directory.";

// How the command ends.
enum Exit : int {
  kWhole = 0,    // Nothing is damaged, nothing is left to do.
  kDamaged = 1,  // Something is damaged, or --yes would change something.
  kUsage = 2,    // Wrong arguments.
  kFailed = 3,   // The directory cannot be read, or a server runs on it.
};

// `args` are what follows the command's name. Blocks until done.
int run(std::span<const std::string> args, std::FILE* out, std::FILE* err);

// What it works with; a test brings its own.
struct World {
  log::Disk& disk;
  const Clock& clock;
  Random& random;
  std::FILE* out;
  std::FILE* err;
};
int run_in(World& world, std::span<const std::string> args);

}  // namespace myelin::cli::log_tools
