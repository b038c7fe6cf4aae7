// Any bytes as a checkpoint: an error or a state that is the same again when it is encoded, never a
// crash. The checksum is set right, so that the bytes behind it are reached.
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "base/check.h"
#include "base/crc32c.h"
#include "log/checkpoint.h"

namespace {

using namespace myelin;
using namespace myelin::log;

void check(const std::string& bytes) {
  auto read = decode_checkpoint(bytes);
  if (!read) return;
  read->format = kDirectoryFormat;  // It is written in the newest.
  const auto again = decode_checkpoint(encode_checkpoint(*read));
  MYELIN_CHECK(again && *again == *read, "a checkpoint is read back");
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
