#include "log/checkpoint.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "formats/kafka/record_batch.h"

namespace myelin::log {
namespace {

constexpr std::uint64_t kMagic = 0x4b4843464c45594dull;  // "MYELFCHK" in the file.
constexpr std::size_t kHeaderBytes = 24;  // Magic, format, CRC-32C of the body, body size.

// Bytes that they take at least, so that a count can be held against what is there.
constexpr std::size_t kSegmentBytes = 3 * 8 + 2 * 4 + 4 * 8;
constexpr std::size_t kSegmentBytesV1 = 3 * 8;
constexpr std::size_t kEpochBytes = 4 + 8;
constexpr std::size_t kPartitionBytesMin = 24;
constexpr std::size_t kProducerBytesMin = 3 * 8 + 2 * 2;

void write_segment(ByteWriter& out, const SegmentState& segment) {
  out.le(segment.base_offset.value);
  out.le(segment.log_bytes);
  out.le(segment.batch_count);
  out.le(segment.generation);
  out.le(segment.meta_version);
  out.le(segment.first_received_ms);
  out.le(segment.last_received_ms);
  out.le(segment.last_commit.value);
  out.le(segment.max_timestamp_ms);
}

SegmentState read_segment(ByteReader& in, std::uint32_t format) {
  SegmentState segment;
  segment.base_offset = Offset(in.le<std::int64_t>());
  segment.log_bytes = in.le<std::uint64_t>();
  segment.batch_count = in.le<std::uint64_t>();
  segment.meta_version = 1;
  if (format == 1) return segment;
  segment.generation = in.le<std::uint32_t>();
  segment.meta_version = in.le<std::uint32_t>();
  segment.first_received_ms = in.le<std::int64_t>();
  segment.last_received_ms = in.le<std::int64_t>();
  segment.last_commit = CommitNumber(in.le<std::uint64_t>());
  segment.max_timestamp_ms = in.le<std::int64_t>();
  return segment;
}

void write_producer(ByteWriter& out, const ProducerState& producer) {
  out.le(producer.id);
  out.le(producer.last_received_ms);
  out.le(producer.last_timestamp_ms);
  out.le(producer.epoch);
  out.le(std::uint16_t{producer.batch_count});
  for (std::size_t i = 0; i < producer.batch_count; ++i) {
    const auto& batch = producer.batches[i];
    out.le(batch.base_offset.value);
    out.le(batch.timestamp_ms);
    out.le(batch.last_sequence);
    out.le(batch.offset_delta);
  }
}

// Nothing when it is what nobody writes.
std::optional<ProducerState> read_producer(ByteReader& in) {
  ProducerState producer;
  producer.id = in.le<std::int64_t>();
  producer.last_received_ms = in.le<std::int64_t>();
  producer.last_timestamp_ms = in.le<std::int64_t>();
  producer.epoch = in.le<std::int16_t>();
  const auto batches = in.le<std::uint16_t>();
  if (!in.ok() || producer.id < 0 || batches > kProducerBatches) return std::nullopt;
  producer.batch_count = static_cast<std::uint8_t>(batches);
  for (std::size_t i = 0; i < batches; ++i) {
    auto& batch = producer.batches[i];
    batch.base_offset = Offset(in.le<std::int64_t>());
    batch.timestamp_ms = in.le<std::int64_t>();
    batch.last_sequence = in.le<std::int32_t>();
    batch.offset_delta = in.le<std::int32_t>();
    const bool sane =
        batch.base_offset.value >= 0 && batch.last_sequence >= 0 && batch.offset_delta >= 0;
    if (!in.ok() || !sane) return std::nullopt;
  }
  return producer;
}

void write_partition(ByteWriter& out, const PartitionState& partition) {
  out.le(partition.start.value);
  out.le(partition.end.value);
  out.le(partition.compacted_through.value);
  out.le(static_cast<std::uint32_t>(partition.epochs.size()));
  for (const auto& epoch : partition.epochs) {
    out.le(epoch.epoch);
    out.le(epoch.start.value);
  }
  out.le(static_cast<std::uint32_t>(partition.segments.size()));
  for (const auto& segment : partition.segments) write_segment(out, segment);
  out.le(static_cast<std::uint32_t>(partition.producers.size()));
  for (const auto& producer : partition.producers.list()) write_producer(out, producer);
}

// False when the bytes do not hold what their counts promise.
bool read_epochs(ByteReader& in, PartitionState& partition) {
  const auto count = in.le<std::uint32_t>();
  if (!in.ok() || count > in.remaining() / kEpochBytes) return false;
  partition.epochs.reserve(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto epoch = in.le<std::int32_t>();
    partition.epochs.push_back({epoch, Offset(in.le<std::int64_t>())});
  }
  return true;
}

bool read_producers(ByteReader& in, Producers& producers) {
  const auto count = in.le<std::uint32_t>();
  if (!in.ok() || count > in.remaining() / kProducerBytesMin) return false;
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto producer = read_producer(in);
    if (!producer || !producers.add(*producer)) return false;
  }
  return true;
}

bool holds_its_batches(const SegmentState& segment) {
  return segment.batch_count <= segment.log_bytes / kafka::kBatchHeaderBytes;
}

bool is_sane(const PartitionState& partition) {
  const auto rises = [](const auto& list, auto key) {
    for (std::size_t i = 1; i < list.size(); ++i) {
      if (key(list[i - 1]) >= key(list[i])) return false;
    }
    return true;
  };
  return partition.start.value >= 0 && partition.end >= partition.start &&
         rises(partition.segments, [](const SegmentState& s) { return s.base_offset; }) &&
         std::ranges::all_of(partition.segments, holds_its_batches) &&
         rises(partition.epochs, [](const EpochStart& e) { return e.epoch; });
}

bool read_partition(ByteReader& in, std::uint32_t format, PartitionState& partition) {
  partition.start = Offset(in.le<std::int64_t>());
  partition.end = Offset(in.le<std::int64_t>());
  if (format == 1) {
    partition.epochs = {{in.le<std::int32_t>(), partition.start}};
  } else {
    partition.compacted_through = Offset(in.le<std::int64_t>());
    if (!read_epochs(in, partition)) return false;
  }
  const auto count = in.le<std::uint32_t>();
  const auto each = format == 1 ? kSegmentBytesV1 : kSegmentBytes;
  if (!in.ok() || count > in.remaining() / each) return false;
  partition.segments.reserve(count);
  for (std::uint32_t i = 0; i < count; ++i) partition.segments.push_back(read_segment(in, format));
  if (format > 2 && !read_producers(in, partition.producers)) return false;
  return in.ok() && is_sane(partition);
}

bool read_topic(ByteReader& in, Checkpoint& checkpoint) {
  const auto id = in.bytes(16);
  TopicState topic;
  topic.name = in.sized();
  topic.config = in.sized();
  const auto partitions = in.le<std::uint32_t>();
  if (!in.ok() || partitions > in.remaining() / kPartitionBytesMin) return false;
  topic.partitions.resize(partitions);
  for (auto& partition : topic.partitions) {
    if (!read_partition(in, checkpoint.format, partition)) return false;
  }
  return checkpoint.topics.emplace(Uuid::from_bytes(id), std::move(topic)).second;
}

bool read_body(ByteReader& in, Checkpoint& checkpoint) {
  const auto directory = in.bytes(16);
  if (!in.ok()) return false;
  checkpoint.directory = Uuid::from_bytes(directory);
  checkpoint.incarnation = in.le<std::uint64_t>();
  checkpoint.secret = in.le<std::uint64_t>();
  checkpoint.through = CommitNumber(in.le<std::uint64_t>());
  checkpoint.replay.lap = in.le<std::uint64_t>();
  checkpoint.replay.byte = in.le<std::uint64_t>();
  checkpoint.journal_file_bytes = in.le<std::uint64_t>();
  checkpoint.journal_file_count = in.le<std::uint32_t>();
  checkpoint.clean = in.le<std::uint32_t>() != 0;
  checkpoint.last_received = timestamp_from_ms(in.le<std::int64_t>());
  const auto topics = in.le<std::uint32_t>();
  for (std::uint32_t i = 0; i < topics; ++i) {
    if (!read_topic(in, checkpoint)) return false;
  }
  return in.ok() && in.remaining() == 0 && checkpoint.journal_file_count > 0;
}

}  // namespace

std::string encode_checkpoint(const Checkpoint& checkpoint) {
  std::string body;
  ByteWriter out(body);
  out.bytes(checkpoint.directory.view());
  out.le(checkpoint.incarnation);
  out.le(checkpoint.secret);
  out.le(checkpoint.through.value);
  out.le(checkpoint.replay.lap);
  out.le(checkpoint.replay.byte);
  out.le(checkpoint.journal_file_bytes);
  out.le(checkpoint.journal_file_count);
  out.le(std::uint32_t{checkpoint.clean});
  out.le(to_ms(checkpoint.last_received));
  out.le(static_cast<std::uint32_t>(checkpoint.topics.size()));
  for (const auto& [id, topic] : checkpoint.topics) {
    out.bytes(id.view());
    out.sized(topic.name);
    out.sized(topic.config);
    out.le(static_cast<std::uint32_t>(topic.partitions.size()));
    for (const auto& partition : topic.partitions) write_partition(out, partition);
  }
  std::string bytes;
  ByteWriter head(bytes);
  head.le(kMagic);
  head.le(kDirectoryFormat);
  head.le(crc32c(body));
  head.le(static_cast<std::uint64_t>(body.size()));
  head.bytes(body);
  return bytes;
}

Result<Checkpoint> decode_checkpoint(std::string_view bytes) {
  ByteReader in(bytes);
  const auto magic = in.le<std::uint64_t>();
  const auto format = in.le<std::uint32_t>();
  const auto crc = in.le<std::uint32_t>();
  const auto size = in.le<std::uint64_t>();
  if (!in.ok() || magic != kMagic) {
    return Error(ErrorCode::Corrupt, "the checkpoint is not a checkpoint of Myelin");
  }
  if (format > kDirectoryFormat) {
    return Error(ErrorCode::Conflict,
                 fmt::format("the checkpoint is of format {}, this server knows formats up to {}",
                             format, kDirectoryFormat));
  }
  const auto body = bytes.substr(kHeaderBytes);
  if (format < 1 || size != body.size() || crc != crc32c(body)) {
    return Error(ErrorCode::Corrupt, "the checkpoint is damaged: its checksum does not match");
  }
  Checkpoint checkpoint;
  checkpoint.format = format;
  ByteReader fields(body);
  if (!read_body(fields, checkpoint)) {
    return Error(ErrorCode::Corrupt, fmt::format("the checkpoint is malformed near byte {}",
                                                 kHeaderBytes + fields.position()));
  }
  return checkpoint;
}

}  // namespace myelin::log
