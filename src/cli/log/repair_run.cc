#include "cli/log/repair_run.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/base64.h"
#include "cli/log/frame_salvage.h"
#include "formats/kafka/record_batch.h"
#include "log/segment.h"
#include "log/verify.h"

namespace myelin::cli::log_tools {
namespace {

constexpr std::size_t kOpenFilesMax = 64;
constexpr std::size_t kCopyBytes = 1u << 20;

// "20231114T221320Z".
std::string stamp(Timestamp now) {
  auto text = format_rfc3339(now);
  text = text.substr(0, text.find('.')) + "Z";
  std::erase_if(text, [](char c) { return c == '-' || c == ':'; });
  return text;
}

std::string parent_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

}  // namespace

RepairRun::RepairRun(log::Disk& disk, const Clock& clock, const Store& store,
                     const RepairPlan& plan)
    : disk_(disk),
      clock_(clock),
      store_(store),
      plan_(plan),
      geometry_(store.geometry),
      files_(disk, kOpenFilesMax) {}

Status RepairRun::run(std::string_view report) {
  // Errors of writebacks from here on are heard of by the later sync.
  MYELIN_TRY_VOID(disk_.sync_file_system(store_.directory));
  MYELIN_TRY_VOID(make_folder());
  for (const auto& kept : plan_.keeps) MYELIN_TRY_VOID(keep(kept));
  MYELIN_TRY_VOID(log::replace_file(disk_, folder_, "report.txt", report));
  if (plan_.rebuilds) {
    MYELIN_TRY_VOID(write_segments());
    MYELIN_TRY_VOID(disk_.sync_file_system(store_.directory));
    MYELIN_TRY_VOID(put_in_place());
    MYELIN_TRY_VOID(write_headers());
    MYELIN_TRY_VOID(write_journal());
    MYELIN_TRY_VOID(disk_.sync_file_system(store_.directory));
    MYELIN_TRY_VOID(log::replace_file(disk_, store_.directory, "checkpoint",
                                      log::encode_checkpoint(plan_.state)));
  }
  for (const auto& planned : plan_.moves) {
    MYELIN_TRY(there, disk_.exists(planned.path));
    // One whose name was needed has moved already.
    if (there && !disk_.exists(aside(planned.path)).value_or(true))
      MYELIN_TRY_VOID(move(planned.path));
  }
  for (const auto& planned : plan_.cuts) MYELIN_TRY_VOID(cut(planned));
  return disk_.sync_file_system(store_.directory);
}

Status RepairRun::make_folder() {
  const auto base = fmt::format("{}/repaired-{}", store_.directory, stamp(clock_.now()));
  folder_ = base;
  for (int i = 2;; ++i) {
    MYELIN_TRY(there, disk_.exists(folder_));
    if (!there) break;
    folder_ = fmt::format("{}-{}", base, i);
  }
  MYELIN_TRY_VOID(disk_.make_directory(folder_));
  return disk_.sync_directory(store_.directory);
}

std::string RepairRun::aside(const std::string& path) const {
  return folder_ + path.substr(store_.directory.size());
}

Status RepairRun::make_folders_of(const std::string& path) {
  for (auto at = path.find('/', folder_.size() + 1); at != std::string::npos;
       at = path.find('/', at + 1)) {
    MYELIN_TRY_VOID(disk_.make_directory(path.substr(0, at)));
    MYELIN_TRY_VOID(disk_.sync_directory(parent_of(path.substr(0, at))));
  }
  return {};
}

// A copy: the file itself is changed or goes on being used.
Status RepairRun::keep(const Keep& kept) {
  const auto to =
      kept.from > 0 ? fmt::format("{}.from-{}", aside(kept.path), kept.from) : aside(kept.path);
  MYELIN_TRY_VOID(make_folders_of(to));
  MYELIN_TRY(source, disk_.open(kept.path, log::Writes::None, log::Create::No));
  MYELIN_TRY(copy, disk_.open(to, log::Writes::Buffered, log::Create::Empty));
  const auto end = kept.bytes > 0 ? kept.from + kept.bytes : ~std::uint64_t{0};
  std::string piece;
  for (auto at = kept.from; at < end; at += piece.size()) {
    piece.resize(std::min<std::uint64_t>(kCopyBytes, end - at));
    MYELIN_TRY(got, source->read_at(at, piece.data(), piece.size()));
    piece.resize(got);
    if (got == 0) break;
    MYELIN_TRY_VOID(copy->write_at(at - kept.from, piece));
  }
  MYELIN_TRY_VOID(copy->sync());
  return disk_.sync_directory(parent_of(to));
}

Status RepairRun::move(const std::string& path) {
  const auto to = aside(path);
  MYELIN_TRY_VOID(make_folders_of(to));
  files_.forget(path);
  MYELIN_TRY_VOID(disk_.rename(path, to));
  MYELIN_TRY_VOID(disk_.sync_directory(parent_of(to)));
  return disk_.sync_directory(parent_of(path));
}

Status RepairRun::cut(const Cut& cut) {
  MYELIN_TRY(file, disk_.open(cut.path, log::Writes::Buffered, log::Create::No));
  MYELIN_TRY_VOID(file->truncate(cut.bytes));
  return file->sync();
}

std::string RepairRun::partition_of(const log::PartitionId& id) const {
  return partition_path(store_.directory, plan_.state.topics.at(id.topic).name, id.partition);
}

std::string RepairRun::fresh_path(const log::PartitionId& id) const {
  return fmt::format("{}/new/{}-{}", folder_, plan_.state.topics.at(id.topic).name,
                     id.partition.value);
}

// The segments that the journal's batches make, beside the directory's own.
Status RepairRun::write_segments() {
  for (const auto& [id, partition] : plan_.partitions) {
    for (const auto base : partition.new_segments()) {
      MYELIN_TRY_VOID(make_folders_of(fresh_path(id) + "/"));
      MYELIN_TRY_VOID(log::Segment(files_, fresh_path(id), id, base).create());
      written_[{id, base}] = {base, 0, 0};
    }
  }
  for (std::size_t i = 0; i < plan_.batches.size();) {
    const auto& frame = plan_.scan->frames[plan_.batches[i].frame];
    MYELIN_TRY(body, read_body(disk_, geometry_, frame));
    MYELIN_TRY(entries, log::decode_entries(body, frame.header.entry_count));
    for (const auto number = plan_.batches[i].frame;
         i < plan_.batches.size() && plan_.batches[i].frame == number; ++i) {
      const auto& batch = plan_.batches[i];
      MYELIN_TRY_VOID(write_batch(batch, frame.header, entries[batch.entry]));
    }
  }
  for (const auto& [id, partition] : plan_.partitions) {
    for (const auto& segment : partition.state().segments) {
      const auto written = written_.find({id, segment.base_offset});
      if (written != written_.end() && segment.generation == 0 && written->second != segment)
        return Error(ErrorCode::Internal, "a new segment is not what was planned");
    }
  }
  return {};
}

Status RepairRun::write_batch(const PlannedBatch& planned, const log::FrameHeader& header,
                              const log::Entry& entry) {
  log::BatchRef batch;
  std::string stored;
  if (const auto* whole = std::get_if<log::BatchEntry>(&entry)) {
    batch.first_record = whole->first_record;
    batch.received = whole->received;
    batch.bytes = whole->bytes;
  } else {
    const auto& named = std::get<log::StoredEntry>(entry);
    MYELIN_TRY(bytes, read_stored_batch(disk_,
                                        log::segment_path(partition_of(planned.partition),
                                                          named.segment, 0, log::SegmentFile::Log),
                                        named));
    stored = std::move(bytes);
    batch.first_record = named.first_record;
    batch.received = named.received;
    batch.bytes = stored;
  }
  MYELIN_TRY(info, kafka::parse_batch_header(batch.bytes));
  batch.partition = planned.partition;
  batch.base_offset = log::Offset(info.base_offset);
  batch.last_offset = log::Offset(info.last_offset());
  batch.record_count = static_cast<std::uint32_t>(info.record_count);
  batch.commit = header.commit;
  log::Segment segment(files_, fresh_path(planned.partition), planned.partition, planned.segment);
  return segment.append(std::span(&batch, 1), written_.at({planned.partition, planned.segment}));
}

Status RepairRun::put_in_place() {
  for (const auto& [id, partition] : plan_.partitions) {
    if (!partition.state().segments.empty()) MYELIN_TRY_VOID(put_in_place(id, partition));
  }
  return {};
}

Status RepairRun::put_in_place(const log::PartitionId& id, const Salvage& partition) {
  const auto path = partition_of(id);
  MYELIN_TRY_VOID(disk_.make_directory(store_.directory + "/topics"));
  MYELIN_TRY(there, disk_.exists(path));
  const auto* folder = store_.find(path);
  // An earlier topic's folder gives its name away.
  if (there && folder != nullptr && folder->topic && *folder->topic != id.topic) {
    MYELIN_TRY_VOID(move(path));
    there = false;
  }
  if (!there) MYELIN_TRY_VOID(disk_.make_directory(path));
  if (!there || folder == nullptr || folder->metadata != MetadataFile::Good) {
    if (there && folder != nullptr && folder->metadata == MetadataFile::Damaged)
      MYELIN_TRY_VOID(move(path + "/partition.metadata"));
    MYELIN_TRY_VOID(write_metadata(path, id.topic));
  }
  for (const auto base : partition.new_segments()) {
    for (const auto file : {log::SegmentFile::Log, log::SegmentFile::Meta}) {
      const auto to = log::segment_path(path, base, 0, file);
      const auto from = log::segment_path(fresh_path(id), base, 0, file);
      MYELIN_TRY(taken, disk_.exists(to));
      if (taken) MYELIN_TRY_VOID(move(to));
      files_.forget(from);
      MYELIN_TRY_VOID(disk_.rename(from, to));
    }
  }
  MYELIN_TRY_VOID(disk_.sync_directory(path));
  return disk_.sync_directory(store_.directory + "/topics");
}

Status RepairRun::write_metadata(const std::string& path, const log::TopicId& topic) {
  auto id = encode_base64(topic.view());
  id.resize(id.find('='));
  std::ranges::replace(id, '+', '-');
  std::ranges::replace(id, '/', '_');
  return log::replace_file(disk_, path, "partition.metadata",
                           fmt::format("version: 0\ntopic_id: {}\n", id));
}

Status RepairRun::write_headers() {
  for (const auto& [id, partition] : plan_.partitions) {
    const auto& bad = partition.rebuilt().bad_headers;
    for (const auto& segment : partition.state().segments) {
      const auto path = log::segment_path(partition_of(id), segment.base_offset, segment.generation,
                                          log::SegmentFile::Meta);
      if (std::ranges::find(bad, path) == bad.end()) continue;
      MYELIN_TRY(file, disk_.open(path, log::Writes::Buffered, log::Create::No));
      MYELIN_TRY_VOID(file->write_at(
          0, log::encode_companion_header({segment.meta_version, id, segment.base_offset})));
      MYELIN_TRY_VOID(file->sync());
    }
  }
  return {};
}

Status RepairRun::write_journal() {
  MYELIN_TRY_VOID(disk_.make_directory(geometry_.directory));
  for (const auto& path : plan_.new_journal_files) {
    MYELIN_TRY(there, disk_.exists(path));
    if (there) MYELIN_TRY_VOID(move(path));
    MYELIN_TRY(file, disk_.open(path, log::Writes::Buffered, log::Create::Empty));
    MYELIN_TRY_VOID(file->allocate(geometry_.file_bytes));
    MYELIN_TRY_VOID(file->sync());
  }
  return disk_.sync_directory(geometry_.directory);
}

}  // namespace myelin::cli::log_tools
