#include "base/config.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/nearest.h"
#include "base/yaml_tree.h"

namespace myelin {
namespace {

constexpr std::string_view kPrefix = "MYELIN_";

using Fields = std::vector<Field>;
using TablePtr = std::unique_ptr<SettingsTable>;

bool is_leaf(const Field& field) {
  return !std::holds_alternative<Group>(field.target) &&
         !std::holds_alternative<TablePtr>(field.target);
}

// Each setting there is, table entries too: use(key, field) until one fails.
template <class Use>
Status for_each_leaf(Fields& fields, const std::string& prefix, Use& use) {
  for (auto& field : fields) {
    const auto key = dotted_key(prefix, field.name);
    if (is_leaf(field)) {
      MYELIN_TRY_VOID(use(key, field));
    } else if (auto* table = std::get_if<TablePtr>(&field.target)) {
      for (const auto& name : (*table)->keys()) {
        MYELIN_TRY(entry, (*table)->entry(name));
        MYELIN_TRY_VOID(for_each_leaf(entry.fields(), dotted_key(key, name), use));
      }
    } else {
      MYELIN_TRY_VOID(for_each_leaf(field.children, key, use));
    }
  }
  return {};
}

// "a,b" as two; nothing as none.
std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const auto comma = text.find(',');
    parts.emplace_back(text.substr(0, comma));
    text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
  }
  return parts;
}

Status set_from_text(Field& field, std::string_view text) {
  if (std::holds_alternative<std::vector<std::string>*>(field.target))
    return set_field_list(field, split_list(text));
  return set_field(field, text);
}

Error unknown_key(const std::string& key, std::span<const std::string> known) {
  return Error(ErrorCode::InvalidInput, key + ": unknown key" + did_you_mean(key, known));
}

std::vector<std::string> keys_of(const Fields& fields, std::string_view prefix) {
  std::vector<std::string> keys;
  for (const auto& field : fields) keys.push_back(dotted_key(prefix, field.name));
  return keys;
}

// Applies a file's tree to the fields.
class FileLoader {
 public:
  FileLoader(const std::string& file_name, ConfigSources& sources)
      : file_name_(file_name), sources_(sources) {}

  Status root(Fields& fields, const YamlNode& node) {
    if (node.kind == YamlNode::Kind::Null) return {};
    if (node.kind != YamlNode::Kind::Map) return wrong(node.place, "expected keys and values");
    return map(fields, node, "");
  }

 private:
  Error wrong(YamlPlace place, std::string_view message) const {
    return Error(ErrorCode::InvalidInput, yaml_place(file_name_, place) + std::string(message));
  }
  Error wrong(const YamlNode& node, const std::string& key, const Error& error) const {
    return wrong(node.place, key + ": " + error.message());
  }
  Error expected(const YamlNode& node, const std::string& key, const Field& field) const {
    return wrong(node.place, key + ": expected " + field_expects(field));
  }

  Status map(Fields& fields, const YamlNode& node, const std::string& prefix) {
    for (const auto& entry : node.entries) {
      const auto found = std::ranges::find(fields, entry.key, &Field::name);
      if (found == fields.end()) {
        const auto error = unknown_key(dotted_key(prefix, entry.key), keys_of(fields, prefix));
        return wrong(entry.key_place, error.message());
      }
      MYELIN_TRY_VOID(value(*found, entry.value, dotted_key(prefix, entry.key)));
    }
    return {};
  }

  Status value(Field& field, const YamlNode& node, const std::string& key) {
    if (std::holds_alternative<Group>(field.target)) {
      if (node.kind == YamlNode::Kind::Null) return {};
      if (node.kind != YamlNode::Kind::Map) return expected(node, key, field);
      return map(field.children, node, key);
    }
    if (auto* table = std::get_if<TablePtr>(&field.target))
      return entries(field, **table, node, key);
    auto status = leaf(field, node);
    if (!status) return wrong(node, key, status.error());
    sources_.by_key[key] = {ConfigSource::From::File,
                            file_name_ + ":" + std::to_string(node.place.line)};
    return {};
  }

  Status leaf(Field& field, const YamlNode& node) {
    if (node.kind == YamlNode::Kind::Scalar) return set_field(field, node.scalar);
    if (node.kind != YamlNode::Kind::Sequence)
      return Error(ErrorCode::InvalidInput, "expected " + field_expects(field));
    std::vector<std::string> values;
    for (const auto& item : node.items) {
      if (item.kind != YamlNode::Kind::Scalar)
        return Error(ErrorCode::InvalidInput, "expected " + field_expects(field));
      values.push_back(item.scalar);
    }
    return set_field_list(field, std::move(values));
  }

  Status entries(const Field& field, SettingsTable& table, const YamlNode& node,
                 const std::string& key) {
    if (node.kind == YamlNode::Kind::Null) return {};
    const auto kind = table.is_list() ? YamlNode::Kind::Sequence : YamlNode::Kind::Map;
    if (node.kind != kind) return expected(node, key, field);
    if (!table.is_list()) {
      for (const auto& item : node.entries)
        MYELIN_TRY_VOID(entry(table, item.key, item.value, item.key_place, key));
      return {};
    }
    // A list in the file stands in place of the defaults; a map's entries join them.
    table.clear();
    for (std::size_t i = 0; i < node.items.size(); ++i)
      MYELIN_TRY_VOID(entry(table, std::to_string(i), node.items[i], node.items[i].place, key));
    return {};
  }

  Status entry(SettingsTable& table, const std::string& name, const YamlNode& node, YamlPlace place,
               const std::string& table_key) {
    const auto key = dotted_key(table_key, name);
    auto fields = table.entry(name);
    if (!fields) return wrong(place, key + ": " + fields.error().message());
    if (node.kind == YamlNode::Kind::Null) return {};
    if (node.kind != YamlNode::Kind::Map) return wrong(node.place, key + ": expected settings");
    return map(fields->fields(), node, key);
  }

  const std::string& file_name_;
  ConfigSources& sources_;
};

std::string variable_name(std::string_view key) {
  std::string name(kPrefix);
  for (const char c : key) {
    const bool lower = c >= 'a' && c <= 'z';
    name.push_back(lower ? static_cast<char>(c - 'a' + 'A') : c == '.' || c == '-' ? '_' : c);
  }
  return name;
}

Status load_environment(Fields& fields, const std::vector<std::string>& environment,
                        ConfigSources& sources) {
  std::map<std::string, std::string_view, std::less<>> values;
  for (const auto& variable : environment) {
    const auto equals = variable.find('=');
    if (variable.starts_with(kPrefix) && equals != std::string::npos)
      values[variable.substr(0, equals)] = std::string_view(variable).substr(equals + 1);
  }
  std::map<std::string, std::string> key_of;
  auto use = [&](const std::string& key, Field& field) -> Status {
    const auto name = variable_name(key);
    const auto found = values.find(name);
    if (found == values.end()) return {};
    const auto [other, fresh] = key_of.try_emplace(name, key);
    if (!fresh) {
      return Error(ErrorCode::InvalidInput, "environment " + name + ": it stands for both " +
                                                other->second + " and " + key +
                                                "; use the file or a flag");
    }
    auto status = set_from_text(field, found->second);
    if (!status) return std::move(status).error().with_context("environment " + name + ": " + key);
    sources.by_key[key] = {ConfigSource::From::Environment, name};
    return {};
  };
  MYELIN_TRY_VOID(for_each_leaf(fields, "", use));
  for (const auto& [name, value] : values) {
    if (!key_of.contains(name)) sources.unknown_environment.push_back(name);
  }
  return {};
}

// Finds the setting of a dotted key, making the table entries that it goes through.
Status set_by_key(Fields& fields, std::string_view key, std::string_view prefix,
                  std::string_view text) {
  const auto dot = key.find('.');
  const auto name = key.substr(0, dot);
  const auto rest = dot == std::string_view::npos ? std::string_view() : key.substr(dot + 1);
  const auto path = dotted_key(prefix, name);
  const auto found = std::ranges::find(fields, name, &Field::name);
  if (found == fields.end() || (is_leaf(*found) && dot != std::string_view::npos))
    return unknown_key(dotted_key(prefix, key), keys_of(fields, prefix));
  if (is_leaf(*found)) {
    auto status = set_from_text(*found, text);
    return status ? Status() : std::move(status).error().with_context(path);
  }
  if (rest.empty())
    return Error(ErrorCode::InvalidInput, path + ": a group of settings; name one of them");
  if (std::holds_alternative<Group>(found->target))
    return set_by_key(found->children, rest, path, text);
  const auto entry_dot = rest.find('.');
  if (entry_dot == std::string_view::npos)
    return Error(ErrorCode::InvalidInput, path + ": expected an entry's name and a setting");
  auto entry = std::get<TablePtr>(found->target)->entry(rest.substr(0, entry_dot));
  const auto entry_path = dotted_key(path, rest.substr(0, entry_dot));
  if (!entry) return std::move(entry).error().with_context(entry_path);
  return set_by_key(entry->fields(), rest.substr(entry_dot + 1), entry_path, text);
}

Status load_flag(Fields& fields, const Flag& flag, ConfigSources& sources) {
  std::string key = flag.name;
  std::string text = flag.value.value_or("true");
  std::string place = "--" + flag.name;
  if (flag.name == "set") {
    const auto equals = text.find('=');
    if (equals == std::string::npos)
      return Error(ErrorCode::InvalidInput, "flag --set: expected KEY=VALUE");
    key = text.substr(0, equals);
    text.erase(0, equals + 1);
    place += " " + key;
  }
  auto status = set_by_key(fields, key, "", text);
  if (!status) return std::move(status).error().with_context("flag " + place);
  sources.by_key[key] = {ConfigSource::From::Flag, place};
  return {};
}

}  // namespace

std::string ConfigSource::to_string() const {
  switch (from) {
    case From::Default: return "default";
    case From::File: return place;
    case From::Environment: return "environment " + place;
    case From::Flag: return "flag " + place;
  }
  return {};
}

ConfigSource ConfigSources::find(std::string_view key) const {
  const auto found = by_key.find(key);
  return found == by_key.end() ? ConfigSource() : found->second;
}

Result<std::string> read_config_file(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) {
    const auto code = errno == ENOENT ? ErrorCode::NotFound : ErrorCode::Unavailable;
    return Error(code, path + ": " + std::strerror(errno));
  }
  std::string text(kConfigBytesMax + 1, '\0');
  std::size_t size = 0;
  ssize_t got = 0;
  do {
    got = ::read(descriptor, text.data() + size, text.size() - size);
    if (got > 0) size += static_cast<std::size_t>(got);
  } while ((got > 0 && size < text.size()) || (got < 0 && errno == EINTR));
  const int failure = got < 0 ? errno : 0;
  ::close(descriptor);
  if (failure != 0) return Error(ErrorCode::Unavailable, path + ": " + std::strerror(failure));
  text.resize(size);
  return text;
}

std::vector<std::string> process_environment() {
  std::vector<std::string> variables;
  for (char** at = ::environ; at != nullptr && *at != nullptr; ++at) variables.emplace_back(*at);
  return variables;
}

Result<ConfigSources> load_fields(SettingsFields& fields, const ConfigInput& input) {
  ConfigSources sources;
  if (input.file_text.size() > kConfigBytesMax) {
    return Error(ErrorCode::InvalidInput,
                 yaml_place(input.file_name, {}) + "longer than 1 MiB, which no settings need");
  }
  MYELIN_TRY(tree, parse_yaml(input.file_name, input.file_text, kConfigDepthMax));
  MYELIN_TRY_VOID(FileLoader(input.file_name, sources).root(fields.fields(), tree));
  MYELIN_TRY_VOID(load_environment(fields.fields(), input.environment, sources));
  for (const auto& flag : input.flags) MYELIN_TRY_VOID(load_flag(fields.fields(), flag, sources));
  return sources;
}

}  // namespace myelin
