// `myelin log repair`: tells a person what a RepairPlan would do, and does it when told to.
#pragma once

#include "base/result.h"
#include "cli/log/command.h"
#include "cli/log/options.h"
#include "cli/log/store.h"

namespace myelin::cli::log_tools {

// Gives how the command ends.
Result<int> repair(World& world, const Options& options, const Store& store);

}  // namespace myelin::cli::log_tools
