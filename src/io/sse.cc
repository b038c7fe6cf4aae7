#include "io/sse.h"

#include <algorithm>
#include <utility>

namespace myelin::http {
namespace {

void append_field(std::string& out, std::string_view name, std::string_view value) {
  out += name;
  out += ": ";
  for (const char c : value) {
    if (c != '\r' && c != '\n' && c != '\0') out += c;
  }
  out += '\n';
}

// One line of the stream for each line of the text, so that a line break in the data cannot begin a
// field.
void append_lines(std::string& out, std::string_view prefix, std::string_view text) {
  for (;;) {
    const auto end = std::min(text.find_first_of("\r\n"), text.size());
    out += prefix;
    out += text.substr(0, end);
    out += '\n';
    if (end == text.size()) return;
    const bool pair = text.substr(end, 2) == "\r\n";
    text.remove_prefix(end + (pair ? 2 : 1));
  }
}

}  // namespace

Task<Status> SseStream::start() {
  writer_.mark_endless();
  Headers headers{{"Content-Type", "text/event-stream"},
                  {"Cache-Control", "no-store"},
                  {"X-Accel-Buffering", "no"}};
  MYELIN_CO_TRY_VOID(co_await writer_.start(200, std::move(headers)));
  co_return co_await flush();
}

void SseStream::add(std::string_view id, std::string_view event, std::string_view data) {
  if (!id.empty()) append_field(pending_, "id", id);
  if (!event.empty()) append_field(pending_, "event", event);
  append_lines(pending_, "data: ", data);
  pending_ += '\n';
}

void SseStream::add_comment(std::string_view text) {
  append_lines(pending_, ": ", text);
  pending_ += '\n';
}

void SseStream::add_retry(std::chrono::milliseconds time) {
  append_field(pending_, "retry", std::to_string(time.count()));
  pending_ += '\n';
}

Task<Status> SseStream::flush() {
  if (pending_.empty()) co_return Status();
  const std::string out = std::exchange(pending_, {});
  co_return co_await writer_.write(out);
}

Task<Status> SseStream::send(std::string_view id, std::string_view event, std::string_view data) {
  add(id, event, data);
  return flush();
}

Task<Status> SseStream::heartbeat() {
  add_comment("");
  return flush();
}

Task<Status> SseStream::finish() {
  MYELIN_CO_TRY_VOID(co_await flush());
  co_return co_await writer_.finish();
}

}  // namespace myelin::http
