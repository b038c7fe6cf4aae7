// `myelin completion SHELL`: prints the shell's script.
#pragma once

#include <cstdio>
#include <span>
#include <string>
#include <string_view>

#include "cli/completion/commands.h"

namespace myelin::cli::completion {

inline constexpr std::string_view kName = "completion";
inline constexpr std::string_view kSummary = "Prints a script that completes commands and flags.";

// `args` are what follows the command's name. Ends with 0, or with 2 for wrong arguments.
int run(std::span<const std::string> args, std::span<const Command> commands, std::FILE* out,
        std::FILE* err);

std::string_view help_text();

}  // namespace myelin::cli::completion
