#include "cli/backup/back_up.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/backup/segment_backup.h"
#include "log/directory.h"

namespace myelin::cli::backup {
namespace {

using KnownSegments = std::map<SegmentId, KnownSegment>;

// That we look at the server's own directory, and may read it.
Status check_data_directory(log::Disk& disk, const HeldSnapshot& snapshot) {
  const auto& path = snapshot.data_directory();
  const auto there = log::read_checkpoint(disk, path);
  if (there && there->directory == snapshot.state().directory) return {};
  constexpr std::string_view kAdvice =
      "a backup runs on the server's machine, with the rights to read its data directory";
  if (!there && there.error().code() != ErrorCode::NotFound) {
    return Error(there.error().code(), fmt::format("the server's data directory {} cannot be read "
                                                   "({}); {}",
                                                   path, there.error().message(), kAdvice));
  }
  return Error(ErrorCode::NotFound,
               fmt::format("{} is not the server's data directory here; {}", path, kAdvice));
}

// A set within the directory that it saves would be lost with it.
Status check_apart(const std::string& data, const std::string& set) {
  const auto within = [](const std::string& inner, const std::string& outer) {
    return inner == outer || inner.starts_with(outer + "/");
  };
  if (!within(set, data) && !within(data, set)) return {};
  return Error(ErrorCode::InvalidInput,
               fmt::format("{} and the data directory {} lie within each other", set, data));
}

Status check_follows(const log::Checkpoint& newest, const log::Checkpoint& now,
                     const std::string& set) {
  if (newest.directory != now.directory) {
    return Error(ErrorCode::Conflict,
                 fmt::format("{} holds backups of another data directory ({}, not {}; a restored "
                             "one is another); choose another directory",
                             set, newest.directory.to_string(), now.directory.to_string()));
  }
  if (now.through >= newest.through && now.incarnation >= newest.incarnation) return {};
  return Error(ErrorCode::Conflict,
               fmt::format("{} holds a backup of a later state (through commit {}, not {}): the "
                           "data directory was taken back; choose another directory",
                           set, newest.through.value, now.through.value));
}

class Run {
 public:
  Run(log::Disk& disk, HeldSnapshot& snapshot, const BackUpOptions& options, BackupSet& set,
      BackUpProgress& progress, const std::atomic<bool>& stop)
      : disk_(disk),
        snapshot_(snapshot),
        options_(options),
        set_(set),
        progress_(progress),
        stop_(stop) {}

  Status look_at_earlier_ones();
  Status check_room();
  Status copy_segments();
  Status finish(Timestamp taken);
  BackUpSummary take_summary() { return std::move(summary_); }

 private:
  const KnownSegment* find_known(const SegmentId& id) const {
    const auto known = known_.find(id);
    return known == known_.end() ? nullptr : &known->second;
  }

  log::Disk& disk_;
  HeldSnapshot& snapshot_;
  const BackUpOptions& options_;
  BackupSet& set_;
  BackUpProgress& progress_;
  const std::atomic<bool>& stop_;
  KnownSegments known_;
  std::map<SegmentId, std::uint32_t> copies_;  // The next number for each that has some.
  Manifest manifest_;
  BackUpSummary summary_;
};

Status Run::look_at_earlier_ones() {
  manifest_.number = set_.numbers().empty() ? 1 : set_.numbers().back() + 1;
  for (const auto number : set_.numbers()) {
    auto earlier = set_.read(number);
    if (!earlier)
      return std::move(earlier).error().with_context("an earlier backup cannot be used");
    for (const auto& [id, segment] : earlier->segments)
      copies_[id] = std::max(copies_[id], segment.copy + 1);
    if (number != set_.numbers().back()) continue;
    MYELIN_TRY_VOID(check_follows(earlier->state, snapshot_.state(), set_.directory()));
    if (options_.full) continue;
    for (const auto& named : segments_of(earlier->state))
      known_[named.id] = {named.state, earlier->segments.at(named.id)};
  }
  return {};
}

Status Run::check_room() {
  std::uint64_t needed = 0;
  for (const auto& segment : segments_of(snapshot_.state())) {
    const auto* known = find_known(segment.id);
    const auto all = segment.state.log_bytes + meta_bytes(segment.state);
    const auto held = known == nullptr ? 0 : known->state.log_bytes + meta_bytes(known->state);
    summary_.bytes += all;
    if (all > held) needed += all - held;
  }
  progress_.begins(needed);
  MYELIN_TRY(space, disk_.space(set_.directory()));
  if (needed <= space.free_bytes) return {};
  return Error(ErrorCode::Exhausted, fmt::format("{} has {} bytes left, {} are needed",
                                                 set_.directory(), space.free_bytes, needed));
}

Status Run::copy_segments() {
  Copier copier(progress_, stop_);
  SegmentBackup backup(disk_, set_, snapshot_.data_directory(), copies_, copier, stop_);
  for (const auto& segment : segments_of(snapshot_.state())) {
    MYELIN_TRY(outcome, backup.back_up(segment, find_known(segment.id)));
    ++summary_.segments;
    if (outcome.bytes > 0) ++summary_.copied_segments;
    summary_.copied_bytes += outcome.bytes;
    summary_.damaged_ranges += outcome.copied.damage.size();
    for (auto& sentence : outcome.damage) {
      if (summary_.damage.size() < kDamageToldMax) summary_.damage.push_back(std::move(sentence));
    }
    manifest_.segments[segment.id] = std::move(outcome.copied);
  }
  return {};
}

Status Run::finish(Timestamp taken) {
  manifest_.taken = taken;
  manifest_.state = snapshot_.state();
  // What was missing may have been removed, or the disk be gone.
  MYELIN_TRY_VOID(check_data_directory(disk_, snapshot_));
  if (stop_) return Error(ErrorCode::Canceled, "interrupted");
  auto held = snapshot_.check_held();
  if (!held) {
    return std::move(held).error().with_context(
        "the server may have removed files while they were copied");
  }
  MYELIN_TRY_VOID(set_.write(manifest_));
  const auto removed = set_.sweep(options_.keep);
  summary_.removed_files = removed ? *removed : 0;
  if (!removed) summary_.trouble = removed.error().message();
  summary_.number = manifest_.number;
  summary_.taken = taken;
  summary_.through = manifest_.state.through;
  summary_.topics = manifest_.state.topics.size();
  return {};
}

}  // namespace

Result<BackUpSummary> back_up(log::Disk& disk, const Clock& clock, HeldSnapshot& snapshot,
                              const BackUpOptions& options, BackUpProgress& progress,
                              const std::atomic<bool>& stop) {
  const auto taken = clock.now();
  MYELIN_TRY_VOID(check_data_directory(disk, snapshot));
  MYELIN_TRY_VOID(check_apart(snapshot.data_directory(), options.to));
  MYELIN_TRY(set, BackupSet::open(disk, options.to, BackupSet::For::Writing));
  Run run(disk, snapshot, options, *set, progress, stop);
  MYELIN_TRY_VOID(run.look_at_earlier_ones());
  MYELIN_TRY_VOID(run.check_room());
  MYELIN_TRY_VOID(run.copy_segments());
  MYELIN_TRY_VOID(run.finish(taken));
  return run.take_summary();
}

}  // namespace myelin::cli::backup
