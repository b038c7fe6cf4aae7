#include "cli/backup/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace myelin::cli::backup {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
using Args = std::vector<std::string>;

TEST(BackupOptions, NeedADirectory) {
  const auto options = parse_backup(Args{});
  ASSERT_FALSE(options);
  EXPECT_THAT(options.error().message(), StartsWith("--to"));
}

TEST(BackupOptions, TakeADirectoryAndDefaults) {
  const auto options = parse_backup(Args{"--to", "/a/../b/"});
  ASSERT_TRUE(options) << options.error().message();
  EXPECT_EQ(options->action, Action::BackUp);
  EXPECT_EQ(options->back_up.to, "/b");
  EXPECT_EQ(options->server, "http://127.0.0.1:8080");
  EXPECT_EQ(options->back_up.keep, 0u);
}

TEST(BackupOptions, MakeARelativeDirectoryAbsolute) {
  EXPECT_THAT(parse_backup(Args{"--to", "x"})->back_up.to, StartsWith("/"));
}

TEST(BackupOptions, KeepAllOrSomeEarlierBackups) {
  EXPECT_EQ(parse_backup(Args{"--to", "/b", "--keep"})->back_up.keep, kKeepAll);
  EXPECT_EQ(parse_backup(Args{"--to", "/b", "--keep=7"})->back_up.keep, 7u);
  EXPECT_FALSE(parse_backup(Args{"--to", "/b", "--keep=some"}));
}

TEST(BackupOptions, RefuseAServerThatIsNoUrl) {
  for (const auto* server : {"127.0.0.1:8080", "https://127.0.0.1", "http://127.0.0.1/x"}) {
    const auto options = parse_backup(Args{"--to", "/b", "--server", server});
    ASSERT_FALSE(options) << server;
    EXPECT_THAT(options.error().message(), HasSubstr("--server"));
  }
}

TEST(BackupOptions, VerifyAndListTakeADirectory) {
  EXPECT_EQ(parse_backup(Args{"verify", "/b"})->action, Action::Verify);
  EXPECT_EQ(parse_backup(Args{"list", "/b", "--json"})->action, Action::List);
  EXPECT_EQ(parse_backup(Args{"verify", "/b", "--number", "3"})->number, 3u);
  EXPECT_FALSE(parse_backup(Args{"verify"}));
  EXPECT_FALSE(parse_backup(Args{"verify", "/b", "--number", "0"}));
  EXPECT_FALSE(parse_backup(Args{"verify", "/b", "--to", "/c"}));
  EXPECT_FALSE(parse_backup(Args{"check", "/b"}));
}

TEST(RestoreOptions, NeedBothDirectories) {
  EXPECT_FALSE(parse_restore(Args{"--from", "/b"}));
  EXPECT_FALSE(parse_restore(Args{"--data", "/d"}));
  const auto options = parse_restore(Args{"--from", "/b", "--data", "/d"});
  ASSERT_TRUE(options) << options.error().message();
  EXPECT_EQ(options->set, "/b");
  EXPECT_EQ(options->data, "/d");
}

}  // namespace
}  // namespace myelin::cli::backup
