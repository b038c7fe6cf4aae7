// Four bytes say which records are kept, one the options, one a codec; the rest is a batch whose
// length, magic and checksum are set right, and whose records are packed with that codec where the
// batch names none. Whatever it is: no crash; a batch that reads to its end is rewritten to one
// that verifies, stands in the same place and has exactly the kept records; one that does not is
// refused.
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/check.h"
#include "formats/kafka/compaction.h"
#include "formats/kafka/compression.h"
#include "formats/kafka/unpacked_batch.h"

namespace {

using namespace myelin;
using namespace myelin::kafka;

constexpr std::size_t kPrefixBytes = 6;
constexpr std::size_t kBytesMax = std::size_t{1} << 20;

struct Known {
  std::int32_t offset_delta;
  std::int64_t timestamp_ms;
  std::string body;
  friend bool operator==(const Known&, const Known&) = default;
};

bool is_kept(std::uint32_t mask, std::size_t index) { return ((mask >> (index % 32)) & 1) != 0; }

// The batch's records at which `mask` has a bit; nothing when the batch does not read to its end.
std::optional<std::vector<Known>> read(std::string_view batch, std::uint32_t mask) {
  const auto unpacked = unpack(batch, 4 * kBytesMax);
  if (!unpacked) return std::nullopt;
  std::vector<Known> records;
  RecordReader reader = unpacked->reader();
  for (std::size_t i = 0;; ++i) {
    const auto record = reader.next();
    if (!record) return std::nullopt;
    if (!*record) return records;
    if (!is_kept(mask, i)) continue;
    records.push_back(
        {(*record)->offset_delta, (*record)->timestamp_ms, std::string((*record)->body)});
  }
}

std::optional<std::string> sealed(std::string_view bytes, unsigned codec) {
  std::string batch(bytes);
  store_be(batch.data() + 8, static_cast<std::int32_t>(batch.size() - kBatchPrefixBytes));
  batch[16] = kBatchMagic;
  auto info = parse_batch_header(batch);
  if (!info) return std::nullopt;
  if (!info->is_compressed() && codec != 0) {
    info->attributes = static_cast<std::int16_t>(info->attributes | static_cast<int>(codec));
    batch.replace(kBatchHeaderBytes, std::string::npos,
                  *compress(static_cast<Compression>(codec), bytes.substr(kBatchHeaderBytes)));
  }
  write_batch_header(batch, *info);
  return batch;
}

void check(std::string_view batch, std::uint32_t mask, const RewriteOptions& options) {
  std::size_t asked = 0;
  const auto rewritten =
      rewrite_batch(batch, [&](const RecordView&) { return is_kept(mask, asked++); }, options);
  if (!rewritten) {
    const ErrorCode code = rewritten.error().code();
    MYELIN_CHECK(code == ErrorCode::InvalidInput || code == ErrorCode::Exhausted,
                 "the errors of malformed and of too many bytes");
    MYELIN_CHECK(code == ErrorCode::Exhausted || !read(batch, mask), "what reads is rewritten");
    return;
  }
  const auto expected = read(batch, mask);
  MYELIN_CHECK(expected.has_value(), "what does not read is not rewritten");
  MYELIN_CHECK(expected->size() == static_cast<std::size_t>(rewritten->records_kept), "its count");
  if (rewritten->bytes.empty()) return;
  MYELIN_CHECK(verify_batch(rewritten->bytes).has_value(), "the new batch verifies");
  MYELIN_CHECK(read(rewritten->bytes, ~std::uint32_t{0}) == expected, "exactly what was kept");
  const BatchInfo before = *parse_batch_header(batch);
  const BatchInfo after = *parse_batch_header(rewritten->bytes);
  MYELIN_CHECK(
      after.base_offset == before.base_offset && after.last_offset() == before.last_offset(),
      "the same offsets");
  MYELIN_CHECK(
      after.producer_id == before.producer_id && after.base_sequence == before.base_sequence,
      "the same producer");
  MYELIN_CHECK(expected->empty() || !before.has_delete_horizon() ||
                   delete_horizon(after) == delete_horizon(before),
               "a horizon stays");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < kPrefixBytes + kBatchHeaderBytes || size > kBytesMax / 2) return 0;
  const auto mask = load_le<std::uint32_t>(data);
  RewriteOptions options{.unpacked_bytes_max = kBytesMax};
  if ((data[4] & 1) != 0) options.delete_horizon_ms = 1'700'086'400'000;
  if ((data[4] & 2) != 0) options.when_empty = WhenEmpty::KeepHeader;
  if ((data[4] & 4) != 0) options.ends_empty_transaction = EndsEmptyTransaction::Yes;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + kPrefixBytes,
                               size - kPrefixBytes);
  if (const auto batch = sealed(bytes, data[5] % 5)) check(*batch, mask, options);
  return 0;
}
