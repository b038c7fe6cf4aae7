#include "cli/log/options.h"

#include <charconv>
#include <limits>
#include <vector>

#include "base/command_line.h"

namespace myelin::cli::log_tools {
namespace {

std::vector<FlagSpec> flags_of(Verb verb) {
  std::vector<FlagSpec> flags = {{.name = "help", .value = FlagValue::None},
                                 {.name = "json", .value = FlagValue::None}};
  const auto add = [&](const char* name, FlagValue value) { flags.push_back({name, value}); };
  if (verb != Verb::Repair) add("no-lock", FlagValue::None);
  if (verb == Verb::Repair) add("yes", FlagValue::None);
  if (verb != Verb::Dump) return flags;
  for (const auto* name : {"topic", "partition", "from", "count"}) add(name, FlagValue::Required);
  for (const auto* name : {"journal", "checkpoint", "payload"}) add(name, FlagValue::None);
  return flags;
}

template <class T>
Status parse_number(const CommandLine& line, const std::string& flag, std::optional<T>& to) {
  const auto text = line.find(flag);
  if (!text) return {};
  T value = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc() || end != text->data() + text->size() || text->starts_with('-')) {
    return Error(ErrorCode::InvalidInput, "--" + flag + ": expected a number from 0 to " +
                                              std::to_string(std::numeric_limits<T>::max()));
  }
  to = value;
  return {};
}

Result<Verb> parse_verb(const std::string& word) {
  if (word == "check") return Verb::Check;
  if (word == "dump") return Verb::Dump;
  if (word == "repair") return Verb::Repair;
  return Error(ErrorCode::InvalidInput, "no command 'log " + word + "'");
}

}  // namespace

Result<Options> parse_options(std::span<const std::string> args) {
  Options options;
  if (args.empty()) return Error(ErrorCode::InvalidInput, "expected check, dump or repair");
  if (args[0] == "--help" || args[0] == "-h" || args[0] == "help") {
    options.help = true;
    return options;
  }
  MYELIN_TRY(verb, parse_verb(args[0]));
  options.verb = verb;
  const auto flags = flags_of(verb);
  MYELIN_TRY(line, parse_command_line(args.subspan(1), flags));
  options.help = line.has("help");
  if (options.help) return options;
  if (line.words.size() != 1) return Error(ErrorCode::InvalidInput, "expected one data directory");
  options.directory = line.words[0];
  while (options.directory.size() > 1 && options.directory.ends_with('/'))
    options.directory.pop_back();
  options.json = line.has("json");
  options.yes = line.has("yes");
  options.journal = line.has("journal");
  options.checkpoint = line.has("checkpoint");
  options.payload = line.has("payload");
  if (line.has("no-lock")) options.lock = Lock::Leave;
  options.topic = line.find("topic");
  MYELIN_TRY_VOID(parse_number(line, "partition", options.partition));
  MYELIN_TRY_VOID(parse_number(line, "from", options.from));
  MYELIN_TRY_VOID(parse_number(line, "count", options.count));
  return options;
}

std::string_view help_text() {
  return R"(myelin log check DIR [--json] [--no-lock]
myelin log dump DIR [--checkpoint] [--journal] [--topic NAME] [--partition N] [--from OFFSET] [--count N]
                [--payload] [--json] [--no-lock]
myelin log repair DIR [--yes] [--json]

Look into a data directory while no server runs on it. None of them prints what records hold, but for dump --payload.

check    reads every byte that counts and verifies it: the checkpoint, the journal behind it, each batch of each
         segment, the files that nothing names. Changes nothing.
dump     prints the checkpoint, the journal's frames, or the batches and records of topics: offsets, times, commits,
         sizes, producers. Without a choice: the checkpoint.
repair   says what is wrong with a directory that does not open, what of it can be brought back and what is lost for
         good. With --yes it does that; what it replaces or moves is kept in DIR/repaired-<time>. Read docs/repair.md.

  --json            for machines: one object (check, repair), one object a line (dump)
  --no-lock         do not take the directory's lock: for a read-only directory, or a copy. Beside a running server
                    what is found may be what it is writing just then
  --topic NAME      batches of this topic
  --partition N     of this partition only
  --from OFFSET     from this offset on; with --journal: from this commit on
  --count N         so many batches a partition, or so many frames, at most
  --journal         the frames that stand in the journal and what they hold
  --checkpoint      the checkpoint
  --payload         keys, values and headers too, in base64 with --json: PATIENT DATA
  --yes             repair: do it
  --help            this text

check ends with 0 when all is whole, with 1 when something is damaged; repair with 0 when there is nothing to do or
all was done, with 1 when --yes would change something. Both end with 2 for wrong arguments and with 3 when the
directory cannot be read or a server runs on it.

  myelin log check /var/lib/myelin
  myelin log dump /var/lib/myelin --topic hl7.adt --from 4711 --count 1
)";
}

}  // namespace myelin::cli::log_tools
