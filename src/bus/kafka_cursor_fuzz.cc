// Whatever a client gives back as a cursor: it is refused as InvalidInput, or it names at most 200
// partitions, and its positions, written again, read as the same. The input is tried as it is, and
// as what stands between a right head and a right checksum.
#include <fmt/format.h>

#include <string>

#include "base/check.h"
#include "base/crc32c.h"
#include "bus/kafka_cursor.h"

namespace {

using namespace myelin;
using namespace myelin::bus;

constexpr std::string_view kCluster = "4L6g3nShT-eMCtK--X86sw";

void check(std::string_view text) {
  const auto parsed = parse_kafka_cursor(text, kCluster);
  if (!parsed) {
    MYELIN_CHECK(parsed.error().code() == ErrorCode::InvalidInput, "a cursor is the client's");
    return;
  }
  MYELIN_CHECK(parsed->size() <= kCursorPartitionsMax, "a cursor has its limit");
  const auto again = parse_kafka_cursor(format_kafka_cursor(kCluster, *parsed), kCluster);
  MYELIN_CHECK(again.value() == *parsed, "the positions read as the same");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  check(input);
  const auto body = fmt::format("kafka:{}:{}", kCluster, input);
  check(fmt::format("{}:{:08x}", body, crc32c(body)));
  return 0;
}
