#include "io/http_exchange.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>
#include <utility>

#include "base/check.h"

namespace myelin::http {
namespace {

constexpr std::size_t kBodyChunkBytes = 16 << 10;
// What a handler left unread of a body is read away up to here, to keep the connection.
constexpr std::uint64_t kLeftoverBytesMax = 64 << 10;

bool is_token(std::string_view name) {
  static constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !name.empty() && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           kMarks.find(c) != std::string_view::npos;
  });
}

bool is_field_value(std::string_view value) {
  return std::ranges::all_of(value, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte >= 0x20 && byte != 0x7f) || c == '\t';
  });
}

// These say how the message is framed, which is the exchange's business alone.
bool is_framing(std::string_view name) {
  constexpr std::array<std::string_view, 4> kFraming = {"content-length", "transfer-encoding",
                                                        "connection", "date"};
  std::string lower(name);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return std::ranges::find(kFraming, lower) != kFraming.end();
}

bool has_no_body(int status) { return status < 200 || status == 204 || status == 304; }

// IMF-fixdate; strftime would follow the locale.
std::string http_date() {
  constexpr std::array kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  ::gmtime_r(&now, &utc);
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT",
                     kDays[static_cast<std::size_t>(utc.tm_wday)], utc.tm_mday,
                     kMonths[static_cast<std::size_t>(utc.tm_mon)], utc.tm_year + 1900, utc.tm_hour,
                     utc.tm_min, utc.tm_sec);
}

}  // namespace

Exchange::Exchange(Session& session, RequestParser& parser)
    : session_(session),
      parser_(parser),
      head_only_(parser.head().method == Method::Head),
      keep_alive_(parser.head().keep_alive),
      continue_owed_(parser.head().expects_continue) {}

void Exchange::append_checked(std::string& out, std::string_view name, std::string_view value) {
  if (!is_token(name) || !is_field_value(value)) {
    // Written as it is, it would let whoever chose the value write headers or a second answer.
    session_.state().runtime.logger().limited(LogLevel::Error, "http.header-refused",
                                              {{"server", session_.state().name}});
    return;
  }
  out += name;
  out += ": ";
  out += value;
  out += "\r\n";
}

// The rest of the request's body is short and on its way, so that reading it away keeps the
// connection.
bool Exchange::body_is_at_hand() const {
  if (parser_.body_done()) return true;
  if (continue_owed_ || body_broken_ || body_too_large_) return false;
  return parser_.head().content_length &&
         *parser_.head().content_length - body_bytes_ <= kLeftoverBytesMax;
}

std::string Exchange::head_text(int status, const Headers& headers, std::string_view content_type,
                                std::optional<std::size_t> length) {
  keep_alive_ = keep_alive_ && session_.keeps_alive() && body_is_at_hand();
  const bool bodyless = has_no_body(status);
  chunked_ = !length && !bodyless && parser_.head().version == 11;
  if (!length && !chunked_ && !bodyless) keep_alive_ = false;  // Its end is the connection's.

  std::string head = fmt::format("HTTP/1.1 {} {}\r\n", status, reason_of(status));
  append_checked(head, "Date", http_date());
  append_checked(head, "Server", "Myelin");
  for (const auto& [name, value] : headers.fields()) {
    if (!is_framing(name)) append_checked(head, name, value);
  }
  if (!content_type.empty()) append_checked(head, "Content-Type", content_type);
  if (!headers.find("X-Content-Type-Options"))
    append_checked(head, "X-Content-Type-Options", "nosniff");
  if (!headers.find("Referrer-Policy")) append_checked(head, "Referrer-Policy", "no-referrer");
  if (!headers.find("Cache-Control")) append_checked(head, "Cache-Control", "no-store");
  if (length && !bodyless) append_checked(head, "Content-Length", std::to_string(*length));
  if (chunked_) append_checked(head, "Transfer-Encoding", "chunked");
  if (!keep_alive_) append_checked(head, "Connection", "close");
  if (keep_alive_ && parser_.head().version == 10) append_checked(head, "Connection", "keep-alive");
  head += "\r\n";
  return head;
}

Status Exchange::written(Status status) {
  if (!status) {
    if (!aborted_) session_.state().slow_readers.fetch_add(1, std::memory_order_relaxed);
    aborted_ = true;
    state_ = State::Ended;
  }
  return status;
}

Task<Status> Exchange::send(Response response) {
  MYELIN_CHECK(state_ == State::Open, "a request is answered twice");
  state_ = State::Ended;
  const std::string head =
      head_text(response.status, response.headers, response.content_type, response.body.size());
  const bool with_body = !head_only_ && !has_no_body(response.status);
  const std::array<std::string_view, 2> parts = {
      head, with_body ? std::string_view(response.body) : std::string_view()};
  co_return written(co_await session_.connection().write_all(parts));
}

Task<Status> Exchange::start(int status, Headers headers) {
  MYELIN_CHECK(state_ == State::Open, "a request is answered twice");
  state_ = State::Streaming;
  const std::string head = head_text(status, headers, "", std::nullopt);
  if (has_no_body(status)) head_only_ = true;
  co_return written(co_await session_.connection().write_all(head));
}

Task<Status> Exchange::write(std::string_view bytes) {
  if (aborted_) co_return Error(ErrorCode::Unavailable, "the peer did not read in time");
  MYELIN_CHECK(state_ == State::Streaming, "a part of an answer without its start");
  if (bytes.empty() || head_only_) co_return Status();
  if (!chunked_) co_return written(co_await session_.connection().write_all(bytes));
  const std::string size = fmt::format("{:x}\r\n", bytes.size());
  const std::array<std::string_view, 3> parts = {size, bytes, "\r\n"};
  co_return written(co_await session_.connection().write_all(parts));
}

Task<Status> Exchange::finish() {
  if (aborted_) co_return Error(ErrorCode::Unavailable, "the peer did not read in time");
  MYELIN_CHECK(state_ == State::Streaming, "an end of an answer without its start");
  state_ = State::Ended;
  if (!chunked_ || head_only_) co_return Status();
  co_return written(co_await session_.connection().write_all("0\r\n\r\n"));
}

Task<Result<std::optional<std::string>>> Exchange::read_chunk() {
  if (body_broken_) co_return Error(ErrorCode::InvalidInput, "the body is broken");
  if (parser_.body_done()) co_return std::nullopt;
  if (continue_owed_ && state_ == State::Open) {
    continue_owed_ = false;
    MYELIN_CO_TRY_VOID(
        written(co_await session_.connection().write_all("HTTP/1.1 100 Continue\r\n\r\n")));
  }
  std::string chunk;
  for (;;) {
    std::size_t used = 0;
    const auto step = parser_.parse_body(session_.buffered(), used, chunk, kBodyChunkBytes);
    session_.consume(used);
    body_bytes_ += chunk.size();
    if (step == RequestParser::Step::Malformed) {
      body_broken_ = true;
      co_return Error(ErrorCode::InvalidInput, std::string(parser_.trouble().message));
    }
    if (body_bytes_ > session_.state().settings.body_bytes_max.value) {
      body_broken_ = body_too_large_ = true;
      co_return Error(ErrorCode::InvalidInput, "the body is too long");
    }
    if (!chunk.empty()) co_return chunk;
    if (step == RequestParser::Step::Done) co_return std::nullopt;
    // A chunk's head or trailer that does not end.
    if (session_.buffered().size() > session_.state().settings.header_bytes_max.value) {
      body_broken_ = true;
      co_return Error(ErrorCode::InvalidInput, "the body's chunks are broken");
    }
    auto more = co_await session_.fill();
    if (!more) {
      body_broken_ = true;
      co_return std::move(more).error();
    }
    if (*more == 0) throw io::Broken("the peer left in the middle of a body");
  }
}

Task<bool> Exchange::complete() {
  if (aborted_) co_return false;
  if (state_ == State::Streaming) {
    // Nothing but a cut tells the peer that the answer is not whole.
    aborted_ = true;
    co_return false;
  }
  while (keep_alive_ && !parser_.body_done()) {
    const auto chunk = co_await read_chunk();
    if (!chunk) co_return false;
  }
  co_return keep_alive_;
}

}  // namespace myelin::http
