#include "cli/send/send.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "cli/send/fake_server.h"

namespace myelin::cli::send {
namespace {

using testing::ack;
using ::testing::ElementsAre;
using testing::FakeServer;
using testing::frame;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using testing::Reply;
using ::testing::SizeIs;

// A message with a control id and what MSH-15 and MSH-16 ask for.
std::string message(std::string_view id, std::string_view asks = "|") {
  return "MSH|^~\\&|A|B|C|D|20260101||ADT^A01|" + std::string(id) + "|P|2.5.1|||" +
         std::string(asks) + "\rPID|1\r";
}

struct Ran {
  int exit = -1;
  std::string out;
  std::string err;
};

// A temporary file that a FILE* writes to or reads from.
class Scratch {
 public:
  explicit Scratch(std::string_view text = {}) : file_(std::tmpfile()) {
    std::fwrite(text.data(), 1, text.size(), file_);
    std::rewind(file_);
  }
  ~Scratch() { std::fclose(file_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  std::FILE* file() { return file_; }
  std::string text() {
    std::rewind(file_);
    std::string text;
    for (int c = std::fgetc(file_); c != EOF; c = std::fgetc(file_))
      text.push_back(static_cast<char>(c));
    return text;
  }

 private:
  std::FILE* file_;
};

Ran run_command(std::vector<std::string> args, std::string_view in) {
  Scratch input(in);
  Scratch out;
  Scratch err;
  Ran ran;
  ran.exit = run_with_input(args, input.file(), out.file(), err.file());
  ran.out = out.text();
  ran.err = err.text();
  return ran;
}

Ran send_to(const FakeServer& server, std::string_view in, std::vector<std::string> more = {}) {
  std::vector<std::string> args = {"-", "--to", server.address()};
  args.insert(args.end(), more.begin(), more.end());
  return run_command(args, in);
}

TEST(Send, SendsEachMessageAndPrintsItsAcknowledgment) {
  FakeServer server(testing::accept);
  const auto ran = send_to(server, message("M1") + message("M2"));
  EXPECT_EQ(ran.exit, kAllAccepted);
  EXPECT_THAT(server.messages(), ElementsAre(message("M1"), message("M2")));
  EXPECT_THAT(ran.out, HasSubstr("AA  ADT^A01  M1  standard input#1"));
  EXPECT_THAT(ran.out, HasSubstr("AA  ADT^A01  M2  standard input#2"));
  EXPECT_THAT(ran.out, HasSubstr("2 accepted\n"));
  EXPECT_THAT(ran.err, IsEmpty());
}

TEST(Send, ReadsFiles) {
  FakeServer server(testing::accept);
  const auto path = std::filesystem::path(::testing::TempDir()) / "send_test.hl7";
  std::FILE* file = std::fopen(path.c_str(), "wb");
  ASSERT_NE(file, nullptr);
  std::fputs(message("F1").c_str(), file);
  std::fclose(file);
  const auto ran = run_command({path.string(), "--to", server.address()}, {});
  std::filesystem::remove(path);
  EXPECT_EQ(ran.exit, kAllAccepted);
  EXPECT_THAT(server.messages(), ElementsAre(message("F1")));
}

TEST(Send, SendsNothingBeforeTheMessageBeforeIsAcknowledged) {
  FakeServer server([](std::string_view) { return Reply{}; });
  const auto ran = send_to(server, message("1") + message("2"), {"--timeout", "50ms"});
  EXPECT_EQ(ran.exit, kNotAccepted);
  EXPECT_THAT(server.messages(), ElementsAre(message("1")));
  EXPECT_THAT(ran.out, HasSubstr("; 1 not sent"));
}

TEST(Send, RepeatsEverything) {
  FakeServer server(testing::accept);
  EXPECT_EQ(send_to(server, message("1") + message("2"), {"--repeat", "2"}).exit, kAllAccepted);
  EXPECT_THAT(server.messages(),
              ElementsAre(message("1"), message("2"), message("1"), message("2")));
}

TEST(Send, EndsNonZeroAndGoesOnWhenAMessageIsRefused) {
  FakeServer server([](std::string_view text) {
    if (!text.contains("|BAD|")) return testing::accept(text);
    return Reply{frame(ack(text, hl7v2::AckCode::AE, "no such patient"))};
  });
  const auto ran = send_to(server, message("BAD") + message("GOOD"));
  EXPECT_EQ(ran.exit, kNotAccepted);
  EXPECT_THAT(ran.out, HasSubstr("AE  ADT^A01  BAD"));
  EXPECT_THAT(ran.out, HasSubstr("no such patient"));
  EXPECT_THAT(ran.out, HasSubstr("AA  ADT^A01  GOOD"));
  EXPECT_THAT(ran.out, HasSubstr("1 accepted, 1 not accepted"));
}

TEST(Send, TakesACommitAcceptAsAnAcceptance) {
  FakeServer server(
      [](std::string_view text) { return Reply{frame(ack(text, hl7v2::AckCode::CA))}; });
  const auto ran = send_to(server, message("1", "AL|NE"));
  EXPECT_EQ(ran.exit, kAllAccepted);
  EXPECT_THAT(ran.out, HasSubstr("CA  ADT^A01  1"));
}

TEST(Send, DoesNotTakeTheAcceptanceOfAnotherMessage) {
  FakeServer server([](std::string_view) { return testing::accept(message("OTHER")); });
  const auto ran = send_to(server, message("MINE"));
  EXPECT_EQ(ran.exit, kNotAccepted);
  EXPECT_THAT(ran.out, HasSubstr("acknowledges control id \"OTHER\" instead"));
}

TEST(Send, DoesNotWaitWhereNoAcknowledgmentIsAskedFor) {
  FakeServer server([](std::string_view) { return Reply{}; });
  const auto ran = send_to(server, message("1", "NE|NE") + message("2", "ER|NE"));
  EXPECT_EQ(ran.exit, kAllAccepted);
  EXPECT_THAT(server.messages(), SizeIs(2));
  EXPECT_THAT(ran.out, HasSubstr("--  ADT^A01  1"));
  EXPECT_THAT(ran.out, HasSubstr("2 asked for no acknowledgment"));
}

TEST(Send, SeesARefusalThatComesAfterTheLastMessage) {
  FakeServer server(
      [](std::string_view text) { return Reply{frame(ack(text, hl7v2::AckCode::CE, "full"))}; });
  const auto ran = send_to(server, message("1", "ER|NE"));
  EXPECT_EQ(ran.exit, kNotAccepted);
  EXPECT_THAT(ran.out, HasSubstr("CE  ADT^A01  1"));
  EXPECT_THAT(ran.out, HasSubstr("0 accepted, 1 not accepted"));
}

TEST(Send, TakesARefusalOfAnEarlierMessageForThatMessage) {
  std::string late;
  FakeServer server([&late](std::string_view text) {
    if (text.contains("|1|")) {
      late = frame(ack(text, hl7v2::AckCode::CE));
      return Reply{};
    }
    return Reply{late + testing::accept(text).bytes};
  });
  const auto ran = send_to(server, message("1", "ER|NE") + message("2"));
  EXPECT_EQ(ran.exit, kNotAccepted);
  EXPECT_THAT(ran.out, HasSubstr("CE  ADT^A01  1"));
  EXPECT_THAT(ran.out, HasSubstr("AA  ADT^A01  2"));
  EXPECT_THAT(ran.out, HasSubstr("1 accepted, 1 not accepted"));
}

TEST(Send, AnApplicationsAnswerAfterTheAcceptOneIsNotTakenForTheNext) {
  std::string application;
  FakeServer server([&application](std::string_view text) {
    const std::string before = std::exchange(application, frame(ack(text, hl7v2::AckCode::AA)));
    return Reply{before + frame(ack(text, hl7v2::AckCode::CA))};
  });
  const auto ran = send_to(server, message("1", "AL|AL") + message("2", "AL|AL"));
  EXPECT_EQ(ran.exit, kAllAccepted);
  EXPECT_THAT(ran.out, HasSubstr("AA  ADT^A01  1  standard input#1  follows"));
  EXPECT_THAT(ran.out, HasSubstr("2 accepted\n"));
}

TEST(Send, TellsThatTheConnectionClosedBeforeTheAcknowledgment) {
  FakeServer server([](std::string_view) { return Reply{{}, Reply::Then::Close}; });
  const auto ran = send_to(server, message("1") + message("2"));
  EXPECT_EQ(ran.exit, kNotAccepted);
  EXPECT_THAT(ran.out, HasSubstr("??  ADT^A01  1"));
  EXPECT_THAT(ran.err, HasSubstr("closed the connection before the acknowledgment"));
  EXPECT_THAT(ran.out, HasSubstr("; 1 not sent"));
}

TEST(Send, TellsThatNoAcknowledgmentCameInTime) {
  FakeServer server([](std::string_view) { return Reply{}; });
  const auto ran = send_to(server, message("1"), {"--timeout", "50ms"});
  EXPECT_EQ(ran.exit, kNotAccepted);
  EXPECT_THAT(ran.err, HasSubstr("no acknowledgment within 50ms"));
}

TEST(Send, TellsThatWhatCameBackIsNotMllp) {
  FakeServer server([](std::string_view) { return Reply{"HTTP/1.1 400 Bad Request\r\n\r\n"}; });
  const auto ran = send_to(server, message("1"));
  EXPECT_EQ(ran.exit, kNotAccepted);
  EXPECT_THAT(ran.err, HasSubstr("not MLLP"));
}

TEST(Send, NamesTheAddressThatDoesNotAnswerAndWhatToStart) {
  std::string address;
  {
    const FakeServer gone(testing::accept);
    address = gone.address();
  }
  const auto ran = run_command({"-", "--to", address}, message("1"));
  EXPECT_EQ(ran.exit, kNotAccepted);
  EXPECT_THAT(ran.err, HasSubstr("cannot connect to " + address));
  EXPECT_THAT(ran.err, HasSubstr("myelin serve"));
  EXPECT_THAT(ran.out, HasSubstr("; 1 not sent"));
}

TEST(Send, SendsNothingWhenOneFileIsMissing) {
  FakeServer server(testing::accept);
  const auto ran = send_to(server, message("1"), {"missing.hl7"});
  EXPECT_EQ(ran.exit, kUsage);
  EXPECT_THAT(ran.err, HasSubstr("missing.hl7: there is no such file"));
  EXPECT_THAT(server.messages(), IsEmpty());
}

TEST(Send, SendsTheRestAndEndsNonZeroWhenAFileHoldsNoMessage) {
  FakeServer server(testing::accept);
  const auto ran = send_to(server, message("1"), {"/dev/null"});
  EXPECT_EQ(ran.exit, kNotAccepted);
  EXPECT_THAT(ran.err, HasSubstr("/dev/null: holds no HL7 message"));
  EXPECT_THAT(server.messages(), SizeIs(1));
}

TEST(Send, SaysThatThereIsNothingToSend) {
  FakeServer server(testing::accept);
  const auto ran = send_to(server, "PID|1\r");
  EXPECT_EQ(ran.exit, kUsage);
  EXPECT_THAT(ran.err, HasSubstr("there is nothing to send"));
}

TEST(Send, QuietPrintsNothingWhenAllIsAccepted) {
  FakeServer server(testing::accept);
  const auto ran = send_to(server, message("1"), {"--quiet"});
  EXPECT_EQ(ran.exit, kAllAccepted);
  EXPECT_THAT(ran.out, IsEmpty());
}

TEST(Send, QuietPrintsWhatIsRefused) {
  FakeServer server(
      [](std::string_view text) { return Reply{frame(ack(text, hl7v2::AckCode::AR))}; });
  const auto ran = send_to(server, message("1"), {"--quiet"});
  EXPECT_EQ(ran.exit, kNotAccepted);
  EXPECT_THAT(ran.out, HasSubstr("AR  ADT^A01  1"));
}

TEST(Send, AnAnswerCannotSteerTheTerminal) {
  FakeServer server([](std::string_view text) {
    std::string answer = ack(text, hl7v2::AckCode::AE);
    answer.replace(answer.find("MSA|AE|1"), 8, "MSA|AE|1|\x1B[2Jgone");
    return Reply{frame(answer)};
  });
  const auto ran = send_to(server, message("1"));
  EXPECT_THAT(ran.out, Not(HasSubstr("\x1B")));
  EXPECT_THAT(ran.out, HasSubstr("gone"));
}

TEST(Send, ExplainsItself) {
  const auto ran = run_command({"--help"}, {});
  EXPECT_EQ(ran.exit, kAllAccepted);
  EXPECT_THAT(ran.out, HasSubstr("--as-is"));
}

TEST(Send, NamesAnUnknownFlagAndTheNearest) {
  const auto ran = run_command({"a", "--quite"}, {});
  EXPECT_EQ(ran.exit, kUsage);
  EXPECT_THAT(ran.err, HasSubstr("--quiet"));
}

}  // namespace
}  // namespace myelin::cli::send
