#include "broker/topic_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

namespace myelin::broker {
namespace {

using log::TopicPolicy;
using std::chrono::milliseconds;

constexpr auto kMax = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kIntMax = std::numeric_limits<std::int32_t>::max();

enum class Kind : std::uint8_t { Integer, Ratio, CleanupPolicy };

struct Definition {
  TopicSetting setting;
  Kind kind = Kind::Integer;
  std::int64_t min = 0;
  std::int64_t max = kMax;
};

constexpr auto kDefinitions = std::to_array<Definition>({
    {{"cleanup.policy", "delete, compact, or both: compact,delete."}, Kind::CleanupPolicy},
    {{"retention.ms", "Records are removed after this time; -1: never."}, Kind::Integer, -1},
    {{"retention.bytes", "The oldest are removed while a partition holds more; -1: never."},
     Kind::Integer,
     -1},
    {{"segment.bytes", "Files are begun anew at this size."}, Kind::Integer, 4096, kIntMax},
    {{"segment.ms", "Files are begun anew after this time."}, Kind::Integer, 1},
    {{"min.compaction.lag.ms", "Younger records are not compacted."}, Kind::Integer, 0},
    {{"max.compaction.lag.ms", "Older records are compacted, however little there is to gain."},
     Kind::Integer,
     1},
    {{"min.cleanable.dirty.ratio", "Share of bytes not yet compacted that makes it worth while."},
     Kind::Ratio},
    {{"delete.retention.ms", "Tombstones of a compacted topic stay so long."}, Kind::Integer, 0},
});

constexpr auto kSettings = [] {
  std::array<TopicSetting, kDefinitions.size()> settings;
  std::transform(kDefinitions.begin(), kDefinitions.end(), settings.begin(),
                 [](const Definition& definition) { return definition.setting; });
  return settings;
}();

template <class T>
std::optional<T> number(std::string_view text) {
  T value{};
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

struct Cleanup {
  bool compact = false;
  bool remove = false;
};

std::optional<Cleanup> cleanup(std::string_view text) {
  Cleanup found;
  while (true) {
    const auto comma = text.find(',');
    auto word = text.substr(0, comma);
    while (word.starts_with(' ')) word.remove_prefix(1);
    while (word.ends_with(' ')) word.remove_suffix(1);
    if (word != "compact" && word != "delete") return std::nullopt;
    (word == "compact" ? found.compact : found.remove) = true;
    if (comma == std::string_view::npos) return found;
    text.remove_prefix(comma + 1);
  }
}

Status check(const Definition& definition, std::string_view value) {
  const auto name = definition.setting.name;
  const auto wrong = [&](std::string_view wanted) {
    return Error(ErrorCode::InvalidInput, fmt::format("{}: {} is wanted", name, wanted));
  };
  switch (definition.kind) {
    case Kind::CleanupPolicy:
      return cleanup(value) ? Status() : wrong("delete, compact or compact,delete");
    case Kind::Ratio: {
      const auto ratio = number<double>(value);
      return ratio && *ratio >= 0 && *ratio <= 1 ? Status() : wrong("a number from 0 to 1");
    }
    case Kind::Integer: {
      const auto integer = number<std::int64_t>(value);
      if (integer && *integer >= definition.min && *integer <= definition.max) return {};
      return wrong(fmt::format("an integer from {} to {}", definition.min, definition.max));
    }
  }
  return {};
}

// Values are checked before they are stored; one that is not, of an older server, counts as unset.
std::optional<std::int64_t> integer(const TopicConfig& config, std::string_view name) {
  const auto found = config.find(std::string(name));
  return found == config.end() ? std::nullopt : number<std::int64_t>(found->second);
}

milliseconds time(std::int64_t ms) {
  // Far enough for ever, and near enough to be added to a clock.
  return milliseconds(std::min<std::int64_t>(ms, kMax / 4));
}

}  // namespace

std::span<const TopicSetting> topic_settings() { return kSettings; }

Status check_topic_config(const TopicConfig& config) {
  for (const auto& [name, value] : config) {
    const auto found =
        std::find_if(kDefinitions.begin(), kDefinitions.end(),
                     [&](const Definition& known) { return known.setting.name == name; });
    if (found == kDefinitions.end())
      return Error(ErrorCode::InvalidInput, fmt::format("there is no topic setting {}", name));
    MYELIN_TRY_VOID(check(*found, value));
  }
  return {};
}

Result<TopicConfig> changed_config(const TopicConfig& config, const ConfigChanges& changes) {
  auto changed = config;
  for (const auto& [name, value] : changes) {
    if (value) {
      changed[name] = *value;
    } else {
      changed.erase(name);
    }
  }
  MYELIN_TRY_VOID(check_topic_config(changed));
  return changed;
}

std::string encode_topic_config(const TopicConfig& config) {
  std::string text;
  for (const auto& [name, value] : config) text += fmt::format("{}={}\n", name, value);
  return text;
}

TopicConfig decode_topic_config(std::string_view text) {
  TopicConfig config;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const auto equals = line.find('=');
    if (equals == std::string_view::npos) continue;
    config.emplace(line.substr(0, equals), line.substr(equals + 1));
  }
  return config;
}

log::TopicPolicy policy_of(const TopicConfig& config, const TopicDefaults& defaults) {
  TopicPolicy policy;
  const auto policies = config.find("cleanup.policy");
  const auto wanted = policies == config.end()
                          ? Cleanup{false, true}
                          : cleanup(policies->second).value_or(Cleanup{false, true});
  policy.compact = wanted.compact;
  if (wanted.remove) {
    policy.retention_time = defaults.retention_time;
    policy.retention_bytes = defaults.retention_bytes;
    if (const auto ms = integer(config, "retention.ms"))
      policy.retention_time = *ms < 0 ? std::nullopt : std::optional(time(*ms));
    if (const auto bytes = integer(config, "retention.bytes")) {
      policy.retention_bytes =
          *bytes < 0 ? std::nullopt : std::optional(static_cast<std::uint64_t>(*bytes));
    }
  }
  policy.segment_bytes = static_cast<std::uint64_t>(
      integer(config, "segment.bytes").value_or(static_cast<std::int64_t>(defaults.segment_bytes)));
  if (const auto ms = integer(config, "segment.ms")) policy.segment_time = time(*ms);
  if (const auto ms = integer(config, "min.compaction.lag.ms"))
    policy.compaction_lag_min = time(*ms);
  if (const auto ms = integer(config, "max.compaction.lag.ms"))
    policy.compaction_lag_max = time(*ms);
  // What is in the file that is written to is never compacted: it must not grow too old there.
  if (policy.compact && policy.compaction_lag_max)
    policy.segment_time = std::min(policy.segment_time, *policy.compaction_lag_max);
  if (const auto ms = integer(config, "delete.retention.ms")) policy.tombstone_time = time(*ms);
  const auto ratio = config.find("min.cleanable.dirty.ratio");
  if (ratio != config.end())
    policy.dirty_ratio_min = number<double>(ratio->second).value_or(policy.dirty_ratio_min);
  return policy;
}

}  // namespace myelin::broker
