// Settings: how a struct says what can be configured.
//
//   struct Settings {
//     std::uint16_t port = 2575;
//     Tls tls;                                  // another such struct
//     std::map<std::string, FeedSettings> feeds;
//
//     template <class Visitor>
//     void visit(Visitor& visitor) {
//       visitor.field("port", port, "TCP port to listen on.", {.min = 1});
//       visitor.group("tls", tls, "Certificates.");
//       visitor.table("feeds", feeds, "Feeds by name.");
//     }
//   };
//
// The struct's initial values are the defaults. Types of a field: bool, integers, double,
// std::string, std::chrono::milliseconds ("50ms", "5s", "2m", "1h"), ByteSize ("64KiB", "16MiB",
// "1GiB" or a number), std::vector<std::string>, and an enum with a setting_names(E) beside it:
//
//   constexpr std::array<std::pair<std::string_view, OnError>, 2> setting_names(OnError) {…}
//
// A table is a map of sub-settings by name, or a vector of them. Names are lower case with
// underscores. The visitor only collects what is there (SettingsFields); config.h does the rest.
#pragma once

#include <chrono>
#include <compare>
#include <concepts>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"

namespace myelin {

struct ByteSize {
  std::uint64_t value = 0;
  friend auto operator<=>(ByteSize, ByteSize) = default;
};
constexpr ByteSize operator""_KiB(unsigned long long n) { return {n << 10}; }
constexpr ByteSize operator""_MiB(unsigned long long n) { return {n << 20}; }
constexpr ByteSize operator""_GiB(unsigned long long n) { return {n << 30}; }

struct FieldOptions {
  std::optional<double> min = std::nullopt;  // Numbers; durations in milliseconds; sizes in bytes.
  std::optional<double> max = std::nullopt;
  bool secret = false;  // Printed as "********", kept out of every error.
};

inline constexpr std::size_t kTableEntriesMax = 1000;

class SettingsFields;

// A map or a vector of sub-settings, without its type.
class SettingsTable {
 public:
  virtual ~SettingsTable() = default;
  virtual bool is_list() const = 0;
  virtual std::vector<std::string> keys() const = 0;
  virtual void clear() = 0;
  // The fields of an entry, made with its defaults when it is not there yet; for a list the next
  // index makes one. The fields hold until another entry is made. InvalidInput for an illegal name
  // or one entry too many.
  virtual Result<SettingsFields> entry(std::string_view key) = 0;
  // The fields of an entry of defaults that is in no table: for the schema and the help.
  virtual SettingsFields example() = 0;
};

struct IntegerTarget {
  void* at;
  std::uint8_t bytes;
  bool is_signed;
};
struct ChoiceTarget {
  IntegerTarget at;
  std::vector<std::pair<std::string, std::uint64_t>> names;
};
struct Group {};
using FieldTarget =
    std::variant<bool*, IntegerTarget, double*, std::string*, std::chrono::milliseconds*, ByteSize*,
                 ChoiceTarget, std::vector<std::string>*, Group, std::unique_ptr<SettingsTable>>;

struct Field {
  std::string name;
  std::string help;
  FieldTarget target;
  FieldOptions options;
  std::vector<Field> children;  // Of a group.
};

template <class E>
concept SettingEnum = std::is_enum_v<E> && requires(E e) { setting_names(e); };

// The visitor: a tree of fields that point into the struct visited.
class SettingsFields {
 public:
  template <class T>
  void field(std::string_view name, T& member, std::string_view help, FieldOptions options = {}) {
    add(name, help, target_of(member), options);
  }
  template <class Sub>
  void group(std::string_view name, Sub& sub, std::string_view help) {
    SettingsFields inner;
    sub.visit(inner);
    add(name, help, Group{}, {}).children = std::move(inner.fields_);
  }
  template <class Entries>
  void table(std::string_view name, Entries& entries, std::string_view help);

  std::vector<Field>& fields() { return fields_; }

 private:
  template <class T>
  static FieldTarget target_of(T& member) {
    if constexpr (SettingEnum<T>) {
      ChoiceTarget choice{integer_target(member), {}};
      for (const auto& [name, value] : setting_names(T{}))
        choice.names.emplace_back(name, static_cast<std::uint64_t>(value));
      return choice;
    } else if constexpr (std::integral<T> && !std::same_as<T, bool>) {
      return integer_target(member);
    } else {
      return &member;
    }
  }
  template <class T>
  static IntegerTarget integer_target(T& member) {
    return {&member, sizeof(T), std::is_signed_v<T>};
  }
  Field& add(std::string_view name, std::string_view help, FieldTarget target,
             FieldOptions options);

  std::vector<Field> fields_;
};

// What the two kinds of table share.
Status check_table_key(std::string_view key);
Result<std::size_t> check_table_index(std::string_view key, std::size_t size);

template <class T>
class MapTable final : public SettingsTable {
 public:
  explicit MapTable(std::map<std::string, T>& entries) : entries_(entries) {}
  bool is_list() const override { return false; }
  std::vector<std::string> keys() const override {
    std::vector<std::string> keys;
    for (const auto& [key, value] : entries_) keys.push_back(key);
    return keys;
  }
  void clear() override { entries_.clear(); }
  Result<SettingsFields> entry(std::string_view key) override {
    MYELIN_TRY_VOID(check_table_key(key));
    if (entries_.size() >= kTableEntriesMax && !entries_.contains(std::string(key)))
      return Error(ErrorCode::InvalidInput, "too many entries");
    SettingsFields fields;
    entries_[std::string(key)].visit(fields);
    return fields;
  }
  SettingsFields example() override {
    example_ = T{};
    SettingsFields fields;
    example_.visit(fields);
    return fields;
  }

 private:
  std::map<std::string, T>& entries_;
  T example_{};
};

template <class T>
class ListTable final : public SettingsTable {
 public:
  explicit ListTable(std::vector<T>& entries) : entries_(entries) {}
  bool is_list() const override { return true; }
  std::vector<std::string> keys() const override {
    std::vector<std::string> keys;
    for (std::size_t i = 0; i < entries_.size(); ++i) keys.push_back(std::to_string(i));
    return keys;
  }
  void clear() override { entries_.clear(); }
  Result<SettingsFields> entry(std::string_view key) override {
    MYELIN_TRY(index, check_table_index(key, entries_.size()));
    if (index == entries_.size()) entries_.emplace_back();
    SettingsFields fields;
    entries_[index].visit(fields);
    return fields;
  }
  SettingsFields example() override {
    example_ = T{};
    SettingsFields fields;
    example_.visit(fields);
    return fields;
  }

 private:
  std::vector<T>& entries_;
  T example_{};
};

template <class Entries>
void SettingsFields::table(std::string_view name, Entries& entries, std::string_view help) {
  std::unique_ptr<SettingsTable> table;
  if constexpr (requires { typename Entries::mapped_type; }) {
    table = std::make_unique<MapTable<typename Entries::mapped_type>>(entries);
  } else {
    table = std::make_unique<ListTable<typename Entries::value_type>>(entries);
  }
  add(name, help, std::move(table), {});
}

// "http.port"; without a prefix the name alone.
std::string dotted_key(std::string_view prefix, std::string_view name);

// Values as text. Both say what they expected, and neither repeats a secret.
Status set_field(Field& field, std::string_view text);
Status set_field_list(Field& field, std::vector<std::string> values);
std::string field_text(const Field& field);  // Not for groups, tables and lists of text.
// "a number from 1 to 65535", "one of json, human": for errors, help and manual.
std::string field_expects(const Field& field);

Result<std::chrono::milliseconds> parse_duration(std::string_view text);
std::string format_duration(std::chrono::milliseconds time);
Result<ByteSize> parse_byte_size(std::string_view text);
std::string format_byte_size(ByteSize size);

}  // namespace myelin
