#include "log/verify.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "base/crc32c.h"
#include "formats/kafka/record_batch.h"
#include "log/log_test_support.h"

namespace myelin::log {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr std::int64_t kBase = 100;
constexpr int kBatches = 9;
constexpr Offset kEnd{kBase + 3 * kBatches};

// Nine batches of three records from offset 100 on, batch i of commit 10 + i.
class SegmentVerifierTest : public ::testing::Test {
 protected:
  SegmentVerifierTest() {
    EXPECT_TRUE(disk_.make_directory("/p"));
    EXPECT_TRUE(segment_.create());
    for (int i = 0; i < kBatches; ++i) {
      bytes_.push_back(batch_of(fmt::format("value {}", i), 3));
      const Offset base(kBase + 3 * i);
      kafka::set_base_offset(bytes_.back().data(), base.value);
      const BatchRef batch{id_,
                           base,
                           base + 2,
                           CommitNumber(10 + static_cast<std::uint64_t>(i)),
                           0,
                           3,
                           timestamp_from_ms(1000 + i),
                           bytes_.back(),
                           nullptr};
      EXPECT_TRUE(segment_.append(std::span(&batch, 1), state_));
    }
  }

  std::vector<Damage> verify(std::size_t step_bytes = 1u << 30, std::uint64_t from_entry = 0) {
    FilePool files(disk_, 8, Writes::None);
    SegmentVerifier verifier(files, "/p", id_, state_, kEnd, VerifyDepth::Records, from_entry);
    std::vector<Damage> damage;
    for (bool more = true; more;) {
      const auto step = verifier.step(step_bytes);
      EXPECT_TRUE(step) << step.error().message();
      more = step && *step;
      for (auto& found : verifier.take_damage()) damage.push_back(std::move(found));
    }
    whole_ = verifier.batches();
    return damage;
  }
  std::uint64_t position_of(std::uint64_t batch) const { return batch * bytes_[0].size(); }
  static std::uint64_t entry_of(std::uint64_t batch) {
    return kMetaHeaderBytes + batch * kMetaEntryBytes;
  }
  void flip(const std::string& path, std::size_t byte) {
    auto content = disk_.content(path);
    content[byte] ^= 1;
    disk_.set_content(path, content);
  }
  void cut_file(const std::string& path, std::size_t bytes) {
    disk_.set_content(path, disk_.content(path).substr(0, bytes));
  }
  // Writes 8 bytes into an entry and makes it check again.
  void change_entry(std::uint64_t batch, std::size_t field, std::int64_t value) {
    auto content = disk_.content(segment_.meta_path());
    auto* const entry = content.data() + entry_of(batch);
    store_le(entry + field, value);
    store_le(entry + 60, crc32c({entry, 60}));
    disk_.set_content(segment_.meta_path(), content);
  }

  SimDisk disk_;
  FilePool files_{disk_, 8};
  PartitionId id_{Uuid{}, PartitionIndex(2)};
  Segment segment_{files_, "/p", id_, Offset(kBase)};
  SegmentState state_{Offset(kBase), 0, 0};
  std::vector<std::string> bytes_;
  std::uint64_t whole_ = 0;
};

MATCHER_P3(Hides, kind, first, last, "") {
  return arg.kind == kind && arg.first.value == first && arg.last.value == last;
}

TEST_F(SegmentVerifierTest, FindsNothingInAWholeSegmentHoweverSmallItsSteps) {
  for (const std::size_t step : {0, 1, 100, 1 << 20}) {
    EXPECT_THAT(verify(step), IsEmpty()) << step;
    EXPECT_EQ(whole_, kBatches);
  }
}

TEST_F(SegmentVerifierTest, StopsAtItsBudgetAndSaysWhereToGoOn) {
  SegmentVerifier verifier(files_, "/p", id_, state_, kEnd);
  EXPECT_TRUE(*verifier.step(2 * (bytes_[0].size() + kMetaEntryBytes)));
  EXPECT_EQ(verifier.next_entry(), 2u);
  EXPECT_EQ(verifier.records(), 6u);
  EXPECT_EQ(verifier.bytes(), 2 * bytes_[0].size());
}

TEST_F(SegmentVerifierTest, FindsEachFlippedBitInTheBytesThatCount) {
  for (const auto& path : {segment_.log_path(), segment_.meta_path()}) {
    for (std::size_t at = 0; at < disk_.content(path).size(); ++at) {
      flip(path, at);
      const auto damage = verify();
      ASSERT_THAT(damage, SizeIs(1)) << path << " byte " << at;
      EXPECT_EQ(damage[0].path, path);
      EXPECT_LE(damage[0].byte, at);
      EXPECT_GT(damage[0].byte + damage[0].bytes, at);
      EXPECT_EQ(whole_,
                path == segment_.meta_path() && at < kMetaHeaderBytes ? kBatches : kBatches - 1);
      flip(path, at);
    }
  }
}

TEST_F(SegmentVerifierTest, NamesTheOffsetsOfADamagedBatch) {
  flip(segment_.log_path(), position_of(3) + 70);
  EXPECT_THAT(verify(), ElementsAre(Hides(DamageKind::Batch, 109, 111)));
  EXPECT_EQ(to_string(verify()[0]),
            fmt::format("/p/00000000000000000100.log is damaged at byte {} (offsets 109 to 111): "
                        "its checksum does not match",
                        position_of(3)));
}

TEST_F(SegmentVerifierTest, TellsDamagedEntriesByTheirReadableNeighbours) {
  flip(segment_.meta_path(), entry_of(4) + 5);
  flip(segment_.meta_path(), entry_of(5) + 5);
  for (const std::size_t step : {0, 1 << 20}) {
    EXPECT_THAT(verify(step), ElementsAre(Hides(DamageKind::Entry, 112, 117)));
    EXPECT_EQ(whole_, kBatches - 2u);
  }
}

TEST_F(SegmentVerifierTest, TellsDamagedEntriesAtBothEnds) {
  flip(segment_.meta_path(), entry_of(0));
  flip(segment_.meta_path(), entry_of(kBatches - 1));
  EXPECT_THAT(verify(),
              ElementsAre(Hides(DamageKind::Entry, 100, 102), Hides(DamageKind::Entry, 124, 126)));
}

TEST_F(SegmentVerifierTest, TellsTheSameWhereverItBegins) {
  flip(segment_.meta_path(), entry_of(3));
  flip(segment_.meta_path(), entry_of(4));
  EXPECT_THAT(verify(1 << 20, 4), ElementsAre(Hides(DamageKind::Entry, 109, 114)));
  EXPECT_THAT(verify(1 << 20, 5), IsEmpty());
}

TEST_F(SegmentVerifierTest, TellsAShortFileAsOneRange) {
  cut_file(segment_.log_path(), position_of(6) + 10);
  auto damage = verify();
  ASSERT_THAT(damage, ElementsAre(Hides(DamageKind::Short, 118, 126)));
  EXPECT_THAT(damage[0].what, HasSubstr(fmt::format("ends at byte {}", position_of(6) + 10)));
  cut_file(segment_.meta_path(), entry_of(4) + 1);
  damage = verify();
  EXPECT_THAT(damage, ElementsAre(Hides(DamageKind::Short, 112, 126)));
}

TEST_F(SegmentVerifierTest, TellsAMissingFile) {
  for (const auto& path : {segment_.log_path(), segment_.meta_path()}) {
    const auto content = disk_.content(path);
    ASSERT_TRUE(disk_.remove(path));
    const auto damage = verify();
    ASSERT_THAT(damage, ElementsAre(Hides(DamageKind::Missing, 100, 126)));
    EXPECT_EQ(damage[0].path, path);
    disk_.set_content(path, content);
  }
}

TEST_F(SegmentVerifierTest, FindsEntriesThatDoNotRise) {
  constexpr std::size_t kPosition = 0, kOffset = 8, kCommit = 16, kReceived = 24, kClaimed = 52;
  const struct {
    std::size_t field;
    std::int64_t value;
  } wrongs[] = {{kPosition, 0},        {kPosition, static_cast<std::int64_t>(position_of(4)) + 1},
                {kOffset, 110},        {kOffset, 99},
                {kOffset, kEnd.value}, {kCommit, 12},
                {kReceived, 1002},     {kClaimed, 5}};
  const auto whole = disk_.content(segment_.meta_path());
  for (const auto& wrong : wrongs) {
    change_entry(4, wrong.field, wrong.value);
    const auto damage = verify();
    ASSERT_THAT(damage, SizeIs(1)) << wrong.field << " " << wrong.value;
    EXPECT_EQ(damage[0].kind, DamageKind::Order);
    EXPECT_EQ(damage[0].byte, entry_of(4));
    disk_.set_content(segment_.meta_path(), whole);
  }
}

TEST_F(SegmentVerifierTest, FindsABatchThatIsNotWhatItsCompanionTellsOf) {
  change_entry(4, 32, std::int64_t{2} << 32);  // Two records.
  EXPECT_THAT(verify(), ElementsAre(Hides(DamageKind::Batch, 112, 114)));
}

TEST_F(SegmentVerifierTest, FindsBytesThatBelongToNoBatch) {
  auto longer = disk_.content(segment_.log_path()) + "x";
  disk_.set_content(segment_.log_path(), longer);
  EXPECT_THAT(verify(), IsEmpty());  // Behind the state: cut at the next start.
  ++state_.log_bytes;
  const auto damage = verify();
  ASSERT_THAT(damage, SizeIs(1));
  EXPECT_EQ(damage[0].kind, DamageKind::Order);
  EXPECT_FALSE(damage[0].hides_records());
}

TEST_F(SegmentVerifierTest, FindsALastBatchLaterThanItsState) {
  state_.last_commit = CommitNumber(17);
  EXPECT_THAT(verify(), SizeIs(1));
}

TEST_F(SegmentVerifierTest, AcceptsTheGapsThatCompactionLeaves) {
  SegmentState state{Offset(kBase), 0, 0, 1};
  Segment compacted(files_, "/p", id_, Offset(kBase), 1);
  ASSERT_TRUE(compacted.create());
  for (const std::size_t i : {1, 2, 5}) {
    const Offset base(kBase + 3 * static_cast<std::int64_t>(i));
    const BatchRef batch{
        id_,       base,   base + 2, CommitNumber(10 + i), 0, 3, timestamp_from_ms(1000),
        bytes_[i], nullptr};
    ASSERT_TRUE(compacted.append(std::span(&batch, 1), state));
  }
  state_ = state;
  EXPECT_THAT(verify(), IsEmpty());
  EXPECT_EQ(whole_, 3u);
  flip(compacted.meta_path(), entry_of(1));
  EXPECT_THAT(verify(), ElementsAre(Hides(DamageKind::Entry, 106, 114)));
}

TEST_F(SegmentVerifierTest, LooksIntoRecordsOnlyWhenAsked) {
  // A batch whose only fault is a length inside its first record.
  auto bytes = bytes_[4];
  auto info = *kafka::parse_batch_header(bytes);
  bytes[kafka::kBatchHeaderBytes] = 0x7e;
  kafka::write_batch_header(bytes, info);
  auto content = disk_.content(segment_.log_path());
  content.replace(position_of(4), bytes.size(), bytes);
  disk_.set_content(segment_.log_path(), content);
  auto meta = disk_.content(segment_.meta_path());
  store_le(meta.data() + entry_of(4) + 48, kafka::header_checksum(bytes));
  store_le(meta.data() + entry_of(4) + 60, crc32c({meta.data() + entry_of(4), 60}));
  disk_.set_content(segment_.meta_path(), meta);
  EXPECT_THAT(verify(), ElementsAre(Hides(DamageKind::Records, 112, 114)));
  SegmentVerifier verifier(files_, "/p", id_, state_, kEnd);
  EXPECT_FALSE(*verifier.step(1 << 20));
  EXPECT_THAT(verifier.take_damage(), IsEmpty());
}

TEST_F(SegmentVerifierTest, SaysWhoseACompanionIs) {
  const auto header = decode_companion_header(disk_.content(segment_.meta_path()));
  ASSERT_TRUE(header);
  EXPECT_EQ(header->partition, id_);
  EXPECT_EQ(header->base_offset, Offset(kBase));
  EXPECT_EQ(header->version, kMetaVersion);
  EXPECT_EQ(encode_companion_header(*header),
            disk_.content(segment_.meta_path()).substr(0, kMetaHeaderBytes));
  EXPECT_FALSE(decode_companion_header(disk_.content(segment_.log_path())));
  EXPECT_FALSE(decode_companion_header("short"));
}

}  // namespace
}  // namespace myelin::log
