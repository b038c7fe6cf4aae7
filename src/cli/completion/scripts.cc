#include "cli/completion/scripts.h"

#include <fmt/format.h>

#include <functional>

namespace myelin::cli::completion {
namespace {

// Each command and each verb with its path: "topic", "topic list".
using Visit = std::function<void(const std::string& path, const Command& command)>;
void visit_all(std::span<const Command> commands, const Visit& visit) {
  for (const Command& command : commands) {
    visit(command.name, command);
    for (const Command& verb : command.verbs) visit(command.name + " " + verb.name, verb);
  }
}

std::string names_of(std::span<const Command> commands) {
  std::string names;
  for (const Command& command : commands)
    names += fmt::format("{}{}", names.empty() ? "" : " ", command.name);
  return names;
}

std::string spelled(const Flag& flag) {
  return flag.letter == 0 ? "--" + flag.name : fmt::format("--{}|-{}", flag.name, flag.letter);
}

// The paths of verbs as a pattern of `case`.
std::string verb_paths(std::span<const Command> commands) {
  std::string pattern;
  for (const Command& command : commands) {
    for (const Command& verb : command.verbs)
      pattern += fmt::format("{}'{} {}'", pattern.empty() ? "" : "|", command.name, verb.name);
  }
  return pattern.empty() ? "''" : pattern;
}

std::string_view fill_name(Fill fill) {
  switch (fill) {
    case Fill::Nothing: return "none";
    case Fill::Files: return "files";
    case Fill::Topics: return "topics";
  }
  return "none";
}

// What the word behind a flag is: "--format) choices='text json' ;;".
std::string value_cases(const Command& command, std::string_view indent) {
  std::string text;
  for (const Flag& flag : command.flags) {
    if (flag.value.empty()) continue;
    std::string choices;
    for (const std::string& choice : choices_of(flag)) choices += choice + " ";
    text += fmt::format("{}{}) fill={} choices={} ;;\n", indent, spelled(flag),
                        fill_name(fill_of(flag)), quoted(choices));
  }
  return text;
}

// The broker's names, asked where the command line says.
constexpr std::string_view kTopicsFunction = R"sh(_myelin_topics() {
  local -a at
  local word before=
  for word in "$@"; do
    case $before in --bootstrap|--client-config|--property|-X) at+=("$before" "$word") ;; esac
    before=$word
  done
  myelin topic list --names --timeout 2s "${at[@]}" 2>/dev/null
}
)sh";

constexpr std::string_view kBashEnd = R"sh(  if [[ $fill == none && -z $choices ]]; then return; fi
  if [[ -n $choices ]]; then
    COMPREPLY=($(compgen -W "$choices" -- "$word"))
  elif [[ $fill == files ]]; then
    compopt -o filenames 2>/dev/null
    COMPREPLY=($(compgen -f -- "$word"))
  elif [[ $word == -* ]]; then
    COMPREPLY=($(compgen -W "$flags" -- "$word"))
  elif [[ -n $verbs && $COMP_CWORD == 2 ]]; then
    COMPREPLY=($(compgen -W "$verbs" -- "$word"))
  elif [[ $words == topics ]]; then
    COMPREPLY=($(compgen -W "$(_myelin_topics "${COMP_WORDS[@]}")" -- "$word"))
  elif [[ $words == files ]]; then
    compopt -o filenames 2>/dev/null
    COMPREPLY=($(compgen -f -- "$word"))
  fi
}
complete -F _myelin myelin
)sh";

constexpr std::string_view kZshEnd = R"sh(  if [[ $fill == none && -z $choices ]]; then return 1; fi
  if [[ -n $choices ]]; then
    compadd -- ${=choices}
  elif [[ $fill == files ]]; then
    _files
  elif [[ $words[CURRENT] == -* ]]; then
    _describe -o flag flags
  elif (( $#verbs && CURRENT == 3 )); then
    _describe command verbs
  elif [[ $kind == topics ]]; then
    compadd -- ${(f)"$(_myelin_topics "${words[@]}")"}
  elif [[ $kind == files ]]; then
    _files
  fi
}
if [[ $funcstack[1] == _myelin ]]; then _myelin "$@"; else compdef _myelin myelin; fi
)sh";

// "name:what it does" for _describe.
std::string described(std::string_view name, std::string_view help) {
  std::string text(name);
  text += ':';
  text += help;
  return quoted(text);
}

constexpr std::string_view kFishBegin = R"sh(# Whether the words behind myelin begin with these.
function __myelin_at
    set -l words (commandline -opc)
    set -e words[1]
    set -l n (count $argv)
    test (count $words) -ge $n; and test "$words[1..$n]" = "$argv"
end
function __myelin_count
    test (count (commandline -opc)) -eq $argv[1]
end
function __myelin_topics
    set -l at
    set -l before
    for word in (commandline -opc)
        contains -- "$before" --bootstrap --client-config --property -X; and set -a at $before $word
        set before $word
    end
    myelin topic list --names --timeout 2s $at 2>/dev/null
end
complete -c myelin -f
)sh";

// Where a command's flags are its own, and not its verbs'.
std::string fish_condition(const std::string& path, const Command& command) {
  std::string condition = "__myelin_at " + path;
  for (const Command& verb : command.verbs)
    condition += fmt::format("; and not __myelin_at {} {}", path, verb.name);
  return quoted(condition);
}

std::string fish_flag(const Flag& flag) {
  std::string text = " -l " + flag.name;
  if (flag.letter != 0) text += fmt::format(" -o {}", flag.letter);
  if (!flag.help.empty()) text += " -d " + quoted(flag.help);
  if (flag.value.empty()) return text;
  if (fill_of(flag) == Fill::Files) return text + " -r -F";
  text += " -x";
  std::string choices;
  for (const std::string& choice : choices_of(flag)) choices += choice + " ";
  return choices.empty() ? text : text + " -a " + quoted(choices);
}

}  // namespace

std::string quoted(std::string_view text) {
  std::string word = "'";
  for (const char c : text) {
    if (c == '\'') {
      word += "'\\''";
    } else if (c == '\\') {
      word += '/';  // Fish reads it even here, the others do not.
    } else {
      word += c;
    }
  }
  return word + "'";
}

std::string bash_script(std::span<const Command> commands) {
  std::string text = "# Completion of myelin for bash: source <(myelin completion bash)\n";
  text += kTopicsFunction;
  text += fmt::format(
      "_myelin() {{\n"
      "  local word=$2 before=$3 place=${{COMP_WORDS[1]}} flags= verbs= words=none fill= choices=\n"
      "  COMPREPLY=()\n"
      "  if ((COMP_CWORD == 1)); then\n"
      "    COMPREPLY=($(compgen -W {} -- \"$word\"))\n    return\n  fi\n"
      "  if ((COMP_CWORD > 2)); then\n    case \"$place ${{COMP_WORDS[2]}}\" in\n"
      "      {}) place=\"$place ${{COMP_WORDS[2]}}\" ;;\n    esac\n  fi\n  case $place in\n",
      quoted(names_of(commands)), verb_paths(commands));
  visit_all(commands, [&](const std::string& path, const Command& command) {
    std::string flags;
    for (const Flag& flag : command.flags) {
      flags += fmt::format("--{} ", flag.name);
      if (flag.letter != 0) flags += fmt::format("-{} ", flag.letter);
    }
    text += fmt::format("    {})\n      flags={} verbs={} words={}\n", quoted(path), quoted(flags),
                        quoted(names_of(command.verbs)), fill_name(command.words));
    text += "      case $before in\n" + value_cases(command, "        ") + "      esac ;;\n";
  });
  return text + "  esac\n" + std::string(kBashEnd);
}

std::string zsh_script(std::span<const Command> commands) {
  std::string text =
      "#compdef myelin\n"
      "# Completion of myelin for zsh: source <(myelin completion zsh), or a file _myelin in "
      "$fpath\n";
  text += kTopicsFunction;
  text +=
      "_myelin() {\n  local place=$words[2] before=$words[CURRENT-1] fill= choices= kind=none\n"
      "  local -a flags verbs\n  if (( CURRENT == 2 )); then\n    verbs=(\n";
  for (const Command& command : commands)
    text += fmt::format("      {}\n", described(command.name, command.summary));
  text += fmt::format(
      "    )\n    _describe command verbs\n    return\n  fi\n  if (( CURRENT > 3 )); then\n"
      "    case \"$place $words[3]\" in\n      {}) place=\"$place $words[3]\" ;;\n    esac\n  fi\n"
      "  case $place in\n",
      verb_paths(commands));
  visit_all(commands, [&](const std::string& path, const Command& command) {
    text += fmt::format("    {})\n      kind={}\n      flags=(\n", quoted(path),
                        fill_name(command.words));
    for (const Flag& flag : command.flags) {
      text += fmt::format("        {}\n", described("--" + flag.name, flag.help));
      if (flag.letter != 0)
        text += fmt::format("        {}\n", described(fmt::format("-{}", flag.letter), flag.help));
    }
    text += "      )\n      verbs=(\n";
    for (const Command& verb : command.verbs)
      text += fmt::format("        {}\n", described(verb.name, verb.summary));
    text +=
        "      )\n      case $before in\n" + value_cases(command, "        ") + "      esac ;;\n";
  });
  return text + "  esac\n" + std::string(kZshEnd);
}

std::string fish_script(std::span<const Command> commands) {
  std::string text = "# Completion of myelin for fish: myelin completion fish | source\n";
  text += kFishBegin;
  for (const Command& command : commands) {
    text += fmt::format("complete -c myelin -n '__myelin_count 1' -a {} -d {}\n", command.name,
                        quoted(command.summary));
    for (const Command& verb : command.verbs) {
      text +=
          fmt::format("complete -c myelin -n '__myelin_count 2; and __myelin_at {}' -a {} -d {}\n",
                      command.name, verb.name, quoted(verb.summary));
    }
  }
  visit_all(commands, [&](const std::string& path, const Command& command) {
    const auto where = "complete -c myelin -n " + fish_condition(path, command);
    for (const Flag& flag : command.flags) text += where + fish_flag(flag) + "\n";
    if (command.words == Fill::Files) text += where + " -F\n";
    if (command.words == Fill::Topics) text += where + " -a '(__myelin_topics)'\n";
  });
  return text;
}

}  // namespace myelin::cli::completion
