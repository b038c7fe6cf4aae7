#include "log/journal.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "log/sim_disk.h"

namespace myelin::log {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::uint64_t kBlocks = 8;

// A ring of three files of eight blocks, and one writer after the other on it.
class Journal : public ::testing::Test {
 protected:
  Journal() {
    EXPECT_TRUE(disk_.make_directory("/journal"));
    geometry_ = {"/journal", kBlocks * kBlockBytes, 3};
    directory_.bytes.fill(1);
    EXPECT_TRUE(create_journal(disk_, geometry_, 1));
    start(1, 1);
  }

  void start(std::uint64_t incarnation, std::uint64_t lap) {
    writer_ = std::make_unique<JournalWriter>(disk_, geometry_, id_of(incarnation), lap);
    const auto opened = writer_->open();
    ASSERT_TRUE(opened) << opened.error().message();
  }

  // One frame of so many blocks that says its number.
  Result<JournalPosition> write(std::uint64_t commit, std::uint64_t blocks = 1) {
    auto body = fmt::format("frame {}", commit);
    body.resize(blocks * kBlockBytes - kFrameHeaderBytes, '.');
    FrameBuffer frame(static_cast<std::uint32_t>(body.size()));
    std::memcpy(frame.body(), body.data(), body.size());
    FrameHeader header;
    header.commit = CommitNumber(commit);
    header.durable_through = CommitNumber(commit - 1);
    header.body_bytes = static_cast<std::uint32_t>(body.size());
    return writer_->write(header, frame);
  }
  void write_all(std::uint64_t first, std::uint64_t last) {
    for (auto commit = first; commit <= last; ++commit) ASSERT_TRUE(write(commit));
  }

  JournalReader reader(JournalPosition from = {1, 0}, std::uint64_t through = 0,
                       std::uint64_t incarnation = 1) {
    return {disk_, geometry_, id_of(incarnation), from, CommitNumber(through)};
  }

  // The commits that are found, up to the end.
  static Result<std::vector<std::uint64_t>> read(JournalReader reader) {
    std::vector<std::uint64_t> commits;
    for (;;) {
      MYELIN_TRY(frame, reader.next());
      if (!frame) return commits;
      const auto expected = fmt::format("frame {}", frame->header.commit.value);
      EXPECT_EQ(frame->body().substr(0, expected.size()), expected);
      commits.push_back(frame->header.commit.value);
    }
  }

  void damage(std::uint64_t lap, std::uint64_t block, std::size_t byte = 150) {
    auto content = disk_.content(geometry_.path(lap));
    content[block * kBlockBytes + byte] ^= 1;
    disk_.set_content(geometry_.path(lap), content);
  }

  JournalWriterId id_of(std::uint64_t incarnation) const {
    return {directory_, incarnation, secret_};
  }

  SimDisk disk_;
  JournalGeometry geometry_;
  Uuid directory_;
  std::uint64_t secret_ = 42;
  std::unique_ptr<JournalWriter> writer_;
};

TEST_F(Journal, GivesFramesInTheirOrder) {
  write_all(1, 5);
  EXPECT_THAT(*read(reader()), ElementsAre(1, 2, 3, 4, 5));
}

TEST_F(Journal, IsEmptyWhenNothingWasWritten) { EXPECT_THAT(*read(reader()), IsEmpty()); }

TEST_F(Journal, GivesWhatLiesBehindACheckpointOnly) {
  write_all(1, 2);
  const auto position = writer_->end();
  write_all(3, 4);
  EXPECT_THAT(*read(reader(position, 2)), ElementsAre(3, 4));
}

TEST_F(Journal, PutsAFrameThatDoesNotFitInTheNextLap) {
  ASSERT_TRUE(write(1, 3));
  ASSERT_TRUE(write(2, 3));
  EXPECT_EQ(writer_->next_position(3 * kBlockBytes), (JournalPosition{2, 0}));
  EXPECT_EQ(*write(3, 3), (JournalPosition{2, 3 * kBlockBytes}));
  EXPECT_THAT(*read(reader()), ElementsAre(1, 2, 3));
}

TEST_F(Journal, FillsAFileToItsLastBlock) {
  write_all(1, kBlocks);
  EXPECT_EQ(writer_->end(), (JournalPosition{1, kBlocks * kBlockBytes}));
  ASSERT_TRUE(write(kBlocks + 1));
  EXPECT_EQ(read(reader())->size(), kBlocks + 1);
}

TEST_F(Journal, ReadsOnFromTheVeryEndOfAFile) {
  write_all(1, kBlocks + 1);
  EXPECT_THAT(*read(reader({1, kBlocks * kBlockBytes}, kBlocks)), ElementsAre(kBlocks + 1));
}

TEST_F(Journal, EndsAtATornTail) {
  for (const std::size_t byte : {0, 8, 95, 96, 4000}) {
    start(1, 1);
    write_all(1, 3);
    damage(1, 2, byte);
    EXPECT_THAT(*read(reader()), ElementsAre(1, 2)) << byte;
  }
}

TEST_F(Journal, EndsAtATailTornBeforeTheNextLapsFirstFrame) {
  write_all(1, kBlocks + 1);
  damage(2, 0);
  EXPECT_EQ(read(reader())->size(), kBlocks);
}

TEST_F(Journal, NamesFileAndByteOfADamagedFrameThatALaterOneProves) {
  write_all(1, 4);
  for (const std::uint64_t block : {0, 1, 2}) {
    damage(1, block);
    const auto found = read(reader());
    ASSERT_FALSE(found) << block;
    EXPECT_EQ(found.error().code(), ErrorCode::Corrupt);
    EXPECT_THAT(found.error().message(),
                HasSubstr(fmt::format("/journal/1.journal is damaged at byte {}: commit {}",
                                      block * kBlockBytes, block + 1)));
    damage(1, block);
  }
}

TEST_F(Journal, FindsTheProofOfALapsLastFrameInTheNextLap) {
  write_all(1, kBlocks + 1);
  damage(1, kBlocks - 1);
  EXPECT_FALSE(read(reader()));
}

TEST_F(Journal, FindsTheProofBehindALapThatIsGoneWhole) {
  write_all(1, 2 * kBlocks + 1);
  disk_.set_content(geometry_.path(2), std::string(kBlocks * kBlockBytes, '\0'));
  EXPECT_FALSE(read(reader()));
}

TEST_F(Journal, NeverTakesFramesOfTheLapBefore) {
  write_all(1, 3 * kBlocks);  // All three files are full of frames of one size.
  writer_->free_up_to(2);
  const std::uint64_t through = 3 * kBlocks;
  write_all(through + 1, through + 2);
  EXPECT_THAT(*read(reader({4, 0}, through)), ElementsAre(through + 1, through + 2));
  // Also where the number would be the next one.
  EXPECT_THAT(*read(reader({4, 2 * kBlockBytes}, 2)), IsEmpty());
}

TEST_F(Journal, NeverTakesFramesOfAnotherIncarnation) {
  write_all(1, 3);
  start(2, 1);
  write_all(1, 1);
  EXPECT_THAT(*read(reader({1, 0}, 0, 2)), ElementsAre(1));
  EXPECT_THAT(*read(reader({1, 0}, 0, 3)), IsEmpty());
}

TEST_F(Journal, NeverTakesFramesOfAnotherDirectory) {
  write_all(1, 3);
  directory_.bytes.fill(2);
  EXPECT_THAT(*read(reader()), IsEmpty());
}

TEST_F(Journal, NeverTakesFramesThatDoNotKnowTheSecret) {
  write_all(1, 3);
  secret_ = 43;
  EXPECT_THAT(*read(reader()), IsEmpty());
}

TEST_F(Journal, NeverSkipsANumber) {
  write_all(1, 2);
  EXPECT_THAT(*read(reader({1, 0}, 1)), IsEmpty());
}

TEST_F(Journal, BeginsALapOnceItsFileIsNotNeeded) {
  EXPECT_TRUE(writer_->is_free({3, 0}));
  EXPECT_FALSE(writer_->is_free({4, 0}));
  writer_->free_up_to(2);
  EXPECT_TRUE(writer_->is_free({4, 0}));
  EXPECT_FALSE(writer_->is_free({5, 0}));
}

TEST_F(Journal, TakesTwoOfItsLongestFramesInAFile) {
  EXPECT_LE(2 * geometry_.frame_bytes_max(), geometry_.file_bytes);
  geometry_.file_bytes = 128u << 20;
  EXPECT_LE(geometry_.frame_bytes_max(), kFrameBytesMax + kBlockBytes);
}

TEST_F(Journal, SaysWhenAWriteFails) {
  disk_.fail_when(
      [](std::string_view operation, const std::string&) { return operation == "write"; });
  EXPECT_FALSE(write(1));
}

TEST_F(Journal, IsDurableWhenAWriteReturns) {
  for (std::uint64_t seed = 0; seed < 8; ++seed) {
    start(1, 1);
    write_all(1, 3);
    const auto image = disk_.crash_image(seed);
    EXPECT_THAT(*read({*image, geometry_, id_of(1), {1, 0}, CommitNumber(0)}),
                ElementsAre(1, 2, 3));
  }
}

TEST_F(Journal, IsRefusedWithAFileOfAnotherSize) {
  EXPECT_TRUE(check_journal(disk_, geometry_));
  disk_.set_content(geometry_.path(2), std::string(kBlockBytes, '\0'));
  const auto checked = check_journal(disk_, geometry_);
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().code(), ErrorCode::Corrupt);
  EXPECT_THAT(checked.error().message(), HasSubstr("/journal/2.journal has 4096 bytes"));
}

TEST_F(Journal, IsRefusedWithoutOneOfItsFiles) {
  ASSERT_TRUE(disk_.remove(geometry_.path(0)));
  const auto checked = check_journal(disk_, geometry_);
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().code(), ErrorCode::Corrupt);
  EXPECT_THAT(checked.error().message(), HasSubstr("/journal/0.journal"));
}

TEST_F(Journal, TellsThatALaterStartHasWrittenInIt) {
  write_all(1, 2);
  EXPECT_TRUE(check_no_later_start(disk_, geometry_, id_of(1)));
  start(2, 2);
  EXPECT_TRUE(check_no_later_start(disk_, geometry_, id_of(1)));
  write_all(3, 3);
  const auto later = check_no_later_start(disk_, geometry_, id_of(1));
  ASSERT_FALSE(later);
  EXPECT_EQ(later.error().code(), ErrorCode::Corrupt);
  EXPECT_TRUE(check_no_later_start(disk_, geometry_, id_of(2)));
}

// Files longer than one piece of filling, full of something else.
class PreparedJournal : public Journal {
 protected:
  PreparedJournal() {
    geometry_.file_bytes = (2u << 20) + kBlocks * kBlockBytes;
    for (std::uint64_t lap = 0; lap < 3; ++lap) {
      disk_.set_content(geometry_.path(lap), std::string(geometry_.file_bytes, 'x'));
    }
    start(1, 1);
  }
  bool is_zero(std::uint64_t lap) {
    return disk_.content(geometry_.path(lap)).find_first_not_of('\0') == std::string::npos;
  }
  void prepare_all() {
    for (auto more = writer_->prepare(); *more; more = writer_->prepare()) {
    }
  }
};

TEST_F(PreparedJournal, IsZeroWhereNoLapHasBegun) {
  prepare_all();
  EXPECT_TRUE(is_zero(2));
  EXPECT_TRUE(is_zero(3));
}

TEST_F(PreparedJournal, KeepsTheFirstLap) {
  ASSERT_TRUE(write(1));
  prepare_all();
  ASSERT_TRUE(write(2));
  EXPECT_THAT(*read(reader()), ElementsAre(1, 2));
}

TEST_F(PreparedJournal, KeepsALapThatBeginsWhileItsFileIsFilled) {
  ASSERT_TRUE(*writer_->prepare());  // A piece of lap 2.
  write_all(1, geometry_.file_bytes / kBlockBytes + 1);
  const auto begun = disk_.content(geometry_.path(2));
  prepare_all();
  EXPECT_EQ(disk_.content(geometry_.path(2)), begun);
  EXPECT_TRUE(is_zero(3));
}

TEST_F(PreparedJournal, StopsWhenTold) {
  writer_->stop_preparing();
  EXPECT_FALSE(*writer_->prepare());
  EXPECT_FALSE(is_zero(2));
}

}  // namespace
}  // namespace myelin::log
