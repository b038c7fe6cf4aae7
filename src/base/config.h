// Configuration: fills a settings struct (settings.h) from a YAML file, the environment and flags,
// and says where each value came from.
//
//   Settings settings;
//   MYELIN_TRY(sources, load_config(settings, input));
//
// Order: the struct's defaults < file < environment (MYELIN_HTTP_PORT for http.port) < flags
// (--http.port=8080, or --set http.port=8080). The environment sets fields of table entries that
// the file or the defaults have; flags may add entries. A value that is wrong anywhere is an
// InvalidInput that names file:line:column (or the variable, or the flag), the dotted key and what
// was expected; an unknown key is refused with the nearest name. Anchors, tags, several documents
// and duplicate keys are refused. Nothing here is kept after the call; one thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/command_line.h"
#include "base/result.h"
#include "base/settings.h"

namespace myelin {

inline constexpr std::size_t kConfigBytesMax = 1 << 20;
inline constexpr int kConfigDepthMax = 16;

struct ConfigSource {
  enum class From : std::uint8_t { Default, File, Environment, Flag };
  From from = From::Default;
  std::string place;  // "myelin.yaml:12", "MYELIN_HTTP_PORT", "--http.port".
  std::string to_string() const;
};

struct ConfigInput {
  std::string file_name;  // For messages; empty when there is no file.
  std::string file_text;
  std::vector<std::string> environment;  // "NAME=value"; others than MYELIN_… are passed over.
  std::vector<Flag> flags;               // Those of config_flags(); others are errors.
};

struct ConfigSources {
  std::map<std::string, ConfigSource, std::less<>> by_key;  // Only what is not the default.
  // Variables that begin with MYELIN_ and name no setting: to be told, not refused, since an
  // orchestrator may set such names by itself.
  std::vector<std::string> unknown_environment;

  ConfigSource find(std::string_view key) const;
};

// The bytes of a configuration file: NotFound, Unavailable, or InvalidInput beyond kConfigBytesMax.
Result<std::string> read_config_file(const std::string& path);
// This process's environment as ConfigInput wants it.
std::vector<std::string> process_environment();

Result<ConfigSources> load_fields(SettingsFields& fields, const ConfigInput& input);
std::string fields_as_yaml(SettingsFields& fields, const ConfigSources& sources);
std::string fields_as_schema(SettingsFields& fields, std::string_view title);
std::string fields_as_help(SettingsFields& fields);
std::vector<FlagSpec> fields_as_flags(SettingsFields& fields);

template <class Settings>
SettingsFields collect_fields(Settings& settings) {
  SettingsFields fields;
  settings.visit(fields);
  return fields;
}

// After an error the settings hold some of the values.
template <class Settings>
Result<ConfigSources> load_config(Settings& settings, const ConfigInput& input) {
  auto fields = collect_fields(settings);
  return load_fields(fields, input);
}

// The effective settings as YAML that reads back, the source of each value as a comment.
template <class Settings>
std::string config_as_yaml(Settings& settings, const ConfigSources& sources) {
  auto fields = collect_fields(settings);
  return fields_as_yaml(fields, sources);
}

// JSON Schema (2020-12) of the file, with the struct's values as defaults.
template <class Settings>
std::string config_schema(Settings defaults, std::string_view title) {
  auto fields = collect_fields(defaults);
  return fields_as_schema(fields, title);
}

// A line or two for each flag: name, what it takes, help, default, variable.
template <class Settings>
std::string config_help(Settings defaults) {
  auto fields = collect_fields(defaults);
  return fields_as_help(fields);
}

// What parse_command_line is to know: each setting, and --set KEY=VALUE.
template <class Settings>
std::vector<FlagSpec> config_flags(Settings defaults) {
  auto fields = collect_fields(defaults);
  return fields_as_flags(fields);
}

}  // namespace myelin
