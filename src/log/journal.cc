#include "log/journal.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"

namespace myelin::log {
namespace {

constexpr std::uint64_t kFillBytes = 1u << 20;
constexpr std::size_t kScanBytes = 1u << 20;

// Zeros, aligned as O_DIRECT wants them.
std::string_view zero_bytes() {
  alignas(kBlockBytes) static char zeros[kFillBytes];
  return {zeros, sizeof zeros};
}

}  // namespace

SteadyTime::duration throttle_delay(double used, std::chrono::milliseconds max) {
  constexpr double kFrom = 2.0 / 3;
  const auto share = std::clamp((used - kFrom) / (1 - kFrom), 0.0, 1.0);
  return std::chrono::duration_cast<SteadyTime::duration>(
      share * share * std::chrono::duration<double, std::milli>(max));
}

std::string JournalGeometry::path(std::uint64_t lap) const {
  return fmt::format("{}/{}.journal", directory, lap % file_count);
}

std::uint32_t JournalGeometry::frame_bytes_max() const {
  const auto half = file_bytes / 2 / kBlockBytes * kBlockBytes;
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(half, kFrameBytesMax + kBlockBytes));
}

Status check_journal(Disk& disk, const JournalGeometry& geometry) {
  for (std::uint32_t i = 0; i < geometry.file_count; ++i) {
    const auto path = geometry.path(i);
    auto file = disk.open(path, Writes::None, Create::No);
    if (!file && file.error().code() == ErrorCode::NotFound) {
      return Error(ErrorCode::Corrupt, fmt::format("it is half deleted: {} is missing", path));
    }
    if (!file) return std::move(file).error();
    MYELIN_TRY(size, (*file)->size_bytes());
    if (size == geometry.file_bytes) continue;
    return Error(ErrorCode::Corrupt,
                 fmt::format("{} has {} bytes where {} belong", path, size, geometry.file_bytes));
  }
  return {};
}

Status check_no_later_start(Disk& disk, const JournalGeometry& geometry,
                            const JournalWriterId& last) {
  for (std::uint32_t i = 0; i < geometry.file_count; ++i) {
    // Each start begins with a new lap, so its frames begin at the beginning of a file.
    MYELIN_TRY(file, disk.open(geometry.path(i), Writes::None, Create::No));
    char head[kFrameHeaderBytes];
    MYELIN_TRY(got, file->read_at(0, head, sizeof head));
    const auto header = decode_frame_header({head, got});
    if (!header || header->directory != last.directory || header->incarnation <= last.incarnation)
      continue;
    std::string body(header->body_bytes, '\0');
    MYELIN_TRY(size, file->read_at(kFrameHeaderBytes, body.data(), body.size()));
    if (size != body.size() || !frame_checks({head, got}, body)) continue;
    return Error(
        ErrorCode::Corrupt,
        fmt::format(
            "the checkpoint is older than the journal: it knows of start {}, {} of start {}",
            last.incarnation, geometry.path(i), header->incarnation));
  }
  return {};
}

Status create_journal(Disk& disk, const JournalGeometry& geometry, std::uint64_t first_lap) {
  MYELIN_TRY_VOID(disk.make_directory(geometry.directory));
  for (std::uint32_t i = 0; i < geometry.file_count; ++i) {
    MYELIN_TRY(file, disk.open(geometry.path(i), Writes::Buffered, Create::Empty));
    MYELIN_TRY_VOID(file->allocate(geometry.file_bytes));
    // The first file is used at once; prepare() fills the others meanwhile.
    const bool fill = i == first_lap % geometry.file_count;
    for (std::uint64_t at = 0; fill && at < geometry.file_bytes; at += kFillBytes) {
      const auto bytes = std::min(kFillBytes, geometry.file_bytes - at);
      MYELIN_TRY_VOID(file->write_at(at, zero_bytes().substr(0, bytes)));
    }
    MYELIN_TRY_VOID(file->sync());
  }
  return disk.sync_directory(geometry.directory);
}

JournalWriter::JournalWriter(Disk& disk, JournalGeometry geometry, JournalWriterId id,
                             std::uint64_t lap)
    : disk_(disk),
      geometry_(std::move(geometry)),
      id_(id),
      first_lap_(lap),
      end_{lap, 0},
      end_bytes_(lap * geometry_.file_bytes),
      first_needed_lap_(lap),
      filling_(geometry_.file_count) {}

Status JournalWriter::open() {
  for (std::uint32_t i = 0; i < geometry_.file_count; ++i) {
    MYELIN_TRY(file, disk_.open(geometry_.path(i), Writes::Synced, Create::No));
    files_.push_back(std::move(file));
  }
  claim(first_lap_);
  return {};
}

JournalPosition JournalWriter::next_position(std::uint64_t bytes) const {
  if (end_.byte + bytes <= geometry_.file_bytes) return end_;
  return {end_.lap + 1, 0};
}

bool JournalWriter::is_free(const JournalPosition& position) const {
  return position.lap < first_needed_lap_ + geometry_.file_count;
}

Result<JournalPosition> JournalWriter::write(FrameHeader header, FrameBuffer& frame) {
  const auto bytes = frame.size();
  const auto position = next_position(bytes);
  MYELIN_CHECK(bytes <= geometry_.frame_bytes_max(), "a frame is longer than the journal takes");
  MYELIN_CHECK(is_free(position), "a journal file is written before it is free");
  if (position.lap != end_.lap) claim(position.lap);
  header.directory = id_.directory;
  header.incarnation = id_.incarnation;
  header.secret = id_.secret;
  header.lap = position.lap;
  encode_frame_header(frame.data(), header, frame.body_view());
  MYELIN_TRY_VOID(file(position.lap).write_at(position.byte, frame.whole()));
  end_ = {position.lap, position.byte + bytes};
  end_bytes_ = end_.lap * geometry_.file_bytes + end_.byte;
  return end_;
}

void JournalWriter::claim(std::uint64_t lap) {
  MutexLock lock(prepare_mutex_);
  filling_[lap % geometry_.file_count].claimed = true;
}

Result<bool> JournalWriter::prepare() {
  // The lock is held over the write: a lap never begins in a file that is being filled.
  MutexLock lock(prepare_mutex_);
  for (std::uint32_t i = 1; i < geometry_.file_count; ++i) {
    const auto lap = first_lap_ + i;
    auto& filling = filling_[lap % geometry_.file_count];
    if (filling.claimed || filling.filled >= geometry_.file_bytes) continue;
    const auto bytes = std::min(kFillBytes, geometry_.file_bytes - filling.filled);
    MYELIN_TRY_VOID(file(lap).write_at(filling.filled, zero_bytes().substr(0, bytes)));
    filling.filled += bytes;
    return true;
  }
  return false;
}

void JournalWriter::stop_preparing() {
  MutexLock lock(prepare_mutex_);
  for (auto& filling : filling_) filling.claimed = true;
}

JournalReader::JournalReader(Disk& disk, JournalGeometry geometry, JournalWriterId id,
                             JournalPosition from, CommitNumber through)
    : disk_(disk), geometry_(std::move(geometry)), id_(id), position_(from), last_(through) {}

Result<std::optional<StoredFrame>> JournalReader::next() {
  MYELIN_TRY(here, read_at(position_));
  // The writer leaves the rest of a file unused when a frame does not fit it.
  if (!here && position_.byte > 0) {
    MYELIN_TRY(there, read_at({position_.lap + 1, 0}));
    here = std::move(there);
  }
  if (!here) {
    MYELIN_TRY_VOID(check_nothing_follows());
    return std::optional<StoredFrame>();
  }
  position_ = here->end;
  last_ = here->header.commit;
  return here;
}

Result<std::optional<StoredFrame>> JournalReader::read_at(const JournalPosition& position) {
  const std::optional<StoredFrame> none;
  if (position.byte + kBlockBytes > geometry_.file_bytes) return none;
  MYELIN_TRY(file, disk_.open(geometry_.path(position.lap), Writes::None, Create::No));
  char head[kFrameHeaderBytes];
  MYELIN_TRY(got, file->read_at(position.byte, head, sizeof head));
  auto header = decode_frame_header({head, got});
  if (!header || !id_.wrote(*header) || header->lap != position.lap ||
      header->commit != last_ + 1 ||
      position.byte + frame_bytes(header->body_bytes) > geometry_.file_bytes) {
    return none;
  }
  StoredFrame frame{*header, std::make_shared<FrameBuffer>(header->body_bytes), {}};
  MYELIN_TRY(body, file->read_at(position.byte + kFrameHeaderBytes, frame.buffer->body(),
                                 header->body_bytes));
  if (body != header->body_bytes || !frame_checks({head, sizeof head}, frame.body())) return none;
  frame.end = {position.lap, position.byte + frame.buffer->size()};
  return std::optional<StoredFrame>(std::move(frame));
}

Status JournalReader::check_nothing_follows() {
  for (std::uint64_t i = 0; i < geometry_.file_count; ++i) {
    const auto lap = position_.lap + i;
    MYELIN_TRY(proves, lap_proves(lap, i == 0 ? position_.byte : 0));
    if (!proves) continue;
    return Error(
        ErrorCode::Corrupt,
        fmt::format(
            "{} is damaged at byte {}: commit {} cannot be read, and a later one shows that it was "
            "stored",
            geometry_.path(position_.lap), position_.byte, last_.value + 1));
  }
  return {};
}

// Whether a valid frame of `lap` at or behind `from_byte` knew commit last_ + 1 to be synced.
Result<bool> JournalReader::lap_proves(std::uint64_t lap, std::uint64_t from_byte) {
  MYELIN_TRY(file, disk_.open(geometry_.path(lap), Writes::None, Create::No));
  std::string chunk(kScanBytes, '\0');
  std::string body;
  for (std::uint64_t at = from_byte; at < geometry_.file_bytes; at += kScanBytes) {
    MYELIN_TRY(got, file->read_at(at, chunk.data(), chunk.size()));
    for (std::size_t block = 0; block + kFrameHeaderBytes <= got; block += kBlockBytes) {
      const std::string_view head(chunk.data() + block, kFrameHeaderBytes);
      const auto header = decode_frame_header(head);
      if (!header || !id_.wrote(*header) || header->lap != lap ||
          header->durable_through <= last_) {
        continue;
      }
      body.resize(header->body_bytes);
      MYELIN_TRY(size, file->read_at(at + block + kFrameHeaderBytes, body.data(), body.size()));
      if (size == body.size() && frame_checks(head, body)) return true;
    }
  }
  return false;
}

}  // namespace myelin::log
