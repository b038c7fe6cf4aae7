#include "cli/send/sender.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/settings.h"
#include "io/task.h"

namespace myelin::cli::send {

namespace {

constexpr std::chrono::milliseconds kLateAnswersTime{2'000};
constexpr std::size_t kEarlierMax = 100'000;
constexpr std::size_t kReadBytes = 16u << 10;
constexpr std::string_view kFrameStart = "\x0B";
constexpr std::string_view kFrameEnd = "\x1C\r";

Subject subject_of(const Outgoing& message, const hl7v2::Header& header) {
  std::string type(header.message_type);
  if (!header.trigger_event.empty()) type.append("^").append(header.trigger_event);
  if (type.empty()) type = "(no type)";
  return {message.source, std::move(type), std::string(header.control_id)};
}

}  // namespace

Sender::Sender(io::Runtime& runtime, const Options& options, std::span<const Outgoing> messages,
               Report& report)
    : runtime_(runtime), options_(options), messages_(messages), report_(report) {}

std::uint64_t Sender::total() const { return std::uint64_t{messages_.size()} * options_.repeat; }

io::Task<Status> Sender::run() {
  report_.counts.unsent = total();
  auto connected =
      co_await io::connect(runtime_, options_.to.host, options_.to.port, options_.timeout);
  if (!connected)
    co_return Error(connected.error().code(),
                    connected.error().message() +
                        "; is a server running there? (start one: myelin serve; another address: "
                        "--to HOST:PORT)");
  connection_ = *std::move(connected);
  connection_->set_write_timeout(options_.timeout);
  report_.connected(connection_->peer());
  co_return co_await talk();
}

io::Task<Status> Sender::talk() {
  Status outcome;
  co_await io::both(send_all(outcome), read_answers());
  co_return outcome;
}

io::Task<void> Sender::send_all(Status& outcome) {
  for (std::uint32_t round = 0; outcome && round < options_.repeat; ++round) {
    for (const Outgoing& message : messages_) {
      outcome = co_await send_one(message);
      if (!outcome) break;
    }
  }
  if (outcome && expects_late_) co_await see_late_answers();
  connection_->close();
}

io::Task<Status> Sender::send_one(const Outgoing& message) {
  if (read_ended_) {
    MYELIN_CO_TRY_VOID(std::exchange(read_outcome_, Status()));
    co_return Error(ErrorCode::Unavailable, "the connection was closed by the server");
  }
  const auto header = hl7v2::header_of_bytes(message.bytes);
  const Subject subject = subject_of(message, header);
  const Expected expected = expected_answer(header);
  wait_ = expected == Expected::Always ? Wait::Pending : Wait::None;
  current_ = &subject;
  current_sent_ = std::chrono::steady_clock::now();
  --report_.counts.unsent;
  ++report_.counts.sent;
  const std::array<std::string_view, 3> frame = {kFrameStart, message.bytes, kFrameEnd};
  if (expected != Expected::Always) {
    // Before it goes out: its refusal may come while it is still being written.
    report_.unasked(subject);
    remember(subject, Kind::Unasked);
    expects_late_ = true;
  }
  Status written;
  try {
    written = co_await connection_->write_all(frame);
  } catch (const io::Broken&) {
    written = Error(ErrorCode::Unavailable, "the connection was closed while a message was sent");
  }
  if (!written && wait_ == Wait::Pending) report_.unanswered(subject, written.error().message());
  if (!written) co_return written;
  if (expected == Expected::Always) {
    MYELIN_CO_TRY_VOID(co_await wait_for_answer(subject));
    if (may_follow(header)) remember(subject, Kind::MayFollow);
  }
  current_ = nullptr;
  co_return Status();
}

io::Task<Status> Sender::wait_for_answer(const Subject& subject) {
  const auto due = std::chrono::steady_clock::now() + options_.timeout;
  while (wait_ == Wait::Pending && !read_ended_) {
    const bool notified = co_await changed_.wait_until(due);
    if (notified || wait_ != Wait::Pending) continue;
    report_.unanswered(subject, "no acknowledgment within " + format_duration(options_.timeout));
    co_return Error(ErrorCode::Unavailable, "no acknowledgment within " +
                                                format_duration(options_.timeout) +
                                                "; whether the message was taken is not known");
  }
  if (wait_ == Wait::Answered) co_return Status();
  report_.unanswered(subject, "the connection ended before the acknowledgment");
  MYELIN_CO_TRY_VOID(std::exchange(read_outcome_, Status()));
  co_return Error(ErrorCode::Unavailable,
                  "the server closed the connection before the acknowledgment; whether the message "
                  "was taken is not known");
}

io::Task<void> Sender::see_late_answers() {
  connection_->shutdown_write();
  const auto due = std::chrono::steady_clock::now() + std::min(options_.timeout, kLateAnswersTime);
  while (!read_ended_) {
    const bool notified = co_await changed_.wait_until(due);
    if (!notified) co_return;
  }
}

io::Task<void> Sender::read_answers() {
  try {
    read_outcome_ = co_await read_frames();
  } catch (const io::Broken&) {
    read_outcome_ = Status();
  }
  read_ended_ = true;
  changed_.notify();
}

io::Task<Status> Sender::read_frames() {
  std::vector<char> buffer(kReadBytes);
  for (;;) {
    MYELIN_CO_TRY(count, co_await connection_->read_some(buffer));
    if (count == 0) co_return Status();
    framer_.feed({buffer.data(), count});
    for (;;) {
      const auto frame = framer_.next();
      if (!frame)
        co_return Error(ErrorCode::InvalidInput,
                        "what came back is not MLLP: is this the port of an MLLP listener?");
      if (!*frame) break;
      if ((*frame)->kind == hl7v2::MllpFrame::Kind::TooLong)
        co_return Error(ErrorCode::InvalidInput, "an acknowledgment is longer than 1 MiB");
      MYELIN_CO_TRY(answer, read_answer((*frame)->bytes));
      take(std::move(answer));
    }
  }
}

void Sender::take(Answer answer) {
  const bool waiting = wait_ == Wait::Pending;
  const bool matches = current_ != nullptr && answer.control_id == current_->control_id;
  if (!(waiting && matches) && take_for_earlier(answer)) return;
  if (!waiting) {
    report_.note("an acknowledgment (" + answer.code_text + ") came for control id \"" +
                 printable(answer.control_id, 60) + "\", which nothing here waits for");
    return;
  }
  const auto took = std::chrono::duration_cast<std::chrono::microseconds>(
      std::chrono::steady_clock::now() - current_sent_);
  if (!matches) {
    report_.refused(*current_, answer,
                    "acknowledges control id \"" + printable(answer.control_id, 60) + "\" instead");
  } else if (answer.code && hl7v2::is_accept(*answer.code)) {
    report_.accepted(*current_, answer, took);
  } else {
    report_.refused(*current_, answer, {});
  }
  wait_ = Wait::Answered;
  changed_.notify();
}

bool Sender::take_for_earlier(const Answer& answer) {
  const auto found = earlier_.find(answer.control_id);
  if (found == earlier_.end()) return false;
  const Earlier earlier = std::move(found->second);
  earlier_.erase(found);
  if (earlier.kind == Kind::MayFollow) {
    report_.followed(earlier.subject, answer);
  } else if (!answer.code || !hl7v2::is_accept(*answer.code)) {
    report_.failed_late(earlier.subject, answer);
  }
  return true;
}

void Sender::remember(Subject subject, Kind kind) {
  if (earlier_.size() >= kEarlierMax) earlier_.clear();
  std::string id = subject.control_id;
  earlier_.insert_or_assign(std::move(id), Earlier{std::move(subject), kind});
}

}  // namespace myelin::cli::send
