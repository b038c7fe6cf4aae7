#include "base/logging.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <thread>
#include <vector>

#include "base/json_validate.h"

namespace myelin {
namespace {

using namespace std::chrono_literals;

struct Lines {
  std::vector<std::string> lines;
  Logger::Sink sink() {
    return [this](std::string_view line) { lines.emplace_back(line); };
  }
};

TEST(Logger, WritesOneJsonObjectALine) {
  Lines out;
  ManualClock clock;
  Logger logger({}, clock, out.sink());
  const std::string peer = "10.0.0.7";
  logger.info(
      "mllp.connection.opened",
      {{"peer", peer}, {"port", std::uint16_t{2575}}, {"tls", false}, {"ratio", 0.5}, {"n", -1}});
  ASSERT_EQ(out.lines.size(), 1u);
  EXPECT_EQ(out.lines[0],
            "{\"ts\":\"2023-11-14T22:13:20.000Z\",\"level\":\"info\",\"event\":\"mllp.connection."
            "opened\",\"peer\":\"10.0.0.7\",\"port\":2575,\"tls\":false,\"ratio\":0.5,\"n\":-1}\n");
}

TEST(Logger, WritesColumnsForPeople) {
  Lines out;
  ManualClock clock;
  Logger logger({.format = LogFormat::Human}, clock, out.sink());
  logger.warn("disk.slow", {{"file", "a b"}, {"ms", 12}, {"note", ""}});
  EXPECT_EQ(out.lines.at(0),
            "2023-11-14T22:13:20.000Z warn  disk.slow                        file=\"a b\" ms=12 "
            "note=\"\"\n");
}

TEST(Logger, ColoursOnlyWhereToldOrOnATerminal) {
  Lines out;
  ManualClock clock;
  Logger plain({.format = LogFormat::Human}, clock, out.sink());
  Logger coloured({.format = LogFormat::Human, .colour = LogColour::Always}, clock, out.sink());
  plain.error("x");
  coloured.error("x");
  EXPECT_EQ(out.lines.at(0).find('\x1b'), std::string::npos);
  EXPECT_NE(out.lines.at(1).find("\x1b[31merror\x1b[0m"), std::string::npos);
}

TEST(Logger, LeavesOutWhatIsBelowItsLevel) {
  Lines out;
  ManualClock clock;
  Logger logger({.level = LogLevel::Warn}, clock, out.sink());
  logger.debug("a");
  logger.info("b");
  logger.warn("c");
  logger.error("d");
  EXPECT_EQ(out.lines.size(), 2u);
  EXPECT_FALSE(logger.enabled(LogLevel::Info));
}

TEST(Logger, LetsNoValueForgeALineOrMoveATerminal) {
  Lines out;
  ManualClock clock;
  Logger human({.format = LogFormat::Human}, clock, out.sink());
  human.info("x", {{"v", "a\nb\x1b[2J\x7f\xC2\x9B m"}});
  const std::string& line = out.lines.at(0);
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  EXPECT_EQ(line.find('\x1b'), std::string::npos);
  EXPECT_EQ(line.find('\x7f'), std::string::npos);
  EXPECT_EQ(line.find("\xC2\x9B"), std::string::npos);
  EXPECT_NE(line.find("a\\nb\\u001b[2J\\u007f\\u009b m"), std::string::npos);
}

TEST(Logger, WritesValidJsonWhateverTheBytes) {
  Lines out;
  ManualClock clock;
  Logger logger({}, clock, out.sink());
  for (int byte = 0; byte < 256; ++byte) {
    const std::string value(3, static_cast<char>(byte));
    logger.info("x", {{"v", value}});
    ASSERT_TRUE(is_valid_json(out.lines.back())) << byte;
  }
}

TEST(Logger, CutsALongLineAndSaysSo) {
  ManualClock clock;
  for (const auto format : {LogFormat::Json, LogFormat::Human}) {
    for (const char filler : {'a', '\x01', '"', '\xC3'}) {
      for (std::size_t size = 100; size < 900; size += 13) {
        Lines out;
        Logger logger({.format = format, .line_bytes_max = 512}, clock, out.sink());
        const std::string value(size, filler);
        logger.error("some.event", {{"first", 1}, {"long", value}, {"last", value}});
        const std::string& line = out.lines.at(0);
        ASSERT_LE(line.size(), 512u) << size;
        ASSERT_EQ(line.back(), '\n');
        if (format == LogFormat::Json) {
          ASSERT_TRUE(is_valid_json(line)) << line;
        }
        const bool whole = line.find("last") != std::string::npos;
        ASSERT_TRUE(whole || line.find("truncated") != std::string::npos) << line;
        ASSERT_TRUE(line.find("first") != std::string::npos);
      }
    }
  }
}

TEST(Logger, KeepsSomeOfAValueThatIsTooLong) {
  Lines out;
  ManualClock clock;
  Logger logger({.line_bytes_max = 1024}, clock, out.sink());
  logger.info("x", {{"v", std::string(100'000, 'a')}});
  EXPECT_NE(out.lines.at(0).find(std::string(100, 'a')), std::string::npos);
}

TEST(Logger, LimitsRepeatedEventsAndCountsTheRest) {
  Lines out;
  ManualClock clock;
  Logger logger({.limited_lines_per_second = 2}, clock, out.sink());
  for (int i = 0; i < 10; ++i) logger.limited(LogLevel::Warn, "peer.bad");
  logger.limited(LogLevel::Warn, "peer.other");
  EXPECT_EQ(out.lines.size(), 3u);
  clock.advance(1s);
  logger.limited(LogLevel::Warn, "peer.bad");
  ASSERT_EQ(out.lines.size(), 4u);
  EXPECT_NE(out.lines[3].find("\"left_out\":8"), std::string::npos);
  clock.advance(1s);
  logger.limited(LogLevel::Warn, "peer.bad");
  EXPECT_EQ(out.lines.at(4).find("left_out"), std::string::npos);
}

TEST(Logger, TellsAtItsEndWhatWasLeftOut) {
  Lines out;
  ManualClock clock;
  {
    Logger logger({.limited_lines_per_second = 1}, clock, out.sink());
    for (int i = 0; i < 3; ++i) logger.limited(LogLevel::Info, "peer.bad");
  }
  ASSERT_EQ(out.lines.size(), 2u);
  EXPECT_NE(out.lines[1].find("\"left_out\":2"), std::string::npos);
}

TEST(Logger, HoldsNoMoreThanSoManyLimitedNames) {
  Lines out;
  ManualClock clock;
  Logger logger({.limited_lines_per_second = 1}, clock, out.sink());
  for (int i = 0; i < 1000; ++i) logger.limited(LogLevel::Info, "event." + std::to_string(i));
  EXPECT_EQ(out.lines.size(), 257u);
}

TEST(Logger, CountsLinesThatTheDescriptorDoesNotTake) {
  const int descriptor = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ManualClock clock;
  {
    Logger logger({}, clock, descriptor);
    logger.info("x");
    EXPECT_EQ(logger.lost_lines(), 1u);
  }
  ::close(descriptor);
}

TEST(Logger, KeepsLinesOfManyThreadsWhole) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  std::string seen;
  std::thread reader([&] {
    char buffer[4096];
    for (ssize_t got = 0; (got = ::read(ends[0], buffer, sizeof buffer)) > 0;)
      seen.append(buffer, static_cast<std::size_t>(got));
  });
  const SystemClock clock;
  {
    Logger logger({.line_bytes_max = 20'000, .limited_lines_per_second = 100}, clock, ends[1]);
    std::vector<std::thread> writers;
    for (int t = 0; t < 4; ++t) {
      writers.emplace_back([&logger, t] {
        const std::string value(9000, static_cast<char>('a' + t));
        for (int i = 0; i < 50; ++i) {
          logger.info("thread.line", {{"thread", t}, {"value", value}});
          logger.limited(LogLevel::Info, "thread.limited", {{"thread", t}});
        }
      });
    }
    for (auto& writer : writers) writer.join();
  }
  ::close(ends[1]);
  reader.join();
  ::close(ends[0]);
  std::size_t lines = 0;
  for (std::size_t at = 0; at < seen.size(); ++lines) {
    const auto end = seen.find('\n', at);
    ASSERT_NE(end, std::string::npos);
    ASSERT_TRUE(is_valid_json(std::string_view(seen).substr(at, end - at)));
    at = end + 1;
  }
  EXPECT_GE(lines, 200u);
}

}  // namespace
}  // namespace myelin
