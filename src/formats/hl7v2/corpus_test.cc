// Real messages: each file of a folder of samples, whole and split as `myelin send` splits it.
// MYELIN_CORPUS names the folder; it holds hl7v2/*.hl7.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "formats/hl7v2/header.h"
#include "formats/hl7v2/mllp_framer.h"
#include "formats/hl7v2/parse.h"
#include "formats/hl7v2/split.h"
#include "formats/hl7v2/types.h"

namespace myelin::hl7v2 {

namespace {

namespace fs = std::filesystem;

std::vector<fs::path> corpus_files() {
  std::vector<fs::path> files;
  const char* folder = std::getenv("MYELIN_CORPUS");
  if (folder == nullptr) return files;
  for (const auto& entry : fs::directory_iterator(fs::path(folder) / "hl7v2")) {
    if (entry.path().extension() == ".hl7") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::string read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class Corpus : public ::testing::Test {
 protected:
  void SetUp() override {
    if (std::getenv("MYELIN_CORPUS") == nullptr) {
      GTEST_SKIP() << "MYELIN_CORPUS names no folder of sample messages";
    }
    ASSERT_FALSE(files_.empty());
  }

  const std::vector<fs::path> files_ = corpus_files();
};

bool has_message_type(std::string_view raw) {
  return is_message_type(header_of_bytes(raw).message_type);
}

void expect_round_trip(const std::string& raw) {
  const auto message = parse_view(raw);
  ASSERT_TRUE(message) << message.error().message();
  EXPECT_EQ(write(*message), raw);
}

TEST_F(Corpus, ParsesAndWritesBackEachMessageOfEachFile) {
  std::size_t count = 0;
  for (const auto& path : files_) {
    SCOPED_TRACE(path.filename().string());
    for (const auto line_ends : {LineEnds::CarriageReturn, LineEnds::AsIs}) {
      for (const auto& raw : split_messages(read(path), line_ends).messages) {
        if (!has_message_type(raw)) continue;
        expect_round_trip(raw);
        ++count;
      }
    }
  }
  EXPECT_GE(count, 2 * 135u);
}

TEST_F(Corpus, ParsesAndWritesBackEachFileThatIsAMessage) {
  std::size_t count = 0;
  for (const auto& path : files_) {
    SCOPED_TRACE(path.filename().string());
    const std::string raw = read(path);
    if (!raw.substr(preamble_bytes(raw)).starts_with("MSH") || !has_message_type(raw)) continue;
    expect_round_trip(raw);
    ++count;
  }
  EXPECT_GE(count, 130u);
}

TEST_F(Corpus, FramesEachMessageByteForByte) {
  std::string wire;
  std::vector<std::string> sent;
  for (const auto& path : files_) {
    for (auto& raw : split_messages(read(path), LineEnds::CarriageReturn).messages) {
      append_mllp_frame(wire, raw);
      sent.push_back(std::move(raw));
    }
  }
  MllpFramer framer(1u << 20);
  std::size_t taken = 0;
  for (std::size_t at = 0; at < wire.size(); at += 1460) {
    framer.feed(std::string_view(wire).substr(at, 1460));
    for (auto frame = framer.next(); frame && *frame; frame = framer.next()) {
      ASSERT_LT(taken, sent.size());
      EXPECT_EQ((*frame)->bytes, sent[taken++]);
    }
  }
  EXPECT_EQ(taken, sent.size());
}

}  // namespace

}  // namespace myelin::hl7v2
