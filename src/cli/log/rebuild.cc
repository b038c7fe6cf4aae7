#include "cli/log/rebuild.h"

#include <algorithm>
#include <limits>

#include "formats/kafka/record_batch.h"
#include "log/epochs.h"
#include "log/frame.h"
#include "log/segment.h"
#include "log/verify.h"

namespace myelin::cli::log_tools {
namespace {

constexpr std::size_t kOpenFilesMax = 64;
constexpr std::uint64_t kEntriesARead = 1024;
constexpr std::size_t kEpochBytes = 16;  // Enough of a batch for its leader epoch.

std::uint64_t meta_bytes_of(std::uint64_t batches) {
  return log::kMetaHeaderBytes + batches * log::kMetaEntryBytes;
}

bool rises(const log::MetaEntry& entry, const std::optional<log::MetaEntry>& previous,
           log::Offset base) {
  if (entry.base_offset < base || entry.batch_bytes > 2 * log::kFrameBytesMax) return false;
  return !previous ||
         (entry.base_offset > previous->last_offset() && entry.commit >= previous->commit &&
          entry.received_ms >= previous->received_ms &&
          entry.position >= previous->position + previous->batch_bytes);
}

class Rebuilder {
 public:
  Rebuilder(log::Disk& disk, log::PartitionId id, const PartitionFolder* folder, const Told& told)
      : files_(disk, kOpenFilesMax, log::Writes::None), id_(id), folder_(folder), told_(told) {}

  Result<Rebuilt> run() {
    if (told_.state != nullptr) {
      out_.producers = told_.state->producers;
      MYELIN_TRY_VOID(take_told());
    }
    if (folder_ != nullptr) {
      if (told_.state == nullptr) {
        MYELIN_TRY_VOID(take_chosen());
      } else {
        MYELIN_TRY_VOID(take_later());
      }
      list_unused();
    }
    account();
    return std::move(out_);
  }

 private:
  using Entries = std::vector<std::pair<std::uint64_t, log::MetaEntry>>;  // With their numbers.

  const SegmentFiles* find(log::Offset base, std::uint32_t generation) const {
    return folder_ == nullptr ? nullptr : folder_->find(base, generation);
  }

  Status take_told() {
    const auto& segments = told_.state->segments;
    for (std::size_t i = 0; i < segments.size(); ++i) {
      const auto& told = segments[i];
      const bool is_last = i + 1 == segments.size();
      const auto end = is_last ? told_.state->end : segments[i + 1].base_offset;
      const auto* files = find(told.base_offset, told.generation);
      if (files == nullptr || !files->whole()) {
        out_.differs = true;
        continue;
      }
      const bool intact = *files->log_bytes >= told.log_bytes &&
                          *files->meta_bytes >= meta_bytes_of(told.batch_count);
      if (intact) {
        MYELIN_TRY(piece, take_intact(*files, told, is_last ? Tail::Yes : Tail::No));
        piece.accounted_to = std::max(piece.accounted_to, end);
        out_.pieces.push_back(std::move(piece));
        continue;
      }
      out_.differs = true;
      log::SegmentState empty{told.base_offset, 0, 0};
      empty.generation = told.generation;
      MYELIN_TRY(piece, measure(*files, empty, told.batch_count));
      if (piece.state.batch_count > 0) out_.pieces.push_back(std::move(piece));
    }
    return {};
  }

  enum class Tail : std::uint8_t { No, Yes };

  Result<Piece> take_intact(const SegmentFiles& files, const log::SegmentState& told, Tail tail) {
    auto state = told;
    MYELIN_TRY(version, version_of(files, told.meta_version));
    state.meta_version = version;
    out_.last_commit = std::max(out_.last_commit, state.last_commit);
    // Format 1 did not write these down; what cannot be read is taken for young.
    if (state.batch_count > 0 && state.last_commit.value == 0) {
      const log::Segment segment(files_, folder_->path, id_, state);
      MYELIN_TRY(first, segment.entries(state, 0, 1));
      MYELIN_TRY(last, segment.entries(state, state.batch_count - 1, 1));
      state.first_received_ms = first[0] ? first[0]->received_ms : told_.last_received_ms;
      state.last_received_ms = last[0] ? last[0]->received_ms : told_.last_received_ms;
      state.last_commit = last[0] ? last[0]->commit : told_.through;
    }
    if (tail == Tail::No) return Piece{state, {}};
    return measure(files, state, std::numeric_limits<std::uint64_t>::max());
  }

  // What was flushed and not checkpointed.
  Status take_later() {
    for (const auto& files : folder_->segments) {
      const bool later = files.generation == 0 && files.base_offset >= told_.state->end;
      const bool taken = std::ranges::any_of(out_.pieces, [&](const Piece& piece) {
        return piece.state.base_offset == files.base_offset;
      });
      if (!later || taken || !files.whole()) continue;
      MYELIN_TRY(piece, measure(files, {files.base_offset, 0, 0},
                                std::numeric_limits<std::uint64_t>::max()));
      if (piece.state.batch_count > 0) out_.pieces.push_back(std::move(piece));
    }
    return {};
  }

  // Without a checkpoint: of a segment and what it was compacted into, both there, the older; its
  // removal had not begun. What a chosen one covers is not chosen.
  Status take_chosen() {
    log::Offset covered(-1);
    for (const auto& files : folder_->segments) {
      if (!files.whole() || files.base_offset <= covered) continue;
      log::SegmentState empty{files.base_offset, 0, 0};
      empty.generation = files.generation;
      MYELIN_TRY(piece, measure(files, empty, std::numeric_limits<std::uint64_t>::max()));
      if (piece.state.batch_count == 0) continue;
      covered = piece.accounted_to + -1;
      out_.pieces.push_back(std::move(piece));
    }
    return {};
  }

  // The companion's version. A header that does not check says nothing; entries that tell of times
  // are of version 2.
  Result<std::uint32_t> version_of(const SegmentFiles& files, std::uint32_t expected) {
    header_unknown_ = false;
    const auto path = log::segment_path(folder_->path, files.base_offset, files.generation,
                                        log::SegmentFile::Meta);
    MYELIN_TRY(meta, files_.get(path));
    char bytes[log::kMetaHeaderBytes];
    MYELIN_TRY(got, meta->read_at(0, bytes, sizeof bytes));
    const auto header = log::decode_companion_header({bytes, got});
    const bool right = header && header->partition == id_ &&
                       header->base_offset == files.base_offset && header->version > 0 &&
                       header->version <= log::kMetaVersion;
    if (right) return header->version;
    out_.bad_headers.push_back(path);
    header_unknown_ = true;
    return expected;
  }

  // `state` and the entries behind it that check, up to number `entries_max`.
  Result<Piece> measure(const SegmentFiles& files, log::SegmentState state,
                        std::uint64_t entries_max) {
    const auto known = state.batch_count;
    if (known == 0) {
      MYELIN_TRY(version, version_of(files, log::kMetaVersion));
      state.meta_version = version;
    }
    auto all = state;
    all.log_bytes = *files.log_bytes;
    const auto room = *files.meta_bytes < log::kMetaHeaderBytes
                          ? 0
                          : (*files.meta_bytes - log::kMetaHeaderBytes) / log::kMetaEntryBytes;
    all.batch_count = std::min(room, entries_max);
    const log::Segment segment(files_, folder_->path, id_, state);
    std::optional<log::MetaEntry> previous;
    if (known > 0) {
      MYELIN_TRY(before, segment.entries(state, known - 1, 1));
      previous = before[0];
    }
    auto end = previous ? previous->last_offset() + 1 : state.base_offset;
    Entries good;
    for (auto at = known; at < all.batch_count; at += kEntriesARead) {
      MYELIN_TRY(some, segment.entries(all, at, kEntriesARead));
      for (std::size_t i = 0; i < some.size(); ++i) {
        if (!some[i] || !rises(*some[i], previous, state.base_offset)) continue;
        previous = some[i];
        good.emplace_back(at + i, *some[i]);
      }
    }
    MYELIN_TRY_VOID(drop_torn(segment, good));
    if (!good.empty()) {
      extend(state, good);
      MYELIN_TRY_VOID(note_epochs(segment, good));
      MYELIN_TRY_VOID(note_producers(segment, good));
      end = good.back().second.last_offset() + 1;
    }
    return Piece{state, end};
  }

  // Batches at the end that were never wholly written.
  Status drop_torn(const log::Segment& segment, Entries& good) {
    while (!good.empty()) {
      const auto& entry = good.back().second;
      MYELIN_TRY(whole, checks(segment, entry));
      if (whole) return {};
      const auto last =
          out_.doubtful ? std::max(out_.doubtful->last, entry.last_offset()) : entry.last_offset();
      out_.doubtful = {entry.base_offset, last};
      good.pop_back();
    }
    return {};
  }

  Result<bool> checks(const log::Segment& segment, const log::MetaEntry& entry) {
    MYELIN_TRY(file, files_.get(segment.log_path()));
    std::string batch(entry.batch_bytes, '\0');
    MYELIN_TRY(got, file->read_at(entry.position, batch.data(), batch.size()));
    return got == batch.size() && kafka::header_checksum(batch) == entry.header_crc &&
           kafka::verify_batch(batch).has_value();
  }

  void extend(log::SegmentState& state, const Entries& good) {
    const auto& first = good.front().second;
    const auto& last = good.back().second;
    if (state.batch_count == 0) state.first_received_ms = first.received_ms;
    // A header that cannot be read does not say it.
    if (header_unknown_ && state.batch_count == 0 && last.max_timestamp_ms == 0)
      state.meta_version = 1;
    state.batch_count = good.back().first + 1;
    state.log_bytes = last.position + last.batch_bytes;
    state.last_received_ms = last.received_ms;
    state.last_commit = last.commit;
    state.max_timestamp_ms = state.meta_version > 1 ? last.max_timestamp_ms : -1;
    out_.last_commit = std::max(out_.last_commit, last.commit);
  }

  // Epochs never fall, so where both ends are of one, all is.
  Status note_epochs(const log::Segment& segment, const Entries& good) {
    MYELIN_TRY(file, files_.get(segment.log_path()));
    const auto epoch_at = [&](std::size_t i) -> Result<std::int32_t> {
      char bytes[kEpochBytes];
      MYELIN_TRY(got, file->read_at(good[i].second.position, bytes, sizeof bytes));
      return got == sizeof bytes ? log::leader_epoch({bytes, got}) : -1;
    };
    for (std::size_t at = 0; at < good.size();) {
      MYELIN_TRY(epoch, epoch_at(at));
      if (out_.epochs.empty() || out_.epochs.back().epoch < epoch)
        out_.epochs.push_back({epoch, good[at].second.base_offset});
      // The first behind it of another epoch.
      auto low = at + 1;
      auto high = good.size();
      MYELIN_TRY(last, epoch_at(high - 1));
      if (last <= epoch) return {};
      while (low < high) {
        const auto middle = low + (high - low) / 2;
        MYELIN_TRY(there, epoch_at(middle));
        if (there > epoch) {
          high = middle;
        } else {
          low = middle + 1;
        }
      }
      at = low;
    }
    return {};
  }

  // Of each batch, because any may be a producer's last.
  Status note_producers(const log::Segment& segment, const Entries& good) {
    MYELIN_TRY(file, files_.get(segment.log_path()));
    for (const auto& [number, entry] : good) {
      char bytes[kafka::kBatchHeaderBytes];
      MYELIN_TRY(got, file->read_at(entry.position, bytes, sizeof bytes));
      const std::string_view header(bytes, got);
      if (got != sizeof bytes || kafka::header_checksum(header) != entry.header_crc) continue;
      const auto info = kafka::parse_batch_header(header);
      if (info) note_producer(out_.producers, *info, timestamp_from_ms(entry.received_ms));
    }
    return {};
  }

  void list_unused() {
    for (const auto& files : folder_->segments) {
      const bool used = std::ranges::any_of(out_.pieces, [&](const Piece& piece) {
        return piece.state.base_offset == files.base_offset &&
               piece.state.generation == files.generation;
      });
      if (used) continue;
      const auto path = [&](log::SegmentFile file) {
        return log::segment_path(folder_->path, files.base_offset, files.generation, file);
      };
      if (files.log_bytes) out_.unused.push_back(path(log::SegmentFile::Log));
      if (files.meta_bytes) out_.unused.push_back(path(log::SegmentFile::Meta));
    }
  }

  // Behind a compacted segment offsets are missing as they should.
  void account() {
    auto& pieces = out_.pieces;
    std::erase_if(out_.bad_headers, [&](const std::string& path) {
      return std::ranges::find(out_.unused, path) != out_.unused.end();
    });
    std::ranges::sort(pieces, {}, [](const Piece& piece) { return piece.state.base_offset; });
    for (std::size_t i = 0; told_.state == nullptr && i + 1 < pieces.size(); ++i) {
      if (pieces[i].state.generation > 0) pieces[i].accounted_to = pieces[i + 1].state.base_offset;
    }
  }

  log::FilePool files_;
  const log::PartitionId id_;
  const PartitionFolder* const folder_;
  const Told told_;
  Rebuilt out_;
  bool header_unknown_ = false;  // Of the segment being measured.
};

}  // namespace

void note_producer(log::Producers& producers, const kafka::BatchInfo& batch, Timestamp received) {
  if (batch.producer_id < 0) return;
  const auto* known = producers.find(batch.producer_id);
  const bool later = known == nullptr || known->batch_count == 0 ||
                     known->batches[known->batch_count - 1u].base_offset.value < batch.base_offset;
  // As many as there are; a start keeps its own limit.
  log::ProducerTotal total{0, std::numeric_limits<std::size_t>::max()};
  if (later) producers.note(batch, received, total);
}

Result<Rebuilt> rebuild(log::Disk& disk, log::PartitionId id, const PartitionFolder* folder,
                        const Told& told) {
  return Rebuilder(disk, id, folder, told).run();
}

}  // namespace myelin::cli::log_tools
