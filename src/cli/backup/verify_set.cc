#include "cli/backup/verify_set.h"

#include <fmt/format.h>

#include <algorithm>

namespace myelin::cli::backup {

Result<Manifest> choose_backup(const BackupSet& set, std::uint64_t number) {
  if (number != 0) return set.read(number);
  if (set.numbers().empty()) {
    return Error(ErrorCode::NotFound,
                 fmt::format("backup directory {} holds no complete backup", set.directory()));
  }
  return set.read(set.numbers().back());
}

Result<VerifySummary> verify_backup(log::Disk& disk, const BackupSet& set, std::uint64_t number,
                                    BackUpProgress& progress, const std::atomic<bool>& stop) {
  MYELIN_TRY(manifest, choose_backup(set, number));
  VerifySummary summary;
  summary.number = manifest.number;
  summary.taken = manifest.taken;
  summary.through = manifest.state.through;
  summary.topics = manifest.state.topics.size();
  const auto segments = segments_of(manifest.state);
  summary.segments = segments.size();
  std::uint64_t bytes = 0;
  for (const auto& segment : segments) bytes += segment.state.log_bytes;
  progress.begins(bytes);
  for (const auto& segment : segments) {
    const auto& copied = manifest.segments.at(segment.id);
    MYELIN_TRY(found, verify_segment(disk, set.directory_of(segment.id.partition, copied.copy),
                                     segment, 0, progress, stop));
    summary.records += found.records;
    summary.bytes += found.bytes;
    for (std::size_t i = 0; i < found.damage.size(); ++i) {
      const auto& range = found.damage[i];
      const bool known =
          std::any_of(copied.damage.begin(), copied.damage.end(), [&](const DamagedRange& one) {
            return one.file == range.file && one.byte <= range.byte &&
                   range.byte + range.bytes <= one.byte + one.bytes;
          });
      auto& told = known ? summary.known_damage : summary.damage;
      ++(known ? summary.known_ranges : summary.damaged_ranges);
      if (told.size() < kDamageToldMax)
        told.push_back(
            describe(range, set.path_of(segment.id, copied.copy, range.file), found.what[i]));
    }
  }
  return summary;
}

}  // namespace myelin::cli::backup
