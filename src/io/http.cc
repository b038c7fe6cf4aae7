#include "io/http.h"

#include <algorithm>

#include "base/json_writer.h"

namespace myelin::http {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

bool same_without_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, lower, lower);
}

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

}  // namespace

std::string_view to_string(Method method) {
  switch (method) {
    case Method::Get: return "GET";
    case Method::Head: return "HEAD";
    case Method::Post: return "POST";
    case Method::Put: return "PUT";
    case Method::Patch: return "PATCH";
    case Method::Delete: return "DELETE";
    case Method::Options: return "OPTIONS";
  }
  return "";
}

std::optional<std::string_view> Headers::find(std::string_view name) const {
  for (const Field& field : fields_) {
    if (same_without_case(field.name, name)) return field.value;
  }
  return std::nullopt;
}

std::size_t Headers::count(std::string_view name) const {
  return static_cast<std::size_t>(std::ranges::count_if(
      fields_, [name](const Field& field) { return same_without_case(field.name, name); }));
}

bool Headers::has_token(std::string_view name, std::string_view token) const {
  for (const Field& field : fields_) {
    if (!same_without_case(field.name, name)) continue;
    std::string_view rest = field.value;
    while (!rest.empty()) {
      const auto comma = rest.find(',');
      if (same_without_case(trimmed(rest.substr(0, comma)), token)) return true;
      if (comma == std::string_view::npos) break;
      rest.remove_prefix(comma + 1);
    }
  }
  return false;
}

void Headers::append(std::string_view name, std::string_view value) {
  fields_.push_back({std::string(name), std::string(value)});
}

void Headers::set(std::string_view name, std::string_view value) {
  std::erase_if(fields_,
                [name](const Field& field) { return same_without_case(field.name, name); });
  append(name, value);
}

std::optional<std::string_view> Parameters::find(std::string_view name) const {
  for (const auto& [key, value] : all_) {
    if (key == name) return value;
  }
  return std::nullopt;
}

std::vector<std::string_view> Parameters::find_all(std::string_view name) const {
  std::vector<std::string_view> values;
  for (const auto& [key, value] : all_) {
    if (key == name) values.push_back(value);
  }
  return values;
}

void Parameters::append(std::string name, std::string value) {
  all_.emplace_back(std::move(name), std::move(value));
}

Task<Result<std::optional<std::string>>> Request::read_body_chunk() {
  if (body == nullptr) co_return std::nullopt;
  co_return co_await body->read_chunk();
}

Task<Result<std::string>> Request::read_body(std::size_t bytes_max) {
  std::string whole;
  if (body == nullptr) co_return whole;
  const Error too_large(ErrorCode::InvalidInput,
                        "the body is longer than " + std::to_string(bytes_max) + " bytes");
  if (body->length().value_or(0) > bytes_max) {
    body->mark_too_large();
    co_return too_large;
  }
  for (;;) {
    MYELIN_CO_TRY(chunk, co_await body->read_chunk());
    if (!chunk) co_return whole;
    if (chunk->size() > bytes_max - whole.size()) {
      body->mark_too_large();
      co_return too_large;
    }
    whole += *chunk;
  }
}

Task<Status> ResponseWriter::send_error(const Error& error) {
  if (body_too_large()) return send_error(413, "too-large", error.message());
  return send_error(status_of(error.code()), myelin::to_string(error.code()), error.message());
}

Task<Status> ResponseWriter::send_error(int status, std::string_view code,
                                        std::string_view message) {
  return send_json(status, error_body(code, message));
}

Task<Status> ResponseWriter::send_json(int status, std::string body) {
  return send({.status = status,
               .headers = {},
               .content_type = "application/json; charset=utf-8",
               .body = std::move(body)});
}

int status_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::InvalidInput: return 400;
    case ErrorCode::NotFound: return 404;
    case ErrorCode::Conflict: return 409;
    case ErrorCode::Unauthenticated: return 401;
    case ErrorCode::Forbidden: return 403;
    case ErrorCode::Exhausted: return 429;
    case ErrorCode::Unavailable: return 503;
    case ErrorCode::Canceled: return 503;
    case ErrorCode::Corrupt: return 500;
    case ErrorCode::Internal: return 500;
  }
  return 500;
}

std::string_view reason_of(int status) {
  switch (status) {
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 206: return "Partial Content";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 303: return "See Other";
    case 304: return "Not Modified";
    case 307: return "Temporary Redirect";
    case 308: return "Permanent Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 421: return "Misdirected Request";
    case 422: return "Unprocessable Content";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 503: return "Service Unavailable";
    case 505: return "HTTP Version Not Supported";
    default: return "Unknown";
  }
}

std::string error_body(std::string_view code, std::string_view message) {
  std::string body;
  JsonWriter json(body);
  json.begin_object();
  json.key("error");
  json.begin_object();
  json.member("code", code);
  json.member("message", message);
  json.end_object();
  json.end_object();
  return body;
}

}  // namespace myelin::http
