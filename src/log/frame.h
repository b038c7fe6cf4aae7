// Frames: what the journal is made of. docs/formats/journal.md has every byte.
//
// A frame is a header of 96 bytes and a body of entries, padded to kBlockBytes. Its CRC-32C covers
// header and body. The entries are what one commit makes durable together: record batches, and
// changes of the catalogue of topics. Pure functions; no I/O.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "log/disk.h"
#include "log/types.h"

namespace myelin::log {

inline constexpr std::uint64_t kFrameMagic = 0x4d4152464c45594dull;  // "MYELFRAM" in the file.
inline constexpr std::uint16_t kFrameVersion = 1;
inline constexpr std::size_t kFrameHeaderBytes = 96;
inline constexpr std::int32_t kPartitionsMax = 100'000;  // Of one topic.
// Two of them fit a journal file. A record of 32 MiB in base64 fits one.
inline constexpr std::uint32_t kFrameBytesMax = 48u << 20;

struct FrameHeader {
  Uuid directory;
  std::uint64_t incarnation = 0;  // Rises with each start of the server.
  std::uint64_t lap = 0;          // Rises with each journal file begun.
  std::uint64_t secret =
      0;  // Of this start, told to nobody: no payload can hold a frame that is taken for one.
  CommitNumber commit;
  CommitNumber durable_through;  // The last commit known synced when this one was written.
  std::uint32_t body_bytes = 0;
  std::uint32_t entry_count = 0;
};

enum class EntryType : std::uint8_t {
  Batch = 1,
  CreateTopic = 2,
};

struct BatchEntry {
  PartitionId partition;
  Timestamp received;
  std::uint32_t first_record = 0;
  std::string_view bytes;  // A view into the frame's body.
};

// One entry of a body, by type.
struct Entry {
  EntryType type = EntryType::Batch;
  BatchEntry batch;  // Batch.
  TopicSpec topic;   // CreateTopic.
};

// Bytes that entries take in a body.
inline constexpr std::size_t kBatchEntryOverhead = 8 + 16 + 4 + 4 + 8;
std::size_t create_topic_bytes(const TopicSpec& topic);

// Each writes one entry at `to` and gives the place behind it.
char* write_batch_entry(char* to, const BatchEntry& entry);
char* write_create_topic(char* to, const TopicSpec& topic);

// The header's 96 bytes for `header`, with the CRC over them and `body`.
void encode_frame_header(char* to, const FrameHeader& header, std::string_view body);

// The frame's size on disk: header and body, rounded up to whole blocks.
std::uint64_t frame_bytes(std::uint32_t body_bytes);

// Reads a header: Corrupt when magic, version or sizes are not a frame's. Does not check the CRC,
// which needs the body.
Result<FrameHeader> decode_frame_header(std::string_view bytes);
// True when the CRC stored in `header_bytes` is the one of the header and `body`.
bool frame_checks(std::string_view header_bytes, std::string_view body);

// Reads the entries of a body that checks; Corrupt, naming the byte, when they are malformed all
// the same.
Result<std::vector<Entry>> decode_entries(std::string_view body, std::uint32_t entry_count);

}  // namespace myelin::log
