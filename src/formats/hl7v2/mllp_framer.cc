#include "formats/hl7v2/mllp_framer.h"

#include <algorithm>
#include <cstring>

namespace myelin::hl7v2 {

namespace {

// A connection that waits between small messages keeps a buffer of this size.
constexpr std::size_t kKeptBytes = 64u << 10;

}  // namespace

void MllpFramer::feed(std::string_view bytes) {
  if (lost_) return;
  if (begin_ == held_.size()) {
    held_.clear();
    if (held_.capacity() > kKeptBytes) held_.shrink_to_fit();
  } else if (begin_ > 0) {
    held_.erase(0, begin_);
  }
  searched_ -= std::min(searched_, begin_);
  begin_ = 0;
  held_.append(bytes);
}

Result<std::optional<MllpFrame>> MllpFramer::next() {
  for (;;) {
    if (place_ == Place::Skipping && !skip_rest()) return std::optional<MllpFrame>();
    if (place_ == Place::Outside) find_start();
    if (lost_) {
      return Error(ErrorCode::InvalidInput,
                   "a byte outside an MLLP frame that is neither its start nor a line break");
    }
    if (place_ == Place::Outside) return std::optional<MllpFrame>();
    if (place_ == Place::Start) {
      while (begin_ < held_.size() && held_[begin_] == kStart) ++begin_;
      if (begin_ == held_.size()) return std::optional<MllpFrame>();
      searched_ = begin_;
      place_ = Place::Inside;
    }
    return take_message();
  }
}

void MllpFramer::find_start() {
  while (!lost_ && place_ == Place::Outside && begin_ < held_.size()) {
    const char c = held_[begin_];
    if (c == kStart) {
      place_ = Place::Start;
    } else if (c == kEnd) {
      if (begin_ + 1 == held_.size()) return;  // Its second byte decides.
      const bool is_doubled_end = held_[begin_ + 1] == kEndSecond;
      if (!is_doubled_end) ++garbage_bytes_;
      lost_ = !is_doubled_end && on_garbage_ == OnGarbage::Fail;
    } else if (c != '\r' && c != '\n') {
      ++garbage_bytes_;
      lost_ = on_garbage_ == OnGarbage::Fail;
    }
    ++begin_;
  }
}

std::optional<std::size_t> MllpFramer::find_end() {
  while (searched_ + 1 < held_.size()) {
    const void* found = std::memchr(held_.data() + searched_, kEnd, held_.size() - 1 - searched_);
    if (found == nullptr) {
      searched_ = held_.size() - 1;
      break;
    }
    const auto at = static_cast<std::size_t>(static_cast<const char*>(found) - held_.data());
    if (held_[at + 1] == kEndSecond) return at;
    searched_ = at + 1;
  }
  return std::nullopt;
}

std::optional<MllpFrame> MllpFramer::take_message() {
  const auto end = find_end();
  // A last 0x1C may yet be the end's first byte, and is not counted before it is known.
  const std::size_t known =
      end ? *end : held_.size() - (!held_.empty() && held_.back() == kEnd ? 1 : 0);
  const std::size_t bytes = known - begin_;
  if (bytes > message_bytes_max_) {
    const std::size_t kept = std::min(message_bytes_max_, kBeginningBytesMax);
    const MllpFrame frame{MllpFrame::Kind::TooLong, std::string_view(held_).substr(begin_, kept)};
    ++too_long_count_;
    place_ = Place::Skipping;
    return frame;
  }
  if (!end) return std::nullopt;
  const MllpFrame frame{MllpFrame::Kind::Message, std::string_view(held_).substr(begin_, bytes)};
  ++message_count_;
  begin_ = *end + 2;
  searched_ = begin_;
  place_ = Place::Outside;
  return frame;
}

bool MllpFramer::skip_rest() {
  const auto end = find_end();
  if (end) {
    begin_ = *end + 2;
    place_ = Place::Outside;
  } else {
    begin_ = searched_;  // Up to the last byte, which may be the end's first.
  }
  return end.has_value();
}

void append_mllp_frame(std::string& out, std::string_view message) {
  out.push_back(MllpFramer::kStart);
  out.append(message);
  out.push_back(MllpFramer::kEnd);
  out.push_back(MllpFramer::kEndSecond);
}

std::string mllp_wrap(std::string_view message) {
  std::string out;
  out.reserve(message.size() + 3);
  append_mllp_frame(out, message);
  return out;
}

}  // namespace myelin::hl7v2
