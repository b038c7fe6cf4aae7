#include "log/frame.h"

#include <fmt/format.h>

#include "base/bytes.h"
#include "base/crc32c.h"

namespace myelin::log {
namespace {

constexpr std::size_t kCrcPosition = kFrameHeaderBytes - 4;
constexpr std::uint32_t kEntryTypeMax = 8;

// Writes to memory that its user has sized.
struct RawWriter {
  char* at;
  template <std::integral T>
  void le(T value) {
    store_le(at, value);
    at += sizeof value;
  }
  void bytes(std::string_view value) {
    std::memcpy(at, value.data(), value.size());
    at += value.size();
  }
  void sized(std::string_view value) {
    le(static_cast<std::uint32_t>(value.size()));
    bytes(value);
  }
  void entry(EntryType type, std::size_t size) {
    le(static_cast<std::uint32_t>(type));
    le(static_cast<std::uint32_t>(size));
  }
};

std::uint32_t frame_crc(std::string_view header, std::string_view body) {
  return crc32c(body, crc32c(header.substr(0, kCrcPosition)));
}

constexpr std::uint32_t kBeginsSegment = 1;  // A flag of a stored batch.

TopicId read_topic_id(ByteReader& in) {
  const auto bytes = in.bytes(16);
  return bytes.size() == 16 ? Uuid::from_bytes(bytes) : TopicId{};
}

PartitionId read_partition(ByteReader& in) {
  const auto topic = read_topic_id(in);
  return {topic, PartitionIndex(in.le<std::int32_t>())};
}

BatchEntry read_batch(ByteReader& in, bool begins_segment) {
  BatchEntry batch;
  batch.partition = read_partition(in);
  batch.first_record = in.le<std::uint32_t>();
  batch.received = timestamp_from_ms(in.le<std::int64_t>());
  batch.bytes = in.bytes(in.remaining());
  batch.begins_segment = begins_segment;
  return batch;
}

std::optional<StoredEntry> read_stored(ByteReader& in) {
  StoredEntry entry;
  entry.partition = read_partition(in);
  entry.first_record = in.le<std::uint32_t>();
  entry.received = timestamp_from_ms(in.le<std::int64_t>());
  const auto flags = in.le<std::uint32_t>();
  entry.segment = Offset(in.le<std::int64_t>());
  entry.position = in.le<std::uint64_t>();
  entry.batch_bytes = in.le<std::uint32_t>();
  entry.header_crc = in.le<std::uint32_t>();
  entry.head = in.sized();
  entry.tail = in.sized();
  entry.begins_segment = (flags & kBeginsSegment) != 0;
  const bool sane = flags <= kBeginsSegment && entry.batch_bytes <= kFrameBytesMax &&
                    entry.head.size() < kBlockBytes && entry.tail.size() < kBlockBytes &&
                    entry.head.size() + entry.tail.size() <= entry.batch_bytes &&
                    entry.segment.value >= 0 && entry.position <= kSegmentBytesMax;
  if (!in.ok() || !sane) return std::nullopt;
  return entry;
}

TopicSpec read_topic(ByteReader& in) {
  TopicSpec topic;
  topic.id = read_topic_id(in);
  topic.partitions = in.le<std::int32_t>();
  topic.name = in.sized();
  topic.config = in.sized();
  return topic;
}

bool is_sane(const TopicSpec& topic) {
  return topic.partitions > 0 && topic.partitions <= kPartitionsMax && !topic.name.empty() &&
         topic.name != "." && topic.name != ".." && topic.name.find('/') == std::string::npos;
}

}  // namespace

std::size_t create_topic_bytes(const TopicSpec& topic) {
  return 8 + 16 + 4 + 4 + topic.name.size() + 4 + topic.config.size();
}

std::size_t configure_topic_bytes(std::string_view config) { return 8 + 16 + 4 + config.size(); }

char* write_batch_entry(char* to, const BatchEntry& entry) {
  RawWriter out{to};
  out.entry(entry.begins_segment ? EntryType::FirstBatch : EntryType::Batch,
            kBatchEntryOverhead - 8 + entry.bytes.size());
  out.bytes(entry.partition.topic.view());
  out.le(entry.partition.partition.value);
  out.le(entry.first_record);
  out.le(to_ms(entry.received));
  out.bytes(entry.bytes);
  return out.at;
}

char* write_stored_entry(char* to, const StoredEntry& entry) {
  RawWriter out{to};
  out.entry(EntryType::StoredBatch,
            kStoredEntryOverhead - 8 + entry.head.size() + entry.tail.size());
  out.bytes(entry.partition.topic.view());
  out.le(entry.partition.partition.value);
  out.le(entry.first_record);
  out.le(to_ms(entry.received));
  out.le(entry.begins_segment ? kBeginsSegment : 0u);
  out.le(entry.segment.value);
  out.le(entry.position);
  out.le(entry.batch_bytes);
  out.le(entry.header_crc);
  out.sized(entry.head);
  out.sized(entry.tail);
  return out.at;
}

char* write_delete_topic(char* to, const DeleteTopicEntry& entry) {
  RawWriter out{to};
  out.entry(EntryType::DeleteTopic, kDeleteTopicBytes - 8);
  out.bytes(entry.topic.view());
  return out.at;
}

char* write_move_start(char* to, const MoveStartEntry& entry) {
  RawWriter out{to};
  out.entry(EntryType::MoveStart, kMoveStartBytes - 8);
  out.bytes(entry.partition.topic.view());
  out.le(entry.partition.partition.value);
  out.le(entry.start.value);
  return out.at;
}

char* write_add_partitions(char* to, const AddPartitionsEntry& entry) {
  RawWriter out{to};
  out.entry(EntryType::AddPartitions, kAddPartitionsBytes - 8);
  out.bytes(entry.topic.view());
  out.le(entry.count);
  return out.at;
}

char* write_configure_topic(char* to, const TopicId& topic, std::string_view config) {
  RawWriter out{to};
  out.entry(EntryType::ConfigureTopic, configure_topic_bytes(config) - 8);
  out.bytes(topic.view());
  out.sized(config);
  return out.at;
}

char* write_create_topic(char* to, const TopicSpec& topic) {
  RawWriter out{to};
  out.entry(EntryType::CreateTopic, create_topic_bytes(topic) - 8);
  out.bytes(topic.id.view());
  out.le(topic.partitions);
  out.sized(topic.name);
  out.sized(topic.config);
  return out.at;
}

void encode_frame_header(char* to, const FrameHeader& header, std::string_view body) {
  std::string bytes;
  bytes.reserve(kFrameHeaderBytes);
  ByteWriter out(bytes);
  out.le(kFrameMagic);
  out.le(kFrameVersion);
  out.le(static_cast<std::uint16_t>(kFrameHeaderBytes));
  out.le(std::uint32_t{0});  // Flags: none are defined.
  out.bytes(header.directory.view());
  out.le(header.incarnation);
  out.le(header.lap);
  out.le(header.commit.value);
  out.le(header.durable_through.value);
  out.le(header.body_bytes);
  out.le(header.entry_count);
  out.le(header.secret);
  bytes.append(kCrcPosition - bytes.size(), '\0');  // A nonce base, once bodies are encrypted.
  out.le(frame_crc(bytes, body));
  std::memcpy(to, bytes.data(), kFrameHeaderBytes);
}

std::uint64_t frame_bytes(std::uint32_t body_bytes) {
  const std::uint64_t used = kFrameHeaderBytes + std::uint64_t{body_bytes};
  return (used + kBlockBytes - 1) / kBlockBytes * kBlockBytes;
}

Result<FrameHeader> decode_frame_header(std::string_view bytes) {
  ByteReader in(bytes);
  const auto magic = in.le<std::uint64_t>();
  const auto version = in.le<std::uint16_t>();
  const auto header_bytes = in.le<std::uint16_t>();
  const auto flags = in.le<std::uint32_t>();
  const auto directory = in.bytes(16);
  FrameHeader header;
  header.incarnation = in.le<std::uint64_t>();
  header.lap = in.le<std::uint64_t>();
  header.commit = CommitNumber(in.le<std::uint64_t>());
  header.durable_through = CommitNumber(in.le<std::uint64_t>());
  header.body_bytes = in.le<std::uint32_t>();
  header.entry_count = in.le<std::uint32_t>();
  header.secret = in.le<std::uint64_t>();
  if (!in.ok() || bytes.size() < kFrameHeaderBytes) {
    return Error(ErrorCode::Corrupt, "a frame header is cut short");
  }
  if (magic != kFrameMagic) return Error(ErrorCode::Corrupt, "no frame begins here");
  if (version != kFrameVersion || header_bytes != kFrameHeaderBytes || flags != 0) {
    return Error(ErrorCode::Corrupt, fmt::format("a frame of unknown version {}", version));
  }
  if (header.body_bytes > kFrameBytesMax) {
    return Error(ErrorCode::Corrupt, "a frame longer than any that is written");
  }
  header.directory = Uuid::from_bytes(directory);
  return header;
}

bool frame_checks(std::string_view header_bytes, std::string_view body) {
  return load_le<std::uint32_t>(header_bytes.data() + kCrcPosition) ==
         frame_crc(header_bytes, body);
}

namespace {

// Nothing when the fields are not what a writer puts there; whether they were all there and nothing
// more is the reader's to say.
std::optional<Entry> read_entry(EntryType type, ByteReader& in) {
  switch (type) {
    case EntryType::Batch: return read_batch(in, false);
    case EntryType::FirstBatch: return read_batch(in, true);
    case EntryType::CreateTopic: {
      auto topic = read_topic(in);
      if (in.ok() && !is_sane(topic)) return std::nullopt;
      return topic;
    }
    case EntryType::StoredBatch: return read_stored(in);
    case EntryType::DeleteTopic: return DeleteTopicEntry{read_topic_id(in)};
    case EntryType::MoveStart: {
      const auto partition = read_partition(in);
      const Offset start(in.le<std::int64_t>());
      if (start.value < 0) return std::nullopt;
      return MoveStartEntry{partition, start};
    }
    case EntryType::ConfigureTopic: {
      const auto topic = read_topic_id(in);
      return ConfigureTopicEntry{topic, std::string(in.sized())};
    }
    case EntryType::AddPartitions: {
      const auto topic = read_topic_id(in);
      const auto count = in.le<std::int32_t>();
      if (count < 2 || count > kPartitionsMax) return std::nullopt;
      return AddPartitionsEntry{topic, count};
    }
  }
  return std::nullopt;
}

}  // namespace

Result<std::vector<Entry>> decode_entries(std::string_view body, std::uint32_t entry_count) {
  std::vector<Entry> entries;
  ByteReader in(body);
  const auto malformed = [&](std::string_view what) {
    return Error(ErrorCode::Corrupt, fmt::format("frame entry {} before byte {}: {}",
                                                 entries.size(), in.position(), what));
  };
  for (std::uint32_t i = 0; i < entry_count; ++i) {
    const auto type = in.le<std::uint32_t>();
    ByteReader payload(in.sized());
    if (!in.ok()) return malformed("cut short");
    if (type < 1 || type > kEntryTypeMax) return malformed("unknown type");
    auto entry = read_entry(static_cast<EntryType>(type), payload);
    if (!payload.ok() || payload.remaining() != 0) return malformed("wrong size");
    if (!entry) return malformed("fields that nobody writes");
    entries.push_back(std::move(*entry));
  }
  if (in.remaining() != 0) return malformed("bytes after the last entry");
  return entries;
}

}  // namespace myelin::log
