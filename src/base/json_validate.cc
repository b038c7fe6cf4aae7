#include "base/json_validate.h"

#include <algorithm>
#include <array>
#include <bitset>
#include <cstdint>
#include <cstring>

#include "base/utf8.h"

namespace myelin {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

class Validator {
 public:
  Validator(std::string_view bytes, int depth_max)
      : at_(bytes.data()),
        end_(at_ + bytes.size()),
        depth_max_(static_cast<std::size_t>(std::clamp(depth_max, 0, kJsonDepthMax))) {}

  bool document() {
    // Each turn takes one value (or opens a container), then what may follow it.
    for (;;) {
      skip_space();
      const Taken taken = value();
      if (taken == Taken::Nothing) return false;
      if (taken == Taken::Opened) continue;
      if (!close_and_separate()) return false;
      if (depth_ == 0) break;
    }
    skip_space();
    return at_ == end_;
  }

 private:
  enum class Taken : std::uint8_t { Nothing, Opened, Value };

  bool more() const { return at_ < end_; }
  bool take(char c) {
    if (!more() || *at_ != c) return false;
    ++at_;
    return true;
  }
  bool take_word(std::string_view word) {
    if (static_cast<std::size_t>(end_ - at_) < word.size()) return false;
    if (std::memcmp(at_, word.data(), word.size()) != 0) return false;
    at_ += word.size();
    return true;
  }
  void skip_space() {
    while (more() && (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t')) ++at_;
  }

  static Taken taken(bool ok) { return ok ? Taken::Value : Taken::Nothing; }

  Taken value() {
    if (!more()) return Taken::Nothing;
    switch (*at_) {
      case '{': return object();
      case '[': return array();
      case '"': return taken(string());
      case 't': return taken(take_word("true"));
      case 'f': return taken(take_word("false"));
      case 'n': return taken(take_word("null"));
      default: return taken(number());
    }
  }

  Taken object() {
    ++at_;
    skip_space();
    if (depth_ == depth_max_) return Taken::Nothing;
    if (take('}')) return Taken::Value;
    in_object_[depth_++] = true;
    return key() ? Taken::Opened : Taken::Nothing;
  }

  Taken array() {
    ++at_;
    skip_space();
    if (depth_ == depth_max_) return Taken::Nothing;
    if (take(']')) return Taken::Value;
    in_object_[depth_++] = false;
    return Taken::Opened;
  }

  bool key() {
    if (!string()) return false;
    skip_space();
    return take(':');
  }

  // After a value: closes what ends here; true when the document ends or a value must follow.
  bool close_and_separate() {
    while (depth_ > 0) {
      skip_space();
      const bool object = in_object_[depth_ - 1];
      if (take(',')) {
        skip_space();
        return !object || key();
      }
      if (!take(object ? '}' : ']')) return false;
      --depth_;
    }
    return true;
  }

  bool number() {
    take('-');
    if (!take('0') && !digits()) return false;
    if (take('.') && !digits()) return false;
    if (take('e') || take('E')) {
      if (!take('+')) take('-');
      return digits();
    }
    return true;
  }
  bool digits() {
    const char* const first = at_;
    while (more() && is_digit(*at_)) ++at_;
    return at_ != first;
  }

  bool string() {
    if (!take('"')) return false;
    while (more()) {
      const auto byte = static_cast<std::uint8_t>(*at_);
      if (byte == '"') {
        ++at_;
        return true;
      }
      if (byte < 0x20) return false;
      if (byte == '\\') {
        ++at_;
        if (!escape()) return false;
      } else if (byte < 0x80) {
        ++at_;
      } else {
        const auto step = utf8_step(std::string_view(at_, static_cast<std::size_t>(end_ - at_)));
        if (!step.valid) return false;
        at_ += step.bytes;
      }
    }
    return false;
  }
  bool escape() {
    if (!more()) return false;
    const char c = *at_++;
    if (c != 'u') return std::string_view("\"\\/bfnrt").find(c) != std::string_view::npos;
    std::uint32_t unit = 0;
    if (!hex4(unit)) return false;
    if (unit < 0xd800 || unit > 0xdfff) return true;
    std::uint32_t low = 0;
    return unit < 0xdc00 && take_word("\\u") && hex4(low) && low >= 0xdc00 && low <= 0xdfff;
  }
  bool hex4(std::uint32_t& value) {
    for (int i = 0; i < 4; ++i, ++at_) {
      if (!more()) return false;
      const char lower = static_cast<char>(*at_ | 0x20);
      if (is_digit(*at_)) {
        value = value * 16 + static_cast<std::uint32_t>(*at_ - '0');
      } else if (lower >= 'a' && lower <= 'f') {
        value = value * 16 + static_cast<std::uint32_t>(lower - 'a' + 10);
      } else {
        return false;
      }
    }
    return true;
  }

  const char* at_;
  const char* const end_;
  const std::size_t depth_max_;
  std::size_t depth_ = 0;
  std::bitset<kJsonDepthMax> in_object_;
};

}  // namespace

bool is_valid_json(std::string_view bytes, int depth_max) {
  return Validator(bytes, depth_max).document();
}

}  // namespace myelin
