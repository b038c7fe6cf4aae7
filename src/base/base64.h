// Base64 (RFC 4648 section 4): the alphabet with + and /, always padded, no line breaks.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace myelin {

void append_base64(std::string& out, std::string_view bytes);
std::string encode_base64(std::string_view bytes);

// InvalidInput for any other character, missing padding, or bits that no encoder writes: each byte
// string has exactly one text. The message never holds the text.
Result<std::string> decode_base64(std::string_view text);

}  // namespace myelin
