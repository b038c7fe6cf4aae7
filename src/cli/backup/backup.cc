#include "cli/backup/backup.h"

#include <fmt/format.h>

#include "cli/backup/keeper.h"
#include "cli/backup/options.h"
#include "cli/backup/report.h"
#include "cli/backup/restore.h"
#include "cli/backup/server_snapshot.h"
#include "cli/backup/verify_set.h"

namespace myelin::cli::backup {
namespace {

using std::chrono::milliseconds;

// What a command works with.
struct Tools {
  const Options& options;
  Report report;
  SystemClock clock{};
  std::unique_ptr<log::Disk> disk = log::make_posix_disk();
  Keeper keeper{};
  ProgressLine progress;

  Tools(const Options& with, std::string_view command, std::FILE* out, std::FILE* err)
      : options(with), report(with.json, command, out, err), progress(err, with.json, clock) {}
};

int usage(std::string_view command, const Error& error, std::FILE* err) {
  fmt::print(err, "myelin {0}: {1}\nTry: myelin {0} --help\n", command, error.message());
  return kUsage;
}

int fail(Tools& tools, const Error& error, std::string_view note) {
  tools.progress.clear();
  tools.report.failed(error, note);
  return kNotDone;
}

int make_backup(Tools& tools) {
  constexpr std::string_view kNote = "earlier backups are as they were";
  const auto began = tools.clock.steady();
  auto snapshot = ServerSnapshot::take(tools.options.server);
  if (!snapshot) return fail(tools, snapshot.error(), kNote);
  tools.keeper.keep(**snapshot);
  const auto done = back_up(*tools.disk, tools.clock, **snapshot, tools.options.back_up,
                            tools.progress, tools.keeper.stop());
  tools.keeper.forget();
  tools.progress.clear();
  if (!done && tools.keeper.lost()) {
    return fail(tools,
                Error(ErrorCode::Unavailable,
                      "the server no longer holds the snapshot: was it started anew?"),
                kNote);
  }
  if (!done) return fail(tools, done.error(), kNote);
  const auto took = std::chrono::duration_cast<milliseconds>(tools.clock.steady() - began);
  tools.report.backed_up(*done, tools.options.set, took);
  return done->damaged_ranges > 0 ? kDamaged : kWhole;
}

int verify(Tools& tools) {
  tools.progress.tell_verified();
  const auto set = BackupSet::open(*tools.disk, tools.options.set, BackupSet::For::Reading);
  if (!set) return fail(tools, set.error(), {});
  const auto done =
      verify_backup(*tools.disk, **set, tools.options.number, tools.progress, tools.keeper.stop());
  tools.progress.clear();
  if (!done) return fail(tools, done.error(), {});
  tools.report.verified(*done, tools.options.set);
  return done->damaged_ranges + done->known_ranges > 0 ? kDamaged : kWhole;
}

int list(Tools& tools) {
  const auto set = BackupSet::open(*tools.disk, tools.options.set, BackupSet::For::Reading);
  if (!set) return fail(tools, set.error(), {});
  std::vector<Manifest> backups;
  for (const auto number : (*set)->numbers()) {
    auto manifest = (*set)->read(number);
    if (!manifest) return fail(tools, manifest.error(), {});
    backups.push_back(std::move(*manifest));
  }
  tools.report.listed(backups);
  return kWhole;
}

int make_data_directory(Tools& tools) {
  const auto set = BackupSet::open(*tools.disk, tools.options.set, BackupSet::For::Reading);
  if (!set) return fail(tools, set.error(), {});
  SystemRandom random;
  const auto done = restore(*tools.disk, random, **set,
                            {.data = tools.options.data, .number = tools.options.number},
                            tools.progress, tools.keeper.stop());
  tools.progress.clear();
  if (!done) {
    const auto begun = tools.disk->exists(tools.options.data + "/topics");
    const bool is_ours = done.error().code() != ErrorCode::Conflict && begun && *begun;
    return fail(tools, done.error(), is_ours ? "what is there is not complete: remove it" : "");
  }
  tools.report.restored(*done, tools.options.data);
  return done->damaged_ranges > 0 ? kDamaged : kWhole;
}

}  // namespace

int run_backup(std::span<const std::string> args, std::FILE* out, std::FILE* err) {
  const auto options = parse_backup(args);
  if (!options) return usage(kBackupName, options.error(), err);
  if (options->action == Action::Help) {
    fmt::print(out, "{}", backup_help());
    return kWhole;
  }
  Tools tools(*options, kBackupName, out, err);
  switch (options->action) {
    case Action::Verify: return verify(tools);
    case Action::List: return list(tools);
    default: return make_backup(tools);
  }
}

int run_restore(std::span<const std::string> args, std::FILE* out, std::FILE* err) {
  const auto options = parse_restore(args);
  if (!options) return usage(kRestoreName, options.error(), err);
  if (options->action == Action::Help) {
    fmt::print(out, "{}", restore_help());
    return kWhole;
  }
  Tools tools(*options, kRestoreName, out, err);
  return make_data_directory(tools);
}

}  // namespace myelin::cli::backup
