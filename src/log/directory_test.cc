#include "log/directory.h"

#include <gmock/gmock.h>

#include "log/sim_disk.h"

namespace myelin::log {
namespace {

using ::testing::HasSubstr;

class Directory : public ::testing::Test {
 protected:
  void make() { EXPECT_TRUE(disk_.make_directory("/data")); }
  void fill() {
    make();
    Checkpoint checkpoint;
    checkpoint.incarnation = 1;
    checkpoint.journal_file_count = 3;
    disk_.set_content("/data/checkpoint", encode_checkpoint(checkpoint));
    EXPECT_TRUE(disk_.make_directory("/data/journal"));
    EXPECT_TRUE(disk_.make_directory("/data/topics"));
  }
  void expect_fresh() {
    const auto kind = inspect_directory(disk_, "/data");
    ASSERT_TRUE(kind) << kind.error().message();
    EXPECT_EQ(*kind, DirectoryKind::Fresh);
  }
  void expect_error(ErrorCode code, const std::string& words) {
    const auto kind = inspect_directory(disk_, "/data");
    ASSERT_FALSE(kind);
    EXPECT_EQ(kind.error().code(), code);
    EXPECT_THAT(kind.error().message(), HasSubstr(words));
  }

  SimDisk disk_;
};

TEST_F(Directory, IsFreshWhenMissing) { expect_fresh(); }

TEST_F(Directory, IsFreshWhenEmpty) {
  make();
  expect_fresh();
}

TEST_F(Directory, IsFreshWithAVolumesOwnFolderAndAnOldLock) {
  make();
  EXPECT_TRUE(disk_.make_directory("/data/lost+found"));
  disk_.set_content("/data/lock", "1\n");
  expect_fresh();
}

TEST_F(Directory, IsFreshWhenItsFirstStartWasCutOff) {
  make();
  disk_.set_content("/data/initializing", "");
  EXPECT_TRUE(disk_.make_directory("/data/journal"));
  expect_fresh();
}

TEST_F(Directory, IsInitializedWithACheckpointAndAJournal) {
  fill();
  EXPECT_EQ(*inspect_directory(disk_, "/data"), DirectoryKind::Initialized);
}

TEST_F(Directory, IsNeverFreshOnceAServerHasRunInIt) {
  fill();
  disk_.set_content("/data/initializing", "");
  const auto kind = inspect_directory(disk_, "/data");
  EXPECT_FALSE(kind && *kind == DirectoryKind::Fresh);
}

TEST_F(Directory, IsNotOursWhenItHoldsSomethingElse) {
  make();
  disk_.set_content("/data/notes.txt", "x");
  expect_error(ErrorCode::Conflict, "it holds notes.txt");
}

TEST_F(Directory, IsHalfDeletedWithoutItsCheckpoint) {
  fill();
  EXPECT_TRUE(disk_.remove("/data/checkpoint"));
  expect_error(ErrorCode::Corrupt, "its checkpoint is missing");
}

TEST_F(Directory, IsHalfDeletedWithoutItsJournal) {
  fill();
  EXPECT_TRUE(disk_.remove("/data/journal"));
  expect_error(ErrorCode::Corrupt, "its journal is missing");
}

TEST_F(Directory, IsCorruptWithADamagedCheckpoint) {
  fill();
  disk_.set_content("/data/checkpoint", "rubbish");
  expect_error(ErrorCode::Corrupt, "checkpoint");
}

TEST_F(Directory, IsLookedAtWithoutBeingTouched) {
  fill();
  const auto steps = disk_.steps();
  EXPECT_TRUE(inspect_directory(disk_, "/data"));
  EXPECT_EQ(disk_.steps(), steps);
}

}  // namespace
}  // namespace myelin::log
