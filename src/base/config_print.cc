// The ways a configuration is shown: effective YAML, JSON Schema, help, flags.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>

#include "base/config.h"
#include "base/json_writer.h"

namespace myelin {
namespace {

using Fields = std::vector<Field>;
using TablePtr = std::unique_ptr<SettingsTable>;
using TextList = std::vector<std::string>*;

// Text that YAML reads as the same text without quotes. Narrow: quotes never hurt.
bool is_plain_yaml(std::string_view text) {
  static constexpr std::array<std::string_view, 9> kWords{"true", "false", "null", "yes", "no",
                                                          "on",   "off",   "y",    "n"};
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  if (text.empty() || !(letter(text[0]) || text[0] == '/')) return false;
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  if (std::ranges::find(kWords, lower) != kWords.end()) return false;
  return std::ranges::all_of(text, [&](char c) {
    return letter(c) || (c >= '0' && c <= '9') || c == '_' || c == '/' || c == '.' || c == '-';
  });
}

std::string quoted(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  // A file may not hold the one control character that JSON leaves as it is.
  for (std::size_t at = 0; (at = out.find('\x7f', at)) != std::string::npos;)
    out.replace(at, 1, "\\u007f");
  return out;
}

bool is_text(const Field& field) { return std::holds_alternative<std::string*>(field.target); }

std::string yaml_value(const Field& field) {
  if (const auto* list = std::get_if<TextList>(&field.target)) {
    std::string out = "[";
    for (const auto& item : **list) out += (out.size() > 1 ? ", " : "") + quoted(item);
    return out + "]";
  }
  const auto text = field_text(field);
  return is_text(field) && !is_plain_yaml(text) ? quoted(text) : text;
}

class YamlPrinter {
 public:
  explicit YamlPrinter(const ConfigSources& sources) : sources_(sources) {}

  void fields(Fields& fields, const std::string& prefix, std::size_t indent) {
    for (auto& field : fields) {
      const auto key = dotted_key(prefix, field.name);
      out_.append(indent, ' ').append(field.name).push_back(':');
      if (auto* table = std::get_if<TablePtr>(&field.target)) {
        entries(**table, key, indent);
      } else if (std::holds_alternative<Group>(field.target)) {
        out_ += field.children.empty() ? " {}\n" : "\n";
        this->fields(field.children, key, indent + 2);
      } else {
        out_ += " " + yaml_value(field) + "  # " + sources_.find(key).to_string() + "\n";
      }
    }
  }
  std::string take() { return std::move(out_); }

 private:
  void entries(SettingsTable& table, const std::string& key, std::size_t indent) {
    const auto names = table.keys();
    if (names.empty()) {
      out_ += table.is_list() ? " []\n" : " {}\n";
      return;
    }
    out_.push_back('\n');
    for (const auto& name : names) {
      out_.append(indent + 2, ' ');
      out_ += table.is_list() ? "-\n" : quoted_key(name) + ":\n";
      auto entry = table.entry(name);
      if (entry) fields(entry->fields(), dotted_key(key, name), indent + 4);
    }
  }
  static std::string quoted_key(const std::string& name) {
    return is_plain_yaml(name) ? name : quoted(name);
  }

  const ConfigSources& sources_;
  std::string out_;
};

class SchemaPrinter {
 public:
  explicit SchemaPrinter(std::string& out) : json_(out, JsonWriter::Layout::Indented) {}

  void document(Fields& fields, std::string_view title) {
    json_.begin_object();
    json_.member("$schema", "https://json-schema.org/draft/2020-12/schema");
    json_.member("title", title);
    object_members(fields);
    json_.end_object();
  }

 private:
  void object_members(Fields& fields) {
    json_.member("type", "object");
    json_.member("additionalProperties", false);
    json_.key("properties");
    json_.begin_object();
    for (auto& field : fields) {
      json_.key(field.name);
      json_.begin_object();
      json_.member("description", field.help);
      std::visit([&](auto& target) { members(field, target); }, field.target);
      json_.end_object();
    }
    json_.end_object();
  }

  void entry_schema(SettingsTable& table) {
    auto example = table.example();
    json_.begin_object();
    object_members(example.fields());
    json_.end_object();
  }

  void default_text(const Field& field) {
    if (field.options.secret) {
      json_.member("writeOnly", true);
    } else {
      json_.member("default", field_text(field));
    }
  }
  void limits(const FieldOptions& options) {
    if (options.min) json_.member("minimum", *options.min);
    if (options.max) json_.member("maximum", *options.max);
  }

  void members(const Field&, bool* target) {
    json_.member("type", "boolean");
    json_.member("default", *target);
  }
  void members(const Field& field, IntegerTarget& target) {
    json_.member("type", "integer");
    const int bits = target.bytes * 8 - (target.is_signed ? 1 : 0);
    const auto highest = std::numeric_limits<std::uint64_t>::max() >> (64 - bits);
    json_.key("minimum");
    if (field.options.min) {
      json_.number(*field.options.min);
    } else {
      json_.integer(target.is_signed ? -static_cast<std::int64_t>(highest) - 1 : 0);
    }
    json_.key("maximum");
    field.options.max ? json_.number(*field.options.max) : json_.integer(highest);
    json_.key("default");
    json_.raw(field_text(field));
  }
  void members(const Field& field, double* target) {
    json_.member("type", "number");
    limits(field.options);
    json_.member("default", *target);
  }
  void members(const Field& field, std::string*) {
    json_.member("type", "string");
    default_text(field);
  }
  void members(const Field& field, std::chrono::milliseconds*) {
    json_.member("type", "string");
    json_.member("pattern", "^[0-9]+(ms|s|m|h)$");
    default_text(field);
  }
  void members(const Field& field, ByteSize*) {
    json_.key("type");
    json_.begin_array();
    json_.string("string");
    json_.string("integer");
    json_.end_array();
    json_.member("pattern", "^[0-9]+(KiB|MiB|GiB|TiB)?$");
    json_.member("minimum", 0);
    default_text(field);
  }
  void members(const Field& field, ChoiceTarget& target) {
    json_.member("type", "string");
    json_.key("enum");
    json_.begin_array();
    for (const auto& [name, value] : target.names) json_.string(name);
    json_.end_array();
    default_text(field);
  }
  void members(const Field&, TextList target) {
    json_.member("type", "array");
    json_.key("items");
    json_.begin_object();
    json_.member("type", "string");
    json_.end_object();
    json_.key("default");
    json_.begin_array();
    for (const auto& item : *target) json_.string(item);
    json_.end_array();
  }
  void members(Field& field, Group&) { object_members(field.children); }
  void members(const Field&, TablePtr& table) {
    json_.member("type", table->is_list() ? "array" : "object");
    if (!table->is_list()) {
      json_.key("propertyNames");
      json_.begin_object();
      json_.member("pattern", "^[A-Za-z0-9_-]{1,64}$");
      json_.end_object();
    }
    json_.member(table->is_list() ? "maxItems" : "maxProperties", kTableEntriesMax);
    json_.key(table->is_list() ? "items" : "additionalProperties");
    entry_schema(*table);
  }

  JsonWriter json_;
};

std::string_view placeholder(const Field& field) {
  static constexpr std::array<std::string_view, 10> kWords{
      "", "NUMBER", "NUMBER", "TEXT", "DURATION", "SIZE", "NAME", "TEXT,…", "", ""};
  return kWords[field.target.index()];
}

void append_help(std::string& out, const Field& field, const std::string& key) {
  const auto word = placeholder(field);
  out += "  --" + key + (word.empty() ? "" : " " + std::string(word)) + "\n      " + field.help;
  const auto expects = field_expects(field);
  if (expects != "text in UTF-8" && expects != "true or false") out += " Takes " + expects + ".";
  const auto value = yaml_value(field);
  if (!field.options.secret) out += " Default: " + (value.empty() ? "none" : value) + ".";
  out += "\n";
}

void append_help(std::string& out, Fields& fields, const std::string& prefix) {
  for (auto& field : fields) {
    const auto key = dotted_key(prefix, field.name);
    if (auto* table = std::get_if<TablePtr>(&field.target)) {
      auto example = (*table)->example();
      append_help(out, example.fields(), dotted_key(key, (*table)->is_list() ? "N" : "NAME"));
    } else if (std::holds_alternative<Group>(field.target)) {
      append_help(out, field.children, key);
    } else {
      append_help(out, field, key);
    }
  }
}

void append_flags(std::vector<FlagSpec>& flags, const Fields& fields, const std::string& prefix) {
  for (const auto& field : fields) {
    const auto key = dotted_key(prefix, field.name);
    if (std::holds_alternative<TablePtr>(field.target)) {
      flags.push_back({key + ".*", FlagValue::Required, field.help});
    } else if (std::holds_alternative<Group>(field.target)) {
      append_flags(flags, field.children, key);
    } else {
      const bool boolean = std::holds_alternative<bool*>(field.target);
      flags.push_back({key, boolean ? FlagValue::Optional : FlagValue::Required, field.help});
    }
  }
}

}  // namespace

std::string fields_as_yaml(SettingsFields& fields, const ConfigSources& sources) {
  YamlPrinter printer(sources);
  printer.fields(fields.fields(), "", 0);
  return printer.take();
}

std::string fields_as_schema(SettingsFields& fields, std::string_view title) {
  std::string out;
  SchemaPrinter(out).document(fields.fields(), title);
  out.push_back('\n');
  return out;
}

std::string fields_as_help(SettingsFields& fields) {
  std::string out;
  append_help(out, fields.fields(), "");
  return out;
}

std::vector<FlagSpec> fields_as_flags(SettingsFields& fields) {
  std::vector<FlagSpec> flags;
  append_flags(flags, fields.fields(), "");
  flags.push_back({"set", FlagValue::Required, "KEY=VALUE: sets any setting by its dotted key."});
  return flags;
}

}  // namespace myelin
