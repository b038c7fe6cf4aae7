#include "base/command_line.h"

#include <algorithm>
#include <ranges>

#include "base/nearest.h"

namespace myelin {
namespace {

bool matches(const FlagSpec& spec, std::string_view name) {
  if (!spec.name.ends_with(".*")) return spec.name == name;
  const auto prefix = std::string_view(spec.name).substr(0, spec.name.size() - 1);
  return name.size() > prefix.size() && name.starts_with(prefix);
}

Error unknown_flag(std::string_view name, std::span<const FlagSpec> known) {
  std::vector<std::string> names;
  for (const auto& spec : known) names.push_back("--" + spec.name);
  const auto written = "--" + std::string(name);
  return Error(ErrorCode::InvalidInput, "unknown flag " + written + did_you_mean(written, names));
}

class Splitter {
 public:
  Splitter(std::span<const std::string> args, std::span<const FlagSpec> known)
      : args_(args), known_(known) {}

  Result<CommandLine> split() {
    for (; next_ < args_.size(); ++next_) {
      const std::string_view arg = args_[next_];
      if (arg == "--") {
        for (++next_; next_ < args_.size(); ++next_) line_.words.push_back(args_[next_]);
        break;
      }
      if (arg == "-h") {
        MYELIN_TRY_VOID(flag("help"));
      } else if (arg.starts_with("--")) {
        MYELIN_TRY_VOID(flag(arg.substr(2)));
      } else if (arg.starts_with("-") && arg.size() > 1) {
        MYELIN_TRY_VOID(letter(arg));
      } else {
        line_.words.emplace_back(arg);
      }
    }
    return std::move(line_);
  }

 private:
  Status flag(std::string_view text) {
    const std::size_t equals = text.find('=');
    const std::string name(text.substr(0, equals));
    const auto spec =
        std::ranges::find_if(known_, [&](const auto& known) { return matches(known, name); });
    if (spec == known_.end()) return unknown_flag(name, known_);
    std::optional<std::string> value;
    if (equals != std::string_view::npos) value = text.substr(equals + 1);
    if (value && spec->value == FlagValue::None)
      return Error(ErrorCode::InvalidInput, "--" + name + " takes no value");
    if (!value && spec->value == FlagValue::Required) {
      if (next_ + 1 >= args_.size() || args_[next_ + 1].starts_with("--"))
        return Error(ErrorCode::InvalidInput, "--" + name + " needs a value");
      value = args_[++next_];
    }
    line_.flags.push_back({name, std::move(value)});
    return {};
  }

  // "-X value" and "-Xvalue".
  Status letter(std::string_view arg) {
    const auto spec = std::ranges::find(known_, arg[1], &FlagSpec::letter);
    if (spec == known_.end()) {
      return Error(ErrorCode::InvalidInput,
                   "unknown flag " + std::string(arg) + "; flags begin with two hyphens");
    }
    if (arg.size() == 2) return flag(spec->name);
    return flag(spec->name + "=" + std::string(arg.substr(2)));
  }

  const std::span<const std::string> args_;
  const std::span<const FlagSpec> known_;
  std::size_t next_ = 0;
  CommandLine line_;
};

}  // namespace

bool CommandLine::has(std::string_view name) const {
  return std::ranges::find(flags, name, &Flag::name) != flags.end();
}

std::optional<std::string> CommandLine::find(std::string_view name) const {
  for (const auto& flag : std::views::reverse(flags)) {
    if (flag.name == name && flag.value) return flag.value;
  }
  return std::nullopt;
}

std::vector<std::string> CommandLine::find_all(std::string_view name) const {
  std::vector<std::string> values;
  for (const auto& flag : flags) {
    if (flag.name == name && flag.value) values.push_back(*flag.value);
  }
  return values;
}

Result<CommandLine> parse_command_line(std::span<const std::string> args,
                                       std::span<const FlagSpec> known) {
  return Splitter(args, known).split();
}

}  // namespace myelin
