// SseStream: Server-Sent Events (the HTML standard's event stream) on a ResponseWriter.
//
// Events are gathered by add() and go out in one write by flush(). The gathered text is the
// caller's to bound: flush when pending_bytes() is enough. An error of flush() is a peer that reads
// too slowly; it ends the stream. A stop of the server cancels the stream's task.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/result.h"
#include "io/http.h"

namespace myelin::http {

class SseStream {
 public:
  explicit SseStream(ResponseWriter& writer) : writer_(writer) {}

  // The head (text/event-stream, no-store, X-Accel-Buffering: no) and what was added before.
  Task<Status> start();

  // `id` and `event` may be empty: none is written. Line breaks are cut out of both; data is split
  // at LF, CR and CRLF.
  void add(std::string_view id, std::string_view event, std::string_view data);
  // Keeps the way open and finds out that the peer left.
  void add_comment(std::string_view text);
  // How long the client waits before it connects again.
  void add_retry(std::chrono::milliseconds time);
  std::size_t pending_bytes() const { return pending_.size(); }
  Task<Status> flush();

  // add() and flush().
  Task<Status> send(std::string_view id, std::string_view event, std::string_view data);
  Task<Status> heartbeat();
  Task<Status> finish();

 private:
  ResponseWriter& writer_;
  std::string pending_;
};

}  // namespace myelin::http
