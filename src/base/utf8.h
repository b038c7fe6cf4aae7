// UTF-8 (RFC 3629): checking, and stepping through bytes that may not be it. Pure functions.
#pragma once

#include <cstddef>
#include <string_view>

namespace myelin {

// True when the bytes are UTF-8 from end to end (no overlong form, no surrogate, nothing beyond
// U+10FFFF). ASCII goes by at 16 bytes a step and more.
bool is_valid_utf8(std::string_view bytes);

struct Utf8Step {
  std::size_t bytes;  // How far to move: at least 1.
  bool valid;         // False: these bytes are no character (the longest broken beginning of one).
};

// The character that the bytes begin with. `bytes` must not be empty.
Utf8Step utf8_step(std::string_view bytes);

// The longest beginning of at most `bytes_max` bytes that does not cut a character in two.
std::string_view utf8_prefix(std::string_view text, std::size_t bytes_max);

}  // namespace myelin
