// Whatever the bytes: no crash, nothing read outside of them, and no more members or topics than
// they have room for. What is read of a commit, a group or a key is written again, and reads as the
// same.
#include <string>

#include "base/check.h"
#include "formats/kafka/group_records.h"

namespace {

using namespace myelin;
using namespace myelin::kafka;

void check_key(std::string_view bytes) {
  const auto key = parse_group_record_key(bytes);
  if (!key) return;
  if (const auto* offset = std::get_if<OffsetCommitKey>(&*key)) {
    const auto again = encode_offset_commit_key(offset->group, offset->topic, offset->partition);
    MYELIN_CHECK(parse_group_record_key(again).value() == *key, "the key reads as the same");
  } else if (const auto* group = std::get_if<GroupMetadataKey>(&*key)) {
    MYELIN_CHECK(encode_group_metadata_key(group->group) == bytes, "the key has one form");
  }
}

void check_values(std::string_view bytes) {
  if (auto commit = parse_offset_commit_value(bytes)) {
    if (commit->expire_timestamp != -1) commit->leader_epoch = -1;
    const auto again = parse_offset_commit_value(encode_offset_commit_value(*commit));
    MYELIN_CHECK(again.value() == *commit, "the commit reads as the same");
  }
  if (const auto group = parse_group_metadata_value(bytes)) {
    MYELIN_CHECK(group->members.size() <= bytes.size(), "as many members as there is room for");
    const auto again = parse_group_metadata_value(encode_group_metadata_value(*group));
    MYELIN_CHECK(again.value() == *group, "the group reads as the same");
  }
}

void check_subscription(std::string_view bytes) {
  const auto topics = parse_subscribed_topics(bytes);
  if (topics) MYELIN_CHECK(topics->size() <= bytes.size(), "as many topics as there is room for");
  const auto whole = parse_consumer_subscription(bytes);
  if (whole) MYELIN_CHECK(topics && *topics == whole->topics, "the same topics either way");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  check_key(bytes);
  check_values(bytes);
  check_subscription(bytes);
  return 0;
}
