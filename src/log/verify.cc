#include "log/verify.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "formats/kafka/record_batch.h"
#include "formats/kafka/unpacked_batch.h"
#include "log/frame.h"

namespace myelin::log {
namespace {

constexpr std::uint64_t kMetaMagic = 0x4154454d4c45594dull;  // "MYELMETA" in the file.
constexpr std::uint64_t kEntriesARead = 256;
constexpr std::uint64_t kPieceBytes = 1u << 20;
// Nothing is stored that a frame does not hold; compaction may pack a batch worse than it was.
constexpr std::uint64_t kBatchBytesMax = 2ull * kFrameBytesMax;
constexpr std::size_t kUnpackedBytesMax = 256u << 20;

std::uint64_t entry_position(std::uint64_t index) {
  return kMetaHeaderBytes + index * kMetaEntryBytes;
}

std::uint64_t end_of(const MetaEntry& entry) { return entry.position + entry.batch_bytes; }

// Empty when every record can be taken apart, or when they are more than we unpack.
std::string wrong_with_records(std::string_view batch, const kafka::BatchInfo& info) {
  if (info.record_count == 0) return {};
  const auto unpacked = kafka::unpack(batch, kUnpackedBytesMax);
  if (!unpacked && unpacked.error().code() == ErrorCode::Exhausted) return {};
  if (!unpacked) return "its records cannot be unpacked";
  auto reader = unpacked->reader();
  for (auto record = reader.next();; record = reader.next()) {
    if (!record) return "its records cannot be taken apart";
    if (!*record) return {};
  }
}

}  // namespace

std::string_view to_string(DamageKind kind) {
  switch (kind) {
    case DamageKind::Missing: return "missing";
    case DamageKind::Short: return "short";
    case DamageKind::Header: return "header";
    case DamageKind::Entry: return "entry";
    case DamageKind::Batch: return "batch";
    case DamageKind::Order: return "order";
    case DamageKind::Unreadable: return "unreadable";
    case DamageKind::Records: return "records";
  }
  return "";
}

std::string to_string(const Damage& damage) {
  std::string text = damage.kind == DamageKind::Missing
                         ? damage.path
                         : fmt::format("{} is damaged at byte {}", damage.path, damage.byte);
  if (damage.hides_records() && damage.first == damage.last) {
    text += fmt::format(" (offset {})", damage.first.value);
  } else if (damage.hides_records()) {
    text += fmt::format(" (offsets {} to {})", damage.first.value, damage.last.value);
  }
  return text + ": " + damage.what;
}

std::optional<CompanionHeader> decode_companion_header(std::string_view bytes) {
  constexpr std::size_t kCrcAt = kMetaHeaderBytes - 4;
  if (bytes.size() < kMetaHeaderBytes ||
      crc32c(bytes.substr(0, kCrcAt)) != load_le<std::uint32_t>(bytes.data() + kCrcAt)) {
    return std::nullopt;
  }
  ByteReader in(bytes);
  if (in.le<std::uint64_t>() != kMetaMagic) return std::nullopt;
  CompanionHeader header;
  header.version = in.le<std::uint32_t>();
  header.partition.partition = PartitionIndex(in.le<std::int32_t>());
  header.partition.topic = Uuid::from_bytes(in.bytes(16));
  header.base_offset = Offset(in.le<std::int64_t>());
  // The rest is zeros.
  if (encode_companion_header(header) != bytes.substr(0, kMetaHeaderBytes)) return std::nullopt;
  return header;
}

std::string encode_companion_header(const CompanionHeader& header) {
  std::string bytes;
  ByteWriter out(bytes);
  out.le(kMetaMagic);
  out.le(header.version);
  out.le(header.partition.partition.value);
  out.bytes(header.partition.topic.view());
  out.le(header.base_offset.value);
  bytes.append(kMetaHeaderBytes - 4 - bytes.size(), '\0');
  out.le(crc32c(bytes));
  return bytes;
}

SegmentVerifier::SegmentVerifier(FilePool& files, const std::string& directory,
                                 PartitionId partition, const SegmentState& state, Offset end,
                                 VerifyDepth depth, std::uint64_t from_entry)
    : files_(files),
      segment_(files, directory, partition, state),
      partition_(partition),
      state_(state),
      end_(end),
      depth_(depth),
      next_(from_entry) {}

Result<bool> SegmentVerifier::step(std::size_t bytes_max) {
  if (finished_) return false;
  if (!begun_) {
    MYELIN_TRY(there, begin());
    begun_ = true;
    finished_ = !there;
    if (finished_) return false;
  }
  std::uint64_t spent = 0;
  // The range of entries that cannot be read is told whole, so it is never left halfway.
  while (next_ < state_.batch_count && (spent == 0 || spent < bytes_max || hidden_)) {
    MYELIN_TRY(found, entry(next_));
    spent += kMetaEntryBytes;
    if (found) {
      spent += found->batch_bytes;
      tell_hidden(found->base_offset);
      verify(*found, bytes_max);
    } else if (hide(next_) == FileEnds::Here) {
      hidden_->count += state_.batch_count - next_ - 1;
      next_ = state_.batch_count - 1;
    }
    ++next_;
  }
  if (next_ < state_.batch_count) return true;
  finish();
  return false;
}

std::vector<Damage> SegmentVerifier::take_damage() { return std::exchange(damage_, {}); }

// False when there is nothing to go through.
Result<bool> SegmentVerifier::begin() {
  for (const auto* path : {&segment_.log_path(), &segment_.meta_path()}) {
    const auto file = files_.get(*path);
    if (file) continue;
    if (file.error().code() != ErrorCode::NotFound) return file.error();
    add({DamageKind::Missing, *path, 0, 0, state_.base_offset, end_ + -1, "is missing"});
    return false;
  }
  MYELIN_TRY(meta, files_.get(segment_.meta_path()));
  char bytes[kMetaHeaderBytes];
  const auto got = meta->read_at(0, bytes, sizeof bytes);
  const auto header = got ? decode_companion_header({bytes, *got}) : std::nullopt;
  if (!header || header->version != state_.meta_version || header->partition != partition_ ||
      header->base_offset != state_.base_offset) {
    add({.kind = got ? DamageKind::Header : DamageKind::Unreadable,
         .path = segment_.meta_path(),
         .bytes = kMetaHeaderBytes,
         .what = !got     ? got.error().message()
                 : header ? "its header is another segment's"
                          : "its header does not check"});
  }
  return look_behind();
}

// What the entries from next_ on must lie behind.
Result<bool> SegmentVerifier::look_behind() {
  for (auto index = std::min(next_, state_.batch_count); index > 0 && !previous_; --index) {
    MYELIN_TRY(found, entry(index - 1));
    previous_ = found;
    previous_index_ = index - 1;
  }
  return true;
}

Result<std::optional<MetaEntry>> SegmentVerifier::entry(std::uint64_t index) {
  if (index < entries_first_ || index >= entries_first_ + entries_.size()) {
    entries_error_.clear();
    entries_first_ = index;
    auto found = segment_.entries(state_, index, kEntriesARead);
    // One bad sector is no reason to give up its neighbours.
    if (!found) found = segment_.entries(state_, index, 1);
    if (!found && found.error().code() == ErrorCode::Exhausted) return found.error();
    if (found) {
      entries_ = std::move(*found);
    } else {
      entries_error_ = found.error().message();
      entries_.assign(1, std::nullopt);
    }
  }
  return entries_[index - entries_first_];
}

SegmentVerifier::FileEnds SegmentVerifier::hide(std::uint64_t index) {
  const auto ends_at = entries_error_.empty() ? file_end(segment_.meta_path()) : std::nullopt;
  Hidden hidden{index, 1, "its checksum does not match", DamageKind::Entry};
  if (!entries_error_.empty()) {
    hidden.kind = DamageKind::Unreadable;
    hidden.what = entries_error_;
  } else if (ends_at && *ends_at < entry_position(index + 1)) {
    hidden.kind = DamageKind::Short;
    hidden.what = fmt::format("the file ends at byte {}", *ends_at);
  }
  const auto ends = hidden.kind == DamageKind::Short ? FileEnds::Here : FileEnds::Later;
  if (hidden_) {
    ++hidden_->count;
  } else {
    hidden_ = std::move(hidden);
  }
  return ends;
}

std::optional<std::uint64_t> SegmentVerifier::file_end(const std::string& path) {
  const auto file = files_.get(path);
  if (!file) return std::nullopt;
  const auto size = (*file)->size_bytes();
  return size ? std::optional(*size) : std::nullopt;
}

void SegmentVerifier::tell_hidden(Offset next_offset) {
  if (!hidden_) return;
  const auto first = previous_ ? previous_->last_offset() + 1 : state_.base_offset;
  add({hidden_->kind, segment_.meta_path(), entry_position(hidden_->entry),
       hidden_->count * kMetaEntryBytes, first, next_offset + -1, std::move(hidden_->what)});
  hidden_.reset();
}

// Empty when the entry may stand where it stands.
std::string_view SegmentVerifier::out_of_order(const MetaEntry& entry, std::uint64_t index) const {
  if (entry.base_offset < state_.base_offset || entry.last_offset() >= end_)
    return "its offsets are not this segment's";
  if (entry.record_count > static_cast<std::uint64_t>(entry.last_offset_delta) + 1)
    return "it has more records than offsets";
  if (entry.batch_bytes > kBatchBytesMax) return "it is longer than any batch";
  const auto lies_behind = previous_ ? end_of(*previous_) : 0;
  const bool is_next = previous_ ? previous_index_ + 1 == index : index == 0;
  if (entry.position < lies_behind) return "it overlaps the batch before it";
  if (is_next && entry.position > lies_behind) return "it does not follow the batch before it";
  if (!previous_) return {};
  if (entry.base_offset <= previous_->last_offset()) return "its offsets do not rise";
  if (entry.commit < previous_->commit) return "its commit is lower than the one before";
  if (entry.commit == previous_->commit && entry.first_record < previous_->first_record)
    return "its place in its commit is before that of the batch before it";
  if (entry.received_ms < previous_->received_ms) return "its receive time goes back";
  if (state_.meta_version > 1 && entry.max_timestamp_ms < previous_->max_timestamp_ms)
    return "its largest claimed time goes back";
  return {};
}

void SegmentVerifier::verify(const MetaEntry& entry, std::size_t bytes_max) {
  const auto disorder = out_of_order(entry, next_);
  if (!disorder.empty()) {
    add({DamageKind::Order, segment_.meta_path(), entry_position(next_), kMetaEntryBytes,
         entry.base_offset, entry.last_offset(), std::string(disorder)});
    return;
  }
  previous_ = entry;
  previous_index_ = next_;
  const auto batch = read(entry, bytes_max);
  if (!batch) return add(DamageKind::Unreadable, entry, batch.error().message());
  if (batch->size() < entry.batch_bytes) {
    const auto ends_at = file_end(segment_.log_path()).value_or(entry.position + batch->size());
    return add(DamageKind::Short, entry, fmt::format("the file ends at byte {}", ends_at));
  }
  if (check_batch(*batch, entry)) {
    ++batches_;
    records_ += entry.record_count;
    bytes_ += entry.batch_bytes;
  }
}

// False, and told, when it is not whole.
bool SegmentVerifier::check_batch(std::string_view batch, const MetaEntry& entry) {
  const auto wrong = [&](DamageKind kind, std::string what) {
    add(kind, entry, std::move(what));
    return false;
  };
  if (kafka::header_checksum(batch) != entry.header_crc)
    return wrong(DamageKind::Batch, "its header is not the one that was stored");
  if (!kafka::verify_batch(batch)) return wrong(DamageKind::Batch, "its checksum does not match");
  const auto info = kafka::parse_batch_header(batch);
  if (!info || info->base_offset != entry.base_offset.value ||
      info->last_offset_delta != entry.last_offset_delta ||
      static_cast<std::uint32_t>(info->record_count) != entry.record_count) {
    return wrong(DamageKind::Batch, "it is not the batch that its companion tells of");
  }
  if (state_.meta_version > 1 && info->max_timestamp > entry.max_timestamp_ms)
    return wrong(DamageKind::Order, "its records claim a later time than its companion says");
  if (depth_ == VerifyDepth::Checksums) return true;
  auto what = wrong_with_records(batch, *info);
  return what.empty() || wrong(DamageKind::Records, std::move(what));
}

// As much of the batch as the file has.
Result<std::string_view> SegmentVerifier::read(const MetaEntry& entry, std::size_t bytes_max) {
  const auto held = [&] {
    return entry.position >= piece_first_ && end_of(entry) <= piece_first_ + piece_.size();
  };
  if (!held()) {
    const auto left = state_.log_bytes - entry.position;
    const auto ahead = std::min({left, kPieceBytes, std::uint64_t{bytes_max}});
    auto status = read_piece(entry.position, std::max<std::uint64_t>(ahead, entry.batch_bytes));
    // What cannot be read may lie behind the batch.
    if (!status && ahead > entry.batch_bytes)
      status = read_piece(entry.position, entry.batch_bytes);
    MYELIN_TRY_VOID(std::move(status));
  }
  return std::string_view(piece_).substr(entry.position - piece_first_, entry.batch_bytes);
}

Status SegmentVerifier::read_piece(std::uint64_t position, std::size_t bytes) {
  piece_.clear();
  piece_first_ = position;
  MYELIN_TRY(log, files_.get(segment_.log_path()));
  // One long batch does not make every piece long.
  if (piece_.capacity() > 2 * std::max<std::size_t>(bytes, kPieceBytes)) piece_.shrink_to_fit();
  piece_.resize(bytes);
  const auto got = log->read_at(position, piece_.data(), bytes);
  piece_.resize(got ? *got : 0);
  if (!got) return got.error();
  return {};
}

void SegmentVerifier::finish() {
  finished_ = true;
  tell_hidden(end_);
  const bool last_is_known = previous_ && previous_index_ + 1 == state_.batch_count;
  if (!last_is_known && state_.batch_count > 0) return;
  const auto covered = previous_ ? end_of(*previous_) : 0;
  const auto wrong = [&](std::uint64_t byte, std::uint64_t bytes, std::string what) {
    add({.kind = DamageKind::Order,
         .path = segment_.log_path(),
         .byte = byte,
         .bytes = bytes,
         .what = std::move(what)});
  };
  if (covered != state_.log_bytes)
    wrong(covered, state_.log_bytes - covered, "these bytes belong to no batch");
  // Format 1 did not tell.
  if (!previous_ || state_.last_commit.value == 0) return;
  if (previous_->commit > state_.last_commit || previous_->received_ms > state_.last_received_ms)
    wrong(0, covered, "its last batch is later than its state says");
}

void SegmentVerifier::add(DamageKind kind, const MetaEntry& entry, std::string what) {
  add({kind, segment_.log_path(), entry.position, entry.batch_bytes, entry.base_offset,
       entry.last_offset(), std::move(what)});
}

void SegmentVerifier::add(Damage damage) {
  if (!damage_.empty()) {
    auto& before = damage_.back();
    if (before.kind == damage.kind && before.path == damage.path && before.what == damage.what &&
        before.byte + before.bytes == damage.byte && before.hides_records() &&
        damage.hides_records()) {
      before.bytes += damage.bytes;
      before.last = damage.last;
      return;
    }
  }
  damage_.push_back(std::move(damage));
}

}  // namespace myelin::log
