// is_valid_json: whether bytes may be embedded as JSON in text of ours.
#pragma once

#include <string_view>

namespace myelin {

inline constexpr int kJsonDepthMax = 1024;

// True when the bytes are exactly one JSON value (RFC 8259), in UTF-8, with whitespace around it or
// not, nested `depth_max` deep at most (never more than kJsonDepthMax). Stricter than the grammar
// in one thing: an escaped surrogate must be one of a pair, since half of one is no character and
// other parsers refuse it. Does not allocate and does not recurse.
bool is_valid_json(std::string_view bytes, int depth_max = 128);

}  // namespace myelin
