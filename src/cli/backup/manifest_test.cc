#include "cli/backup/manifest.h"

#include <gtest/gtest.h>

#include "base/bytes.h"

namespace myelin::cli::backup {
namespace {

Manifest some_manifest() {
  Manifest manifest;
  manifest.number = 7;
  manifest.taken = timestamp_from_ms(1'700'000'000'123);
  manifest.state.directory = Uuid::from_bytes("0123456789abcdef");
  manifest.state.incarnation = 3;
  manifest.state.through = log::CommitNumber(42);
  manifest.state.journal_file_bytes = 65'536;
  manifest.state.journal_file_count = 3;
  auto& topic = manifest.state.topics[Uuid::from_bytes("fedcba9876543210")];
  topic.name = "lab";
  topic.config = "{}";
  topic.partitions.resize(2);
  topic.partitions[0].end = log::Offset(9);
  topic.partitions[0].segments = {{log::Offset(0), 500, 4, 1}, {log::Offset(5), 300, 3}};
  topic.partitions[1].end = log::Offset(2);
  topic.partitions[1].segments = {{log::Offset(0), 90, 1}};
  for (const auto& segment : segments_of(manifest.state)) manifest.segments[segment.id] = {};
  auto& damaged = manifest.segments.begin()->second;
  damaged.copy = 2;
  damaged.damage = {
      {log::DamageKind::Batch, log::SegmentFile::Log, 70, 80, log::Offset(1), log::Offset(2)},
      {log::DamageKind::Header, log::SegmentFile::Meta, 0, 64}};
  return manifest;
}

TEST(Manifest, IsReadBackAsItWasWritten) {
  const auto manifest = some_manifest();
  const auto read = decode_manifest(encode_manifest(manifest));
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(*read, manifest);
}

// docs/formats/backup.md shows these bytes.
TEST(Manifest, IsAsItsFormatIsDocumented) {
  Manifest manifest;
  manifest.number = 2;
  manifest.taken = timestamp_from_ms(1'700'000'000'000);
  auto& topic = manifest.state.topics[Uuid::from_bytes("fedcba9876543210")];
  topic.name = "lab";
  topic.partitions.resize(1);
  topic.partitions[0].end = log::Offset(1);
  topic.partitions[0].segments = {{log::Offset(0), 70, 1}};
  manifest.segments[segments_of(manifest.state)[0].id] = {
      1, {{log::DamageKind::Batch, log::SegmentFile::Log, 0, 70, log::Offset(0), log::Offset(0)}}};
  const auto bytes = encode_manifest(manifest);
  const auto checkpoint = log::encode_checkpoint(manifest.state).size();
  ASSERT_EQ(bytes.size(), 24 + 24 + checkpoint + 8 + 34);
  EXPECT_EQ(bytes.substr(0, 12), std::string("MYELFBKP\1\0\0\0", 12));
  EXPECT_EQ(bytes.substr(24, 16), std::string("\2\0\0\0\0\0\0\0\0\x68\xe5\xcf\x8b\1\0\0", 16));
  EXPECT_EQ(load_le<std::uint64_t>(bytes.data() + 40), checkpoint);
  const auto segment = bytes.substr(48 + checkpoint);
  EXPECT_EQ(segment, std::string("\1\0\0\0\1\0\0\0"
                                 "\5\0"
                                 "\0\0\0\0\0\0\0\0\x46\0\0\0\0\0\0\0"
                                 "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
                                 42));
}

TEST(Manifest, NamesSegmentsInOrderWithTheirEnds) {
  const auto manifest = some_manifest();
  const auto segments = segments_of(manifest.state);
  ASSERT_EQ(segments.size(), 3u);
  EXPECT_EQ(segments[0].end, log::Offset(5));
  EXPECT_EQ(segments[0].id.generation, 1u);
  EXPECT_EQ(segments[1].end, log::Offset(9));
  EXPECT_EQ(segments[2].id.partition.partition, log::PartitionIndex(1));
  EXPECT_EQ(segments[2].end, log::Offset(2));
}

TEST(Manifest, RefusesEveryFlippedByteAndEveryCut) {
  const auto bytes = encode_manifest(some_manifest());
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    auto flipped = bytes;
    flipped[i] = static_cast<char>(flipped[i] ^ 0x10);
    EXPECT_FALSE(decode_manifest(flipped)) << i;
    EXPECT_FALSE(decode_manifest(std::string_view(bytes).substr(0, i))) << i;
  }
  EXPECT_FALSE(decode_manifest(bytes + "x"));
}

TEST(Manifest, RefusesANewerFormatAsNewer) {
  auto bytes = encode_manifest(some_manifest());
  store_le(bytes.data() + 8, kManifestVersion + 1);
  const auto read = decode_manifest(bytes);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code(), ErrorCode::Conflict);
}

}  // namespace
}  // namespace myelin::cli::backup
