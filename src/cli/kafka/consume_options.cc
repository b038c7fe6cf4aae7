#include "cli/kafka/consume_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>

namespace myelin::cli::kafka {
namespace {

constexpr auto kFlags = std::to_array<FlagLine>({
    {"from", "beginning|end|PLACE", "where to begin (end; with --until: beginning)"},
    {"until", "end|COUNT", "stop at what is the end now, or after so many records"},
    {"partition", "N", "this partition only; may be repeated"},
    {"group", "NAME", "as a member of this group, which remembers what was printed"},
    {"format", "text|json|raw|hex", "how to print a record (text)"},
    {"keys", "", "keys too (json has them always)"},
    {"headers", "", "headers too (json has them always)"},
    {"json", "", "the same as --format json: one object a line"},
});

constexpr std::array<std::pair<std::string_view, RecordForm>, 4> kForms = {{
    {"text", RecordForm::Text},
    {"json", RecordForm::Json},
    {"raw", RecordForm::Raw},
    {"hex", RecordForm::Hex},
}};

std::vector<FlagLine> all_flags() {
  std::vector<FlagLine> flags(kFlags.begin(), kFlags.end());
  const auto shared = connection_flags();
  flags.insert(flags.end(), shared.begin(), shared.end());
  return flags;
}

Error wrong(std::string_view flag, std::string_view why) {
  return Error(ErrorCode::InvalidInput, fmt::format("--{}: {}", flag, why));
}

Status take_layout(const CommandLine& line, RecordLayout& layout) {
  if (const auto text = line.find("format")) {
    const auto* const found =
        std::ranges::find(kForms, std::string_view(*text), &decltype(kForms)::value_type::first);
    if (found == kForms.end()) return wrong("format", "expected text, json, raw or hex");
    layout.form = found->second;
  }
  if (line.has("json")) {
    if (line.has("format") && layout.form != RecordForm::Json)
      return wrong("json", "--format says another");
    layout.form = RecordForm::Json;
  }
  layout.keys = line.has("keys");
  layout.headers = line.has("headers");
  if (layout.headers && layout.form == RecordForm::Raw)
    return wrong("headers", "--format raw has none");
  return {};
}

Status take_range(const CommandLine& line, ConsumeOptions& options, Timestamp now) {
  if (const auto text = line.find("until")) {
    if (*text == "end") {
      options.until = {Until::Kind::End};
    } else {
      const auto count = parse_number("until", *text, 1, std::numeric_limits<std::int64_t>::max());
      if (!count) return wrong("until", "expected end, or a number of records from 1");
      options.until = {Until::Kind::Count, static_cast<std::uint64_t>(*count)};
    }
    options.from.kind = Position::Kind::Beginning;
  }
  if (const auto text = line.find("from")) {
    MYELIN_TRY(from, parse_position("from", *text, now));
    options.from = from;
    options.from_given = true;
  }
  for (const std::string& text : line.find_all("partition")) {
    MYELIN_TRY(id, parse_number("partition", text, 0, std::numeric_limits<std::int32_t>::max()));
    const auto partition = static_cast<std::int32_t>(id);
    if (std::ranges::find(options.partitions, partition) == options.partitions.end())
      options.partitions.push_back(partition);
  }
  return {};
}

Status take_group(const CommandLine& line, ConsumeOptions& options) {
  const auto group = line.find("group");
  if (!group) return {};
  options.group = *group;
  if (group->empty()) return wrong("group", "expected a name");
  if (!options.partitions.empty()) return wrong("group", "the group deals partitions out itself");
  const auto from = options.from.kind;
  if (from != Position::Kind::Beginning && from != Position::Kind::End)
    return wrong("from", "with --group: beginning or end, for where the group has no offset yet");
  return {};
}

Status check_properties(const Connection& connection) {
  for (const auto& [name, value] : connection.properties) {
    if (name == "group.id") return wrong("property", "group.id is --group here");
  }
  return {};
}

}  // namespace

Result<ConsumeOptions> parse_consume_options(std::span<const std::string> args, Timestamp now) {
  const auto flags = all_flags();
  MYELIN_TRY(line, parse_command_line(args, to_specs(flags)));
  ConsumeOptions options;
  options.help = line.has("help");
  if (options.help) return options;
  MYELIN_TRY(connection, parse_connection(line));
  options.connection = std::move(connection);
  if (line.has("group")) MYELIN_TRY_VOID(check_properties(options.connection));
  for (std::string& topic : line.words) {
    if (std::ranges::find(options.topics, topic) == options.topics.end())
      options.topics.push_back(std::move(topic));
  }
  if (options.topics.empty()) return Error(ErrorCode::InvalidInput, "no topic is named");
  MYELIN_TRY_VOID(take_layout(line, options.layout));
  MYELIN_TRY_VOID(take_range(line, options, now));
  MYELIN_TRY_VOID(take_group(line, options));
  return options;
}

std::string consume_help() {
  return fmt::format(
      "myelin consume TOPIC… [flags]\n\n"
      "Prints the records of topics, each with its partition and offset, and goes on as they "
      "arrive "
      "until Ctrl-C.\nRecords may be patient data: they go to standard output and nowhere else.\n\n"
      "{}\n"
      "PLACE is an offset, -N (N records before the end), a time such as 2026-11-21T17:20:00Z, a "
      "date, or 15m for so\nlong ago. With --group, --from is for partitions where the group has "
      "no "
      "offset yet; what was printed is committed\nevery second and at the end, so that a record "
      "may "
      "be printed twice after a crash, and none is left out.\n\n"
      "Ends with 0 when it was stopped or all is printed, with 1 when the broker is away or "
      "refuses, "
      "or something cannot\nbe printed, and with 2 when the arguments are wrong. A broker that "
      "goes "
      "away meanwhile is waited for, with --until\nfor as long as --timeout says.\n\n"
      "  myelin consume hl7.adt.a01\n"
      "  myelin consume lab --from 1h --until end --json | jq -r .value\n"
      "  myelin consume lab --group night-shift --keys --headers\n",
      flags_text(all_flags()));
}

}  // namespace myelin::cli::kafka
