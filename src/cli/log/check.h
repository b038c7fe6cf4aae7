// `myelin log check`: reads everything that counts of a data directory and says what is damaged.
#pragma once

#include "base/result.h"
#include "cli/log/command.h"
#include "cli/log/options.h"
#include "cli/log/store.h"

namespace myelin::cli::log_tools {

// Gives how the command ends.
Result<int> check(World& world, const Options& options, const Store& store);

}  // namespace myelin::cli::log_tools
