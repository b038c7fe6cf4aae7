// Record batches as Kafka's message format v2 (magic 2) puts them on the wire and in segments.
//
// A batch is a header of 61 bytes and then its records; numbers in the header are big-endian, those
// in records are zigzag varints. The batch's CRC-32C covers everything from the attributes on, so
// base offset and leader epoch may be set after a batch was built and checked.
//
// Everything here is memory work on bytes of the caller's: views point into them. Sizes and counts
// that the bytes claim are held against the bytes that are there; how large a batch may be is the
// caller's to limit. Wrong structure is InvalidInput, a wrong checksum is Corrupt.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace myelin::kafka {

inline constexpr std::size_t kBatchHeaderBytes = 61;
// Base offset and batch length: what stands before the bytes that the length counts.
inline constexpr std::size_t kBatchPrefixBytes = 12;
// Enough of a batch for header_checksum(): all that the batch's CRC leaves out, and that CRC.
inline constexpr std::size_t kBatchUncheckedBytes = 21;
// Length, attributes, two deltas, two absent fields, no headers: no record is smaller.
inline constexpr std::size_t kRecordBytesMin = 7;
// What a batch length of 32 bits allows.
inline constexpr std::size_t kBatchBytesMax =
    std::size_t{std::numeric_limits<std::int32_t>::max()} + kBatchPrefixBytes;
inline constexpr std::int8_t kBatchMagic = 2;

// Bits of a batch's attributes.
inline constexpr std::int16_t kCompressionMask = 0x07;
inline constexpr std::int16_t kLogAppendTime = 0x08;  // Each record's time is the maximum's.
inline constexpr std::int16_t kTransactional = 0x10;
inline constexpr std::int16_t kControl = 0x20;
inline constexpr std::int16_t kDeleteHorizon = 0x40;  // Base timestamp is a delete horizon too.

struct Header {
  std::string_view key;
  std::optional<std::string_view> value;

  friend bool operator==(const Header&, const Header&) = default;
};

// The headers of one record, decoded while iterating. Made by RecordReader, which has seen that
// they are whole.
class Headers {
 public:
  class Iterator {
   public:
    using value_type = Header;
    using difference_type = std::ptrdiff_t;
    using iterator_concept = std::input_iterator_tag;

    Iterator(std::string_view bytes, std::int32_t left);
    const Header& operator*() const { return current_; }
    const Header* operator->() const { return &current_; }
    Iterator& operator++();
    void operator++(int) { ++*this; }
    friend bool operator==(const Iterator& it, std::default_sentinel_t) { return it.left_ == 0; }

   private:
    void decode();

    ByteReader reader_;
    std::int32_t left_;
    Header current_;
  };

  Headers() = default;
  Headers(std::string_view bytes, std::int32_t count) : bytes_(bytes), count_(count) {}

  Iterator begin() const { return {bytes_, count_}; }
  static std::default_sentinel_t end() { return {}; }
  std::size_t size() const { return static_cast<std::size_t>(count_); }
  bool empty() const { return count_ == 0; }
  // The value of the last header of that name, which is the one that Kafka's clients take; nothing
  // where it is absent or null.
  std::optional<std::string_view> find_last(std::string_view key) const;

 private:
  std::string_view bytes_;
  std::int32_t count_ = 0;
};

struct RecordView {
  std::int32_t offset_delta = 0;
  std::int64_t timestamp_ms = 0;
  std::optional<std::string_view> key;
  std::optional<std::string_view> value;
  Headers headers;
  std::string_view body;  // Key, value and headers as the batch has them.
};

// What the builder cannot know of the batch.
struct BatchFields {
  std::int32_t partition_leader_epoch = 0;
  std::int16_t attributes = 0;  // Without compression bits.
  std::int64_t producer_id = -1;
  std::int16_t producer_epoch = -1;
  std::int32_t base_sequence = -1;
};

// Builds one uncompressed batch after another in a string of its own. One owner, no lock.
class RecordBatchBuilder {
 public:
  // `reserve_bytes` is what one batch is expected to take, `batch_bytes_max` what it may take.
  explicit RecordBatchBuilder(std::size_t reserve_bytes = 0,
                              std::size_t batch_bytes_max = kBatchBytesMax);

  // Exhausted, and nothing added, when the batch would pass its limit; InvalidInput for a time that
  // lies more than 64 bits from the first record's. Copies what it is given.
  Status add(std::int64_t timestamp_ms, std::optional<std::string_view> key,
             std::optional<std::string_view> value, std::span<const Header> headers = {});

  // What finish() would return now.
  std::size_t size_bytes() const { return batch_.size(); }
  std::int32_t record_count() const { return record_count_; }
  bool empty() const { return record_count_ == 0; }

  // The batch with base offset 0 and its CRC. The builder must not be empty; it is afterwards.
  std::string finish(const BatchFields& fields = {});

 private:
  void start();

  const std::size_t reserve_bytes_;
  const std::size_t batch_bytes_max_;
  std::string batch_;  // Begins with room for the header.
  std::int32_t record_count_ = 0;
  std::int64_t base_timestamp_ = 0;
  std::int64_t max_timestamp_ = 0;
};

struct BatchInfo {
  std::int64_t base_offset = 0;
  std::size_t size_bytes = 0;  // The whole batch, prefix included.
  std::int32_t partition_leader_epoch = 0;
  std::int8_t magic = 0;
  std::uint32_t crc = 0;
  std::int16_t attributes = 0;
  std::int32_t last_offset_delta = 0;
  std::int64_t base_timestamp = 0;
  std::int64_t max_timestamp = 0;
  std::int64_t producer_id = 0;
  std::int16_t producer_epoch = 0;
  std::int32_t base_sequence = 0;
  std::int32_t record_count = 0;

  std::int64_t last_offset() const { return base_offset + last_offset_delta; }
  std::int64_t next_offset() const { return last_offset() + 1; }
  bool is_compressed() const { return (attributes & kCompressionMask) != 0; }
  bool is_transactional() const { return (attributes & kTransactional) != 0; }
  bool is_control() const { return (attributes & kControl) != 0; }
  bool has_log_append_time() const { return (attributes & kLogAppendTime) != 0; }
  bool has_delete_horizon() const { return (attributes & kDeleteHorizon) != 0; }
};

// Reads the header at the front of `bytes`, which need not hold the whole batch. InvalidInput for
// fewer than 61 bytes, another magic, and numbers that no batch can have. A batch may hold fewer
// records than offsets, or none: compaction leaves such.
Result<BatchInfo> parse_batch_header(std::string_view bytes);

// `batch` is exactly one batch (else InvalidInput) and its CRC is right (else Corrupt). Says
// nothing about the records inside.
Status verify_batch(std::string_view batch);
// The same of the CRC alone, whatever the header says: `batch` has at least kBatchUncheckedBytes.
Status verify_checksum(std::string_view batch);

// Writes `info` into the first 61 bytes of `batch`, a whole batch but for them, and then its CRC.
// Length, magic and CRC are computed, whatever `info` says of them. `batch` is no longer than
// kBatchBytesMax.
void write_batch_header(std::string& batch, const BatchInfo& info);

// Both write fields that the CRC leaves out; `batch` holds a header.
void set_base_offset(char* batch, std::int64_t offset);
void set_partition_leader_epoch(char* batch, std::int32_t epoch);

// CRC-32C over the batch's first 21 bytes: what its own CRC leaves out (base offset, length, leader
// epoch, magic), and that CRC, so that it also names the batch. Changes with both setters above.
// `batch` holds at least those bytes.
std::uint32_t header_checksum(std::string_view batch);

// Walks the records of one batch without allocating. Views it gives live as long as the records'
// bytes.
class RecordReader {
 public:
  // `batch` is exactly one batch. InvalidInput for a compressed one: see unpacked_batch.h. Does not
  // check the CRC.
  static Result<RecordReader> open(std::string_view batch);

  // `records` is all that follows the header that gave `info`, decompressed.
  RecordReader(std::string_view records, const BatchInfo& info);

  const BatchInfo& info() const { return info_; }

  // The next record; nothing after the last. InvalidInput names the record and its position; the
  // same comes back when asked again.
  Result<std::optional<RecordView>> next();

 private:
  Error malformed(std::string_view what) const;
  Result<RecordView> decode(std::string_view record) const;

  std::string_view records_;
  BatchInfo info_;
  std::size_t position_ = 0;
  std::int32_t records_read_ = 0;
  std::int32_t last_delta_ = -1;
};

}  // namespace myelin::kafka
