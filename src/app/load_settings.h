// From a command line to settings: what serve and config share.
#pragma once

#include <span>
#include <string>

#include "app/settings.h"
#include "base/config.h"

namespace myelin::app {

struct LoadedSettings {
  Settings settings;
  ConfigSources sources;
  CommandLine line;
};

// Reads --config FILE, the environment and flags. `extra`: the command's own flags.
Result<LoadedSettings> load_settings(std::span<const std::string> args,
                                     std::vector<FlagSpec> extra);

}  // namespace myelin::app
