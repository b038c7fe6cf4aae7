// The four codecs that Kafka's record batches may be packed with, whole strings in and out.
//
// gzip (RFC 1952), snappy (in the framing of snappy-java, which Java writes, or bare, as librdkafka
// writes it), lz4 (LZ4 frame format) and zstd. What compress() makes, Kafka's own clients read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace myelin::kafka {

// The values are those of a batch's attributes, bits 0 to 2.
enum class Compression : std::uint8_t { None = 0, Gzip = 1, Snappy = 2, Lz4 = 3, Zstd = 4 };

// Larger limits count as this one.
inline constexpr std::size_t kUnpackedBytesMax = std::size_t{1} << 31;

// "none", "gzip", "snappy", "lz4", "zstd".
std::string_view to_string(Compression codec);

// What a batch with these attributes is packed with. InvalidInput for the three values that name no
// codec.
Result<Compression> compression_of(std::int16_t attributes);

// All of `bytes` unpacked. Exhausted where that is more than `bytes_max`; InvalidInput where the
// bytes are malformed, end early or go on after their end (several gzip members or zstd frames one
// after another are one, as for Kafka's clients). Bytes with a checksum of their own are held to
// it.
//
// Allocates at most `bytes_max` for the result, whatever the bytes claim (its capacity may be more
// than its size), and the codec's own memory: at most 9 MiB for lz4, under 200 KiB for the others.
// Bytes that do not say how much they hold may be unpacked more than once while room for them is
// found, in all no more than 7/3 of `bytes_max`.
//
// The framing of snappy-java has no end mark: cut between two of its chunks of 32 KiB, its bytes
// are sound. The count of records in the batch's header shows the loss.
Result<std::string> decompress(Compression codec, std::string_view bytes, std::size_t bytes_max);

// InvalidInput for more than kUnpackedBytesMax.
Result<std::string> compress(Compression codec, std::string_view bytes);

}  // namespace myelin::kafka
