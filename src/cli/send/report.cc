#include "cli/send/report.h"

#include <fmt/format.h>

namespace myelin::cli::send {

namespace {

constexpr std::size_t kIdBytesMax = 60;

void write(std::FILE* file, const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), file);
  std::fflush(file);
}

std::string code_of(const Answer& answer) {
  return answer.code_text.empty() ? "??" : answer.code_text;
}

std::string took_text(std::chrono::microseconds took) {
  const double ms = static_cast<double>(took.count()) / 1000;
  return ms < 1000 ? fmt::format("{:.1f} ms", ms) : fmt::format("{:.1f} s", ms / 1000);
}

}  // namespace

void Report::note(std::string_view sentence) {
  write(err_, fmt::format("myelin send: {}\n", sentence));
}

void Report::error(std::string_view sentence) { note(sentence); }

void Report::connected(std::string_view peer) {
  if (lines_ == Lines::All) write(out_, fmt::format("connected to {}\n", peer));
}

void Report::line(std::string_view code, const Subject& subject, std::string_view rest) {
  const std::string id = printable(subject.control_id, kIdBytesMax);
  write(out_, fmt::format("{}  {}  {}  {}  {}\n", code, printable(subject.type, kIdBytesMax),
                          id.empty() ? "(no control id)" : id, subject.source, rest));
}

void Report::accepted(const Subject& subject, const Answer& answer,
                      std::chrono::microseconds took) {
  ++counts.accepted;
  if (lines_ != Lines::All) return;
  const std::string said = answer.text.empty() ? "" : "  " + answer.text;
  line(code_of(answer), subject, took_text(took) + said);
}

void Report::refused(const Subject& subject, const Answer& answer, std::string_view why) {
  ++counts.refused;
  std::string said = answer.text.empty() ? "without a reason" : answer.text;
  if (!why.empty())
    said = answer.text.empty() ? std::string(why) : fmt::format("{}; {}", why, said);
  line(code_of(answer), subject, said);
}

void Report::unasked(const Subject& subject) {
  ++counts.unasked;
  if (lines_ == Lines::All) line("--", subject, "asks for no acknowledgment");
}

void Report::unanswered(const Subject& subject, std::string_view why) {
  ++counts.unanswered;
  line("??", subject, why);
}

void Report::followed(const Subject& subject, const Answer& answer) {
  const bool accepts = answer.code && hl7v2::is_accept(*answer.code);
  if (!accepts) {
    --counts.accepted;
    ++counts.refused;
  }
  if (!accepts || lines_ == Lines::All)
    line(code_of(answer), subject, answer.text.empty() ? "follows" : "follows: " + answer.text);
}

void Report::failed_late(const Subject& subject, const Answer& answer) {
  --counts.unasked;
  refused(subject, answer, "sent before");
}

void Report::summary(std::chrono::microseconds took) {
  const bool failed = counts.refused + counts.unanswered + counts.unsent > 0;
  if (lines_ != Lines::All && !failed) return;
  std::string text =
      fmt::format("{} sent in {}: {} accepted", counts.sent, took_text(took), counts.accepted);
  const auto add = [&text](std::uint64_t count, std::string_view what) {
    if (count > 0) text += fmt::format(", {} {}", count, what);
  };
  add(counts.refused, "not accepted");
  add(counts.unasked, "asked for no acknowledgment");
  add(counts.unanswered, "without the acknowledgment that they ask for");
  if (counts.unsent > 0) text += fmt::format("; {} not sent", counts.unsent);
  write(out_, text + "\n");
}

}  // namespace myelin::cli::send
