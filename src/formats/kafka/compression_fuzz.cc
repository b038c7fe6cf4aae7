// The first byte names a codec, the rest are its bytes. Whatever they are: no crash, nothing read
// outside of them, nothing unpacked beyond the limit, and no other error than theirs. What unpacks
// does so again once we packed it; the rest, packed, unpacks as itself. As the records of a batch
// they unpack to the same bytes, or not at all.
#include <string>

#include "base/check.h"
#include "formats/kafka/compression.h"
#include "formats/kafka/unpacked_batch.h"

namespace {

using namespace myelin;
using namespace myelin::kafka;

constexpr std::size_t kBytesMax = std::size_t{256} << 10;

std::optional<std::string> unpack_bytes(Compression codec, std::string_view bytes,
                                        std::size_t bytes_max) {
  auto unpacked = decompress(codec, bytes, bytes_max);
  if (!unpacked) {
    const ErrorCode code = unpacked.error().code();
    MYELIN_CHECK(code == ErrorCode::InvalidInput || code == ErrorCode::Exhausted,
                 "the errors of malformed and of too many bytes");
    return std::nullopt;
  }
  MYELIN_CHECK(unpacked->size() <= bytes_max, "no more than its limit");
  return *std::move(unpacked);
}

void check_batch(Compression codec, std::string_view bytes,
                 const std::optional<std::string>& expected) {
  BatchInfo info;
  info.attributes = static_cast<std::int16_t>(codec);
  info.last_offset_delta = 1'000'000;
  info.record_count = 1;
  std::string batch(kBatchHeaderBytes, '\0');
  batch += bytes;
  write_batch_header(batch, info);
  if (!parse_batch_header(batch)) return;  // Too few bytes for a record that is not compressed.
  auto unpacked = unpack(batch, kBytesMax);
  MYELIN_CHECK(unpacked.has_value() == expected.has_value(), "in a batch as outside of it");
  if (!unpacked) return;
  const UnpackedBatch moved = *std::move(unpacked);
  MYELIN_CHECK(moved.records() == *expected, "in a batch the same bytes");
  RecordReader reader = moved.reader();
  for (auto record = reader.next(); record && *record; record = reader.next()) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto codec = static_cast<Compression>(data[0] % 5);
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);

  const auto unpacked = unpack_bytes(codec, bytes, kBytesMax);
  if (codec != Compression::None || bytes.size() <= kBytesMax) check_batch(codec, bytes, unpacked);
  if (unpacked) {
    MYELIN_CHECK(unpack_bytes(codec, bytes, unpacked->size()) == unpacked, "at its limit the same");
    MYELIN_CHECK(unpacked->empty() || !unpack_bytes(codec, bytes, unpacked->size() - 1),
                 "one byte under its limit nothing");
  }
  const auto packed = compress(codec, bytes);
  MYELIN_CHECK(packed.has_value() && unpack_bytes(codec, *packed, bytes.size()) == bytes,
               "what was packed unpacks");
  return 0;
}
