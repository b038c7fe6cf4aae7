#include "cli/backup/segment_backup.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/crc32c.h"

namespace myelin::cli::backup {
namespace {

constexpr std::uint64_t kCompareBytes = 1u << 20;
constexpr log::SegmentFile kBoth[] = {log::SegmentFile::Log, log::SegmentFile::Meta};

std::uint64_t bytes_of(const log::SegmentState& state, log::SegmentFile file) {
  return file == log::SegmentFile::Log ? state.log_bytes : meta_bytes(state);
}

std::uint64_t entry_position(std::uint64_t index) {
  return log::kMetaHeaderBytes + index * log::kMetaEntryBytes;
}

// Where to go on in a companion of so many entries; its header is copied with the first.
std::uint64_t meta_begin(std::uint64_t batch_count) {
  return batch_count == 0 ? 0 : entry_position(batch_count);
}

bool entry_checks(std::string_view entry) {
  constexpr std::size_t kCrcAt = log::kMetaEntryBytes - 4;
  return crc32c(entry.substr(0, kCrcAt)) == load_le<std::uint32_t>(entry.data() + kCrcAt);
}

bool overlaps(const DamagedRange& range, const Unread& unread) {
  return range.file == unread.file && range.byte < unread.byte + unread.bytes &&
         unread.byte < range.byte + range.bytes;
}

Error not_the_same(const std::string& path) {
  return Error(ErrorCode::Conflict,
               fmt::format("{} no longer holds what was backed up before: the data directory was "
                           "taken back to an earlier state; back it up to another directory",
                           path));
}

}  // namespace

Result<SegmentBackup::Outcome> SegmentBackup::back_up(const NamedSegment& segment,
                                                      const KnownSegment* known) {
  MYELIN_TRY_VOID(copier_.check_stop());
  Outcome outcome;
  if (known != nullptr) {
    MYELIN_TRY(there, is_there(segment, *known));
    if (!there) known = nullptr;
  }
  if (known != nullptr && known->copied.damage.empty() && known->state == segment.state) {
    outcome.copied = known->copied;
    return outcome;
  }
  MYELIN_TRY(source, open_served_segment(disk_, data_, segment.topic.name, segment.id));
  if (known != nullptr) MYELIN_TRY_VOID(check_same(segment, *known, source));
  MYELIN_TRY(begun, begin(segment, known, source));
  const bool is_new_copy = known == nullptr || begun.copy != known->copied.copy;
  if (!is_new_copy && known->state == segment.state) {
    outcome.copied = known->copied;
    tell_known(segment, *known, outcome);
    return outcome;
  }
  (void)copier_.take_unread();
  MYELIN_TRY_VOID(add(segment, begun, source));
  outcome.bytes = segment.state.log_bytes - begun.log_bytes + meta_bytes(segment.state) -
                  meta_begin(begun.batch_count);
  outcome.copied.copy = begun.copy;
  outcome.copied.damage = begun.damage;
  if (!begun.damage.empty()) tell_known(segment, *known, outcome);
  MYELIN_TRY_VOID(verify(segment, begun, source, outcome));
  return outcome;
}

// Somebody may have taken files out of the set.
Result<bool> SegmentBackup::is_there(const NamedSegment& segment, const KnownSegment& known) {
  for (const auto which : kBoth) {
    const auto file = disk_.open(set_.path_of(segment.id, known.copied.copy, which),
                                 log::Writes::None, log::Create::No);
    if (!file && file.error().code() == ErrorCode::NotFound) return false;
    if (!file) return file.error();
    MYELIN_TRY(size, (*file)->size_bytes());
    if (size < bytes_of(known.state, which)) return false;
  }
  return true;
}

// A segment only grows; its last entry that was backed up names offset, commit and checksums.
Status SegmentBackup::check_same(const NamedSegment& segment, const KnownSegment& known,
                                 const SegmentSource& source) {
  const auto& was = known.state;
  const auto& now = segment.state;
  if (was.batch_count > now.batch_count || was.log_bytes > now.log_bytes ||
      (was.batch_count == now.batch_count && was != now)) {
    return not_the_same(source.log.path);
  }
  if (was.batch_count == 0 || !source.meta.file) return {};
  const auto at = entry_position(was.batch_count - 1);
  std::string theirs(log::kMetaEntryBytes, '\0');
  std::string ours = theirs;
  const auto read = source.meta.file->read_at(at, theirs.data(), theirs.size());
  MYELIN_TRY(kept, open_segment(disk_, set_.directory_of(segment.id.partition, known.copied.copy),
                                segment.id));
  if (!read || !kept.meta.file) return {};
  const auto kept_read = kept.meta.file->read_at(at, ours.data(), ours.size());
  if (kept_read && theirs != ours && entry_checks(theirs) && entry_checks(ours))
    return not_the_same(source.meta.path);
  return {};
}

Result<SegmentBackup::Begun> SegmentBackup::begin(const NamedSegment& segment,
                                                  const KnownSegment* known,
                                                  const SegmentSource& source) {
  Begun begun;
  const auto next_copy = copies_.find(segment.id);
  if (known == nullptr) {
    if (next_copy != copies_.end()) begun.copy = next_copy->second;
    begun.is_fresh = true;
    return begun;
  }
  begun.log_bytes = known->state.log_bytes;
  begun.batch_count = known->state.batch_count;
  MYELIN_TRY(differs, reads_differently(segment, *known, source));
  if (differs) {
    begun.copy = next_copy->second;
    MYELIN_TRY_VOID(copy_anew(segment, *known, source, begun.copy));
    return begun;
  }
  begun.copy = known->copied.copy;
  begun.verify_from = known->state.batch_count;
  begun.damage = known->copied.damage;
  return begun;
}

// Whether what was damaged reads differently now: a disk that was replaced, a rights problem.
Result<bool> SegmentBackup::reads_differently(const NamedSegment& segment,
                                              const KnownSegment& known,
                                              const SegmentSource& source) {
  if (known.copied.damage.empty()) return false;
  MYELIN_TRY(kept, open_segment(disk_, set_.directory_of(segment.id.partition, known.copied.copy),
                                segment.id));
  for (const auto& range : known.copied.damage) {
    for (std::uint64_t at = 0; at < range.bytes; at += kCompareBytes) {
      MYELIN_TRY_VOID(copier_.check_stop());
      const auto size = std::min(kCompareBytes, range.bytes - at);
      (void)copier_.take_unread();
      const auto now = copier_.read(source, range.file, range.byte + at, size);
      const bool whole = copier_.take_unread().empty();
      if (whole && now != copier_.read(kept, range.file, range.byte + at, size)) return true;
    }
  }
  (void)copier_.take_unread();
  return false;
}

// From the copy that is there, with the damaged ranges from the data directory.
Status SegmentBackup::copy_anew(const NamedSegment& segment, const KnownSegment& known,
                                const SegmentSource& source, std::uint32_t copy) {
  MYELIN_TRY_VOID(set_.make_directory_of(segment.id.partition, copy));
  MYELIN_TRY(kept, open_segment(disk_, set_.directory_of(segment.id.partition, known.copied.copy),
                                segment.id));
  for (const auto which : kBoth) {
    MYELIN_TRY(target, disk_.open(set_.path_of(segment.id, copy, which), log::Writes::Buffered,
                                  log::Create::Empty));
    MYELIN_TRY_VOID(copier_.copy(kept, which, 0, bytes_of(known.state, which), *target));
    for (const auto& range : known.copied.damage) {
      if (range.file != which) continue;
      const auto end = std::min(range.byte + range.bytes, bytes_of(known.state, which));
      MYELIN_TRY_VOID(copier_.copy(source, which, range.byte, end, *target));
    }
  }
  return {};
}

Status SegmentBackup::add(const NamedSegment& segment, const Begun& begun,
                          const SegmentSource& source) {
  MYELIN_TRY_VOID(set_.make_directory_of(segment.id.partition, begun.copy));
  for (const auto which : kBoth) {
    const auto path = set_.path_of(segment.id, begun.copy, which);
    MYELIN_TRY(target, disk_.open(path, log::Writes::Buffered,
                                  begun.is_fresh ? log::Create::Empty : log::Create::No));
    const auto from =
        which == log::SegmentFile::Log ? begun.log_bytes : meta_begin(begun.batch_count);
    MYELIN_TRY_VOID(copier_.copy(source, which, from, bytes_of(segment.state, which), *target));
    MYELIN_TRY_VOID(target->sync());
  }
  return disk_.sync_directory(set_.directory_of(segment.id.partition, begun.copy));
}

Status SegmentBackup::verify(const NamedSegment& segment, const Begun& begun,
                             const SegmentSource& source, Outcome& outcome) {
  const auto directory = set_.directory_of(segment.id.partition, begun.copy);
  const auto unread = copier_.take_unread();
  MYELIN_TRY(found, verify_segment(disk_, directory, segment, begun.verify_from, copier_.progress(),
                                   stop_));
  if (found.damage.empty()) return {};
  MYELIN_TRY(kept, open_segment(disk_, directory, segment.id));
  for (std::size_t i = 0; i < found.damage.size(); ++i) {
    const auto& range = found.damage[i];
    // A damaged header is found again each time.
    const auto& all = outcome.copied.damage;
    if (std::find(all.begin(), all.end(), range) != all.end()) continue;
    MYELIN_TRY_VOID(check_kept(source, kept, range));
    outcome.copied.damage.push_back(range);
    const auto why = std::find_if(unread.begin(), unread.end(),
                                  [&](const Unread& part) { return overlaps(range, part); });
    outcome.damage.push_back(describe(range, source.of(range.file).path,
                                      why == unread.end() ? found.what[i] : why->why));
  }
  return {};
}

// That what is damaged was copied so, and was not damaged by the copying.
Status SegmentBackup::check_kept(const SegmentSource& source, const SegmentSource& kept,
                                 const DamagedRange& range) {
  for (std::uint64_t at = 0; at < range.bytes; at += kCompareBytes) {
    const auto size = std::min(kCompareBytes, range.bytes - at);
    (void)copier_.take_unread();
    const auto theirs = copier_.read(source, range.file, range.byte + at, size);
    if (!copier_.take_unread().empty()) continue;
    if (theirs == copier_.read(kept, range.file, range.byte + at, size)) continue;
    return Error(
        ErrorCode::Corrupt,
        fmt::format("{} does not read back as it was written, behind byte {}: do not trust "
                    "the disk of the backup",
                    kept.of(range.file).path, range.byte + at));
  }
  return {};
}

void SegmentBackup::tell_known(const NamedSegment& segment, const KnownSegment& known,
                               Outcome& outcome) const {
  const auto directory = fmt::format("{}/topics/{}-{}", data_, segment.topic.name,
                                     segment.id.partition.partition.value);
  for (const auto& range : known.copied.damage) {
    const auto path =
        log::segment_path(directory, segment.id.base_offset, segment.id.generation, range.file);
    outcome.damage.push_back(describe(range, path, usual_words(range.kind)));
  }
}

}  // namespace myelin::cli::backup
