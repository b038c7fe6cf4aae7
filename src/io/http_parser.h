// RequestParser: the server's view of one HTTP/1 request, fed with bytes cut anywhere. Beast's
// parser is behind it and shows nowhere else. Pure: does no I/O.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "io/http.h"

namespace myelin::http {

struct RequestHead {
  std::optional<Method> method;  // Nothing: one that we do not know.
  std::string target;
  int version = 11;  // 10 or 11.
  Headers headers;
  std::optional<std::uint64_t> content_length;
  bool chunked = false;
  bool keep_alive = false;
  bool expects_continue = false;
};

struct ParserLimits {
  std::size_t header_bytes_max;
  std::size_t header_count_max;
  std::size_t target_bytes_max;
};

class RequestParser {
 public:
  enum class Step : std::uint8_t { NeedMore, Done, Malformed };
  // What a malformed request is answered with. Texts are ours, none of the peer's.
  struct Trouble {
    int status = 400;
    std::string_view message;
  };

  explicit RequestParser(const ParserLimits& limits);
  ~RequestParser();
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;

  // Parses from the front of `bytes` and says in `used` how much of it is done with; the rest is to
  // be shown again, with more behind it. Ask for the head until Done, then for the body until Done.
  Step parse_head(std::string_view bytes, std::size_t& used);
  // Appends body bytes to `out`, at most `out_bytes_max` more. NeedMore with something in `out` may
  // mean "there is more in `bytes`".
  Step parse_body(std::string_view bytes, std::size_t& used, std::string& out,
                  std::size_t out_bytes_max);

  // Malformed from outside: the header did not come in time.
  void refuse(int status, std::string_view message) { trouble_ = {status, message}; }

  const RequestHead& head() const { return head_; }
  const Trouble& trouble() const { return trouble_; }
  // The request ends with its header, or its body is parsed.
  bool body_done() const;

 private:
  struct Inner;
  Step malformed(int status, std::string_view message);
  Step take_head();

  const ParserLimits limits_;
  std::unique_ptr<Inner> inner_;
  bool first_line_done_ = false;
  RequestHead head_;
  Trouble trouble_;
};

}  // namespace myelin::http
