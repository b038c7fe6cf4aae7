// The real file system, in a directory that is gone afterwards.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "log/disk_test_support.h"

namespace myelin::log {
namespace {

using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

class PosixDisk : public ::testing::Test {
 protected:
  std::string path(const std::string& name) const { return directory_.path() + "/" + name; }
  void put(const std::string& name, std::string_view content) {
    auto file = disk_->open(path(name), Writes::Buffered, Create::Empty);
    ASSERT_TRUE(file) << file.error().message();
    ASSERT_TRUE((*file)->write_at(0, content));
  }
  std::string get(const std::string& name) { return *read_file(*disk_, path(name), 1u << 20); }

  TemporaryDirectory directory_{std::filesystem::temp_directory_path()};
  std::unique_ptr<Disk> disk_ = make_posix_disk();
};

// One aligned block.
std::string_view block() {
  alignas(kBlockBytes) static char bytes[kBlockBytes];
  std::fill(std::begin(bytes), std::end(bytes), 'b');
  return {bytes, sizeof bytes};
}

TEST_F(PosixDisk, ReadsBackWhatWasWritten) {
  put("a", "hello");
  const auto file = *disk_->open(path("a"), Writes::None, Create::No);
  char bytes[8];
  EXPECT_EQ(*file->read_at(1, bytes, sizeof bytes), 4u);
  EXPECT_EQ(std::string_view(bytes, 4), "ello");
  EXPECT_EQ(*file->read_at(9, bytes, sizeof bytes), 0u);
}

TEST_F(PosixDisk, ReservesSpaceThatReadsAsZeros) {
  const auto file = *disk_->open(path("a"), Writes::Buffered, Create::Empty);
  ASSERT_TRUE(file->allocate(2 * kBlockBytes));
  EXPECT_EQ(*file->size_bytes(), 2 * kBlockBytes);
  EXPECT_EQ(get("a"), std::string(2 * kBlockBytes, '\0'));
}

TEST_F(PosixDisk, WritesPiecesOneBehindTheOther) {
  const auto file = *disk_->open(path("a"), Writes::Buffered, Create::Empty);
  std::vector<std::string> made;
  std::string whole;
  for (int i = 0; i < 2'000; ++i) {  // More than one call of the system takes.
    made.push_back(i % 7 == 0 ? "" : std::to_string(i));
    whole += made.back();
  }
  const std::vector<std::string_view> pieces(made.begin(), made.end());
  ASSERT_TRUE(file->write_pieces_at(3, pieces));
  ASSERT_TRUE(file->write_pieces_at(1, {}));
  file->start_writeback(0, whole.size());
  file->start_read(0, whole.size());
  ASSERT_TRUE(file->sync());
  EXPECT_EQ(get("a"), std::string(3, '\0') + whole);
}

TEST_F(PosixDisk, SaysWhyPiecesCannotBeWritten) {
  put("a", "hello");
  const auto file = *disk_->open(path("a"), Writes::None, Create::No);
  const std::string_view pieces[] = {"x", "y"};
  const auto refused = file->write_pieces_at(0, pieces);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::Unavailable);
  EXPECT_THAT(refused.error().message(), HasSubstr(path("a")));
}

TEST_F(PosixDisk, CutsAFile) {
  put("a", "hello");
  const auto file = *disk_->open(path("a"), Writes::Buffered, Create::No);
  ASSERT_TRUE(file->truncate(2));
  ASSERT_TRUE(file->sync());
  EXPECT_EQ(get("a"), "he");
}

TEST_F(PosixDisk, EmptiesAFileOnlyWhenAsked) {
  put("a", "hello");
  ASSERT_TRUE(disk_->open(path("a"), Writes::Buffered, Create::IfMissing));
  EXPECT_EQ(get("a"), "hello");
  ASSERT_TRUE(disk_->open(path("a"), Writes::Buffered, Create::Empty));
  EXPECT_EQ(get("a"), "");
}

TEST_F(PosixDisk, TellsAMissingFileFromOtherErrors) {
  const auto missing = disk_->open(path("none"), Writes::None, Create::No);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code(), ErrorCode::NotFound);
  EXPECT_THAT(missing.error().message(), HasSubstr(path("none")));
  put("a", "");
  const auto below = disk_->open(path("a/b"), Writes::None, Create::No);
  ASSERT_FALSE(below);
  EXPECT_EQ(below.error().code(), ErrorCode::Unavailable);
}

TEST_F(PosixDisk, WritesDurablyOnAMemoryFileSystemToo) {
  if (!std::filesystem::exists("/dev/shm")) GTEST_SKIP();
  for (const auto& at : {directory_.path(), std::string("/dev/shm")}) {
    const TemporaryDirectory there(at);
    const auto file = disk_->open(there.path() + "/a", Writes::Synced, Create::IfMissing);
    ASSERT_TRUE(file) << file.error().message();
    ASSERT_TRUE((*file)->write_at(kBlockBytes, block()));
    char bytes[4];
    EXPECT_EQ(*(*disk_->open(there.path() + "/a", Writes::None, Create::No))
                   ->read_at(kBlockBytes, bytes, sizeof bytes),
              sizeof bytes);
    EXPECT_EQ(std::string_view(bytes, 4), "bbbb");
  }
}

TEST_F(PosixDisk, WarnsOfAMemoryFileSystem) {
  if (!std::filesystem::exists("/dev/shm")) GTEST_SKIP();
  EXPECT_THAT(disk_->describe_weakness("/dev/shm"), HasSubstr("tmpfs"));
}

TEST_F(PosixDisk, ListsFilesAndFolders) {
  put("a", "");
  ASSERT_TRUE(disk_->make_directory(path("d")));
  std::vector<std::string> names;
  for (const auto& entry : *disk_->list(directory_.path())) {
    names.push_back(entry.name + (entry.is_directory ? "/" : ""));
  }
  EXPECT_THAT(names, UnorderedElementsAre("a", "d/"));
}

TEST_F(PosixDisk, MakesAndRemovesFoldersAndFiles) {
  ASSERT_TRUE(disk_->make_directory(path("d")));
  EXPECT_TRUE(disk_->make_directory(path("d")));  // It exists: fine.
  put("d/a", "");
  ASSERT_TRUE(disk_->remove(path("d/a")));
  ASSERT_TRUE(disk_->remove(path("d")));
  EXPECT_FALSE(*disk_->exists(path("d")));
  EXPECT_FALSE(disk_->remove(path("d")));
}

TEST_F(PosixDisk, ReplacesAFileWhole) {
  put("a", "a longer old content");
  ASSERT_TRUE(replace_file(*disk_, directory_.path(), "a", "new"));
  EXPECT_EQ(get("a"), "new");
  EXPECT_EQ(disk_->list(directory_.path())->size(), 1u);
}

TEST_F(PosixDisk, RefusesToReadAFileThatIsTooLong) {
  put("a", "hello");
  EXPECT_TRUE(read_file(*disk_, path("a"), 5));
  const auto refused = read_file(*disk_, path("a"), 4);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::Corrupt);
}

TEST_F(PosixDisk, SyncsFoldersAndFileSystems) {
  EXPECT_TRUE(disk_->sync_directory(directory_.path()));
  EXPECT_TRUE(disk_->sync_file_system(directory_.path()));
  const auto space = disk_->space(directory_.path());
  ASSERT_TRUE(space);
  EXPECT_GT(space->free_bytes, 0u);
  EXPECT_GE(space->total_bytes, space->free_bytes);
  EXPECT_FALSE(disk_->sync_directory(path("none")));
}

TEST_F(PosixDisk, LocksOnceAtATime) {
  auto lock = disk_->lock(path("lock"));
  ASSERT_TRUE(lock);
  const auto second = disk_->lock(path("lock"));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code(), ErrorCode::Conflict);
  lock->reset();
  EXPECT_TRUE(disk_->lock(path("lock")));
}

TEST_F(PosixDisk, NamesTheProcessThatHoldsALock) {
  int ready[2];
  int done[2];
  ASSERT_EQ(::pipe(ready), 0);
  ASSERT_EQ(::pipe(done), 0);
  const auto child = ::fork();
  if (child == 0) {
    const auto lock = disk_->lock(path("lock"));
    char byte = lock ? 'y' : 'n';
    if (::write(ready[1], &byte, 1) != 1) ::_exit(1);
    ::close(done[1]);
    ::_exit(::read(done[0], &byte, 1) == 0 ? 0 : 1);
  }
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  ASSERT_EQ(byte, 'y');
  const auto refused = disk_->lock(path("lock"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message(),
            "in use by a running server (process " + std::to_string(child) + ")");
  for (const int fd : {ready[0], ready[1], done[0], done[1]}) ::close(fd);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(disk_->lock(path("lock")));  // It ended, and the lock with it.
}

TEST_F(PosixDisk, SaysWhyAReadOnlyFolderCannotBeUsed) {
  // Root may write anywhere: the calls are made as somebody else.
  constexpr uid_t kNobody = 65534;
  const bool root = ::geteuid() == 0;
  std::filesystem::permissions(directory_.path(), std::filesystem::perms(0555));
  if (root) ASSERT_EQ(::seteuid(kNobody), 0);
  const auto locked = disk_->lock(path("lock"));
  const auto opened = disk_->open(path("a"), Writes::Buffered, Create::IfMissing);
  const auto made = disk_->make_directory(path("d"));
  if (root) ASSERT_EQ(::seteuid(0), 0);
  std::filesystem::permissions(directory_.path(), std::filesystem::perms(0755));
  ASSERT_FALSE(locked);
  EXPECT_EQ(locked.error().code(), ErrorCode::Unavailable);
  EXPECT_EQ(locked.error().message(), "opening lock file " + path("lock") + ": Permission denied");
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().message(), "opening " + path("a") + ": Permission denied");
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().message(), "making directory " + path("d") + ": Permission denied");
}

}  // namespace
}  // namespace myelin::log
