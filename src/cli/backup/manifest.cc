#include "cli/backup/manifest.h"

#include <fmt/format.h>

#include "base/bytes.h"
#include "base/crc32c.h"

namespace myelin::cli::backup {
namespace {

constexpr std::uint64_t kMagic = 0x504b42464c45594dull;  // "MYELFBKP" in the file.
constexpr std::size_t kHeaderBytes = 24;  // Magic, version, CRC-32C of the body, body size.
constexpr std::size_t kRangeBytes = 1 + 1 + 4 * 8;

Error damaged(std::string_view why) {
  return Error(ErrorCode::Corrupt, fmt::format("it is damaged: {}", why));
}

// The numbers in the file; final, unlike the order of the enumeration.
constexpr std::array<std::pair<log::DamageKind, std::uint8_t>, 8> kKinds = {{
    {log::DamageKind::Missing, 1},
    {log::DamageKind::Short, 2},
    {log::DamageKind::Header, 3},
    {log::DamageKind::Entry, 4},
    {log::DamageKind::Batch, 5},
    {log::DamageKind::Order, 6},
    {log::DamageKind::Unreadable, 7},
    {log::DamageKind::Records, 8},
}};

std::uint8_t number_of(log::DamageKind kind) {
  for (const auto& [known, number] : kKinds) {
    if (known == kind) return number;
  }
  return 0;
}

std::optional<log::DamageKind> kind_of(std::uint8_t number) {
  for (const auto& [kind, known] : kKinds) {
    if (known == number) return kind;
  }
  return std::nullopt;
}

void write_range(ByteWriter& out, const DamagedRange& range) {
  out.le(number_of(range.kind));
  out.le(static_cast<std::uint8_t>(range.file == log::SegmentFile::Log ? 0 : 1));
  out.le(range.byte);
  out.le(range.bytes);
  out.le(range.first.value);
  out.le(range.last.value);
}

std::optional<DamagedRange> read_range(ByteReader& in) {
  DamagedRange range;
  const auto kind = kind_of(in.le<std::uint8_t>());
  const auto file = in.le<std::uint8_t>();
  if (!kind || file > 1) return std::nullopt;
  range.kind = *kind;
  range.file = file == 0 ? log::SegmentFile::Log : log::SegmentFile::Meta;
  range.byte = in.le<std::uint64_t>();
  range.bytes = in.le<std::uint64_t>();
  range.first = log::Offset(in.le<std::int64_t>());
  range.last = log::Offset(in.le<std::int64_t>());
  return range;
}

bool read_segment(ByteReader& in, CopiedSegment& segment) {
  segment.copy = in.le<std::uint32_t>();
  const auto ranges = in.le<std::uint32_t>();
  if (!in.ok() || ranges > in.remaining() / kRangeBytes) return false;
  segment.damage.reserve(ranges);
  for (std::uint32_t i = 0; i < ranges; ++i) {
    const auto range = read_range(in);
    if (!range) return false;
    segment.damage.push_back(*range);
  }
  return true;
}

}  // namespace

std::vector<NamedSegment> segments_of(const log::Checkpoint& state) {
  std::vector<NamedSegment> all;
  for (const auto& [topic_id, topic] : state.topics) {
    for (std::size_t p = 0; p < topic.partitions.size(); ++p) {
      const auto& partition = topic.partitions[p];
      const log::PartitionId id{topic_id, log::PartitionIndex(static_cast<std::int32_t>(p))};
      for (std::size_t s = 0; s < partition.segments.size(); ++s) {
        const auto& segment = partition.segments[s];
        const bool is_last = s + 1 == partition.segments.size();
        all.push_back({{id, segment.base_offset, segment.generation},
                       topic,
                       segment,
                       is_last ? partition.end : partition.segments[s + 1].base_offset});
      }
    }
  }
  return all;
}

std::uint64_t meta_bytes(const log::SegmentState& state) {
  return log::kMetaHeaderBytes + state.batch_count * log::kMetaEntryBytes;
}

std::string encode_manifest(const Manifest& manifest) {
  std::string body;
  ByteWriter out(body);
  out.le(manifest.number);
  out.le(to_ms(manifest.taken));
  const auto checkpoint = log::encode_checkpoint(manifest.state);
  out.le(std::uint64_t{checkpoint.size()});
  out.bytes(checkpoint);
  for (const auto& named : segments_of(manifest.state)) {
    const auto& segment = manifest.segments.at(named.id);
    out.le(segment.copy);
    out.le(static_cast<std::uint32_t>(segment.damage.size()));
    for (const auto& range : segment.damage) write_range(out, range);
  }
  std::string bytes;
  ByteWriter header(bytes);
  header.le(kMagic);
  header.le(kManifestVersion);
  header.le(crc32c(body));
  header.le(std::uint64_t{body.size()});
  return bytes + body;
}

Result<Manifest> decode_manifest(std::string_view bytes) {
  ByteReader header(bytes);
  const auto magic = header.le<std::uint64_t>();
  const auto version = header.le<std::uint32_t>();
  const auto crc = header.le<std::uint32_t>();
  const auto size = header.le<std::uint64_t>();
  if (!header.ok() || magic != kMagic || version == 0) return damaged("it does not begin as one");
  if (version > kManifestVersion) {
    return Error(ErrorCode::Conflict,
                 fmt::format("a newer version of Myelin wrote it (format {})", version));
  }
  const auto body = bytes.substr(kHeaderBytes);
  if (body.size() != size || crc32c(body) != crc) return damaged("its checksum does not match");
  ByteReader in(body);
  Manifest manifest;
  manifest.number = in.le<std::uint64_t>();
  manifest.taken = timestamp_from_ms(in.le<std::int64_t>());
  MYELIN_TRY(state, log::decode_checkpoint(in.bytes(in.le<std::uint64_t>())));
  manifest.state = std::move(state);
  for (const auto& named : segments_of(manifest.state)) {
    if (!read_segment(in, manifest.segments[named.id])) return damaged("a segment is cut short");
  }
  if (!in.ok() || in.remaining() > 0) return damaged("its parts do not fill it");
  return manifest;
}

}  // namespace myelin::cli::backup
