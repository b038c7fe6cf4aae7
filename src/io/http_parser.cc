#include "io/http_parser.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>

namespace myelin::http {
namespace {

namespace beast_http = boost::beast::http;

std::optional<Method> method_of(beast_http::verb verb) {
  switch (verb) {
    case beast_http::verb::get: return Method::Get;
    case beast_http::verb::head: return Method::Head;
    case beast_http::verb::post: return Method::Post;
    case beast_http::verb::put: return Method::Put;
    case beast_http::verb::patch: return Method::Patch;
    case beast_http::verb::delete_: return Method::Delete;
    case beast_http::verb::options: return Method::Options;
    default: return std::nullopt;
  }
}

bool is_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

std::string_view view(boost::beast::string_view text) { return {text.data(), text.size()}; }

}  // namespace

struct RequestParser::Inner {
  beast_http::request_parser<beast_http::buffer_body> parser;
};

RequestParser::RequestParser(const ParserLimits& limits)
    : limits_(limits), inner_(std::make_unique<Inner>()) {
  inner_->parser.header_limit(static_cast<std::uint32_t>(limits.header_bytes_max));
  inner_->parser.body_limit(boost::none);  // Kept by whoever reads the body.
}

RequestParser::~RequestParser() = default;

bool RequestParser::body_done() const { return inner_->parser.is_done(); }

RequestParser::Step RequestParser::malformed(int status, std::string_view message) {
  trouble_ = {status, message};
  return Step::Malformed;
}

RequestParser::Step RequestParser::parse_head(std::string_view bytes, std::size_t& used) {
  boost::system::error_code error;
  used = inner_->parser.put(boost::asio::const_buffer(bytes.data(), bytes.size()), error);
  const bool in_first_line =
      !first_line_done_ &&
      bytes.substr(0, limits_.header_bytes_max).find('\n') == std::string_view::npos;
  first_line_done_ = first_line_done_ || used > 0;
  if (error == beast_http::error::header_limit) {
    if (in_first_line) return malformed(414, "the target is too long");
    return malformed(431, "the header is too long");
  }
  if (error == beast_http::error::bad_version) return malformed(505, "this is not HTTP/1");
  if (error && error != beast_http::error::need_more)
    return malformed(400, "this is not an HTTP request");
  if (!inner_->parser.is_header_done()) return Step::NeedMore;
  return take_head();
}

RequestParser::Step RequestParser::take_head() {
  const auto& message = inner_->parser.get();
  head_.method = method_of(message.method());
  head_.target = view(message.target());
  head_.version = static_cast<int>(message.version());
  for (const auto& field : message)
    head_.headers.append(view(field.name_string()), view(field.value()));
  if (head_.version != 10 && head_.version != 11) return malformed(505, "this is not HTTP/1");
  if (head_.target.size() > limits_.target_bytes_max)
    return malformed(414, "the target is too long");
  if (head_.headers.size() > limits_.header_count_max)
    return malformed(431, "the header has too many fields");

  // Two readings of where a body ends are how requests are smuggled past a proxy: anything but one
  // clear length is refused.
  const auto transfer_encodings = head_.headers.count("Transfer-Encoding");
  const auto lengths = head_.headers.count("Content-Length");
  if (lengths > 1 || transfer_encodings > 1 || (lengths > 0 && transfer_encodings > 0))
    return malformed(400, "the body's length is given twice");
  if (lengths > 0 && !is_number(*head_.headers.find("Content-Length")))
    return malformed(400, "the body's length is no number");
  if (transfer_encodings > 0 && head_.version == 10)
    return malformed(400, "HTTP/1.0 has no transfer encodings");
  if (transfer_encodings > 0 && !head_.headers.has_token("Transfer-Encoding", "chunked"))
    return malformed(501, "this transfer encoding is not supported");
  if (transfer_encodings > 0 &&
      head_.headers.find("Transfer-Encoding")->find(',') != std::string_view::npos)
    return malformed(501, "this transfer encoding is not supported");
  head_.chunked = transfer_encodings > 0;
  if (const auto length = inner_->parser.content_length(); length && !head_.chunked)
    head_.content_length = *length;
  head_.keep_alive = head_.version == 11 ? !head_.headers.has_token("Connection", "close")
                                         : head_.headers.has_token("Connection", "keep-alive");
  head_.expects_continue =
      head_.version == 11 && head_.headers.has_token("Expect", "100-continue") && !body_done();
  return Step::Done;
}

RequestParser::Step RequestParser::parse_body(std::string_view bytes, std::size_t& used,
                                              std::string& out, std::size_t out_bytes_max) {
  used = 0;
  const std::size_t before = out.size();
  out.resize(before + out_bytes_max);
  auto& body = inner_->parser.get().body();
  body.data = out.data() + before;
  body.size = out_bytes_max;
  boost::system::error_code error;
  // One put stops at each chunk's edge; go on while it moves.
  while (used < bytes.size() && !inner_->parser.is_done() && body.size > 0) {
    const std::size_t moved = inner_->parser.put(
        boost::asio::const_buffer(bytes.data() + used, bytes.size() - used), error);
    used += moved;
    if (error || moved == 0) break;
  }
  out.resize(before + out_bytes_max - body.size);
  body.data = nullptr;
  if (error && error != beast_http::error::need_more && error != beast_http::error::need_buffer)
    return malformed(400, "the body's chunks are broken");
  return inner_->parser.is_done() ? Step::Done : Step::NeedMore;
}

}  // namespace myelin::http
