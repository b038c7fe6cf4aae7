#include "formats/kafka/compression.h"

#include <fmt/format.h>
#include <lz4frame.h>
#include <snappy-c.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "base/bytes.h"
#include "base/check.h"
#include "formats/kafka/record_batch.h"

namespace myelin::kafka {
namespace {

constexpr int kGzipWindowBits = 15 + 16;  // zlib's way to ask for a gzip header.
constexpr std::size_t kGzipBytesMin = 18;
constexpr std::string_view kXerialMagic("\x82SNAPPY\0", 8);
constexpr std::size_t kXerialHeaderBytes = 16;
constexpr std::int32_t kXerialVersion = 1;
constexpr std::size_t kXerialChunkBytes = std::size_t{32} << 10;
constexpr std::uint32_t kLz4Magic = 0x184D2204;
constexpr std::size_t kLz4ContentSizeAt = 6;
constexpr int kZstdLevel = 3;

// A first guess where the bytes say nothing, and how it grows.
constexpr std::size_t kGuessedRatio = 4;
constexpr std::size_t kSecondTryBytesMin = std::size_t{64} << 10;

// Where an attempt writes to.
struct Room {
  char* at;
  std::size_t size;
};

enum class Fault : std::uint8_t { Malformed, TooLittleRoom };

// What came out of one attempt: the size of the whole, or why there is none.
struct Attempt {
  std::size_t written = 0;
  std::optional<Fault> fault = {};
};

constexpr Attempt kMalformed{.fault = Fault::Malformed};
constexpr Attempt kTooLittleRoom{.fault = Fault::TooLittleRoom};

Bytef* zlib_bytes(const char* bytes) {
  return reinterpret_cast<Bytef*>(const_cast<char*>(bytes));  // zlib's input is not const.
}

Attempt gunzip(std::string_view bytes, Room room) {
  z_stream stream{};
  MYELIN_CHECK(inflateInit2(&stream, kGzipWindowBits) == Z_OK, "memory for zlib");
  const std::unique_ptr<z_stream, decltype(&inflateEnd)> end(&stream, &inflateEnd);
  stream.next_in = zlib_bytes(bytes.data());
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = zlib_bytes(room.at);
  stream.avail_out = static_cast<uInt>(room.size);
  while (true) {
    const int result = inflate(&stream, Z_FINISH);
    if (result == Z_BUF_ERROR && stream.avail_out == 0) return kTooLittleRoom;
    if (result != Z_STREAM_END) return kMalformed;
    if (stream.avail_in == 0) return {.written = room.size - stream.avail_out};
    if (inflateReset(&stream) != Z_OK) return kMalformed;  // What follows must be another member.
  }
}

Attempt unsnappy_bare(std::string_view bytes, Room room) {
  std::size_t size = 0;
  if (snappy_uncompressed_length(bytes.data(), bytes.size(), &size) != SNAPPY_OK) return kMalformed;
  if (size > room.size) return kTooLittleRoom;
  if (snappy_uncompress(bytes.data(), bytes.size(), room.at, &size) != SNAPPY_OK) return kMalformed;
  return {.written = size};
}

bool is_xerial(std::string_view bytes) { return bytes.starts_with(kXerialMagic); }

// The next chunk of snappy-java's framing; nothing when its length is not that of what is left.
std::optional<std::string_view> xerial_chunk(ByteReader& in) {
  const auto size = in.be<std::int32_t>();
  if (!in.ok() || size < 0) return std::nullopt;
  const std::string_view chunk = in.bytes(static_cast<std::size_t>(size));
  return in.ok() ? std::optional(chunk) : std::nullopt;
}

Attempt unsnappy_xerial(std::string_view bytes, Room room) {
  ByteReader in(bytes.substr(kXerialMagic.size()));
  if (in.be<std::int32_t>() < kXerialVersion) return kMalformed;
  in.be<std::int32_t>();  // The oldest version that reads it, which Kafka's clients do not look at.
  if (!in.ok()) return kMalformed;
  Attempt all;
  while (in.remaining() != 0) {
    const auto chunk = xerial_chunk(in);
    if (!chunk) return kMalformed;
    const Attempt one =
        unsnappy_bare(*chunk, {.at = room.at + all.written, .size = room.size - all.written});
    if (one.fault) return one;
    all.written += one.written;
  }
  return all;
}

Attempt unlz4(std::string_view bytes, Room room) {
  // The library also takes frames to skip, which are none to Kafka's clients.
  if (bytes.size() < sizeof kLz4Magic || load_le<std::uint32_t>(bytes.data()) != kLz4Magic) {
    return kMalformed;
  }
  LZ4F_dctx* context = nullptr;
  MYELIN_CHECK(!LZ4F_isError(LZ4F_createDecompressionContext(&context, LZ4F_VERSION)),
               "memory for lz4");
  const std::unique_ptr<LZ4F_dctx, decltype(&LZ4F_freeDecompressionContext)> owned(
      context, &LZ4F_freeDecompressionContext);
  LZ4F_decompressOptions_t options{};
  options.stableDst = 1;
  std::size_t read = 0;
  std::size_t written = 0;
  while (true) {
    std::size_t in = bytes.size() - read;
    std::size_t out = room.size - written;
    const std::size_t wanted =
        LZ4F_decompress(context, room.at + written, &out, bytes.data() + read, &in, &options);
    if (LZ4F_isError(wanted)) return kMalformed;
    read += in;
    written += out;
    // One frame: Kafka's clients do not look for another.
    if (wanted == 0) return read == bytes.size() ? Attempt{.written = written} : kMalformed;
    if (in == 0 && out == 0) return written == room.size ? kTooLittleRoom : kMalformed;
  }
}

Attempt unzstd(std::string_view bytes, Room room) {
  if (bytes.empty()) return kMalformed;
  const std::size_t result = ZSTD_decompress(room.at, room.size, bytes.data(), bytes.size());
  if (ZSTD_getErrorCode(result) == ZSTD_error_dstSize_tooSmall) return kTooLittleRoom;
  if (ZSTD_isError(result)) return kMalformed;
  return {.written = result};
}

Attempt unpack_into(Compression codec, std::string_view bytes, Room room) {
  switch (codec) {
    case Compression::Gzip: return gunzip(bytes, room);
    case Compression::Snappy:
      return is_xerial(bytes) ? unsnappy_xerial(bytes, room) : unsnappy_bare(bytes, room);
    case Compression::Lz4: return unlz4(bytes, room);
    case Compression::Zstd: return unzstd(bytes, room);
    case Compression::None: break;
  }
  return kMalformed;
}

std::size_t xerial_claim(std::string_view bytes) {
  ByteReader in(bytes.substr(std::min(kXerialHeaderBytes, bytes.size())));
  std::size_t sum = 0;
  while (in.remaining() != 0) {
    const auto chunk = xerial_chunk(in);
    std::size_t size = 0;
    if (!chunk || snappy_uncompressed_length(chunk->data(), chunk->size(), &size) != SNAPPY_OK) {
      break;
    }
    sum += size;
  }
  return sum;
}

// How much the bytes say that they hold; nothing where they do not. Never to be trusted.
std::optional<std::size_t> claimed_bytes(Compression codec, std::string_view bytes) {
  if (codec == Compression::Gzip && bytes.size() >= kGzipBytesMin) {
    return load_le<std::uint32_t>(bytes.data() + bytes.size() - 4);
  }
  if (codec == Compression::Snappy) {
    if (is_xerial(bytes)) return xerial_claim(bytes);
    std::size_t size = 0;
    if (snappy_uncompressed_length(bytes.data(), bytes.size(), &size) == SNAPPY_OK) return size;
  }
  constexpr unsigned kHasContentSize = 0x08;
  if (codec == Compression::Lz4 && bytes.size() >= kLz4ContentSizeAt + 8 &&
      (static_cast<unsigned char>(bytes[4]) & kHasContentSize) != 0) {
    return load_le<std::uint64_t>(bytes.data() + kLz4ContentSizeAt);
  }
  if (codec == Compression::Zstd) {
    const auto size = ZSTD_getFrameContentSize(bytes.data(), bytes.size());
    if (size < ZSTD_CONTENTSIZE_ERROR) return size;
  }
  return std::nullopt;
}

std::string gzip(std::string_view bytes) {
  z_stream stream{};
  constexpr int kMemoryLevel = 8;  // zlib's default.
  MYELIN_CHECK(deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kGzipWindowBits,
                            kMemoryLevel, Z_DEFAULT_STRATEGY) == Z_OK,
               "memory for zlib");
  const std::unique_ptr<z_stream, decltype(&deflateEnd)> end(&stream, &deflateEnd);
  const std::size_t room = deflateBound(&stream, bytes.size());
  std::string packed;
  packed.resize_and_overwrite(room, [&](char* out, std::size_t) {
    stream.next_in = zlib_bytes(bytes.data());
    stream.avail_in = static_cast<uInt>(bytes.size());
    stream.next_out = zlib_bytes(out);
    stream.avail_out = static_cast<uInt>(room);
    MYELIN_CHECK(deflate(&stream, Z_FINISH) == Z_STREAM_END, "zlib keeps to its bound");
    return room - stream.avail_out;
  });
  return packed;
}

std::string snappy(std::string_view bytes) {
  std::string packed(kXerialMagic);
  ByteWriter(packed).be(kXerialVersion);
  ByteWriter(packed).be(kXerialVersion);
  std::string chunk(snappy_max_compressed_length(kXerialChunkBytes), '\0');
  while (!bytes.empty()) {
    const std::string_view part = bytes.substr(0, kXerialChunkBytes);
    std::size_t size = chunk.size();
    MYELIN_CHECK(snappy_compress(part.data(), part.size(), chunk.data(), &size) == SNAPPY_OK,
                 "snappy keeps to its bound");
    ByteWriter(packed).be(static_cast<std::int32_t>(size));
    packed.append(chunk, 0, size);
    bytes.remove_prefix(part.size());
  }
  return packed;
}

std::string lz4(std::string_view bytes) {
  LZ4F_preferences_t preferences{};
  preferences.frameInfo.blockSizeID = LZ4F_max64KB;
  preferences.frameInfo.blockMode = LZ4F_blockIndependent;  // Java's clients refuse linked blocks.
  preferences.frameInfo.contentSize = bytes.size();
  const std::size_t room = LZ4F_compressFrameBound(bytes.size(), &preferences);
  std::string packed;
  packed.resize_and_overwrite(room, [&](char* out, std::size_t) {
    const std::size_t size =
        LZ4F_compressFrame(out, room, bytes.data(), bytes.size(), &preferences);
    MYELIN_CHECK(!LZ4F_isError(size), "lz4 keeps to its bound");
    return size;
  });
  return packed;
}

std::string zstd(std::string_view bytes) {
  const std::size_t room = ZSTD_compressBound(bytes.size());
  std::string packed;
  packed.resize_and_overwrite(room, [&](char* out, std::size_t) {
    const std::size_t size = ZSTD_compress(out, room, bytes.data(), bytes.size(), kZstdLevel);
    MYELIN_CHECK(!ZSTD_isError(size), "zstd keeps to its bound");
    return size;
  });
  return packed;
}

Error too_much(Compression codec, std::size_t bytes_max) {
  return Error(ErrorCode::Exhausted,
               fmt::format("{}: more than {} bytes when unpacked", to_string(codec), bytes_max));
}

}  // namespace

std::string_view to_string(Compression codec) {
  switch (codec) {
    case Compression::None: return "none";
    case Compression::Gzip: return "gzip";
    case Compression::Snappy: return "snappy";
    case Compression::Lz4: return "lz4";
    case Compression::Zstd: return "zstd";
  }
  return "?";
}

Result<Compression> compression_of(std::int16_t attributes) {
  const int value = attributes & kCompressionMask;
  if (value > static_cast<int>(Compression::Zstd)) {
    return Error(ErrorCode::InvalidInput, fmt::format("record batch: compression {}", value));
  }
  return static_cast<Compression>(value);
}

Result<std::string> decompress(Compression codec, std::string_view bytes, std::size_t bytes_max) {
  bytes_max = std::min(bytes_max, kUnpackedBytesMax);
  if (codec == Compression::None) {
    if (bytes.size() > bytes_max) return too_much(codec, bytes_max);
    return std::string(bytes);
  }
  if (bytes.size() > kBatchBytesMax) {
    return Error(ErrorCode::InvalidInput,
                 fmt::format("{}: {} bytes", to_string(codec), bytes.size()));
  }
  const std::size_t guess = claimed_bytes(codec, bytes).value_or(bytes.size() * kGuessedRatio);
  for (std::size_t size = std::min(guess, bytes_max);;) {
    std::string unpacked;
    Attempt attempt;
    unpacked.resize_and_overwrite(size, [&](char* out, std::size_t) {
      attempt = unpack_into(codec, bytes, {.at = out, .size = size});
      return attempt.written;
    });
    if (!attempt.fault) return unpacked;
    if (*attempt.fault == Fault::Malformed) {
      return Error(ErrorCode::InvalidInput,
                   fmt::format("{}: {} malformed bytes", to_string(codec), bytes.size()));
    }
    if (size == bytes_max) return too_much(codec, bytes_max);
    size = std::min(std::max(size * kGuessedRatio, kSecondTryBytesMin), bytes_max);
  }
}

Result<std::string> compress(Compression codec, std::string_view bytes) {
  if (bytes.size() > kUnpackedBytesMax) {
    return Error(ErrorCode::InvalidInput,
                 fmt::format("{}: {} bytes to pack", to_string(codec), bytes.size()));
  }
  switch (codec) {
    case Compression::None: return std::string(bytes);
    case Compression::Gzip: return gzip(bytes);
    case Compression::Snappy: return snappy(bytes);
    case Compression::Lz4: return lz4(bytes);
    case Compression::Zstd: return zstd(bytes);
  }
  return Error(ErrorCode::InvalidInput, "no such compression");
}

}  // namespace myelin::kafka
