// ChunkedBody: takes HTTP/1.1's chunks apart, however the stream is cut; a benchmark's reader of
// one stream.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

namespace myelin::bench {

class ChunkedBody {
 public:
  // Appends to `body` what the bytes hold of it. False when they are no chunks.
  bool feed(std::string_view bytes, std::string& body) {
    while (!bytes.empty()) {
      if (left_ > 0) {
        const std::size_t count = std::min(left_, bytes.size());
        body.append(bytes.substr(0, count));
        bytes.remove_prefix(count);
        left_ -= count;
        continue;
      }
      const char c = bytes.front();
      bytes.remove_prefix(1);
      if (c == '\r') continue;
      if (c == '\n') {
        // The line break behind a chunk leaves an empty line.
        left_ = size_;
        size_ = 0;
        continue;
      }
      const int digit = hex_digit(c);
      if (digit < 0 || size_ > (std::size_t{1} << 40)) return false;
      size_ = 16 * size_ + static_cast<std::size_t>(digit);
    }
    return true;
  }

 private:
  static int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
  }

  std::size_t size_ = 0;  // Of the chunk whose size line is being read.
  std::size_t left_ = 0;  // Of the present chunk.
};

}  // namespace myelin::bench
