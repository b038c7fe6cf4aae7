#include "base/json_writer.h"

#include <fmt/format.h>

#include <bit>
#include <charconv>
#include <cmath>

#include "base/utf8.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace myelin {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

bool is_plain(char c) {
  const auto byte = static_cast<std::uint8_t>(c);
  return byte >= 0x20 && byte < 0x80 && c != '"' && c != '\\';
}

// The first byte from `at` on that cannot simply be copied: a quote, a backslash, a control
// character, or anything that is not ASCII.
const char* skip_plain(const char* at, const char* end) {
#if defined(__SSE2__)
  const __m128i quote = _mm_set1_epi8('"');
  const __m128i backslash = _mm_set1_epi8('\\');
  const __m128i space = _mm_set1_epi8(0x20);
  while (end - at >= 16) {
    const __m128i chunk = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    // The comparison is signed: bytes from 0x80 on are negative, so one test finds them too.
    const __m128i special =
        _mm_or_si128(_mm_cmplt_epi8(chunk, space),
                     _mm_or_si128(_mm_cmpeq_epi8(chunk, quote), _mm_cmpeq_epi8(chunk, backslash)));
    const auto mask = static_cast<std::uint32_t>(_mm_movemask_epi8(special));
    if (mask != 0) return at + std::countr_zero(mask);
    at += 16;
  }
#endif
  while (at < end && is_plain(*at)) ++at;
  return at;
}

void append_escape(std::string& out, char c) {
  static constexpr char kHex[] = "0123456789abcdef";
  switch (c) {
    case '"': out.append("\\\""); return;
    case '\\': out.append("\\\\"); return;
    case '\b': out.append("\\b"); return;
    case '\f': out.append("\\f"); return;
    case '\n': out.append("\\n"); return;
    case '\r': out.append("\\r"); return;
    case '\t': out.append("\\t"); return;
    default: break;
  }
  const auto byte = static_cast<std::uint8_t>(c);
  const char escape[] = {'\\', 'u', '0', '0', kHex[byte >> 4], kHex[byte & 15]};
  out.append(escape, sizeof escape);
}

}  // namespace

void append_json_string(std::string& out, std::string_view utf8) {
  out.push_back('"');
  const char* at = utf8.data();
  const char* const end = at + utf8.size();
  const char* run = at;  // Begins what is to be copied as it is.
  const auto copy_run = [&] { out.append(run, static_cast<std::size_t>(at - run)); };
  while ((at = skip_plain(at, end)) < end) {
    if (static_cast<std::uint8_t>(*at) < 0x80) {
      copy_run();
      append_escape(out, *at);
      run = ++at;
      continue;
    }
    const auto step = utf8_step(std::string_view(at, static_cast<std::size_t>(end - at)));
    if (!step.valid) {
      copy_run();
      out.append(kReplacement);
      run = at + step.bytes;
    }
    at += step.bytes;
  }
  copy_run();
  out.push_back('"');
}

void append_json_number(std::string& out, double value) {
  if (!std::isfinite(value)) {
    out.append("null");
    return;
  }
  fmt::format_to(std::back_inserter(out), "{}", value);
}

void JsonWriter::write_signed(std::int64_t value) {
  separate();
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  out_.append(digits, static_cast<std::size_t>(end - digits));
}

void JsonWriter::write_unsigned(std::uint64_t value) {
  separate();
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  out_.append(digits, static_cast<std::size_t>(end - digits));
}

}  // namespace myelin
