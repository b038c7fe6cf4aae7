#include "cli/demo/pump.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "formats/hl7v2/ack.h"
#include "formats/hl7v2/parse.h"
#include "io/task.h"

namespace myelin::cli::demo {

namespace {

constexpr std::size_t kWriteBytes = 64u << 10;
constexpr std::size_t kReadBytes = 64u << 10;
constexpr std::chrono::seconds kCatchUpMax{1};
constexpr std::size_t kFramingBytes = 3;

}  // namespace

Pump::Pump(io::Runtime& runtime, const Options& options, Source& source, Observer& observer)
    : Pump(runtime, options, source, observer, Times{}) {}

Pump::Pump(io::Runtime& runtime, const Options& options, Source& source, Observer& observer,
           Times times)
    : runtime_(runtime),
      options_(options),
      source_(source),
      observer_(observer),
      times_(times),
      interval_(static_cast<std::int64_t>(1e9 / options.rate)),
      pause_(times.retry_first) {}

bool Pump::has_more() const {
  return totals_.bytes < options_.stop_at.value &&
         (!options_.count || totals_.sent < *options_.count);
}

io::Task<void> Pump::run() {
  while (!finished()) {
    co_await connect();
    try {
      co_await talk();
    } catch (const io::Broken& broken) {
      lose(broken.what());
    }
    connection_.reset();
    if (finished()) break;
    tell_away(reason_);
    co_await pause();
  }
}

io::Task<void> Pump::connect() {
  for (;;) {
    auto connected =
        co_await io::connect(runtime_, options_.to.host, options_.to.port, times_.answer);
    if (connected) {
      connection_ = *std::move(connected);
      break;
    }
    tell_away(connected.error().message());
    co_await pause();
  }
  connection_->set_write_timeout(times_.answer);
  connection_->set_read_timeout(times_.answer);
  told_away_ = false;
  observer_.connected(connection_->peer());
}

io::Task<void> Pump::pause() {
  const auto time = pause_;
  pause_ = std::min(2 * pause_, times_.retry_last);
  co_await io::sleep_for(time);
}

void Pump::tell_away(std::string_view reason) {
  if (!std::exchange(told_away_, true)) observer_.away(reason);
}

io::Task<void> Pump::talk() {
  lost_ = false;
  reason_ = "the server closed the connection";
  co_await io::both(send(), receive());
}

void Pump::lose(std::string_view reason) {
  if (std::exchange(lost_, true)) return;
  reason_ = reason;
  wake_.notify();
  connection_->close();
}

io::Task<void> Pump::send() {
  co_await send_again();
  next_due_ = std::max(next_due_, std::chrono::steady_clock::now());
  while (!lost_ && has_more()) {
    const auto now = std::chrono::steady_clock::now();
    if (awaiting_.size() >= kWindow) {
      co_await wake_.wait();
    } else if (now < next_due_) {
      co_await wake_.wait_until(next_due_);
    } else {
      co_await write_due(now);
    }
  }
  // Nothing is left to wait for: the receiving half would wait all the same.
  if (finished()) connection_->close();
}

io::Task<void> Pump::send_again() {
  std::string out;
  const auto now = std::chrono::steady_clock::now();
  for (Sent& sent : awaiting_) {
    hl7v2::append_mllp_frame(out, sent.message.bytes);
    sent.time = now;
    ++totals_.sent_again;
  }
  const Status written = co_await connection_->write_all(out);
  if (!written) lose("the server takes nothing");
}

io::Task<void> Pump::write_due(SteadyTime now) {
  next_due_ = std::max(next_due_, now - kCatchUpMax);
  std::string out;
  while (has_more() && next_due_ <= now && awaiting_.size() < kWindow && out.size() < kWriteBytes) {
    DemoMessage message = source_.next();
    hl7v2::append_mllp_frame(out, message.bytes);
    ++totals_.sent;
    totals_.bytes += message.bytes.size() + kFramingBytes;
    awaiting_.push_back({std::move(message), now});
    next_due_ += interval_;
  }
  const Status written = co_await connection_->write_all(out);
  if (!written) lose("the server takes nothing");
}

io::Task<void> Pump::receive() {
  std::vector<char> buffer(kReadBytes);
  hl7v2::MllpFramer framer(kAnswerBytesMax);
  while (!lost_ && !finished()) {
    const auto count = co_await connection_->read_some(buffer);
    if (!count) {
      const bool late = !awaiting_.empty() &&
                        std::chrono::steady_clock::now() - awaiting_.front().time >= times_.answer;
      if (late) lose("no acknowledgment in time");
      continue;
    }
    if (*count == 0) {
      lose("the server closed the connection");
      co_return;
    }
    framer.feed({buffer.data(), *count});
    for (bool more = true; more;) {
      const auto frame = framer.next();
      if (!frame) lose("what came back is not MLLP");
      more = frame && frame->has_value();
      if (more) take_answer((**frame).bytes);
    }
  }
  wake_.notify();
}

void Pump::take_answer(std::string_view message) {
  const auto parsed = hl7v2::parse_view(message);
  const auto msa = parsed ? parsed->find_segment("MSA") : std::nullopt;
  if (!msa) return;
  const std::string_view id = msa->field(2).raw();
  const auto sent = std::ranges::find_if(
      awaiting_, [id](const Sent& entry) { return entry.message.control_id == id; });
  if (sent == awaiting_.end()) return;  // The second answer to what was sent twice.
  const auto code = hl7v2::parse_ack_code(msa->field(1).raw());
  const bool accepts = code && hl7v2::is_accept(*code);
  ++(accepts ? totals_.accepted : totals_.refused);
  observer_.acknowledged(sent->message, code ? hl7v2::to_string(*code) : "??");
  awaiting_.erase(sent);
  pause_ = times_.retry_first;
  wake_.notify();
}

}  // namespace myelin::cli::demo
