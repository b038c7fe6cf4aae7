#include "cli/completion/commands.h"

#include <algorithm>
#include <cctype>

namespace myelin::cli::completion {
namespace {

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_name(std::string_view text) {
  return !text.empty() && is_lower(text[0]) && std::ranges::all_of(text, [](char c) {
    return is_lower(c) || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
  });
}

std::string_view take_line(std::string_view& text) {
  const auto end = text.find('\n');
  const auto line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return line;
}

std::string_view trim(std::string_view text) {
  const auto begin = text.find_first_not_of(' ');
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(' ') - begin + 1);
}

std::string_view take_word(std::string_view& text) {
  text = trim(text);
  const auto end = text.find(' ');
  const auto word = text.substr(0, end);
  text.remove_prefix(word.size());
  return word;
}

// "--name" and what it takes, from the beginning of a text such as "--to DIR" or "--keep[=N]".
bool read_flag(std::string_view text, Flag& flag) {
  if (text.size() > 4 && text[0] == '-' && text.substr(2, 2) == ", ") {
    flag.letter = text[1];
    text.remove_prefix(4);
  }
  if (!text.starts_with("--")) return false;
  auto name = take_word(text).substr(2);
  name = name.substr(0, name.find_first_of("[="));
  if (!is_name(name)) return false;
  flag.name = name;
  flag.value = take_word(text);
  return true;
}

void add(std::vector<Flag>& flags, const Flag& flag) {
  const auto known = std::ranges::find(flags, flag.name, &Flag::name);
  if (known == flags.end()) {
    flags.push_back(flag);
  } else if (!flag.value.empty()) {
    known->value = flag.value;
  }
}

// The lines "  --flag VALUE  what it does".
std::vector<Flag> described_flags(std::string_view help) {
  std::vector<Flag> flags;
  while (!help.empty()) {
    const auto line = take_line(help);
    if (!line.starts_with("  -")) continue;
    auto rest = line.substr(2);
    const auto gap = rest.find("  ");
    Flag flag;
    if (!read_flag(rest.substr(0, gap), flag)) continue;
    if (gap != std::string_view::npos) {
      flag.help = trim(rest.substr(gap));
    } else if (help.starts_with("   ")) {
      auto below = help;
      flag.help = trim(take_line(below));
    }
    flags.push_back(std::move(flag));
  }
  return flags;
}

struct Usage {
  std::string verb;
  std::string text;  // Behind the verb.
};

// The lines before the first empty one, those that are wrapped joined again.
std::vector<Usage> read_usages(std::string_view path, std::string_view help) {
  const std::string begin = "myelin " + std::string(path);
  std::vector<Usage> usages;
  while (!help.empty()) {
    const auto line = take_line(help);
    if (line.empty()) break;
    if (line.starts_with(' ') && !usages.empty()) {
      usages.back().text += " " + std::string(trim(line));
    } else if (line.starts_with(begin)) {
      auto rest = line.substr(begin.size());
      auto after = rest;
      const auto word = take_word(after);
      if (is_name(word)) {
        usages.push_back({std::string(word), std::string(after)});
      } else {
        usages.push_back({{}, std::string(rest)});
      }
    }
  }
  return usages;
}

Fill fill_of_words(std::string_view usage) {
  if (usage.contains(" TOPIC")) return Fill::Topics;
  // Not those that are a flag's value.
  while (!usage.empty()) {
    const auto word = take_word(usage);
    if (word.starts_with("[") || word.starts_with("--")) {
      if (!word.ends_with("]")) take_word(usage);
      continue;
    }
    if (word.starts_with("FILE") || word.starts_with("DIR")) return Fill::Files;
    if (word.empty()) break;
  }
  return Fill::Nothing;
}

void take_usage(Command& command, const Usage& usage, const std::vector<Flag>& described) {
  command.words = fill_of_words(usage.text);
  const bool all = usage.text.contains("[flags]") || usage.text.contains("[--SETTING");
  if (all) {
    for (const Flag& flag : described) add(command.flags, flag);
  }
  std::string_view rest = usage.text;
  for (auto at = rest.find("--"); at != std::string_view::npos; at = rest.find("--")) {
    rest.remove_prefix(at);
    Flag flag;
    const bool bracketed =
        usage.text[static_cast<std::size_t>(rest.data() - usage.text.data()) - 1] == '[';
    const auto end = bracketed ? rest.find(']') : rest.find(" [");
    const bool optional = rest.substr(0, end).contains('[');  // "--keep[=N]"
    if (read_flag(rest.substr(0, end), flag)) {
      if (optional) flag.value.clear();
      const auto known = std::ranges::find(described, flag.name, &Flag::name);
      if (known != described.end()) {
        flag.help = known->help;
        flag.letter = known->letter;
      }
      add(command.flags, flag);
    }
    rest.remove_prefix(2);
  }
  add(command.flags, {.name = "help", .value = {}, .help = "this text"});
}

}  // namespace

Command read_help(std::string_view path, std::string_view summary, std::string_view help) {
  Command command{.name = std::string(path.substr(path.rfind(' ') + 1)),
                  .summary = std::string(summary),
                  .flags = {},
                  .verbs = {}};
  const auto described = described_flags(help);
  for (const Usage& usage : read_usages(path, help)) {
    if (usage.verb.empty()) {
      take_usage(command, usage, described);
      continue;
    }
    command.verbs.push_back({.name = usage.verb, .summary = {}, .flags = {}, .verbs = {}});
    take_usage(command.verbs.back(), usage, described);
  }
  if (command.flags.empty()) command.flags.push_back({.name = "help", .value = {}, .help = "help"});
  return command;
}

std::vector<std::string> choices_of(const Flag& flag) {
  std::vector<std::string> choices;
  if (!flag.value.contains('|')) return choices;
  std::string_view rest = flag.value;
  while (!rest.empty()) {
    const auto choice = rest.substr(0, rest.find('|'));
    rest.remove_prefix(std::min(choice.size() + 1, rest.size()));
    if (is_name(choice)) choices.emplace_back(choice);
  }
  return choices;
}

Fill fill_of(const Flag& flag) {
  const bool files = flag.value.ends_with("FILE") || flag.value.ends_with("DIR");
  return files ? Fill::Files : Fill::Nothing;
}

}  // namespace myelin::cli::completion
