// What a help text says of a command: its verbs, flags and words. Pure functions.
//
//   myelin log check DIR [--json]          usage lines come first; a verb is in small letters
//   myelin backup --to DIR [flags]         "[flags]" stands for all that are described below
//
//     --json       one object              two spaces, the flag, two spaces or more, what it does
//     -X, --property KEY=VALUE             or what it does on the next line
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace myelin::cli::completion {

struct Flag {
  std::string name;   // Without hyphens.
  std::string value;  // "N", "FILE", "text|json"; empty for a switch or an optional value.
  std::string help;
  char letter = 0;
};

enum class Fill : std::uint8_t { Nothing, Files, Topics };

struct Command {
  std::string name;
  std::string summary;
  Fill words = Fill::Nothing;  // What its words are.
  std::vector<Flag> flags;
  std::vector<Command> verbs;
};

// `path` is what stands behind "myelin" in its usage lines: "send", "topic list".
Command read_help(std::string_view path, std::string_view summary, std::string_view help);

// What a flag's value is filled with: words to choose from, or files.
std::vector<std::string> choices_of(const Flag& flag);
Fill fill_of(const Flag& flag);

}  // namespace myelin::cli::completion
