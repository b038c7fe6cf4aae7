// `myelin log dump`: prints the checkpoint, the journal's frames, or the batches and records of
// topics. Keys, values and headers only when asked for.
#pragma once

#include "base/result.h"
#include "cli/log/command.h"
#include "cli/log/options.h"
#include "cli/log/store.h"

namespace myelin::cli::log_tools {

// Gives how the command ends.
Result<int> dump(World& world, const Options& options, const Store& store);

}  // namespace myelin::cli::log_tools
