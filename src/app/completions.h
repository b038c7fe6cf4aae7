// The commands as their help texts describe them, for shells.
#pragma once

#include <vector>

#include "cli/completion/commands.h"

namespace myelin::app {

std::vector<cli::completion::Command> described_commands();

}  // namespace myelin::app
