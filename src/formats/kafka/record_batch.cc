#include "formats/kafka/record_batch.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "base/check.h"
#include "base/crc32c.h"

namespace myelin::kafka {
namespace {

// Where each field of the header begins.
constexpr std::size_t kLengthAt = 8;
constexpr std::size_t kLeaderEpochAt = 12;
constexpr std::size_t kMagicAt = 16;
constexpr std::size_t kCrcAt = 17;
constexpr std::size_t kAttributesAt = 21;
constexpr std::size_t kLastOffsetDeltaAt = 23;
constexpr std::size_t kBaseTimestampAt = 27;
constexpr std::size_t kMaxTimestampAt = 35;
constexpr std::size_t kProducerIdAt = 43;
constexpr std::size_t kProducerEpochAt = 51;
constexpr std::size_t kBaseSequenceAt = 53;
constexpr std::size_t kRecordCountAt = 57;
static_assert(kRecordCountAt + 4 == kBatchHeaderBytes);
static_assert(kAttributesAt == kBatchUncheckedBytes);

// A null key and a null value, both empty strings, are told apart by their length.
constexpr std::int64_t kNullLength = -1;

constexpr std::uint64_t zigzag(std::int64_t value) {
  return (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
}

constexpr std::size_t varint_bytes(std::int64_t value) {
  return (static_cast<std::size_t>(std::bit_width(zigzag(value) | 1)) + 6) / 7;
}

std::size_t field_bytes(std::optional<std::string_view> field) {
  return field ? varint_bytes(static_cast<std::int64_t>(field->size())) + field->size()
               : varint_bytes(kNullLength);
}

// Writes into memory whose size was computed before.
class Cursor {
 public:
  explicit Cursor(char* at) : at_(at) {}
  const char* at() const { return at_; }
  void byte(char value) { *at_++ = value; }
  void varint(std::int64_t value) {
    std::uint64_t raw = zigzag(value);
    for (; raw >= 0x80; raw >>= 7) *at_++ = static_cast<char>(raw | 0x80);
    *at_++ = static_cast<char>(raw);
  }
  void field(std::optional<std::string_view> value) {
    varint(value ? static_cast<std::int64_t>(value->size()) : kNullLength);
    if (value) at_ = std::copy_n(value->data(), value->size(), at_);
  }

 private:
  char* at_;
};

// A varint's length and then that many bytes; nothing for the length -1. False when malformed.
bool read_field(ByteReader& in, std::optional<std::string_view>& field) {
  const std::int32_t size = in.varint();
  if (size == kNullLength) {
    field.reset();
    return in.ok();
  }
  if (size < 0) return false;
  field = in.bytes(static_cast<std::size_t>(size));
  return in.ok();
}

bool read_header(ByteReader& in, Header& header) {
  std::optional<std::string_view> key;
  if (!read_field(in, key) || !key) return false;
  header.key = *key;
  return read_field(in, header.value);
}

Error invalid(std::string message) { return {ErrorCode::InvalidInput, std::move(message)}; }

Status check_counts(const BatchInfo& info) {
  if (info.base_offset < 0 || info.last_offset_delta < 0 ||
      info.base_offset >=
          std::numeric_limits<std::int64_t>::max() - std::int64_t{info.last_offset_delta}) {
    return invalid(fmt::format("record batch: base offset {} with last offset delta {}",
                               info.base_offset, info.last_offset_delta));
  }
  const std::size_t room = (info.size_bytes - kBatchHeaderBytes) / kRecordBytesMin;
  // Each record has an offset of its own; compressed, it may take less than its own bytes.
  if (info.record_count < 0 || info.record_count - 1 > info.last_offset_delta ||
      (!info.is_compressed() && static_cast<std::size_t>(info.record_count) > room)) {
    return invalid(fmt::format("record batch: {} records with last offset delta {} in {} bytes",
                               info.record_count, info.last_offset_delta, info.size_bytes));
  }
  return {};
}

}  // namespace

Headers::Iterator::Iterator(std::string_view bytes, std::int32_t left)
    : reader_(bytes), left_(left) {
  if (left_ > 0) decode();
}

Headers::Iterator& Headers::Iterator::operator++() {
  if (--left_ > 0) decode();
  return *this;
}

void Headers::Iterator::decode() {
  MYELIN_CHECK(read_header(reader_, current_), "record headers changed since they were read");
}

std::optional<std::string_view> Headers::find_last(std::string_view key) const {
  std::optional<std::string_view> found;
  for (const Header& header : *this) {
    if (header.key == key) found = header.value;
  }
  return found;
}

RecordBatchBuilder::RecordBatchBuilder(std::size_t reserve_bytes, std::size_t batch_bytes_max)
    : reserve_bytes_(std::max(reserve_bytes, kBatchHeaderBytes)),
      batch_bytes_max_(std::min(batch_bytes_max, kBatchBytesMax)) {
  start();
}

void RecordBatchBuilder::start() {
  batch_.clear();
  batch_.reserve(reserve_bytes_);
  batch_.resize(kBatchHeaderBytes);
  record_count_ = 0;
}

Status RecordBatchBuilder::add(std::int64_t timestamp_ms, std::optional<std::string_view> key,
                               std::optional<std::string_view> value,
                               std::span<const Header> headers) {
  std::int64_t delta = 0;
  if (!empty() && __builtin_sub_overflow(timestamp_ms, base_timestamp_, &delta)) {
    return invalid("record: its time lies too far from that of its batch");
  }
  const auto header_count = static_cast<std::int64_t>(headers.size());
  std::size_t size = 1 + varint_bytes(delta) + varint_bytes(record_count_) + field_bytes(key) +
                     field_bytes(value) + varint_bytes(header_count);
  for (const Header& header : headers) size += field_bytes(header.key) + field_bytes(header.value);
  const std::size_t with_length = varint_bytes(static_cast<std::int64_t>(size)) + size;
  if (with_length > batch_bytes_max_ || batch_.size() > batch_bytes_max_ - with_length) {
    return Error(ErrorCode::Exhausted, fmt::format("record batch: {} bytes more would pass {}",
                                                   with_length, batch_bytes_max_));
  }

  const std::size_t before = batch_.size();
  batch_.resize_and_overwrite(before + with_length, [&](char* bytes, std::size_t) {
    Cursor out(bytes + before);
    out.varint(static_cast<std::int64_t>(size));
    out.byte(0);  // A record's own attributes: none are defined.
    out.varint(delta);
    out.varint(record_count_);
    out.field(key);
    out.field(value);
    out.varint(header_count);
    for (const Header& header : headers) {
      out.field(header.key);
      out.field(header.value);
    }
    return before + with_length;  // The size handed in may be a larger capacity in libstdc++ 12.
  });

  if (empty()) base_timestamp_ = timestamp_ms;
  max_timestamp_ = empty() ? timestamp_ms : std::max(max_timestamp_, timestamp_ms);
  ++record_count_;
  return {};
}

std::string RecordBatchBuilder::finish(const BatchFields& fields) {
  MYELIN_CHECK(!empty(), "a batch without records");
  MYELIN_CHECK((fields.attributes & kCompressionMask) == 0, "the builder does not compress");
  BatchInfo info;
  info.partition_leader_epoch = fields.partition_leader_epoch;
  info.attributes = fields.attributes;
  info.last_offset_delta = record_count_ - 1;
  info.base_timestamp = base_timestamp_;
  info.max_timestamp = max_timestamp_;
  info.producer_id = fields.producer_id;
  info.producer_epoch = fields.producer_epoch;
  info.base_sequence = fields.base_sequence;
  info.record_count = record_count_;
  write_batch_header(batch_, info);
  std::string batch = std::move(batch_);
  start();
  return batch;
}

Result<BatchInfo> parse_batch_header(std::string_view bytes) {
  if (bytes.size() < kBatchHeaderBytes) {
    return invalid(fmt::format("record batch: {} bytes where its header takes {}", bytes.size(),
                               kBatchHeaderBytes));
  }
  const char* at = bytes.data();
  BatchInfo info;
  info.magic = load_be<std::int8_t>(at + kMagicAt);
  if (info.magic != kBatchMagic) {
    return invalid(
        fmt::format("record batch: magic {} where {} is expected", info.magic, kBatchMagic));
  }
  const auto length = load_be<std::int32_t>(at + kLengthAt);
  if (length < static_cast<std::int32_t>(kBatchHeaderBytes - kBatchPrefixBytes)) {
    return invalid(fmt::format("record batch: a length of {}", length));
  }
  info.size_bytes = static_cast<std::size_t>(length) + kBatchPrefixBytes;
  info.base_offset = load_be<std::int64_t>(at);
  info.partition_leader_epoch = load_be<std::int32_t>(at + kLeaderEpochAt);
  info.crc = load_be<std::uint32_t>(at + kCrcAt);
  info.attributes = load_be<std::int16_t>(at + kAttributesAt);
  info.last_offset_delta = load_be<std::int32_t>(at + kLastOffsetDeltaAt);
  info.base_timestamp = load_be<std::int64_t>(at + kBaseTimestampAt);
  info.max_timestamp = load_be<std::int64_t>(at + kMaxTimestampAt);
  info.producer_id = load_be<std::int64_t>(at + kProducerIdAt);
  info.producer_epoch = load_be<std::int16_t>(at + kProducerEpochAt);
  info.base_sequence = load_be<std::int32_t>(at + kBaseSequenceAt);
  info.record_count = load_be<std::int32_t>(at + kRecordCountAt);
  MYELIN_TRY_VOID(check_counts(info));
  return info;
}

Status verify_batch(std::string_view batch) {
  MYELIN_TRY(info, parse_batch_header(batch));
  if (info.size_bytes != batch.size()) {
    return invalid(fmt::format("record batch: {} bytes where its length says {}", batch.size(),
                               info.size_bytes));
  }
  return verify_checksum(batch);
}

Status verify_checksum(std::string_view batch) {
  MYELIN_CHECK(batch.size() >= kBatchUncheckedBytes, "a batch without its checksum");
  const auto said = load_be<std::uint32_t>(batch.data() + kCrcAt);
  const std::uint32_t computed = crc32c(batch.substr(kAttributesAt));
  if (computed == said) return {};
  return Error(ErrorCode::Corrupt,
               fmt::format("record batch at offset {}: its checksum is {:08x}, its bytes give "
                           "{:08x}",
                           load_be<std::int64_t>(batch.data()), said, computed));
}

void write_batch_header(std::string& batch, const BatchInfo& info) {
  MYELIN_CHECK(batch.size() >= kBatchHeaderBytes && batch.size() <= kBatchBytesMax,
               "a batch's size");
  char* at = batch.data();
  store_be(at, info.base_offset);
  store_be(at + kLengthAt, static_cast<std::int32_t>(batch.size() - kBatchPrefixBytes));
  store_be(at + kLeaderEpochAt, info.partition_leader_epoch);
  store_be(at + kMagicAt, kBatchMagic);
  store_be(at + kAttributesAt, info.attributes);
  store_be(at + kLastOffsetDeltaAt, info.last_offset_delta);
  store_be(at + kBaseTimestampAt, info.base_timestamp);
  store_be(at + kMaxTimestampAt, info.max_timestamp);
  store_be(at + kProducerIdAt, info.producer_id);
  store_be(at + kProducerEpochAt, info.producer_epoch);
  store_be(at + kBaseSequenceAt, info.base_sequence);
  store_be(at + kRecordCountAt, info.record_count);
  store_be(at + kCrcAt, crc32c(std::string_view(batch).substr(kAttributesAt)));
}

void set_base_offset(char* batch, std::int64_t offset) { store_be(batch, offset); }

void set_partition_leader_epoch(char* batch, std::int32_t epoch) {
  store_be(batch + kLeaderEpochAt, epoch);
}

std::uint32_t header_checksum(std::string_view batch) {
  MYELIN_CHECK(batch.size() >= kBatchUncheckedBytes, "a batch without its header");
  return crc32c(batch.substr(0, kBatchUncheckedBytes));
}

Result<RecordReader> RecordReader::open(std::string_view batch) {
  MYELIN_TRY(info, parse_batch_header(batch));
  if (info.size_bytes != batch.size()) {
    return invalid(fmt::format("record batch: {} bytes where its length says {}", batch.size(),
                               info.size_bytes));
  }
  if (info.is_compressed()) return invalid("record batch: it is compressed");
  return RecordReader(batch.substr(kBatchHeaderBytes), info);
}

RecordReader::RecordReader(std::string_view records, const BatchInfo& info)
    : records_(records), info_(info) {}

Error RecordReader::malformed(std::string_view what) const {
  return invalid(fmt::format("record batch at offset {}: record {} at byte {}: {}",
                             info_.base_offset, records_read_, kBatchHeaderBytes + position_,
                             what));
}

Result<std::optional<RecordView>> RecordReader::next() {
  ByteReader in(records_.substr(position_));
  if (records_read_ == info_.record_count) {
    if (in.remaining() != 0) return malformed("bytes after the last record");
    return std::optional<RecordView>();
  }
  const std::int32_t size = in.varint();
  if (!in.ok() || size < 0) return malformed("no length");
  const std::string_view bytes = in.bytes(static_cast<std::size_t>(size));
  if (!in.ok()) return malformed("it is longer than what is left of the batch");
  MYELIN_TRY(record, decode(bytes));
  position_ += in.position();
  last_delta_ = record.offset_delta;
  ++records_read_;
  return std::optional<RecordView>(record);
}

Result<RecordView> RecordReader::decode(std::string_view bytes) const {
  ByteReader in(bytes);
  RecordView record;
  in.le<std::uint8_t>();  // The record's own attributes: none are defined.
  const std::int64_t timestamp_delta = in.varlong();
  record.offset_delta = in.varint();
  if (!in.ok()) return malformed("no time and offset");
  if (record.offset_delta <= last_delta_ || record.offset_delta > info_.last_offset_delta) {
    return malformed("its offset is not between the last one and the batch's end");
  }
  if (info_.has_log_append_time()) {
    record.timestamp_ms = info_.max_timestamp;
  } else if (__builtin_add_overflow(info_.base_timestamp, timestamp_delta, &record.timestamp_ms)) {
    return malformed("its time is out of range");
  }
  record.body = bytes.substr(in.position());
  if (!read_field(in, record.key)) return malformed("its key is longer than the record");
  if (!read_field(in, record.value)) return malformed("its value is longer than the record");

  const std::int32_t header_count = in.varint();
  if (!in.ok() || header_count < 0) return malformed("no count of headers");
  const std::string_view header_bytes = bytes.substr(in.position());
  Header header;
  for (std::int32_t i = 0; i < header_count; ++i) {
    if (!read_header(in, header)) return malformed("a header is longer than the record");
  }
  if (in.remaining() != 0) return malformed("bytes after its last header");
  record.headers = Headers(header_bytes, header_count);
  return record;
}

}  // namespace myelin::kafka
