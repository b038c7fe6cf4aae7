// Whatever the bytes: no crash, nothing read outside of them. A batch whose records read to the end
// is built again from them, verifies, and reads as the same. Half of the work is done on the input
// with its length and checksum set right, so that it comes as far as the records.
#include <algorithm>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/check.h"
#include "base/crc32c.h"
#include "formats/kafka/record_batch.h"

namespace {

using namespace myelin;
using namespace myelin::kafka;

std::optional<std::vector<RecordView>> read(std::string_view batch) {
  auto reader = RecordReader::open(batch);
  if (!reader) return std::nullopt;
  std::vector<RecordView> records;
  while (true) {
    auto next = reader->next();
    if (!next) {
      MYELIN_CHECK(next.error().code() == ErrorCode::InvalidInput, "the error of malformed bytes");
      return std::nullopt;
    }
    if (!*next) break;
    records.push_back(**next);
  }
  MYELIN_CHECK(records.size() == static_cast<std::size_t>(reader->info().record_count),
               "as many records as the header says");
  return records;
}

bool same(const RecordView& a, const RecordView& b) {
  return a.timestamp_ms == b.timestamp_ms && a.key == b.key && a.value == b.value &&
         a.headers.size() == b.headers.size() && std::ranges::equal(a.headers, b.headers);
}

void build_again(const std::vector<RecordView>& records) {
  RecordBatchBuilder builder;
  for (const RecordView& record : records) {
    const std::vector<Header> headers = [&] {
      std::vector<Header> all;
      for (const Header& header : record.headers) all.push_back(header);
      return all;
    }();
    // Times may lie further apart here than a delta reaches: their batch had a base of its own.
    if (!builder.add(record.timestamp_ms, record.key, record.value, headers)) return;
  }
  if (builder.empty()) return;
  const std::string batch = builder.finish();
  MYELIN_CHECK(verify_batch(batch).has_value(), "what was built verifies");
  const auto again = read(batch);
  MYELIN_CHECK(again && std::ranges::equal(*again, records, same), "what was built reads the same");
}

void check(std::string_view batch) {
  const auto info = parse_batch_header(batch);
  const bool verified = verify_batch(batch).has_value();
  MYELIN_CHECK(!verified || (info && info->size_bytes == batch.size()), "what verifies is whole");
  if (const auto records = read(batch)) build_again(*records);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  check(bytes);
  if (size < kBatchHeaderBytes) return 0;
  std::string sealed(bytes);
  store_be(sealed.data() + 8, static_cast<std::int32_t>(size - kBatchPrefixBytes));
  sealed[16] = kBatchMagic;
  store_be(sealed.data() + 17, crc32c(bytes.substr(21)));
  check(sealed);
  return 0;
}
