#include "log/large_batch.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "base/check.h"

namespace myelin::log {
namespace {

constexpr std::size_t kPieceBytes = 4u << 20;
constexpr std::size_t kOpenFilesMax = 64;

}  // namespace

LargeBatchWriter::LargeBatchWriter(Disk& disk)
    : disk_(disk), files_(disk, kOpenFilesMax, Writes::Direct) {}

Result<std::optional<BlockEdges>> LargeBatchWriter::write(const Partition& partition,
                                                          const Placed& placed,
                                                          std::string_view batch) {
  const std::optional<BlockEdges> through_journal;
  const auto edges = block_edges(placed.position, batch.size());
  if (!edges || !partition.directory_is_durable) return through_journal;
  auto status = Status();
  if (auto file = open(partition, placed); !file) {
    status = std::move(file).error();
  } else {
    const auto blocks = batch.substr(edges->head, batch.size() - edges->head - edges->tail);
    status = write_blocks(**file, placed.position + edges->head, blocks);
    if (std::ranges::find(written_, *file) == written_.end()) written_.push_back(*file);
  }
  if (status) return edges;
  // What was written of it is behind the end of the segment, and written again by the flusher.
  if (status.error().code() == ErrorCode::Exhausted) return through_journal;
  return std::move(status).error();
}

Status LargeBatchWriter::sync() {
  for (const auto& file : written_) {
    if (const auto status = file->sync(); !status)
      return Error(ErrorCode::Unavailable, status.error().message());
  }
  written_.clear();
  return {};
}

Result<std::shared_ptr<File>> LargeBatchWriter::open(const Partition& partition,
                                                     const Placed& placed) {
  const auto path = segment_path(partition.directory(), placed.segment, 0, SegmentFile::Log);
  if (auto file = files_.find(path)) return file;
  MYELIN_TRY(file, files_.create(path, Create::IfMissing));
  // Also when it was there: the flusher may have made it and not synced its name yet.
  const auto status = disk_.sync_directory(partition.directory());
  if (status) return file;
  files_.forget(path);
  // A failed sync must not be taken for a full disk and tried again.
  return Error(ErrorCode::Unavailable, status.error().message());
}

Status LargeBatchWriter::write_blocks(File& file, std::uint64_t position, std::string_view blocks) {
  if (!buffer_) buffer_.reset(static_cast<char*>(std::aligned_alloc(kBlockBytes, kPieceBytes)));
  MYELIN_CHECK(buffer_ != nullptr, "out of memory");
  while (!blocks.empty()) {
    const auto bytes = std::min(blocks.size(), kPieceBytes);
    std::memcpy(buffer_.get(), blocks.data(), bytes);
    MYELIN_TRY_VOID(file.write_at(position, {buffer_.get(), bytes}));
    position += bytes;
    blocks.remove_prefix(bytes);
  }
  return {};
}

}  // namespace myelin::log
