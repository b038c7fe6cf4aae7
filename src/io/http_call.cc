#include "io/http_call.h"

#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

#include "io/connection.h"
#include "io/task.h"

namespace myelin::http {
namespace {

namespace asio = boost::asio;
namespace beast_http = boost::beast::http;
using io::TcpSocket;
using io::use_task;
using Resolver = asio::ip::basic_resolver<asio::ip::tcp, io::Executor>;
using RequestMessage = beast_http::request<beast_http::string_body>;
using AnswerParser = beast_http::response_parser<beast_http::string_body>;

bool can_stand_in_a_head(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

Result<RequestMessage> make_request(const Call& call, const Url& url) {
  RequestMessage request;
  request.version(11);
  request.method_string(std::string(to_string(call.method)));
  request.target(url.target);
  request.set(beast_http::field::host, url.host);
  request.set(beast_http::field::connection, "close");
  for (const auto& field : call.headers.fields()) {
    if (field.name.empty() || !can_stand_in_a_head(field.name) || !can_stand_in_a_head(field.value))
      return Error(ErrorCode::InvalidInput, "a header of the request cannot be written");
    request.insert(field.name, field.value);
  }
  request.body() = call.body;
  request.prepare_payload();
  return request;
}

Response take_answer(AnswerParser& parser) {
  auto message = parser.release();
  Response answer;
  answer.status = static_cast<int>(message.result_int());
  for (const auto& field : message) {
    const std::string_view name(field.name_string().data(), field.name_string().size());
    const std::string_view value(field.value().data(), field.value().size());
    answer.headers.append(name, value);
  }
  answer.content_type = answer.headers.find("Content-Type").value_or("");
  answer.body = std::move(message.body());
  return answer;
}

// What the conversation is at, for a message about its end.
struct Conversation {
  std::string_view step = "cannot be found";
  boost::system::error_code error;
  bool done = false;
};

io::Task<void> converse(asio::io_context& context, const Url& url, const RequestMessage& request,
                        AnswerParser& parser, Conversation& now) {
  const auto told = [&now] { return asio::redirect_error(use_task, now.error); };
  Resolver resolver(context.get_executor());
  const auto found =
      co_await resolver.async_resolve(url.address.host, std::to_string(url.address.port), told());
  if (now.error) co_return;
  now.step = "does not answer";
  TcpSocket socket(context.get_executor());
  co_await asio::async_connect(socket, found, told());
  if (now.error) co_return;
  now.step = "broke off";
  co_await beast_http::async_write(socket, request, told());
  // A server may refuse and close before it has read all; its answer is still to be had.
  boost::beast::flat_buffer buffer;
  co_await beast_http::async_read(socket, buffer, parser, told());
  now.done = !now.error;
}

Error trouble(const Conversation& ended, const Url& url, const Call& call) {
  const auto where = io::to_string(url.address);
  if (ended.error == beast_http::error::body_limit ||
      ended.error == beast_http::error::header_limit) {
    return Error(ErrorCode::Exhausted,
                 fmt::format("{} answers with more than {} bytes", where, call.answer_bytes_max));
  }
  if (!ended.error) {
    return Error(ErrorCode::Unavailable,
                 fmt::format("{} gave no answer within {} ms", where, call.timeout.count()));
  }
  const bool is_http_trouble =
      ended.error.category() ==
      beast_http::make_error_code(beast_http::error::bad_version).category();
  if (is_http_trouble && ended.error != beast_http::error::end_of_stream &&
      ended.error != beast_http::error::partial_message) {
    return Error(ErrorCode::Unavailable, fmt::format("{} does not answer with HTTP", where));
  }
  return Error(ErrorCode::Unavailable,
               fmt::format("{} {}: {}", where, ended.step, ended.error.message()));
}

}  // namespace

Result<Url> parse_url(std::string_view url) {
  constexpr std::string_view kScheme = "http://";
  const auto wrong = [](std::string_view why) {
    return Error(ErrorCode::InvalidInput, fmt::format("expected http://HOST:PORT, {}", why));
  };
  if (!url.starts_with(kScheme)) return wrong("and no other scheme");
  for (const char c : url) {
    if (c <= ' ' || c == 0x7f || c == '#') return wrong("without blanks, control characters and #");
  }
  url.remove_prefix(kScheme.size());
  const auto path = std::min(url.find_first_of("/?"), url.size());
  const auto authority = url.substr(0, path);
  if (authority.contains('@')) return wrong("without a user name");
  Url parsed;
  MYELIN_TRY(address, io::parse_address(authority, 80));
  parsed.address = std::move(address);
  parsed.host = io::to_string(parsed.address);
  parsed.target = url.substr(path);
  if (!parsed.target.starts_with('/')) parsed.target.insert(0, 1, '/');
  return parsed;
}

Result<Response> call(const Call& call) {
  MYELIN_TRY(url, parse_url(call.url));
  MYELIN_TRY(request, make_request(call, url));
  AnswerParser parser;
  parser.header_limit(kAnswerHeadBytesMax);
  parser.body_limit(call.answer_bytes_max);
  parser.skip(call.method == Method::Head);
  Conversation now;
  {
    asio::io_context context(1);
    asio::co_spawn(context, converse(context, url, request, parser, now), asio::detached);
    context.run_for(call.timeout);
  }  // What still waits ends here.
  if (now.done) return take_answer(parser);
  return trouble(now, url, call);
}

}  // namespace myelin::http
