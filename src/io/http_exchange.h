// Exchange: one request's body and its answer on a session's connection. Internal to the HTTP
// server.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "io/http.h"
#include "io/http_parser.h"
#include "io/http_session.h"

namespace myelin::http {

class Exchange final : public BodySource, public ResponseWriter {
 public:
  Exchange(Session& session, RequestParser& parser);

  // The connection ends after this answer.
  void end_connection() { keep_alive_ = false; }
  // After the handler: the answer is complete and the request's rest is read, so that the next
  // request can follow. False when it cannot; then the caller ends the connection, at once when
  // aborted().
  Task<bool> complete();
  bool aborted() const { return aborted_; }

  // BodySource.
  Task<Result<std::optional<std::string>>> read_chunk() override;
  std::optional<std::uint64_t> length() const override { return parser_.head().content_length; }
  void mark_too_large() override { body_too_large_ = true; }

  // ResponseWriter.
  Task<Status> send(Response response) override;
  Task<Status> start(int status, Headers headers) override;
  Task<Status> write(std::string_view bytes) override;
  Task<Status> finish() override;
  void mark_endless() override { session_.mark_endless(); }
  bool started() const override { return state_ != State::Open; }
  void set_write_timeout(std::chrono::milliseconds time) override {
    session_.connection().set_write_timeout(time);
  }

 protected:
  bool body_too_large() const override { return body_too_large_; }

 private:
  enum class State : std::uint8_t { Open, Streaming, Ended };

  std::string head_text(int status, const Headers& headers, std::string_view content_type,
                        std::optional<std::size_t> length);
  void append_checked(std::string& out, std::string_view name, std::string_view value);
  bool body_is_at_hand() const;
  Status written(Status status);

  Session& session_;
  RequestParser& parser_;
  State state_ = State::Open;
  bool head_only_;
  bool chunked_ = false;
  bool keep_alive_;
  bool aborted_ = false;
  bool body_too_large_ = false;
  bool body_broken_ = false;
  bool continue_owed_;
  std::uint64_t body_bytes_ = 0;
};

}  // namespace myelin::http
