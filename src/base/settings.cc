#include "base/settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include "base/bytes.h"
#include "base/check.h"
#include "base/json_writer.h"
#include "base/utf8.h"

namespace myelin {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kTableKeyBytesMax = 64;
constexpr std::size_t kShownBytesMax = 40;
constexpr std::string_view kMask = "********";
constexpr std::int64_t kDurationMaxMs = 100ll * 365 * 24 * 3600 * 1000;

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};
constexpr std::array kDurationUnits{Unit{"h", 3'600'000}, Unit{"m", 60'000}, Unit{"s", 1000},
                                    Unit{"ms", 1}};
constexpr std::array kSizeUnits{Unit{"TiB", 1ull << 40}, Unit{"GiB", 1ull << 30},
                                Unit{"MiB", 1ull << 20}, Unit{"KiB", 1ull << 10}};
constexpr std::string_view kDurationExpected = "a duration such as 50ms, 5s, 2m or 1h";
constexpr std::string_view kSizeExpected = "a size such as 64KiB, 16MiB, 1GiB or a number of bytes";

template <class T>
bool parse_whole(std::string_view text, T& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

// A number and the unit after it; false for what is not so written or does not fit 64 bits.
bool parse_with_unit(std::string_view text, std::span<const Unit> units, std::uint64_t& value) {
  const auto digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto unit = std::ranges::find(units, text.substr(digits), &Unit::name);
  if (unit == units.end() || !parse_whole(text.substr(0, digits), value)) return false;
  return !__builtin_mul_overflow(value, unit->factor, &value);
}

std::string format_with_unit(std::uint64_t value, std::span<const Unit> units) {
  for (const auto& unit : units) {
    if (value != 0 && value % unit.factor == 0)
      return fmt::format("{}{}", value / unit.factor, unit.name);
  }
  return fmt::format("{}", value);
}

template <class Use>
auto with_integer(const IntegerTarget& target, Use use) {
  const auto as = [&]<class S, class U>(S*, U*) {
    return target.is_signed ? use(static_cast<S*>(target.at)) : use(static_cast<U*>(target.at));
  };
  constexpr std::int8_t* s8 = nullptr;
  constexpr std::int16_t* s16 = nullptr;
  constexpr std::int32_t* s32 = nullptr;
  constexpr std::int64_t* s64 = nullptr;
  constexpr std::uint8_t* u8 = nullptr;
  constexpr std::uint16_t* u16 = nullptr;
  constexpr std::uint32_t* u32 = nullptr;
  constexpr std::uint64_t* u64 = nullptr;
  switch (target.bytes) {
    case 1: return as(s8, u8);
    case 2: return as(s16, u16);
    case 4: return as(s32, u32);
    default: return as(s64, u64);
  }
}

// memcpy, since a long and a long long of one width are two types.
template <class T>
T load(const T* at) {
  return load_le<T>(at);
}

bool in_range(const FieldOptions& options, double value) {
  return (!options.min || value >= *options.min) && (!options.max || value <= *options.max);
}

std::string range_text(std::string what, const std::string& low, const std::string& high) {
  if (!low.empty() && !high.empty()) return what + " from " + low + " to " + high;
  if (!low.empty()) return what + ", at least " + low;
  if (!high.empty()) return what + ", at most " + high;
  return what;
}

template <class Format>
std::string range_text(std::string what, const FieldOptions& options, Format format) {
  return range_text(std::move(what), options.min ? format(*options.min) : std::string(),
                    options.max ? format(*options.max) : std::string());
}

std::string integer_expects(const IntegerTarget& target, const FieldOptions& options) {
  return with_integer(target, [&](auto* at) {
    using T = std::remove_pointer_t<decltype(at)>;
    using Limits = std::numeric_limits<T>;
    const auto low = options.min                          ? fmt::format("{}", *options.min)
                     : sizeof(T) < 8 || !target.is_signed ? fmt::format("{}", Limits::min())
                                                          : std::string();
    const auto high = options.max     ? fmt::format("{}", *options.max)
                      : sizeof(T) < 8 ? fmt::format("{}", Limits::max())
                                      : std::string();
    return range_text("a whole number", low, high);
  });
}

bool set_integer(const IntegerTarget& target, const FieldOptions& options, std::string_view text) {
  return with_integer(target, [&](auto* at) {
    std::remove_pointer_t<decltype(at)> value{};
    if (!parse_whole(text, value) || !in_range(options, static_cast<double>(value))) return false;
    store_le(at, value);
    return true;
  });
}

bool set_boolean(bool& at, std::string_view text) {
  if (text != "true" && text != "false") return false;
  at = text == "true";
  return true;
}

bool set_double(double& at, const FieldOptions& options, std::string_view text) {
  double value = 0;
  if (!parse_whole(text, value) || !std::isfinite(value) || !in_range(options, value)) return false;
  at = value;
  return true;
}

bool set_choice(const ChoiceTarget& target, std::string_view text) {
  for (const auto& [name, value] : target.names) {
    if (name != text) continue;
    with_integer(target.at, [&](auto* at) {
      store_le(at, static_cast<std::remove_pointer_t<decltype(at)>>(value));
      return true;
    });
    return true;
  }
  return false;
}

std::string choice_text(const ChoiceTarget& target) {
  return with_integer(target.at, [&](auto* at) {
    using T = std::remove_pointer_t<decltype(at)>;
    for (const auto& [name, value] : target.names) {
      if (static_cast<T>(value) == load(at)) return name;
    }
    return std::string();
  });
}

std::string choice_expects(const ChoiceTarget& target) {
  std::string text = "one of";
  for (const auto& [name, value] : target.names) text += (text == "one of" ? " " : ", ") + name;
  return text;
}

bool set_target(Field& field, std::string_view text) {
  const auto& options = field.options;
  return std::visit(
      [&](auto& target) {
        using Target = std::remove_cvref_t<decltype(target)>;
        if constexpr (std::same_as<Target, bool*>) {
          return set_boolean(*target, text);
        } else if constexpr (std::same_as<Target, IntegerTarget>) {
          return set_integer(target, options, text);
        } else if constexpr (std::same_as<Target, double*>) {
          return set_double(*target, options, text);
        } else if constexpr (std::same_as<Target, std::string*>) {
          if ((options.secret && text == kMask) || !is_valid_utf8(text)) return false;
          *target = text;
          return true;
        } else if constexpr (std::same_as<Target, milliseconds*>) {
          const auto time = parse_duration(text);
          if (!time || !in_range(options, static_cast<double>(time->count()))) return false;
          *target = *time;
          return true;
        } else if constexpr (std::same_as<Target, ByteSize*>) {
          const auto size = parse_byte_size(text);
          if (!size || !in_range(options, static_cast<double>(size->value))) return false;
          *target = *size;
          return true;
        } else if constexpr (std::same_as<Target, ChoiceTarget>) {
          return set_choice(target, text);
        } else {
          return false;
        }
      },
      field.target);
}

}  // namespace

Field& SettingsFields::add(std::string_view name, std::string_view help, FieldTarget target,
                           FieldOptions options) {
  MYELIN_CHECK(std::ranges::find(fields_, name, &Field::name) == fields_.end(),
               "a setting is named twice");
  fields_.push_back({std::string(name), std::string(help), std::move(target), options, {}});
  return fields_.back();
}

Status check_table_key(std::string_view key) {
  const bool legal =
      !key.empty() && key.size() <= kTableKeyBytesMax && std::ranges::all_of(key, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '_';
      });
  if (legal) return {};
  return Error(ErrorCode::InvalidInput,
               "expected a name of 1 to 64 letters, digits, hyphens and underscores");
}

Result<std::size_t> check_table_index(std::string_view key, std::size_t size) {
  std::size_t index = 0;
  if (!parse_whole(key, index) || index > size)
    return Error(ErrorCode::InvalidInput, fmt::format("expected an index from 0 to {}", size));
  if (index >= kTableEntriesMax) return Error(ErrorCode::InvalidInput, "too many entries");
  return index;
}

std::string dotted_key(std::string_view prefix, std::string_view name) {
  return prefix.empty() ? std::string(name) : std::string(prefix) + "." + std::string(name);
}

Status set_field(Field& field, std::string_view text) {
  if (set_target(field, text)) return {};
  std::string message = "expected " + field_expects(field);
  const bool mask = field.options.secret && text == kMask;
  if (mask) message += ", not the mask that stands for it in print";
  // A long value is more likely a secret in the wrong place than a slip of the pen.
  if (!field.options.secret && text.size() <= kShownBytesMax) {
    message += ", not ";
    append_json_string(message, text);
  }
  return Error(ErrorCode::InvalidInput, std::move(message));
}

Status set_field_list(Field& field, std::vector<std::string> values) {
  auto* target = std::get_if<std::vector<std::string>*>(&field.target);
  if (target == nullptr)
    return Error(ErrorCode::InvalidInput, "expected " + field_expects(field) + ", not a list");
  if (!std::ranges::all_of(values, [](const auto& value) { return is_valid_utf8(value); }))
    return Error(ErrorCode::InvalidInput, "expected " + field_expects(field));
  **target = std::move(values);
  return {};
}

std::string field_text(const Field& field) {
  return std::visit(
      [&](const auto& target) -> std::string {
        using Target = std::remove_cvref_t<decltype(target)>;
        if constexpr (std::same_as<Target, bool*>) {
          return *target ? "true" : "false";
        } else if constexpr (std::same_as<Target, IntegerTarget>) {
          return with_integer(target, [](auto* at) { return fmt::format("{}", load(at)); });
        } else if constexpr (std::same_as<Target, double*>) {
          return fmt::format("{}", *target);
        } else if constexpr (std::same_as<Target, std::string*>) {
          return field.options.secret && !target->empty() ? std::string(kMask) : *target;
        } else if constexpr (std::same_as<Target, milliseconds*>) {
          return format_duration(*target);
        } else if constexpr (std::same_as<Target, ByteSize*>) {
          return format_byte_size(*target);
        } else if constexpr (std::same_as<Target, ChoiceTarget>) {
          return choice_text(target);
        } else {
          return {};
        }
      },
      field.target);
}

std::string field_expects(const Field& field) {
  const auto& options = field.options;
  return std::visit(
      [&](const auto& target) -> std::string {
        using Target = std::remove_cvref_t<decltype(target)>;
        if constexpr (std::same_as<Target, bool*>) {
          return "true or false";
        } else if constexpr (std::same_as<Target, IntegerTarget>) {
          return integer_expects(target, options);
        } else if constexpr (std::same_as<Target, double*>) {
          return range_text("a number", options, [](double d) { return fmt::format("{}", d); });
        } else if constexpr (std::same_as<Target, std::string*>) {
          return "text in UTF-8";
        } else if constexpr (std::same_as<Target, milliseconds*>) {
          return range_text(std::string(kDurationExpected), options, [](double ms) {
            return format_duration(milliseconds(static_cast<std::int64_t>(ms)));
          });
        } else if constexpr (std::same_as<Target, ByteSize*>) {
          return range_text(std::string(kSizeExpected), options, [](double bytes) {
            return format_byte_size({static_cast<std::uint64_t>(bytes)});
          });
        } else if constexpr (std::same_as<Target, ChoiceTarget>) {
          return choice_expects(target);
        } else if constexpr (std::same_as<Target, std::vector<std::string>*>) {
          return "a list of text in UTF-8";
        } else if constexpr (std::same_as<Target, Group>) {
          return "settings, one a line, indented";
        } else {
          return target->is_list() ? "a list of settings" : "settings by name";
        }
      },
      field.target);
}

Result<milliseconds> parse_duration(std::string_view text) {
  std::uint64_t value = 0;
  const bool ok = text == "0" || parse_with_unit(text, kDurationUnits, value);
  if (!ok || value > static_cast<std::uint64_t>(kDurationMaxMs))
    return Error(ErrorCode::InvalidInput, "expected " + std::string(kDurationExpected));
  return milliseconds(static_cast<std::int64_t>(value));
}

std::string format_duration(milliseconds time) {
  if (time.count() <= 0) return fmt::format("{}ms", time.count());
  return format_with_unit(static_cast<std::uint64_t>(time.count()), kDurationUnits);
}

Result<ByteSize> parse_byte_size(std::string_view text) {
  ByteSize size;
  if (parse_whole(text, size.value) || parse_with_unit(text, kSizeUnits, size.value)) return size;
  return Error(ErrorCode::InvalidInput, "expected " + std::string(kSizeExpected));
}

std::string format_byte_size(ByteSize size) { return format_with_unit(size.value, kSizeUnits); }

}  // namespace myelin
