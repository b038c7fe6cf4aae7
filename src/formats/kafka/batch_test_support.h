// What the tests of this module share: records that own their bytes, batches of them, and random
// ones.
#pragma once

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "formats/kafka/compression.h"
#include "formats/kafka/record_batch.h"

namespace myelin::kafka {

using OptionalText = std::optional<std::string>;

struct OwnedHeader {
  std::string key;
  OptionalText value;
  friend bool operator==(const OwnedHeader&, const OwnedHeader&) = default;
};

struct OwnedRecord {
  std::int64_t timestamp_ms = 0;
  OptionalText key;
  OptionalText value;
  std::vector<OwnedHeader> headers;
  friend bool operator==(const OwnedRecord&, const OwnedRecord&) = default;
};

inline std::optional<std::string_view> view(const OptionalText& text) {
  return text ? std::optional<std::string_view>(*text) : std::nullopt;
}

inline OptionalText own(std::optional<std::string_view> text) {
  return text ? OptionalText(std::string(*text)) : std::nullopt;
}

inline Status add(RecordBatchBuilder& builder, const OwnedRecord& record) {
  std::vector<Header> headers;
  for (const OwnedHeader& h : record.headers) headers.push_back({h.key, view(h.value)});
  return builder.add(record.timestamp_ms, view(record.key), view(record.value), headers);
}

inline std::string build(const std::vector<OwnedRecord>& records, const BatchFields& fields = {}) {
  RecordBatchBuilder builder;
  for (const OwnedRecord& record : records) EXPECT_TRUE(add(builder, record));
  return builder.finish(fields);
}

inline OwnedRecord own(const RecordView& view) {
  OwnedRecord record{view.timestamp_ms, own(view.key), own(view.value), {}};
  for (const Header& h : view.headers) record.headers.push_back({std::string(h.key), own(h.value)});
  return record;
}

inline std::string from_hex(std::string_view hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  }
  return bytes;
}

inline const std::vector<OwnedRecord>& three_records() {
  static const std::vector<OwnedRecord> records = {
      {1700000000000, "PID-1", "hello", {{"type", "ADT"}, {"none", std::nullopt}}},
      {1699999999000, std::nullopt, "", {}},
      {1700000086400, "", std::nullopt, {}}};
  return records;
}

// The batch with a correct CRC over whatever was changed in it.
inline std::string resealed(std::string batch) {
  store_be(batch.data() + 17, crc32c(std::string_view(batch).substr(21)));
  return batch;
}

// The same batch, its records packed by our own encoder.
inline std::string packed(std::string_view batch, Compression codec) {
  BatchInfo info = *parse_batch_header(batch);
  info.attributes = static_cast<std::int16_t>(info.attributes | static_cast<std::int16_t>(codec));
  auto records = compress(codec, batch.substr(kBatchHeaderBytes));
  EXPECT_TRUE(records);
  std::string made = std::string(kBatchHeaderBytes, '\0') + *records;
  write_batch_header(made, info);
  return made;
}

inline constexpr Compression kCodecs[] = {Compression::None, Compression::Gzip, Compression::Snappy,
                                          Compression::Lz4, Compression::Zstd};

class Generator {
 public:
  explicit Generator(std::uint64_t seed) : random_(seed) {}

  std::vector<OwnedRecord> records() {
    std::vector<OwnedRecord> made(1 + below(40));
    for (OwnedRecord& record : made) {
      record = {timestamp(), optional(), optional(), {}};
      record.headers.resize(below(3) == 0 ? below(70) : 0);
      for (OwnedHeader& header : record.headers) header = {text(), optional()};
    }
    return made;
  }

 private:
  std::uint64_t below(std::uint64_t end) { return random_() % end; }
  std::int64_t timestamp() {
    // All lengths of varints, and no two further apart than a delta reaches.
    const auto value = static_cast<std::int64_t>(random_() >> (2 + below(62)));
    return below(2) == 0 ? value : -value;
  }
  std::string text() {
    std::string made(below(10) == 0 ? below(20'000) : below(200), 'x');
    if (below(2) == 0) return made;  // Half of it compresses well.
    for (char& c : made) c = static_cast<char>(random_());
    return made;
  }
  OptionalText optional() { return below(5) == 0 ? OptionalText() : OptionalText(text()); }

  std::mt19937_64 random_;
};

}  // namespace myelin::kafka
