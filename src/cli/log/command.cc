#include "cli/log/command.h"

#include <fmt/format.h>

#include "cli/log/check.h"
#include "cli/log/dump.h"
#include "cli/log/options.h"
#include "cli/log/repair.h"
#include "cli/log/store.h"

namespace myelin::cli::log_tools {
namespace {

void say(std::FILE* file, const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), file);
  std::fflush(file);
}

int fail(World& world, const Error& error) {
  say(world.err, fmt::format("myelin log: {}\n", error.message()));
  return kFailed;
}

// Whether it is a directory of ours is asked before the lock: the lock is a file.
Result<std::unique_ptr<log::DirectoryLock>> lock(World& world, const Options& options) {
  MYELIN_TRY(store_there, world.disk.exists(options.directory));
  if (!store_there)
    return Error(ErrorCode::NotFound, fmt::format("{} does not exist", options.directory));
  MYELIN_TRY(entries, world.disk.list(options.directory));
  bool ours = false;
  for (const auto& entry : entries)
    ours |= entry.name == "checkpoint" || entry.name == "journal" || entry.name == "topics";
  if (!ours) {
    return Error(ErrorCode::Conflict,
                 fmt::format("{} is not a data directory of Myelin", options.directory));
  }
  if (options.lock == Lock::Leave) return std::unique_ptr<log::DirectoryLock>();
  auto taken = world.disk.lock(options.directory + "/lock");
  if (taken) return taken;
  const bool busy = taken.error().code() == ErrorCode::Conflict;
  auto error = std::move(taken).error().with_context(options.directory);
  if (busy || options.verb == Verb::Repair) return error;
  return Error(error.code(), error.message() + " (--no-lock looks without the lock)");
}

int run_verb(World& world, const Options& options) {
  const auto held = lock(world, options);
  if (!held) return fail(world, held.error());
  const auto store = look_at(world.disk, options.directory);
  if (!store) return fail(world, store.error());
  const auto ended = options.verb == Verb::Check  ? check(world, options, *store)
                     : options.verb == Verb::Dump ? dump(world, options, *store)
                                                  : repair(world, options, *store);
  return ended ? *ended : fail(world, ended.error());
}

}  // namespace

int run(std::span<const std::string> args, std::FILE* out, std::FILE* err) {
  const auto disk = log::make_posix_disk();
  const SystemClock clock;
  SystemRandom random;
  World world{*disk, clock, random, out, err};
  return run_in(world, args);
}

int run_in(World& world, std::span<const std::string> args) {
  const auto options = parse_options(args);
  if (!options) {
    say(world.err, fmt::format("myelin log: {}\nTry: myelin log check DIR, or myelin log --help\n",
                               options.error().message()));
    return kUsage;
  }
  if (options->help) {
    say(world.out, std::string(help_text()));
    return kWhole;
  }
  return run_verb(world, *options);
}

}  // namespace myelin::cli::log_tools
