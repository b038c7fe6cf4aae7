// The program's commands: each takes the words behind its name and gives the process's exit code.
#pragma once

#include <span>
#include <string>

namespace myelin::app {

int serve(std::span<const std::string> args);
int config(std::span<const std::string> args);

// What their --help prints.
std::string serve_help();
std::string config_command_help();

}  // namespace myelin::app
