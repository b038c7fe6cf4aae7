// Frames: what the journal is made of. docs/formats/journal.md has every byte.
//
// A frame is a header of 96 bytes and a body of entries, padded to kBlockBytes. Its CRC-32C covers
// header and body. The entries are what one commit makes durable together: record batches (or where
// in a segment a large one was written), changes of the catalogue of topics, and starts of
// partitions that moved. Pure functions; no I/O.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "log/disk.h"
#include "log/types.h"

namespace myelin::log {

inline constexpr std::uint64_t kFrameMagic = 0x4d4152464c45594dull;  // "MYELFRAM" in the file.
inline constexpr std::uint16_t kFrameVersion = 1;
inline constexpr std::size_t kFrameHeaderBytes = 96;
inline constexpr std::int32_t kPartitionsMax = 100'000;  // Of one topic.
// No segment is longer, however segment_bytes is set: Kafka's tools count in 32 bits.
inline constexpr std::uint64_t kSegmentBytesMax = 1ull << 31;
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

// Final numbers; docs/formats/journal.md.
enum class EntryType : std::uint8_t {
  Batch = 1,
  CreateTopic = 2,
  FirstBatch = 3,  // A batch that begins a segment.
  StoredBatch = 4,
  DeleteTopic = 5,
  MoveStart = 6,
  ConfigureTopic = 7,
  AddPartitions = 8,
};

struct BatchEntry {
  PartitionId partition;
  Timestamp received;
  std::uint32_t first_record = 0;
  std::string_view bytes;  // A view into the frame's body.
  bool begins_segment = false;
};

// A large batch whose whole blocks were written to its segment before the frame: what it needs to
// be found and checked, and its first and last bytes, which share a block with its neighbours.
struct StoredEntry {
  PartitionId partition;
  Timestamp received;
  std::uint32_t first_record = 0;
  bool begins_segment = false;
  Offset segment;              // Base offset of the segment.
  std::uint64_t position = 0;  // In its .log.
  std::uint32_t batch_bytes = 0;
  std::uint32_t header_crc = 0;  // kafka::header_checksum(), which names the batch's own CRC.
  std::string_view head;         // Up to the first block that is wholly the batch's.
  std::string_view tail;         // From behind the last such block.
};

struct DeleteTopicEntry {
  TopicId topic;
};

struct MoveStartEntry {
  PartitionId partition;
  Offset start;
};

struct ConfigureTopicEntry {
  TopicId topic;
  std::string config;
};

// The topic has so many partitions from now on.
struct AddPartitionsEntry {
  TopicId topic;
  std::int32_t count = 0;
};

using Entry = std::variant<BatchEntry, TopicSpec, StoredEntry, DeleteTopicEntry, MoveStartEntry,
                           ConfigureTopicEntry, AddPartitionsEntry>;

// Bytes that entries take in a body.
inline constexpr std::size_t kBatchEntryOverhead = 8 + 16 + 4 + 4 + 8;
inline constexpr std::size_t kStoredEntryOverhead = kBatchEntryOverhead + 4 + 8 + 8 + 4 + 4 + 4 + 4;
inline constexpr std::size_t kDeleteTopicBytes = 8 + 16;
inline constexpr std::size_t kMoveStartBytes = 8 + 16 + 4 + 8;
inline constexpr std::size_t kAddPartitionsBytes = 8 + 16 + 4;
std::size_t create_topic_bytes(const TopicSpec& topic);
std::size_t configure_topic_bytes(std::string_view config);

// Each writes one entry at `to` and gives the place behind it.
char* write_batch_entry(char* to, const BatchEntry& entry);
char* write_create_topic(char* to, const TopicSpec& topic);
char* write_stored_entry(char* to, const StoredEntry& entry);
char* write_delete_topic(char* to, const DeleteTopicEntry& entry);
char* write_move_start(char* to, const MoveStartEntry& entry);
char* write_add_partitions(char* to, const AddPartitionsEntry& entry);
char* write_configure_topic(char* to, const TopicId& topic, std::string_view config);

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
