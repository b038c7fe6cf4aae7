// Sender: messages go out on one connection, one after another, and each answer is told to a
// Report.
//
// Stop and wait: the next message goes out when the one before is answered, or asks for no answer
// to a success. Such messages are not waited for; a refusal of theirs that arrives later is matched
// by its control id. At the end our side of the connection is closed first and the peer's end
// awaited for a moment, so that late refusals are seen. An answer too long, or not in MLLP, ends
// the sending, as does a time-out: what comes later could be taken for another's.
//
// One io thread; everything handed over outlives the task.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "cli/send/answer.h"
#include "cli/send/input.h"
#include "cli/send/options.h"
#include "cli/send/report.h"
#include "formats/hl7v2/mllp_framer.h"
#include "io/connection.h"
#include "io/notifier.h"
#include "io/runtime.h"

namespace myelin::cli::send {

inline constexpr std::size_t kAnswerBytesMax = 1u << 20;

class Sender {
 public:
  Sender(io::Runtime& runtime, const Options& options, std::span<const Outgoing> messages,
         Report& report);

  // An error is what ended it before all was sent; what was refused is in the report only.
  io::Task<Status> run();

 private:
  // How the present message's wait ends.
  enum class Wait : std::uint8_t { None, Answered, Pending };
  enum class Kind : std::uint8_t { Unasked, MayFollow };
  struct Earlier {
    Subject subject;
    Kind kind;
  };

  io::Task<Status> talk();
  io::Task<void> send_all(Status& outcome);
  io::Task<Status> send_one(const Outgoing& message);
  io::Task<Status> wait_for_answer(const Subject& subject);
  io::Task<void> see_late_answers();
  io::Task<void> read_answers();
  io::Task<Status> read_frames();
  void take(Answer answer);
  bool take_for_earlier(const Answer& answer);
  void remember(Subject subject, Kind kind);
  std::uint64_t total() const;

  io::Runtime& runtime_;
  const Options& options_;
  const std::span<const Outgoing> messages_;
  Report& report_;
  std::unique_ptr<io::Connection> connection_;
  hl7v2::MllpFramer framer_{kAnswerBytesMax};
  io::Notifier changed_;

  Wait wait_ = Wait::None;
  const Subject* current_ = nullptr;
  SteadyTime current_sent_{};
  std::unordered_map<std::string, Earlier> earlier_;  // By control id.
  bool expects_late_ = false;                         // A message went out that is not waited for.
  bool read_ended_ = false;
  Status read_outcome_;  // Why reading ended; no error for the peer's ordinary end.
};

}  // namespace myelin::cli::send
