// CRC-32C (Castagnoli, RFC 3720 appendix B.4): the checksum of Kafka's record batches and of
// everything in the log.
#pragma once

#include <cstdint>
#include <string_view>

namespace myelin {

// The CRC of `bytes`, continuing from `crc` of what came before (0 at the start).
std::uint32_t crc32c(std::string_view bytes, std::uint32_t crc = 0);

// The table-driven form that machines without the instruction use; tests hold the two to each
// other.
std::uint32_t crc32c_portable(std::string_view bytes, std::uint32_t crc = 0);

}  // namespace myelin
