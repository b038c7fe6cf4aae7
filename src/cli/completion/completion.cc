#include "cli/completion/completion.h"

#include <fmt/format.h>

#include <array>

#include "base/command_line.h"
#include "cli/completion/scripts.h"

namespace myelin::cli::completion {
namespace {

constexpr int kDone = 0;
constexpr int kUsage = 2;

const std::array<FlagSpec, 1> kFlags = {{{.name = "help", .value = FlagValue::None}}};

void print(std::FILE* file, std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), file);
  std::fflush(file);
}

std::string script_of(std::string_view shell, std::span<const Command> commands) {
  if (shell == "bash") return bash_script(commands);
  if (shell == "zsh") return zsh_script(commands);
  if (shell == "fish") return fish_script(commands);
  return {};
}

}  // namespace

int run(std::span<const std::string> args, std::span<const Command> commands, std::FILE* out,
        std::FILE* err) {
  const auto line = parse_command_line(args, kFlags);
  if (line && line->has("help")) {
    print(out, help_text());
    return kDone;
  }
  const bool one = line && line->words.size() == 1;
  const auto script = one ? script_of(line->words[0], commands) : std::string();
  if (!script.empty()) {
    print(out, script);
    return kDone;
  }
  print(err, fmt::format("myelin completion: {}\nTry: myelin completion --help\n",
                         line ? "expected bash, zsh or fish" : line.error().message()));
  return kUsage;
}

std::string_view help_text() {
  return R"(myelin completion bash
myelin completion zsh
myelin completion fish

Prints a script by which the shell completes myelin's commands, their flags, and the names of topics.

  bash: source <(myelin completion bash)         in ~/.bashrc
  zsh:  source <(myelin completion zsh)          in ~/.zshrc, after compinit
  fish: myelin completion fish | source          in ~/.config/fish/config.fish
)";
}

}  // namespace myelin::cli::completion
