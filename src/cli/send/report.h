// Report: what `myelin send` tells a person, and its counts.
//
// Lines go to `out` as they happen, notes and errors to `err`. One thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

#include "cli/send/answer.h"
#include "cli/send/options.h"

namespace myelin::cli::send {

struct Counts {
  std::uint64_t sent = 0;
  std::uint64_t accepted = 0;
  std::uint64_t refused = 0;     // Answered, but not by AA or CA for this message.
  std::uint64_t unasked = 0;     // Asked for no acknowledgment of a success, and got none.
  std::uint64_t unanswered = 0;  // Asked for one and got none.
  std::uint64_t unsent = 0;
};

// What a line says about the message.
struct Subject {
  std::string source;
  std::string type;        // "ADT^A01".
  std::string control_id;  // As it stands in the message.
};

class Report {
 public:
  Report(Lines lines, std::FILE* out, std::FILE* err) : lines_(lines), out_(out), err_(err) {}

  void connected(std::string_view peer);
  void note(std::string_view sentence);
  void error(std::string_view sentence);

  void accepted(const Subject& subject, const Answer& answer, std::chrono::microseconds took);
  // `why` says more than the answer's own text, or is empty.
  void refused(const Subject& subject, const Answer& answer, std::string_view why);
  void unasked(const Subject& subject);
  void unanswered(const Subject& subject, std::string_view why);
  // An answer to a message whose line is printed already: the application's, after the accept
  // acknowledgment.
  void followed(const Subject& subject, const Answer& answer);
  // An unasked-for message failed after all.
  void failed_late(const Subject& subject, const Answer& answer);

  void summary(std::chrono::microseconds took);

  Counts counts;

 private:
  void line(std::string_view code, const Subject& subject, std::string_view rest);

  const Lines lines_;
  std::FILE* const out_;
  std::FILE* const err_;
};

}  // namespace myelin::cli::send
