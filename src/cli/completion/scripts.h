// The scripts, each for its shell. Pure functions.
#pragma once

#include <span>
#include <string>

#include "cli/completion/commands.h"

namespace myelin::cli::completion {

std::string bash_script(std::span<const Command> commands);
std::string zsh_script(std::span<const Command> commands);
std::string fish_script(std::span<const Command> commands);

// 'text' as one word of any of these shells.
std::string quoted(std::string_view text);

}  // namespace myelin::cli::completion
