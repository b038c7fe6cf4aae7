#include "cli/log/journal_scan.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "log/frame.h"

namespace myelin::cli::log_tools {
namespace {

constexpr std::size_t kScanBytes = 1u << 20;

// Frames of one file that check, whoever wrote them.
class FileScan {
 public:
  FileScan(log::Disk& disk, const log::JournalGeometry& geometry, std::uint32_t number)
      : disk_(disk), geometry_(geometry), number_(number), path_(geometry.path(number)) {}

  Status run(std::vector<FoundFrame>& found) {
    auto file = disk_.open(path_, log::Writes::None, log::Create::No);
    if (!file && file.error().code() == ErrorCode::NotFound) return {};
    if (!file) return std::move(file).error();
    file_ = std::move(*file);
    for (std::uint64_t at = 0; at < geometry_.file_bytes;) {
      MYELIN_TRY(block, block_at(at));
      if (block.size() < log::kFrameHeaderBytes) return {};
      const auto header = log::decode_frame_header(block);
      if (header && checks(block, *header, at)) {
        found.push_back({*header, {header->lap, at}});
        at += log::frame_bytes(header->body_bytes);
      } else {
        at += log::kBlockBytes;
      }
    }
    return {};
  }

 private:
  // The header's bytes at a block; fewer at the file's end.
  Result<std::string_view> block_at(std::uint64_t at) {
    if (at < chunk_first_ || at + log::kFrameHeaderBytes > chunk_first_ + chunk_.size()) {
      chunk_.resize(std::min<std::uint64_t>(kScanBytes, geometry_.file_bytes - at));
      chunk_first_ = at;
      MYELIN_TRY(got, file_->read_at(at, chunk_.data(), chunk_.size()));
      chunk_.resize(got);
    }
    return std::string_view(chunk_).substr(at - chunk_first_, log::kFrameHeaderBytes);
  }

  bool checks(std::string_view block, const log::FrameHeader& header, std::uint64_t at) {
    if (at + log::frame_bytes(header.body_bytes) > geometry_.file_bytes ||
        header.lap % geometry_.file_count != number_) {
      return false;
    }
    const std::string head(block);
    body_.resize(header.body_bytes);
    const auto got = file_->read_at(at + log::kFrameHeaderBytes, body_.data(), body_.size());
    return got && *got == body_.size() && log::frame_checks(head, body_);
  }

  log::Disk& disk_;
  const log::JournalGeometry& geometry_;
  const std::uint32_t number_;
  const std::string path_;
  std::unique_ptr<log::File> file_;
  std::string chunk_;
  std::uint64_t chunk_first_ = 0;
  std::string body_;
};

log::JournalWriterId writer_of(const log::FrameHeader& header) {
  return {header.directory, header.incarnation, header.secret};
}

// Sets the scan's writer; false when nobody is known.
bool choose_writer(const std::vector<FoundFrame>& found,
                   const std::optional<log::Checkpoint>& checkpoint, JournalScan& scan) {
  const auto newest = [&](bool anywhere) {
    const FoundFrame* best = nullptr;
    for (const auto& frame : found) {
      if (!anywhere && frame.position.byte != 0) continue;
      if (checkpoint && frame.header.directory != checkpoint->directory) continue;
      if (!best || frame.header.incarnation > best->header.incarnation) best = &frame;
    }
    return best;
  };
  const auto* first = newest(false);
  if (checkpoint) {
    scan.writer = {checkpoint->directory, checkpoint->incarnation, checkpoint->secret};
    scan.later_than_checkpoint = first && first->header.incarnation > checkpoint->incarnation;
    if (scan.later_than_checkpoint) scan.writer = writer_of(first->header);
    return true;
  }
  scan.sure = first != nullptr;
  if (!first) first = newest(true);
  if (!first) return false;
  scan.writer = writer_of(first->header);
  return true;
}

}  // namespace

log::CommitNumber JournalScan::last() const {
  return frames.empty() ? log::CommitNumber() : frames.back().header.commit;
}

std::uint64_t JournalScan::last_lap() const {
  std::uint64_t lap = 0;
  for (const auto& frame : frames) lap = std::max(lap, frame.position.lap);
  return lap;
}

Result<std::optional<JournalScan>> scan_journal(log::Disk& disk,
                                                const log::JournalGeometry& geometry,
                                                const std::optional<log::Checkpoint>& checkpoint) {
  JournalScan scan;
  std::vector<FoundFrame> found;
  for (std::uint32_t i = 0; i < geometry.file_count; ++i) {
    const auto status = FileScan(disk, geometry, i).run(found);
    if (!status) scan.unreadable.push_back(status.error().message());
  }
  if (!choose_writer(found, checkpoint, scan)) return std::optional<JournalScan>();
  for (const auto& frame : found) {
    if (scan.writer.wrote(frame.header)) scan.frames.push_back(frame);
  }
  // What a shorter lap left standing of the one before is behind every checkpoint.
  const auto last_lap = scan.last_lap();
  std::erase_if(scan.frames, [&](const FoundFrame& frame) {
    return frame.position.lap + geometry.file_count <= last_lap;
  });
  std::ranges::sort(scan.frames, {}, [](const FoundFrame& frame) { return frame.header.commit; });
  return std::optional(std::move(scan));
}

Result<std::string> read_body(log::Disk& disk, const log::JournalGeometry& geometry,
                              const FoundFrame& frame) {
  const auto path = geometry.path(frame.position.lap);
  MYELIN_TRY(file, disk.open(path, log::Writes::None, log::Create::No));
  std::string body(frame.header.body_bytes, '\0');
  MYELIN_TRY(got,
             file->read_at(frame.position.byte + log::kFrameHeaderBytes, body.data(), body.size()));
  if (got == body.size()) return body;
  return Error(ErrorCode::Unavailable, fmt::format("{} has changed while it was read", path));
}

std::optional<log::FrameHeader> header_at(log::Disk& disk, const log::JournalGeometry& geometry,
                                          const log::JournalPosition& position) {
  const auto file = disk.open(geometry.path(position.lap), log::Writes::None, log::Create::No);
  if (!file) return std::nullopt;
  char bytes[log::kFrameHeaderBytes];
  const auto got = (*file)->read_at(position.byte, bytes, sizeof bytes);
  if (!got) return std::nullopt;
  const auto header = log::decode_frame_header({bytes, *got});
  return header ? std::optional(*header) : std::nullopt;
}

std::vector<log::Entry> readable_entries(std::string_view body) {
  std::vector<log::Entry> entries;
  while (body.size() >= 8) {
    const auto size = std::uint64_t{8} + load_le<std::uint32_t>(body.data() + 4);
    if (size > body.size()) break;
    auto entry = log::decode_entries(body.substr(0, size), 1);
    if (entry) entries.push_back(std::move(entry->front()));
    body.remove_prefix(size);
  }
  return entries;
}

}  // namespace myelin::cli::log_tools
