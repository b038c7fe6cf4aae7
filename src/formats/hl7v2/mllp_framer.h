// MllpFramer: cuts a stream of bytes into HL7 messages.
//
// MLLP wraps each message as 0x0B message 0x1C 0x0D. The framer holds bytes and does no I/O: a
// connection feeds what it read and takes whole messages out until there is none; a test or a
// fuzzer does the same with a string. The same frames come out however the stream is cut. It holds
// at most one message's limit plus one read (a buffer grows by doubling, and is given back when a
// large message is done). One thread at a time.
//
// Between frames line breaks, a doubled start and a doubled end are skipped; any other byte is
// garbage: an error, or skipped and counted where the options say so. Within a frame all is content
// but start bytes directly after the first: a lone 0x1C, a 0x0B, a CR.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace myelin::hl7v2 {

enum class OnGarbage : std::uint8_t { Fail, Skip };

struct MllpFrame {
  enum class Kind : std::uint8_t { Message, TooLong };
  Kind kind;
  // The message without its framing. Of one that is too long: its beginning, at most
  // kBeginningBytesMax. Valid until the next feed().
  std::string_view bytes;
};

class MllpFramer {
 public:
  static constexpr char kStart = '\x0B';
  static constexpr char kEnd = '\x1C';
  static constexpr char kEndSecond = '\r';
  // Enough for an MSH to be acknowledged.
  static constexpr std::size_t kBeginningBytesMax = 4096;

  explicit MllpFramer(std::size_t message_bytes_max, OnGarbage on_garbage = OnGarbage::Fail)
      : message_bytes_max_(message_bytes_max), on_garbage_(on_garbage) {}

  // Takes bytes as they came off the wire, cut anywhere. Frames taken before become invalid.
  void feed(std::string_view bytes);

  // The next frame, or nothing until more is fed. A message over the limit is told as soon as it
  // is known, before its end has come; the rest of it is skipped as it comes. An error
  // (InvalidInput) means that the framing is lost for good: the caller closes the connection.
  Result<std::optional<MllpFrame>> next();

  // A frame has begun and not ended: the peer is to be waited for, or left in the middle.
  bool is_inside_frame() const { return place_ != Place::Outside; }
  std::uint64_t message_count() const { return message_count_; }
  std::uint64_t too_long_count() const { return too_long_count_; }
  std::uint64_t garbage_bytes() const { return garbage_bytes_; }
  std::size_t held_bytes() const { return held_.size(); }

 private:
  enum class Place : std::uint8_t { Outside, Start, Inside, Skipping };

  void find_start();
  std::optional<std::size_t> find_end();
  std::optional<MllpFrame> take_message();
  bool skip_rest();

  const std::size_t message_bytes_max_;
  const OnGarbage on_garbage_;
  std::string held_;
  std::size_t begin_ = 0;     // Nothing before it is needed any more; inside, the content's start.
  std::size_t searched_ = 0;  // No end of the frame begins before it.
  Place place_ = Place::Outside;
  bool lost_ = false;
  std::uint64_t message_count_ = 0;
  std::uint64_t too_long_count_ = 0;
  std::uint64_t garbage_bytes_ = 0;
};

// A message as a frame, for senders.
std::string mllp_wrap(std::string_view message);
void append_mllp_frame(std::string& out, std::string_view message);

}  // namespace myelin::hl7v2
