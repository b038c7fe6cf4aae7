// HTTP messages as the doors see them: Request, Response, ResponseWriter, Handler.
//
// Nothing of the parser shows here. A request and its writer belong to one connection's task and
// live until the handler returns. Names of headers are compared without case.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "io/task.h"

namespace myelin::http {

using io::Task;

enum class Method : std::uint8_t { Get, Head, Post, Put, Patch, Delete, Options };

std::string_view to_string(Method method);

class Headers {
 public:
  struct Field {
    std::string name;
    std::string value;
  };

  Headers() = default;
  Headers(std::initializer_list<Field> fields) : fields_(fields) {}

  // The first of that name.
  std::optional<std::string_view> find(std::string_view name) const;
  std::size_t count(std::string_view name) const;
  // True when one of the comma-separated words of the fields of that name is this one, without
  // case.
  bool has_token(std::string_view name, std::string_view token) const;
  void append(std::string_view name, std::string_view value);
  // Replaces all of that name.
  void set(std::string_view name, std::string_view value);

  const std::vector<Field>& fields() const { return fields_; }
  std::size_t size() const { return fields_.size(); }

 private:
  std::vector<Field> fields_;
};

// Names and values, percent-decoded.
class Parameters {
 public:
  std::optional<std::string_view> find(std::string_view name) const;
  std::vector<std::string_view> find_all(std::string_view name) const;
  void append(std::string name, std::string value);
  const std::vector<std::pair<std::string, std::string>>& all() const { return all_; }

 private:
  std::vector<std::pair<std::string, std::string>> all_;
};

// Where a request's body comes from; the server's side of Request.
class BodySource {
 public:
  virtual ~BodySource() = default;
  virtual Task<Result<std::optional<std::string>>> read_chunk() = 0;
  // The whole body's length, when the header says it.
  virtual std::optional<std::uint64_t> length() const = 0;
  // The body went over a limit; the answer is 413.
  virtual void mark_too_large() = 0;
};

struct Request {
  Method method = Method::Get;
  std::string target;  // As sent, without scheme and authority.
  std::string path;    // As sent: still percent-encoded; route parameters are decoded.
  Parameters query;
  Headers headers;
  Parameters route;  // Set by the router.
  std::string peer;
  BodySource* body = nullptr;

  std::string_view query_or(std::string_view name, std::string_view otherwise) const {
    return query.find(name).value_or(otherwise);
  }
  std::string_view route_value(std::string_view name) const {
    return route.find(name).value_or(std::string_view());
  }
  // The next piece of the body as it comes, nothing at its end. Errors: Unavailable (too slow),
  // InvalidInput (broken chunks, or over the server's body limit).
  Task<Result<std::optional<std::string>>> read_body_chunk();
  // All of it. InvalidInput over `bytes_max`, told before reading when the length is known;
  // send_error() makes it a 413.
  Task<Result<std::string>> read_body(std::size_t bytes_max);
};

struct Response {
  int status = 200;
  Headers headers;
  std::string content_type;  // None: no such header.
  std::string body;
};

// Answers one request, once: send(), or start(), write()…, finish(). A header name that is no
// token, or a value with CR, LF or NUL, is a bug of ours: the field is left out and the server logs
// it. A status of an error is a peer that reads too slowly; a peer that left is io::Broken.
class ResponseWriter {
 public:
  virtual ~ResponseWriter() = default;

  virtual Task<Status> send(Response response) = 0;

  // The head now, the body piece by piece (chunked; ended by closing for HTTP/1.0).
  virtual Task<Status> start(int status, Headers headers) = 0;
  virtual Task<Status> write(std::string_view bytes) = 0;
  virtual Task<Status> finish() = 0;

  // The answer has no end of its own (SSE): a stop of the server cancels it at once instead of
  // waiting for it.
  virtual void mark_endless() = 0;
  virtual bool started() const = 0;
  // A peer must take something within this time; the server's setting unless set.
  virtual void set_write_timeout(std::chrono::milliseconds time) = 0;

  // The error envelope with the status of its code; 413 when the request's body was over its limit.
  Task<Status> send_error(const Error& error);
  // The same with a status of the caller's.
  Task<Status> send_error(int status, std::string_view code, std::string_view message);
  Task<Status> send_json(int status, std::string body);

 protected:
  virtual bool body_too_large() const = 0;
};

using Handler = std::function<Task<void>(Request&, ResponseWriter&)>;

// The one table from our errors to HTTP.
int status_of(ErrorCode code);
// "Not Found"; "Unknown" for what has no name here.
std::string_view reason_of(int status);
// {"error":{"code":"not-found","message":"…"}}
std::string error_body(std::string_view code, std::string_view message);

}  // namespace myelin::http
