#include "log/file_pool.h"

#include <gtest/gtest.h>

#include "log/sim_disk.h"

namespace myelin::log {
namespace {

class FilePoolTest : public ::testing::Test {
 protected:
  FilePoolTest() {
    EXPECT_TRUE(disk_.make_directory("/d"));
    for (const std::string name : {"/d/a", "/d/b", "/d/c"}) disk_.set_content(name, name);
  }
  // Expires when the pool closes the file.
  std::weak_ptr<File> open(const std::string& path) { return *files_.get(path); }

  SimDisk disk_;
  FilePool files_{disk_, 2};
};

TEST_F(FilePoolTest, GivesAnOpenFileAgain) { EXPECT_EQ(*files_.get("/d/a"), *files_.get("/d/a")); }

TEST_F(FilePoolTest, ClosesTheOneUsedLeastRecently) {
  const auto a = open("/d/a");
  const auto b = open("/d/b");
  open("/d/a");
  open("/d/c");
  EXPECT_FALSE(a.expired());
  EXPECT_TRUE(b.expired());
}

TEST_F(FilePoolTest, LeavesAFileOpenThatSomebodyHolds) {
  const auto a = *files_.get("/d/a");
  open("/d/b");
  open("/d/c");
  char bytes[4];
  EXPECT_EQ(*a->read_at(0, bytes, sizeof bytes), 4u);
}

TEST_F(FilePoolTest, CreatesAFileEmptyAlsoWhenItIsOpen) {
  const auto before = *files_.get("/d/a");
  const auto created = *files_.create("/d/a", Create::Empty);
  EXPECT_EQ(*created->size_bytes(), 0u);
  EXPECT_EQ(*files_.get("/d/a"), created);
}

TEST_F(FilePoolTest, CreatesAFileOnlyWhereItIsMissingWhenAskedSo) {
  EXPECT_EQ(*(*files_.create("/d/a", Create::IfMissing))->size_bytes(), 4u);
  EXPECT_EQ(*(*files_.create("/d/new", Create::IfMissing))->size_bytes(), 0u);
}

TEST_F(FilePoolTest, SaysThatAFileIsMissing) {
  const auto missing = files_.get("/d/none");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code(), ErrorCode::NotFound);
}

}  // namespace
}  // namespace myelin::log
