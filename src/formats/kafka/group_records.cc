#include "formats/kafka/group_records.h"

#include <algorithm>
#include <limits>

#include "base/bytes.h"
#include "base/check.h"

namespace myelin::kafka {
namespace {

constexpr std::int16_t kLegacyOffsetCommit = 0;
constexpr std::int16_t kOffsetCommit = 1;
constexpr std::int16_t kGroupMetadata = 2;

constexpr std::int16_t kOffsetVersion = 4;
constexpr std::int16_t kExpiringOffsetVersion = 1;
constexpr std::int16_t kGroupVersion = 3;
constexpr std::int16_t kFlexibleVersion = 4;
constexpr std::int16_t kVersionMax = 4;
constexpr std::uint32_t kTopicIdTag = 0;
constexpr std::size_t kMemberBytesMin = 15;  // In version 4; earlier ones have more.

Error malformed(const char* what) {
  return Error(ErrorCode::InvalidInput, std::string(what) + ": malformed");
}

// Kafka's two encodings of strings, bytes and counts: with lengths of a fixed width, and
// ("flexible") with unsigned varints of the length plus one, then tagged fields.
class FieldReader {
 public:
  FieldReader(std::string_view bytes, std::int16_t flexible_from) : in_(bytes) {
    version_ = in_.be<std::int16_t>();
    flexible_ = version_ >= flexible_from;
  }

  std::int16_t version() const { return version_; }
  bool ok() const { return ok_ && in_.ok(); }
  // Everything was read, and nothing is left.
  bool done() const { return ok() && in_.remaining() == 0; }

  template <class T>
  T number() {
    return in_.be<T>();
  }
  std::string text() { return required(string_size()); }
  std::optional<std::string> nullable_text() { return nullable(string_size()); }
  std::string bytes() { return required(array_size()); }
  std::optional<std::string> nullable_bytes() { return nullable(array_size()); }
  // How many elements follow; each has at least `element_bytes_min` bytes.
  std::size_t count(std::size_t element_bytes_min) {
    const std::int64_t size = array_size();
    const auto limit = static_cast<std::int64_t>(in_.remaining() / element_bytes_min);
    if (size < 0 || size > limit) ok_ = false;
    return ok() ? static_cast<std::size_t>(size) : 0;
  }

  // Hands each tagged field to `take`, which may leave it alone.
  template <class Take>
  void tagged(Take take) {
    if (!flexible_) return;
    const std::uint32_t fields = unsigned_varint();
    for (std::uint32_t i = 0; i < fields && ok(); ++i) {
      const std::uint32_t tag = unsigned_varint();
      const std::string_view value = in_.bytes(unsigned_varint());
      if (ok()) take(tag, value);
    }
  }
  void skip_tagged() {
    tagged([](std::uint32_t, std::string_view) {});
  }
  void fail() { ok_ = false; }

 private:
  std::uint32_t unsigned_varint() {
    std::uint64_t value = 0;
    for (int i = 0; i < 5; ++i) {
      const auto byte = in_.le<std::uint8_t>();
      value |= static_cast<std::uint64_t>(byte & 0x7f) << (7 * i);
      if ((byte & 0x80) == 0) {
        if (value > std::numeric_limits<std::uint32_t>::max()) break;
        return static_cast<std::uint32_t>(value);
      }
    }
    ok_ = false;
    return 0;
  }
  // Either encoding is held to what 16 bits can say, as Kafka does.
  std::int64_t string_size() {
    const std::int64_t size =
        flexible_ ? std::int64_t{unsigned_varint()} - 1 : in_.be<std::int16_t>();
    if (size > std::numeric_limits<std::int16_t>::max()) ok_ = false;
    return size;
  }
  std::int64_t array_size() {
    return flexible_ ? std::int64_t{unsigned_varint()} - 1 : in_.be<std::int32_t>();
  }
  std::string required(std::int64_t size) {
    if (size < 0) ok_ = false;
    return nullable(size).value_or(std::string());
  }
  std::optional<std::string> nullable(std::int64_t size) {
    if (size < 0 || !ok()) return std::nullopt;
    return std::string(in_.bytes(static_cast<std::size_t>(size)));
  }

  ByteReader in_;
  std::int16_t version_ = 0;
  bool flexible_ = false;
  bool ok_ = true;
};

void put_text(ByteWriter& out, std::string_view text) {
  MYELIN_CHECK(text.size() <= std::numeric_limits<std::int16_t>::max(), "a name has its limit");
  out.be(static_cast<std::int16_t>(text.size()));
  out.bytes(text);
}

void put_nullable_text(ByteWriter& out, const std::optional<std::string>& text) {
  if (text) return put_text(out, *text);
  out.be(std::int16_t{-1});
}

void put_bytes(ByteWriter& out, std::string_view bytes) {
  out.be(static_cast<std::int32_t>(bytes.size()));
  out.bytes(bytes);
}

void put_unsigned_varint(ByteWriter& out, std::uint32_t value) {
  for (; value >= 0x80; value >>= 7) out.be(static_cast<std::uint8_t>(value | 0x80));
  out.be(static_cast<std::uint8_t>(value));
}

bool is_known(std::int16_t version) { return version >= 0 && version <= kVersionMax; }

GroupMemberMetadata read_member(FieldReader& in) {
  GroupMemberMetadata member;
  member.member_id = in.text();
  if (in.version() >= 3) member.instance_id = in.nullable_text();
  member.client_id = in.text();
  member.client_host = in.text();
  if (in.version() >= 1) member.rebalance_timeout_ms = in.number<std::int32_t>();
  member.session_timeout_ms = in.number<std::int32_t>();
  member.subscription = in.bytes();
  member.assignment = in.bytes();
  in.skip_tagged();
  return member;
}

// Each has a length in front.
constexpr std::size_t kTextBytesMin = 2;
constexpr std::size_t kOwnedBytesMin = kTextBytesMin + 4;

void read_topics(FieldReader& in, std::vector<std::string>& topics) {
  const std::size_t count = in.count(kTextBytesMin);
  for (std::size_t i = 0; i < count && in.ok(); ++i) topics.push_back(in.text());
}

void read_owned(FieldReader& in, std::vector<OwnedPartitions>& owned) {
  const std::size_t count = in.count(kOwnedBytesMin);
  for (std::size_t i = 0; i < count && in.ok(); ++i) {
    OwnedPartitions& topic = owned.emplace_back();
    topic.topic = in.text();
    const std::size_t partitions = in.count(sizeof(std::int32_t));
    for (std::size_t p = 0; p < partitions; ++p) {
      topic.partitions.push_back(in.number<std::int32_t>());
    }
  }
}

constexpr std::int16_t kNeverFlexible = std::numeric_limits<std::int16_t>::max();

}  // namespace

Result<GroupRecordKey> parse_group_record_key(std::string_view key) {
  FieldReader in(key, kNeverFlexible);
  GroupRecordKey parsed;
  switch (in.version()) {
    case kLegacyOffsetCommit:
    case kOffsetCommit: {
      OffsetCommitKey offset;
      offset.group = in.text();
      offset.topic = in.text();
      offset.partition = in.number<std::int32_t>();
      parsed = std::move(offset);
      break;
    }
    case kGroupMetadata: parsed = GroupMetadataKey{in.text()}; break;
    default:
      if (!in.ok() || in.version() < 0) return malformed("group record key");
      return GroupRecordKey(OtherGroupKey{in.version()});
  }
  if (!in.done()) return malformed("group record key");
  return parsed;
}

Result<OffsetCommitValue> parse_offset_commit_value(std::string_view value) {
  FieldReader in(value, kFlexibleVersion);
  if (!in.ok() || !is_known(in.version())) return malformed("offset commit version");
  OffsetCommitValue parsed;
  parsed.offset = in.number<std::int64_t>();
  if (in.version() >= 3) parsed.leader_epoch = in.number<std::int32_t>();
  parsed.metadata = in.text();
  parsed.commit_timestamp = in.number<std::int64_t>();
  if (in.version() == 1) parsed.expire_timestamp = in.number<std::int64_t>();
  in.tagged([&](std::uint32_t tag, std::string_view field) {
    if (tag != kTopicIdTag) return;
    if (field.size() != parsed.topic_id.bytes.size()) return in.fail();
    parsed.topic_id = Uuid::from_bytes(field);
  });
  if (!in.done()) return malformed("offset commit");
  return parsed;
}

Result<GroupMetadataValue> parse_group_metadata_value(std::string_view value) {
  FieldReader in(value, kFlexibleVersion);
  if (!in.ok() || !is_known(in.version())) return malformed("group metadata version");
  GroupMetadataValue parsed;
  parsed.protocol_type = in.text();
  parsed.generation = in.number<std::int32_t>();
  parsed.protocol = in.nullable_text();
  parsed.leader = in.nullable_text();
  if (in.version() >= 2) parsed.state_timestamp = in.number<std::int64_t>();
  const std::size_t count = in.count(kMemberBytesMin);
  for (std::size_t i = 0; i < count && in.ok(); ++i) parsed.members.push_back(read_member(in));
  in.skip_tagged();
  if (!in.done()) return malformed("group metadata");
  return parsed;
}

std::string encode_offset_commit_key(std::string_view group, std::string_view topic,
                                     std::int32_t partition) {
  std::string key;
  key.reserve(group.size() + topic.size() + 10);
  ByteWriter out(key);
  out.be(kOffsetCommit);
  put_text(out, group);
  put_text(out, topic);
  out.be(partition);
  return key;
}

std::string encode_offset_commit_value(const OffsetCommitValue& value) {
  std::string bytes;
  ByteWriter out(bytes);
  if (value.expire_timestamp != -1) {
    out.be(kExpiringOffsetVersion);
    out.be(value.offset);
    put_text(out, value.metadata);
    out.be(value.commit_timestamp);
    out.be(value.expire_timestamp);
    return bytes;
  }
  bytes.reserve(value.metadata.size() + 44);
  out.be(kOffsetVersion);
  out.be(value.offset);
  out.be(value.leader_epoch);
  put_unsigned_varint(out, static_cast<std::uint32_t>(value.metadata.size()) + 1);
  out.bytes(value.metadata);
  out.be(value.commit_timestamp);
  if (value.topic_id.is_nil()) {
    put_unsigned_varint(out, 0);
    return bytes;
  }
  put_unsigned_varint(out, 1);
  put_unsigned_varint(out, kTopicIdTag);
  put_unsigned_varint(out, static_cast<std::uint32_t>(value.topic_id.bytes.size()));
  out.bytes(value.topic_id.view());
  return bytes;
}

std::string encode_group_metadata_key(std::string_view group) {
  std::string key;
  ByteWriter out(key);
  out.be(kGroupMetadata);
  put_text(out, group);
  return key;
}

std::string encode_group_metadata_value(const GroupMetadataValue& value) {
  std::string bytes;
  ByteWriter out(bytes);
  out.be(kGroupVersion);
  put_text(out, value.protocol_type);
  out.be(value.generation);
  put_nullable_text(out, value.protocol);
  put_nullable_text(out, value.leader);
  out.be(value.state_timestamp);
  out.be(static_cast<std::int32_t>(value.members.size()));
  for (const GroupMemberMetadata& member : value.members) {
    put_text(out, member.member_id);
    put_nullable_text(out, member.instance_id);
    put_text(out, member.client_id);
    put_text(out, member.client_host);
    out.be(member.rebalance_timeout_ms);
    out.be(member.session_timeout_ms);
    put_bytes(out, member.subscription);
    put_bytes(out, member.assignment);
  }
  return bytes;
}

Result<ConsumerSubscription> parse_consumer_subscription(std::string_view bytes) {
  FieldReader in(bytes, kNeverFlexible);
  ConsumerSubscription parsed;
  parsed.version = in.version();
  read_topics(in, parsed.topics);
  parsed.user_data = in.nullable_bytes();
  if (in.version() >= 1) read_owned(in, parsed.owned);
  if (in.version() >= 2) parsed.generation = in.number<std::int32_t>();
  if (in.version() >= 3) parsed.rack = in.nullable_text();
  if (!in.ok() || in.version() < 0) return malformed("consumer subscription");
  return parsed;
}

Result<std::vector<std::string>> parse_subscribed_topics(std::string_view bytes) {
  FieldReader in(bytes, kNeverFlexible);
  std::vector<std::string> topics;
  read_topics(in, topics);
  if (!in.ok() || in.version() < 0) return malformed("consumer subscription");
  return topics;
}

}  // namespace myelin::kafka
