// Feed: a message becomes an event on its topic, and the acknowledgment that it gets once durable.
//
// Knows no socket: a door, a file reader or a resend gives it whole messages and awaits what it
// gives back. Thread-safe: the event is built by the caller's thread without a lock; the feed's own
// lock is held for numbering and appending only, so that the order of feed-sequence is commit
// order.
//
// Nothing is dropped: what is no HL7 at all is kept on hl7.errors, what has no message type of
// HL7's, or would need a topic too many, on hl7.other.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/mutex.h"
#include "base/result.h"
#include "base/time.h"
#include "base/uuid.h"
#include "bus/bus.h"
#include "feeds/acknowledgment.h"
#include "feeds/record_key.h"
#include "feeds/settings.h"
#include "formats/hl7v2/header.h"
#include "formats/hl7v2/parse.h"

namespace myelin::feeds {

inline constexpr std::string_view kOtherTopic = "hl7.other";
inline constexpr std::string_view kErrorsTopic = "hl7.errors";
inline constexpr std::string_view kTopicPattern = "hl7.*";  // What a feed writes to.

// Where a message went.
enum class Kept : std::uint8_t { Typed, Other, Errors };

struct Accepted {
  bus::Receipt receipt;
  // To be sent once the receipt is durable and not before: an HL7 message without framing. Empty:
  // the sender asked for none.
  std::string acknowledgment;
  Kept kept;
};

// All of it outlives the feed.
struct FeedParts {
  bus::Bus& bus;
  UuidGenerator& ids;
  const Clock& clock;
};

class Feed {
 public:
  // `epoch` rises at each start of the server. InvalidInput when the settings are wrong.
  static Result<std::unique_ptr<Feed>> make(FeedSettings settings, std::uint64_t epoch,
                                            FeedParts parts);
  Feed(const Feed&) = delete;
  Feed& operator=(const Feed&) = delete;

  // Makes hl7.other and hl7.errors, so that a full topic table leaves a place for every message.
  Status start();

  const FeedSettings& settings() const { return settings_; }
  const std::string& principal() const { return principal_; }  // "Feed:<name>".

  // Appends one message (what stood between the framing bytes). It is the caller's to hold it to
  // message_bytes_max. Errors are the bus's: Exhausted (nothing is kept; the same message may be
  // tried again), Unavailable and Canceled (it will not become durable; no acknowledgment may be
  // sent).
  Result<Accepted> accept(const bus::Context& context, std::string_view message);

  // The rejection of a message over message_bytes_max, of which at least the beginning is known.
  // Empty when its sender asked for none.
  std::string reject_too_long(std::string_view beginning);

 private:
  struct Draft;

  Feed(FeedSettings settings, std::uint64_t epoch, RecordKey key, FeedParts parts);

  Result<std::string> choose_topic(const bus::Context& context, const hl7v2::Header& header,
                                   std::string_view trigger);
  Result<Draft> draft_message(const bus::Context& context, const MessageView& view);
  Draft draft_error(std::string_view message, hl7v2::ParseFault fault, const Error& error);
  Result<Accepted> append(const bus::Context& context, Draft draft) MYELIN_EXCLUDES(mutex_);
  static std::string acknowledgment(const hl7v2::Header& header, Verdict verdict,
                                    hl7v2::AckOptions options);
  bus::TopicName topic_name(std::string_view name) const;

  const FeedSettings settings_;
  const std::uint64_t epoch_;
  const RecordKey key_;
  const FeedParts parts_;
  const std::string principal_;
  const std::string source_;
  Mutex mutex_;
  std::uint64_t next_sequence_ MYELIN_GUARDED_BY(mutex_) = 1;
  std::atomic<std::uint64_t> rejected_{0};
};

}  // namespace myelin::feeds
