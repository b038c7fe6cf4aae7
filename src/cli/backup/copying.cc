#include "cli/backup/copying.h"

#include <fmt/format.h>

#include <algorithm>

#include "log/file_pool.h"

namespace myelin::cli::backup {
namespace {

constexpr std::uint64_t kPieceBytes = 1u << 20;
constexpr std::size_t kOpenFiles = 8;

Result<SourceFile> open_file(log::Disk& disk, const std::string& path) {
  auto file = disk.open(path, log::Writes::None, log::Create::No);
  if (file) return SourceFile{path, std::move(*file)};
  if (file.error().code() == ErrorCode::Exhausted) return std::move(file).error();
  const bool missing = file.error().code() == ErrorCode::NotFound;
  return SourceFile{path, nullptr, missing ? "the file is missing" : file.error().message()};
}

}  // namespace

Result<SegmentSource> open_segment(log::Disk& disk, const std::string& directory,
                                   const SegmentId& segment) {
  const auto path = [&](log::SegmentFile file) {
    return log::segment_path(directory, segment.base_offset, segment.generation, file);
  };
  MYELIN_TRY(log, open_file(disk, path(log::SegmentFile::Log)));
  MYELIN_TRY(meta, open_file(disk, path(log::SegmentFile::Meta)));
  return SegmentSource{std::move(log), std::move(meta)};
}

Result<SegmentSource> open_served_segment(log::Disk& disk, const std::string& data,
                                          const std::string& topic, const SegmentId& segment) {
  const auto& id = segment.partition;
  const auto served = fmt::format("{}/topics/{}-{}", data, topic, id.partition.value);
  const auto deleted =
      fmt::format("{}/topics/{}-{}.deleted", data, id.topic.to_string(), id.partition.value);
  MYELIN_TRY(source, open_segment(disk, served, segment));
  // Moved once and for good: while it has not, what was opened was not another topic's.
  MYELIN_TRY(moved, disk.exists(deleted));
  if (!moved) return source;
  return open_segment(disk, deleted, segment);
}

Status Copier::check_stop() const {
  if (stop_) return Error(ErrorCode::Canceled, "interrupted");
  return {};
}

Status Copier::copy(const SegmentSource& source, log::SegmentFile which, std::uint64_t from,
                    std::uint64_t to, log::File& target) {
  for (auto at = from; at < to; at += kPieceBytes) {
    MYELIN_TRY_VOID(check_stop());
    const auto piece = read(source, which, at, std::min(kPieceBytes, to - at));
    MYELIN_TRY_VOID(target.write_at(at, piece));
    progress_.copied(piece.size());
  }
  return {};
}

std::string Copier::read(const SegmentSource& source, log::SegmentFile which, std::uint64_t from,
                         std::size_t size) {
  std::string piece(size, '\0');
  const auto& [path, file, why_not] = source.of(which);
  if (!file) {
    note(which, from, size, why_not);
    return piece;
  }
  const auto got = file->read_at(from, piece.data(), size);
  if (!got) {
    read_blocks(source, which, from, piece);
  } else if (*got < size) {
    std::fill(piece.begin() + static_cast<std::ptrdiff_t>(*got), piece.end(), '\0');
    note(which, from + *got, size - *got, fmt::format("the file ends at byte {}", from + *got));
  }
  return piece;
}

// One bad sector is no reason to give up its neighbours.
void Copier::read_blocks(const SegmentSource& source, log::SegmentFile which, std::uint64_t from,
                         std::string& piece) {
  for (std::size_t at = 0; at < piece.size();) {
    // To the next whole block of the disk.
    const auto next = ((from + at) / log::kBlockBytes + 1) * log::kBlockBytes - from;
    const auto bytes = std::min<std::size_t>(next, piece.size()) - at;
    const auto got = source.of(which).file->read_at(from + at, piece.data() + at, bytes);
    if (!got || *got < bytes) {
      std::fill_n(piece.data() + at, bytes, '\0');
      note(which, from + at, bytes, got ? "the file ends before" : got.error().message());
    }
    at += bytes;
  }
}

void Copier::note(log::SegmentFile which, std::uint64_t from, std::uint64_t bytes,
                  std::string why) {
  if (!unread_.empty()) {
    auto& last = unread_.back();
    if (last.file == which && last.byte + last.bytes == from) {
      last.bytes += bytes;
      return;
    }
  }
  unread_.push_back({which, from, bytes, std::move(why)});
}

Result<Verified> verify_segment(log::Disk& disk, const std::string& directory,
                                const NamedSegment& segment, std::uint64_t from_entry,
                                Progress& progress, const std::atomic<bool>& stop) {
  log::FilePool files(disk, kOpenFiles, log::Writes::None);
  log::SegmentVerifier verifier(files, directory, segment.id.partition, segment.state, segment.end,
                                log::VerifyDepth::Checksums, from_entry);
  Verified found;
  for (bool more = true; more;) {
    if (stop) return Error(ErrorCode::Canceled, "interrupted");
    const auto before = verifier.bytes();
    MYELIN_TRY(stepped, verifier.step(kPieceBytes));
    more = stepped;
    progress.verified(verifier.bytes() - before);
    for (auto& damage : verifier.take_damage()) {
      const bool in_meta = damage.path.ends_with(".meta");
      found.damage.push_back({damage.kind, in_meta ? log::SegmentFile::Meta : log::SegmentFile::Log,
                              damage.byte, damage.bytes, damage.first, damage.last});
      found.what.push_back(std::move(damage.what));
    }
  }
  found.records = verifier.records();
  found.bytes = verifier.bytes();
  return found;
}

std::string describe(const DamagedRange& range, const std::string& path, std::string_view what) {
  return log::to_string(log::Damage{range.kind, path, range.byte, range.bytes, range.first,
                                    range.last, std::string(what)});
}

std::string_view usual_words(log::DamageKind kind) {
  switch (kind) {
    case log::DamageKind::Missing: return "the file is missing";
    case log::DamageKind::Short: return "the file is too short";
    case log::DamageKind::Header: return "its header does not check";
    case log::DamageKind::Entry: return "its checksum does not match";
    case log::DamageKind::Batch: return "a batch fails its checksums";
    case log::DamageKind::Order: return "what should rise does not";
    case log::DamageKind::Unreadable: return "the disk reports an error";
    case log::DamageKind::Records: return "its records cannot be taken apart";
  }
  return "";
}

}  // namespace myelin::cli::backup
