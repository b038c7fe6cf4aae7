#include "cli/backup/options.h"

#include <array>
#include <charconv>
#include <filesystem>

#include "base/command_line.h"
#include "io/http_call.h"

namespace myelin::cli::backup {
namespace {

const std::array<FlagSpec, 7> kBackupFlags = {{
    {.name = "to"},
    {.name = "server"},
    {.name = "full", .value = FlagValue::None},
    {.name = "keep", .value = FlagValue::Optional},
    {.name = "number"},
    {.name = "json", .value = FlagValue::None},
    {.name = "help", .value = FlagValue::None},
}};

const std::array<FlagSpec, 5> kRestoreFlags = {{
    {.name = "from"},
    {.name = "data"},
    {.name = "number"},
    {.name = "json", .value = FlagValue::None},
    {.name = "help", .value = FlagValue::None},
}};

Error wrong(std::string_view flag, std::string_view why) {
  return Error(ErrorCode::InvalidInput, "--" + std::string(flag) + ": " + std::string(why));
}

Result<std::string> parse_directory(std::string_view flag, const std::optional<std::string>& text) {
  if (!text || text->empty()) return wrong(flag, "a directory is needed");
  std::error_code code;
  // Without its links, so that two names of one directory are seen to be one.
  auto path = std::filesystem::weakly_canonical(std::filesystem::absolute(*text), code);
  if (code) return wrong(flag, *text + ": " + code.message());
  auto whole = path.lexically_normal().string();
  while (whole.size() > 1 && whole.ends_with('/')) whole.pop_back();
  return whole;
}

Result<std::uint64_t> parse_number(std::string_view flag, const std::string& text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return wrong(flag, "no number");
  return number;
}

Status take_number(const CommandLine& line, Options& options) {
  const auto text = line.find("number");
  if (!text) return {};
  MYELIN_TRY(number, parse_number("number", *text));
  if (number == 0) return wrong("number", "backups are numbered from 1");
  options.number = number;
  return {};
}

Status take_back_up(const CommandLine& line, Options& options) {
  options.action = Action::BackUp;
  if (!line.words.empty())
    return Error(ErrorCode::InvalidInput, "expected verify or list before a directory");
  if (line.has("number")) return wrong("number", "a new backup is numbered by itself");
  MYELIN_TRY(to, parse_directory("to", line.find("to")));
  options.set = options.back_up.to = std::move(to);
  if (const auto server = line.find("server")) options.server = *server;
  while (options.server.ends_with('/')) options.server.pop_back();
  const auto url = http::parse_url(options.server);
  if (!url) return url.error().with_context("--server");
  if (url->target != "/") return wrong("server", "expected http://HOST:PORT and no path");
  options.back_up.full = line.has("full");
  if (!line.has("keep")) return {};
  options.back_up.keep = kKeepAll;
  if (const auto keep = line.find("keep")) {
    MYELIN_TRY(number, parse_number("keep", *keep));
    options.back_up.keep = number;
  }
  return {};
}

}  // namespace

Result<Options> parse_backup(std::span<const std::string> args) {
  MYELIN_TRY(line, parse_command_line(args, kBackupFlags));
  Options options;
  options.json = line.has("json");
  if (line.has("help")) return options;
  const bool looks = !line.words.empty() && (line.words[0] == "verify" || line.words[0] == "list");
  if (!looks) {
    MYELIN_TRY_VOID(take_back_up(line, options));
    return options;
  }
  options.action = line.words[0] == "verify" ? Action::Verify : Action::List;
  if (line.words.size() != 2)
    return Error(ErrorCode::InvalidInput, line.words[0] + " needs one directory");
  for (const auto* flag : {"to", "server", "full", "keep"}) {
    if (line.has(flag)) return wrong(flag, "this is for making a backup");
  }
  MYELIN_TRY(set, parse_directory(line.words[0], line.words[1]));
  options.set = std::move(set);
  MYELIN_TRY_VOID(take_number(line, options));
  return options;
}

Result<Options> parse_restore(std::span<const std::string> args) {
  MYELIN_TRY(line, parse_command_line(args, kRestoreFlags));
  Options options;
  options.json = line.has("json");
  if (line.has("help")) return options;
  options.action = Action::Restore;
  if (!line.words.empty())
    return Error(ErrorCode::InvalidInput, "expected --from DIR --data NEWDIR and no other word");
  MYELIN_TRY(from, parse_directory("from", line.find("from")));
  MYELIN_TRY(data, parse_directory("data", line.find("data")));
  options.set = std::move(from);
  options.data = std::move(data);
  MYELIN_TRY_VOID(take_number(line, options));
  return options;
}

std::string_view backup_help() {
  return R"(myelin backup --to DIR [flags]
myelin backup verify DIR [--number N] [--json]
myelin backup list DIR [--json]

Backs a running server's data directory up to DIR, on the same machine and with your own rights to read it. The
server goes on meanwhile. DIR is made when it is not there; what it holds already of this data directory is not copied
again. Every batch is verified in the copy, and everything is synced before the backup counts. One that is interrupted
leaves those before it as they are.

  --to DIR       where the backups are kept; on another disk than the data
  --server URL   the server's HTTP port (http://127.0.0.1:8080)
  --full         copy everything again, and trust nothing that DIR holds
  --keep[=N]     keep the N backups before this one too, or all; without it they go once this one is complete
  --json         one JSON object instead of sentences
  --help         this text

verify reads a whole backup and checks every byte of it: the newest, or number N. list tells which there are.

Ends with 0 when all is whole, with 1 when something is damaged (the backup is complete but for that), with 2 when the
arguments are wrong, and with 3 when there is no new backup, or none that can be read.

  myelin backup --to /mnt/backup/myelin
  myelin backup verify /mnt/backup/myelin
)";
}

std::string_view restore_help() {
  return R"(myelin restore --from DIR --data NEWDIR [flags]

Makes a data directory of a backup, for `myelin serve --data NEWDIR`. NEWDIR is missing or empty. It is a new directory
with an id of its own: clients that resume behind the backup's end are refused, and begin anew.

  --from DIR     where `myelin backup` keeps its backups
  --data NEWDIR  the directory to make
  --number N     another backup than the newest (see `myelin backup list DIR`)
  --json         one JSON object instead of sentences
  --help         this text

Ends with 0 when all is restored, with 1 when something of the backup is damaged (all else is restored), with 2 when
the arguments are wrong, and with 3 when nothing is restored.

  myelin restore --from /mnt/backup/myelin --data /var/lib/myelin-restored
)";
}

}  // namespace myelin::cli::backup
