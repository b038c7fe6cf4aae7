#include "broker/topic_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include "broker/record_check.h"

namespace myelin::broker {
namespace {

using log::TopicPolicy;
using std::chrono::milliseconds;

constexpr auto kMax = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kIntMax = std::numeric_limits<std::int32_t>::max();

enum class Kind : std::uint8_t { Integer, Ratio, CleanupPolicy, Word, Boolean, Text };
using Type = TopicSetting::Type;
using Effect = TopicSetting::Effect;

struct Definition {
  TopicSetting setting;
  Kind kind = Kind::Integer;
  std::int64_t min = 0;
  std::int64_t max = kMax;
  std::string_view words = {};  // One of these; a space between two.
};

constexpr std::string_view kMaxText = "9223372036854775807";
constexpr std::string_view kCodecs = "producer uncompressed gzip snappy lz4 zstd";

constexpr TopicSetting accepted(std::string_view name, std::string_view default_value, Type type) {
  return {name, "Accepted; has no effect here.", default_value, type, Effect::None};
}

// By name.
constexpr auto kDefinitions = std::to_array<Definition>({
    {{"cleanup.policy", "delete, compact, or both: compact,delete.", "delete", Type::List},
     Kind::CleanupPolicy},
    {{"compression.gzip.level", "Accepted; the codec's usual level is taken.", "-1", Type::Int,
      Effect::None},
     Kind::Integer,
     -1,
     9},
    {{"compression.lz4.level", "Accepted; the codec's usual level is taken.", "9", Type::Int,
      Effect::None},
     Kind::Integer,
     1,
     17},
    {{"compression.type", "producer: batches stay as they come; else they are packed so.",
      "producer", Type::String},
     Kind::Word,
     0,
     0,
     kCodecs},
    {{"compression.zstd.level", "Accepted; the codec's usual level is taken.", "3", Type::Int,
      Effect::None},
     Kind::Integer,
     -131'072,
     22},
    {{"delete.retention.ms", "Tombstones of a compacted topic stay so long.", "86400000"},
     Kind::Integer,
     0},
    {accepted("file.delete.delay.ms", "60000", Type::Long), Kind::Integer, 0},
    {accepted("flush.messages", kMaxText, Type::Long), Kind::Integer, 1},
    {accepted("flush.ms", kMaxText, Type::Long), Kind::Integer, 0},
    {accepted("follower.replication.throttled.replicas", "", Type::List), Kind::Text},
    {accepted("index.interval.bytes", "4096", Type::Int), Kind::Integer, 0, kIntMax},
    {accepted("leader.replication.throttled.replicas", "", Type::List), Kind::Text},
    {accepted("local.retention.bytes", "-2", Type::Long), Kind::Integer, -2},
    {accepted("local.retention.ms", "-2", Type::Long), Kind::Integer, -2},
    {{"max.compaction.lag.ms", "Older records are compacted, however little there is to gain.",
      kMaxText},
     Kind::Integer,
     1},
    {{"max.message.bytes", "A larger batch is refused.", "1048588", Type::Int},
     Kind::Integer,
     0,
     kIntMax},
    {{"message.timestamp.after.max.ms", "Records from further in the future are refused.",
      "3600000"},
     Kind::Integer,
     0},
    {{"message.timestamp.before.max.ms", "Records from further in the past are refused.", kMaxText},
     Kind::Integer,
     0},
    {{"message.timestamp.type", "CreateTime: the producer's; LogAppendTime: ours.", "CreateTime",
      Type::String},
     Kind::Word,
     0,
     0,
     "CreateTime LogAppendTime"},
    {{"min.cleanable.dirty.ratio", "Share of bytes not yet compacted that makes it worth while.",
      "0.5", Type::Double},
     Kind::Ratio},
    {{"min.compaction.lag.ms", "Younger records are not compacted.", "0"}, Kind::Integer, 0},
    {{"min.insync.replicas", "There is one replica: more cannot be had.", "1", Type::Int},
     Kind::Integer,
     1,
     1},
    {accepted("preallocate", "false", Type::Boolean), Kind::Boolean},
    {accepted("remote.log.copy.disable", "false", Type::Boolean), Kind::Boolean},
    {accepted("remote.log.delete.on.disable", "false", Type::Boolean), Kind::Boolean},
    {{"remote.storage.enable", "false: there is no remote storage.", "false", Type::Boolean},
     Kind::Word,
     0,
     0,
     "false"},
    {{"retention.bytes", "The oldest are removed while a partition holds more; -1: never.", "-1"},
     Kind::Integer,
     -1},
    {{"retention.ms", "Records are removed after this time; -1: never.", "-1"}, Kind::Integer, -1},
    {{"segment.bytes", "Files are begun anew at this size.", "1073741824", Type::Int},
     Kind::Integer,
     4096,
     kIntMax},
    {accepted("segment.index.bytes", "10485760", Type::Int), Kind::Integer, 4, kIntMax},
    {accepted("segment.jitter.ms", "0", Type::Long), Kind::Integer, 0},
    {{"segment.ms", "Files are begun anew after this time.", "604800000"}, Kind::Integer, 1},
    {accepted("unclean.leader.election.enable", "false", Type::Boolean), Kind::Boolean},
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

bool is_one_of(std::string_view value, std::string_view words) {
  while (!words.empty()) {
    const auto end = std::min(words.find(' '), words.size());
    if (words.substr(0, end) == value) return true;
    words.remove_prefix(std::min(end + 1, words.size()));
  }
  return false;
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
    case Kind::Word:
      return is_one_of(value, definition.words)
                 ? Status()
                 : wrong(fmt::format("one of these: {}", definition.words));
    case Kind::Boolean:
      return value == "true" || value == "false" ? Status() : wrong("true or false");
    case Kind::Text:
      return value.find('\n') == std::string_view::npos ? Status() : wrong("one line");
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

const TopicSetting* find_topic_setting(std::string_view name) {
  const auto found = std::ranges::lower_bound(kSettings, name, {}, &TopicSetting::name);
  return found == kSettings.end() || found->name != name ? nullptr : &*found;
}

Status check_topic_config(const TopicConfig& config) {
  for (const auto& [name, value] : config) {
    const auto found =
        std::find_if(kDefinitions.begin(), kDefinitions.end(),
                     [&](const Definition& known) { return known.setting.name == name; });
    if (found == kDefinitions.end())
      return Error(ErrorCode::InvalidInput, fmt::format("there is no topic setting {}", name));
    MYELIN_TRY_VOID(check(*found, value));
  }
  const auto lag_min = integer(config, "min.compaction.lag.ms").value_or(0);
  const auto lag_max = integer(config, "max.compaction.lag.ms").value_or(kMax);
  if (lag_min <= lag_max) return {};
  return Error(ErrorCode::InvalidInput,
               fmt::format("min.compaction.lag.ms: {} is more than max.compaction.lag.ms, {}",
                           lag_min, lag_max));
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

RecordRules rules_of(const TopicConfig& config) {
  RecordRules rules;
  const auto word = [&](std::string_view name) {
    const auto found = config.find(std::string(name));
    return found == config.end() ? std::string_view() : std::string_view(found->second);
  };
  if (const auto bytes = integer(config, "max.message.bytes"))
    rules.batch_bytes_max = static_cast<std::uint64_t>(*bytes);
  rules.log_append_time = word("message.timestamp.type") == "LogAppendTime";
  rules.timestamp_before_ms_max =
      integer(config, "message.timestamp.before.max.ms").value_or(rules.timestamp_before_ms_max);
  rules.timestamp_after_ms_max =
      integer(config, "message.timestamp.after.max.ms").value_or(rules.timestamp_after_ms_max);
  rules.key_required = cleanup(word("cleanup.policy")).value_or(Cleanup()).compact;
  const auto codec = word("compression.type");
  for (const auto known : {kafka::Compression::Gzip, kafka::Compression::Snappy,
                           kafka::Compression::Lz4, kafka::Compression::Zstd}) {
    if (codec == kafka::to_string(known)) rules.compression = known;
  }
  if (codec == "uncompressed") rules.compression = kafka::Compression::None;
  return rules;
}

}  // namespace myelin::broker
