#include "app/load_settings.h"

#include <algorithm>

namespace myelin::app {

Result<LoadedSettings> load_settings(std::span<const std::string> args,
                                     std::vector<FlagSpec> extra) {
  LoadedSettings loaded;
  extra.push_back({"config", FlagValue::Required, "YAML file with settings."});
  extra.push_back({"help", FlagValue::None, "This text."});
  auto known = config_flags(Settings{});
  known.insert(known.end(), extra.begin(), extra.end());
  MYELIN_TRY(line, parse_command_line(args, known));
  loaded.line = std::move(line);
  if (!loaded.line.words.empty()) {
    return Error(ErrorCode::InvalidInput, "unexpected word '" + loaded.line.words.front() + "'");
  }
  ConfigInput input;
  input.environment = process_environment();
  if (const auto file = loaded.line.find("config")) {
    input.file_name = *file;
    MYELIN_TRY(text, read_config_file(*file));
    input.file_text = std::move(text);
  }
  for (const auto& flag : loaded.line.flags) {
    const bool own = std::any_of(extra.begin(), extra.end(),
                                 [&](const FlagSpec& spec) { return spec.name == flag.name; });
    if (!own) input.flags.push_back(flag);
  }
  MYELIN_TRY(sources, load_config(loaded.settings, input));
  loaded.sources = std::move(sources);
  return loaded;
}

}  // namespace myelin::app
