#include "cli/log/repair.h"

#include <fmt/format.h>

#include "base/json_writer.h"
#include "cli/log/repair_plan.h"
#include "cli/log/repair_run.h"
#include "cli/log/text.h"

namespace myelin::cli::log_tools {
namespace {

std::string relative(const Store& store, const std::string& path) {
  return printable(path.starts_with(store.directory + "/") ? path.substr(store.directory.size() + 1)
                                                           : path);
}

std::uint64_t count_of(const OffsetRange& range) {
  return static_cast<std::uint64_t>(range.last - range.first) + 1;
}

std::string commits_text(const LostCommits& lost) {
  auto text = lost.first == lost.last
                  ? fmt::format("commit {}", lost.first.value)
                  : fmt::format("commits {} to {}", lost.first.value, lost.last.value);
  return text;
}

void add_losses(std::string& text, const Store& store, const RepairPlan& plan) {
  if (!plan.lost_commits.empty()) {
    text += "\nCannot be read from the journal:\n";
    for (const auto& lost : plan.lost_commits) {
      text += fmt::format("  {}", commits_text(lost));
      if (!lost.path.empty())
        text += fmt::format(", in {} from byte {} on", relative(store, lost.path), lost.byte);
      text += "\n";
      for (const auto& what : lost.readable)
        text += fmt::format("    seems to hold: {}\n", printable(what));
    }
    text += "  What segments hold of these commits is kept.\n";
  }
  std::uint64_t records = 0;
  for (const auto& range : plan.lost) records += count_of(range.offsets);
  if (plan.lost.empty()) {
    text += "\nLost for good: no record that has left a trace.\n";
  } else {
    text += fmt::format("\nLost for good, {} at most:\n", count_text(records, "record"));
    for (const auto& range : plan.lost) {
      text += fmt::format("  {}-{} {} ({} at most; received {} to {})\n", printable(range.topic),
                          range.partition.partition.value,
                          offsets_text(range.offsets.first, range.offsets.last),
                          count_text(count_of(range.offsets), "record"), time_text(range.after_ms),
                          time_text(range.before_ms));
    }
  }
  if (plan.unknown.empty()) return;
  text += "\nNobody can tell:\n";
  for (const auto& what : plan.unknown) text += "  - " + printable(what) + "\n";
}

void add_deeds(std::string& text, const Store& store, const RepairPlan& plan) {
  if (plan.rebuilds) {
    text += fmt::format("\nTo be done: a checkpoint is written, {}; commits go on behind {}.\n",
                        plan.from_scratch ? "made from segments and journal alone"
                                          : "made from the old one, segments and journal",
                        plan.state.through.value);
    for (const auto& [id, partition] : plan.partitions) {
      const auto& saved = partition.salvaged();
      if (saved.batches == 0) continue;
      text += fmt::format("  {}-{}: {} from the journal to a new segment ({}, {})\n",
                          printable(plan.state.topics.at(id.topic).name), id.partition.value,
                          count_text(saved.records, "record"),
                          offsets_text(saved.offsets.first, saved.offsets.last),
                          size_text(saved.bytes));
    }
    for (const auto& path : plan.new_journal_files)
      text += fmt::format("  {} is made anew, empty\n", relative(store, path));
  }
  if (!plan.keeps.empty() || !plan.moves.empty()) text += "\nTo be kept in repaired-<time>:\n";
  for (const auto& kept : plan.keeps) {
    text += fmt::format("  copy of {}{}: it {}\n", relative(store, kept.path),
                        kept.from > 0 ? fmt::format(" from byte {} on", kept.from) : "", kept.why);
  }
  for (const auto& moved : plan.moves)
    text += fmt::format("  {}: it {}\n", relative(store, moved.path), moved.why);
}

std::string plan_text(const Store& store, const RepairPlan& plan) {
  std::string text = fmt::format("{}\n", printable(store.directory));
  if (plan.nothing_to_do()) {
    text +=
        "\nIt opens, and nothing is out of its place. Damage inside segments is found by "
        "`myelin log check`;\nthere is nothing to repair about it: reading such a record is an "
        "error, all others are served.\n";
    return text;
  }
  text += plan.rebuilds ? "\nWhat is wrong:\n" : "\nIt opens.\n";
  for (const auto& reason : plan.reasons) text += "  " + printable(reason) + "\n";
  if (plan.rebuilds) add_losses(text, store, plan);
  add_deeds(text, store, plan);
  return text;
}

void write_lost(JsonWriter& json, const RepairPlan& plan) {
  json.key("lostCommits");
  json.begin_array();
  for (const auto& lost : plan.lost_commits) {
    json.begin_object();
    json.member("first", lost.first.value);
    json.member("last", lost.last.value);
    json.member("path", lost.path);
    json.member("byte", lost.byte);
    json.key("seemsToHold");
    json.begin_array();
    for (const auto& what : lost.readable) json.string(what);
    json.end_array();
    json.end_object();
  }
  json.end_array();
  json.key("lost");
  json.begin_array();
  for (const auto& range : plan.lost) {
    json.begin_object();
    json.member("topic", range.topic);
    json.member("topicId", range.partition.topic.to_string());
    json.member("partition", range.partition.partition.value);
    json.member("firstOffset", range.offsets.first.value);
    json.member("lastOffset", range.offsets.last.value);
    if (range.after_ms) json.member("receivedAfter", time_text(range.after_ms));
    if (range.before_ms) json.member("receivedBefore", time_text(range.before_ms));
    json.end_object();
  }
  json.end_array();
}

void write_strings(JsonWriter& json, std::string_view name, const std::vector<std::string>& list) {
  json.key(name);
  json.begin_array();
  for (const auto& text : list) json.string(text);
  json.end_array();
}

std::string plan_json(const Store& store, const RepairPlan& plan, std::string_view kept_in) {
  std::string text;
  JsonWriter json(text, JsonWriter::Layout::Indented);
  json.begin_object();
  json.member("directory", store.directory);
  json.member("done", !kept_in.empty());
  json.member("needed", !plan.nothing_to_do());
  json.member("writesCheckpoint", plan.rebuilds);
  json.member("fromScratch", plan.from_scratch);
  write_strings(json, "reasons", plan.reasons);
  write_lost(json, plan);
  write_strings(json, "unknown", plan.unknown);
  json.key("fromJournal");
  json.begin_array();
  for (const auto& [id, partition] : plan.partitions) {
    const auto& saved = partition.salvaged();
    if (saved.batches == 0) continue;
    json.begin_object();
    json.member("topic", plan.state.topics.at(id.topic).name);
    json.member("partition", id.partition.value);
    json.member("records", saved.records);
    json.member("bytes", saved.bytes);
    json.member("firstOffset", saved.offsets.first.value);
    json.member("lastOffset", saved.offsets.last.value);
    json.end_object();
  }
  json.end_array();
  std::vector<std::string> moved;
  for (const auto& move : plan.moves) moved.push_back(move.path);
  write_strings(json, "moved", moved);
  if (!kept_in.empty()) json.member("keptIn", kept_in);
  json.end_object();
  return text + "\n";
}

}  // namespace

Result<int> repair(World& world, const Options& options, const Store& store) {
  MYELIN_TRY(plan, plan_repair(world.disk, world.random, store));
  const auto text = plan_text(store, plan);
  if (!options.json) print(world.out, text);
  if (plan.nothing_to_do() || !options.yes) {
    if (options.json) print(world.out, plan_json(store, plan, {}));
    if (plan.nothing_to_do()) return kWhole;
    if (!options.json) print(world.out, "\nNothing was changed. With --yes it is done.\n");
    return kDamaged;
  }
  RepairRun run(world.disk, world.clock, store, plan);
  const auto done = run.run(text);
  if (!done) {
    return Error(done.error().code(),
                 fmt::format("the repair has stopped: {}; run it again once that is mended",
                             done.error().message()));
  }
  if (options.json) {
    print(world.out, plan_json(store, plan, run.folder()));
  } else {
    print(world.out, fmt::format("\nDone. What was replaced or moved is in {}; remove it once the "
                                 "server runs and nothing is missed.\n",
                                 printable(run.folder())));
  }
  return kWhole;
}

}  // namespace myelin::cli::log_tools
