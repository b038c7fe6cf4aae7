#include "cli/backup/restore.h"

#include <fmt/format.h>

#include <filesystem>
#include <set>

#include "cli/backup/verify_set.h"
#include "log/directory.h"
#include "log/file_pool.h"
#include "log/journal.h"

namespace myelin::cli::backup {
namespace {

constexpr std::size_t kOpenFiles = 8;

// A manifest that somebody made up must not write elsewhere.
Status check_names(const log::Checkpoint& state) {
  std::set<std::string_view> names;
  for (const auto& [id, topic] : state.topics) {
    const bool plain = !topic.name.empty() && topic.name != "." && topic.name != ".." &&
                       topic.name.find_first_of(std::string_view("/\0", 2)) == std::string::npos;
    if (plain && names.insert(topic.name).second) continue;
    return Error(ErrorCode::Corrupt, "the manifest names a topic that cannot be");
  }
  const bool turns = state.journal_file_bytes >= 8 * log::kBlockBytes &&
                     state.journal_file_bytes % log::kBlockBytes == 0 &&
                     state.journal_file_count >= 2;
  if (turns) return {};
  return Error(ErrorCode::Corrupt, "the manifest tells of a journal that cannot be");
}

Uuid new_directory_id(Random& random) {
  Uuid id;
  random.fill(id.bytes.data(), id.bytes.size());
  id.bytes[6] = static_cast<std::uint8_t>((id.bytes[6] & 0x0f) | 0x40);
  id.bytes[8] = static_cast<std::uint8_t>((id.bytes[8] & 0x3f) | 0x80);
  return id;
}

log::Checkpoint state_to_open(const log::Checkpoint& backed_up, Random& random) {
  auto state = backed_up;
  state.directory = new_directory_id(random);
  state.incarnation += kIncarnationStep;
  random.fill(&state.secret, sizeof state.secret);
  state.replay = {};
  state.clean = true;
  return state;
}

class Run {
 public:
  Run(log::Disk& disk, const BackupSet& set, std::string data, BackUpProgress& progress,
      const std::atomic<bool>& stop)
      : disk_(disk),
        set_(set),
        data_(std::move(data)),
        progress_(progress),
        stop_(stop),
        copier_(progress, stop) {}

  Status check_target();
  Status check_room(const log::Checkpoint& state);
  Status begin();
  Status restore_segment(const NamedSegment& segment, const CopiedSegment& copied);
  Status finish(const log::Checkpoint& state);
  RestoreSummary& summary() { return summary_; }

 private:
  std::string topics() const { return data_ + "/topics"; }
  std::string directory_of(const NamedSegment& segment) const {
    return fmt::format("{}/{}-{}", topics(), segment.topic.name,
                       segment.id.partition.partition.value);
  }
  Status make_partition(const NamedSegment& segment, const std::string& directory);
  Status copy(const SegmentSource& source, const NamedSegment& segment,
              const std::string& directory, log::SegmentFile which);
  Status mend_header(const NamedSegment& segment, const std::string& directory);

  log::Disk& disk_;
  const BackupSet& set_;
  const std::string data_;
  BackUpProgress& progress_;
  const std::atomic<bool>& stop_;
  Copier copier_;
  std::unique_ptr<log::DirectoryLock> lock_;
  std::string last_partition_;  // Its directory is there.
  RestoreSummary summary_;
};

Status Run::check_target() {
  MYELIN_TRY(exists, disk_.exists(data_));
  if (!exists) return {};
  MYELIN_TRY(entries, disk_.list(data_));
  for (const auto& entry : entries) {
    if (entry.name == "lost+found" || entry.name == "lock") continue;
    return Error(ErrorCode::Conflict,
                 fmt::format("{} is not empty: it holds {}; a backup is restored to a directory of "
                             "its own",
                             data_, entry.name));
  }
  return {};
}

Status Run::check_room(const log::Checkpoint& state) {
  std::uint64_t needed = 0;
  for (const auto& segment : segments_of(state))
    needed += segment.state.log_bytes + meta_bytes(segment.state);
  progress_.begins(needed);
  needed += state.journal_file_bytes * state.journal_file_count;
  MYELIN_TRY(exists, disk_.exists(data_));
  MYELIN_TRY(space,
             disk_.space(exists ? data_ : std::filesystem::path(data_).parent_path().string()));
  if (needed <= space.free_bytes) return {};
  return Error(ErrorCode::Exhausted,
               fmt::format("{} has {} bytes left, {} are needed", data_, space.free_bytes, needed));
}

// With topics/ and without a checkpoint it is a directory that no server opens.
Status Run::begin() {
  MYELIN_TRY(exists, disk_.exists(data_));
  if (!exists) {
    MYELIN_TRY_VOID(disk_.make_directory(data_));
    MYELIN_TRY_VOID(sync_parent(disk_, data_));
  }
  MYELIN_TRY(lock, disk_.lock(data_ + "/lock"));
  lock_ = std::move(lock);
  MYELIN_TRY_VOID(check_target());  // Under the lock.
  MYELIN_TRY_VOID(disk_.make_directory(topics()));
  return disk_.sync_directory(data_);
}

Status Run::make_partition(const NamedSegment& segment, const std::string& directory) {
  if (directory == last_partition_) return {};
  MYELIN_TRY_VOID(disk_.make_directory(directory));
  MYELIN_TRY(file, disk_.open(directory + "/partition.metadata", log::Writes::Buffered,
                              log::Create::Empty));
  MYELIN_TRY_VOID(file->write_at(0, log::partition_metadata(segment.id.partition.topic)));
  MYELIN_TRY_VOID(file->sync());
  last_partition_ = directory;
  return {};
}

Status Run::copy(const SegmentSource& source, const NamedSegment& segment,
                 const std::string& directory, log::SegmentFile which) {
  const auto path =
      log::segment_path(directory, segment.id.base_offset, segment.id.generation, which);
  const auto bytes =
      which == log::SegmentFile::Log ? segment.state.log_bytes : meta_bytes(segment.state);
  MYELIN_TRY(target, disk_.open(path, log::Writes::Buffered, log::Create::Empty));
  MYELIN_TRY_VOID(copier_.copy(source, which, 0, bytes, *target));
  return target->sync();
}

// A server opens no partition whose last segment does not begin with its own header, and the header
// holds nothing that is not known.
Status Run::mend_header(const NamedSegment& segment, const std::string& directory) {
  if (segment.state.meta_version != log::kMetaVersion) return {};
  log::FilePool files(disk_, kOpenFiles);
  log::Segment stored(files, directory, segment.id.partition, segment.state);
  MYELIN_TRY_VOID(stored.create());
  MYELIN_TRY(file, files.get(stored.meta_path()));
  return file->sync();
}

Status Run::restore_segment(const NamedSegment& segment, const CopiedSegment& copied) {
  const auto directory = directory_of(segment);
  MYELIN_TRY_VOID(make_partition(segment, directory));
  MYELIN_TRY(source,
             open_segment(disk_, set_.directory_of(segment.id.partition, copied.copy), segment.id));
  for (const auto which : {log::SegmentFile::Log, log::SegmentFile::Meta})
    MYELIN_TRY_VOID(copy(source, segment, directory, which));
  MYELIN_TRY_VOID(disk_.sync_directory(directory));
  const auto unread = copier_.take_unread();
  MYELIN_TRY(found, verify_segment(disk_, directory, segment, 0, progress_, stop_));
  ++summary_.segments;
  summary_.records += found.records;
  summary_.bytes += segment.state.log_bytes + meta_bytes(segment.state);
  summary_.damaged_ranges += found.damage.size();
  for (std::size_t i = 0; i < found.damage.size(); ++i) {
    const auto& range = found.damage[i];
    if (range.kind == log::DamageKind::Header) MYELIN_TRY_VOID(mend_header(segment, directory));
    if (summary_.damage.size() >= kDamageToldMax) continue;
    const auto path =
        log::segment_path(directory, segment.id.base_offset, segment.id.generation, range.file);
    summary_.damage.push_back(
        describe(range, path, unread.empty() ? found.what[i] : unread.front().why));
  }
  return {};
}

Status Run::finish(const log::Checkpoint& state) {
  MYELIN_TRY_VOID(disk_.sync_directory(topics()));
  MYELIN_TRY_VOID(copier_.check_stop());
  const log::JournalGeometry geometry{data_ + "/journal", state.journal_file_bytes,
                                      state.journal_file_count};
  // A clean directory goes on in the lap behind that of its checkpoint.
  MYELIN_TRY_VOID(log::create_journal(disk_, geometry, state.replay.lap + 1));
  MYELIN_TRY_VOID(disk_.sync_directory(data_));
  return log::replace_file(disk_, data_, "checkpoint", log::encode_checkpoint(state));
}

}  // namespace

Result<RestoreSummary> restore(log::Disk& disk, Random& random, const BackupSet& set,
                               const RestoreOptions& options, BackUpProgress& progress,
                               const std::atomic<bool>& stop) {
  MYELIN_TRY(manifest, choose_backup(set, options.number));
  MYELIN_TRY_VOID(check_names(manifest.state));
  const auto state = state_to_open(manifest.state, random);
  Run run(disk, set, options.data, progress, stop);
  MYELIN_TRY_VOID(run.check_target());
  MYELIN_TRY_VOID(run.check_room(state));
  MYELIN_TRY_VOID(run.begin());
  for (const auto& segment : segments_of(state))
    MYELIN_TRY_VOID(run.restore_segment(segment, manifest.segments.at(segment.id)));
  MYELIN_TRY_VOID(run.finish(state));
  auto summary = std::move(run.summary());
  summary.number = manifest.number;
  summary.taken = manifest.taken;
  summary.directory = state.directory;
  summary.through = state.through;
  summary.last_received = state.last_received;
  summary.topics = state.topics.size();
  return summary;
}

}  // namespace myelin::cli::backup
