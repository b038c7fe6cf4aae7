// Any bytes as a manifest: an error or a manifest that is the same again when it is encoded, never
// a crash. The checksum is set right, so that the bytes behind it are reached.
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "base/check.h"
#include "base/crc32c.h"
#include "cli/backup/manifest.h"

namespace {

using namespace myelin;
using namespace myelin::cli::backup;

void check(const std::string& bytes) {
  const auto read = decode_manifest(bytes);
  if (!read) return;
  const auto again = decode_manifest(encode_manifest(*read));
  MYELIN_CHECK(again && again->segments == read->segments && again->number == read->number,
               "a manifest is read back");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string bytes(reinterpret_cast<const char*>(data), size);
  check(bytes);
  if (bytes.size() < 24) return 0;
  store_le(bytes.data() + 12, crc32c(std::string_view(bytes).substr(24)));
  store_le(bytes.data() + 16, std::uint64_t{bytes.size() - 24});
  check(bytes);
  return 0;
}
