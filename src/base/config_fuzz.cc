// Property: whatever the file and the flag, loading settings ends; an error begins with a place
// (file:line:column, or the flag); and what was loaded prints as YAML that loads and prints the
// same. The input is a file's text, and after a NUL byte the text of one --set.
#include <cstdlib>

#include "base/config.h"
#include "base/json_validate.h"
#include "base/logging.h"

namespace {

using namespace myelin;

struct Entry {
  std::uint16_t port = 1;
  std::string topic;
  template <class Visitor>
  void visit(Visitor& visitor) {
    visitor.field("port", port, "Port.", {.min = 1});
    visitor.field("topic", topic, "Topic.");
  }
};

struct Inner {
  std::int8_t small = 0;
  double ratio = 0.5;
  LogLevel level = LogLevel::Info;
  template <class Visitor>
  void visit(Visitor& visitor) {
    visitor.field("small", small, "Small.");
    visitor.field("ratio", ratio, "Ratio.");
    visitor.field("level", level, "Level.");
  }
};

struct Settings {
  bool on = false;
  std::int64_t big = 0;
  std::chrono::milliseconds time{1};
  ByteSize size = 1_KiB;
  std::vector<std::string> words;
  Inner inner;
  std::map<std::string, Entry> feeds;
  std::vector<Entry> list;
  template <class Visitor>
  void visit(Visitor& visitor) {
    visitor.field("on", on, "On.");
    visitor.field("big", big, "Big.");
    visitor.field("time", time, "Time.");
    visitor.field("size", size, "Size.");
    visitor.field("words", words, "Words.");
    visitor.group("inner", inner, "Inner.");
    visitor.table("feeds", feeds, "Feeds.");
    visitor.table("list", list, "List.");
  }
};

void require(bool holds) {
  if (!holds) std::abort();
}

bool names_a_file_place(std::string_view message) {
  if (!message.starts_with("f.yaml:")) return false;
  message.remove_prefix(7);
  for (int i = 0; i < 2; ++i) {
    const auto digits = message.find_first_not_of("0123456789");
    if (digits == 0 || digits == std::string_view::npos || message[digits] != ':') return false;
    message.remove_prefix(digits + 1);
  }
  return message.starts_with(" ") && message.size() > 1;
}

void check_round_trip(Settings& settings) {
  const auto printed = config_as_yaml(settings, {});
  // Escapes may lengthen what was near the limit.
  if (printed.size() > kConfigBytesMax) return;
  Settings again;
  again.words = {"a list in the file takes the place of the default"};
  const auto sources = load_config(again, {"f.yaml", printed, {}, {}});
  require(sources.has_value());
  require(config_as_yaml(again, {}) == printed);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto nul = input.find('\0');
  ConfigInput config{"f.yaml", std::string(input.substr(0, nul)), {}, {}};
  const bool has_flag = nul != std::string_view::npos;
  if (has_flag) config.flags.push_back({"set", std::string(input.substr(nul + 1))});
  Settings settings;
  const auto sources = load_config(settings, config);
  if (!sources) {
    const auto& message = sources.error().message();
    require(sources.error().code() == ErrorCode::InvalidInput);
    require(names_a_file_place(message) || (has_flag && message.starts_with("flag --set")));
    return 0;
  }
  check_round_trip(settings);
  return 0;
}
