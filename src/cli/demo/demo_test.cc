#include "cli/demo/demo.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "cli/demo/options.h"
#include "formats/hl7v2/split.h"

namespace myelin::cli::demo {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

std::string text_of(std::FILE* file) {
  std::rewind(file);
  std::string text;
  std::array<char, 4096> buffer;
  for (;;) {
    const std::size_t count = std::fread(buffer.data(), 1, buffer.size(), file);
    if (count == 0) return text;
    text.append(buffer.data(), count);
  }
}

struct Ran {
  int exit;
  std::string out;
  std::string err;
};

Ran run_command(std::vector<std::string> args) {
  std::FILE* out = std::tmpfile();
  std::FILE* err = std::tmpfile();
  const int exit = run(args, out, err);
  Ran ran{exit, text_of(out), text_of(err)};
  std::fclose(out);
  std::fclose(err);
  return ran;
}

TEST(Demo, PrintsMessagesThatSendCanRead) {
  const auto ran = run_command({"--print", "--count", "25", "--rate", "100000"});
  EXPECT_EQ(ran.exit, kDone);
  const auto split = hl7v2::split_messages(ran.out, hl7v2::LineEnds::CarriageReturn);
  EXPECT_THAT(split.messages, SizeIs(25));
  EXPECT_EQ(split.skipped_bytes, 0u);
}

TEST(Demo, ExplainsItself) {
  const auto ran = run_command({"--help"});
  EXPECT_EQ(ran.exit, kDone);
  EXPECT_THAT(ran.out, HasSubstr("--stop-at"));
}

TEST(Demo, NamesTheFlagThatIsWrong) {
  for (const std::vector<std::string>& args : {std::vector<std::string>{"--rate", "0"},
                                               {"--rate", "nan"},
                                               {"--rate", "1e9"},
                                               {"--count", "-1"},
                                               {"--seed", "x"},
                                               {"--stop-at", "much"},
                                               {"--to", ":1"},
                                               {"--spee", "1"},
                                               {"word"}}) {
    const auto ran = run_command(args);
    EXPECT_EQ(ran.exit, kUsage);
    EXPECT_THAT(ran.err, HasSubstr(args[0]));
  }
}

TEST(ParseOptions, HasTheRateAndTheLimitOfAQuietDemonstration) {
  const auto options = parse_options({});
  ASSERT_TRUE(options);
  EXPECT_EQ(options->rate, 2);
  EXPECT_EQ(options->stop_at, 1_GiB);
  EXPECT_EQ(options->to, (io::Address{"127.0.0.1", 2575}));
}

TEST(ParseOptions, TakesItsFlags) {
  const std::vector<std::string> args = {"--to=lab:1", "--rate", "0.5",       "--seed", "7",
                                         "--count",    "3",      "--stop-at", "2MiB"};
  const auto options = parse_options(args);
  ASSERT_TRUE(options);
  EXPECT_EQ(options->to, (io::Address{"lab", 1}));
  EXPECT_EQ(options->rate, 0.5);
  EXPECT_EQ(options->seed, 7u);
  EXPECT_EQ(options->count, 3u);
  EXPECT_EQ(options->stop_at, 2_MiB);
}

}  // namespace
}  // namespace myelin::cli::demo
