#include "formats/kafka/group_records.h"

#include <gmock/gmock.h>

namespace myelin::kafka {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::string unhex(std::string_view hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  }
  return bytes;
}

// What Kafka 4.3's own serializer writes.
constexpr std::string_view kCommitKey = "0001000762696c6c696e67000361647400000007";
constexpr std::string_view kGroupKey = "0002000762696c6c696e67";
constexpr std::string_view kCommit =
    "00040000011f71fb04cb00000005056e6f74650000018bcfe5687b01001001020304"
    "05060708090a0b0c0d0e0f10";
constexpr std::string_view kPlainCommit = "0004000000000000002affffffff010000018bcfe5687b00";
constexpr std::string_view kExpiringCommit =
    "0001000000000000002a00046e6f74650000018bcfe5687b0000018bcfe6ee9f";
constexpr std::string_view kOffsets[] = {
    "0000000000000000002a00046e6f74650000018bcfe5687b",
    "0001000000000000002a00046e6f74650000018bcfe5687bffffffffffffffff",
    "0002000000000000002a00046e6f74650000018bcfe5687b",
    "0003000000000000002a0000000300046e6f74650000018bcfe5687b",
    "0004000000000000002a00000003056e6f74650000018bcfe5687b00",
};
constexpr std::string_view kGroups[] = {
    "00000008636f6e73756d657200000009000572616e67650003632d31000000020003632d3100016300092f31302e30"
    "2e302e310000afc800000002010200000001030003642d3200016400092f31302e302e302e32000027100000000000"
    "0000020405",
    "00010008636f6e73756d657200000009000572616e67650003632d31000000020003632d3100016300092f31302e30"
    "2e302e310000ea600000afc800000002010200000001030003642d3200016400092f31302e302e302e320000753000"
    "00271000000000000000020405",
    "00020008636f6e73756d657200000009000572616e67650003632d310000018bcfe5687b000000020003632d310001"
    "6300092f31302e302e302e310000ea600000afc800000002010200000001030003642d3200016400092f31302e302e"
    "302e32000075300000271000000000000000020405",
    "00030008636f6e73756d657200000009000572616e67650003632d310000018bcfe5687b000000020003632d310006"
    "6e6f64652d3100016300092f31302e302e302e310000ea600000afc800000002010200000001030003642d32ffff00"
    "016400092f31302e302e302e32000075300000271000000000000000020405",
    "000409636f6e73756d6572000000090672616e676504632d310000018bcfe5687b0304632d31076e6f64652d310263"
    "0a2f31302e302e302e310000ea600000afc803010202030004642d320002640a2f31302e302e302e32000075300000"
    "2710010304050000",
};
constexpr std::string_view kEmptyGroup =
    "00030008636f6e73756d65720000000affffffff0000018bcfe5687b00000000";
constexpr std::string_view kSubscriptions[] = {
    "000000000002000361647400036f72750000000109",
    "000100000002000361647400036f727500000001090000000100036164740000000200000000"
    "00000002",
    "000200000002000361647400036f727500000001090000000100036164740000000200000000"
    "0000000200000004",
    "000300000002000361647400036f727500000001090000000100036164740000000200000000"
    "00000002000000040004"
    "65617374",
};

GroupMetadataValue group_of_two(int version) {
  GroupMetadataValue group{.protocol_type = "consumer",
                           .generation = 9,
                           .protocol = "range",
                           .leader = "c-1",
                           .state_timestamp = version >= 2 ? 1'700'000'000'123 : -1};
  group.members = {
      {.member_id = "c-1",
       .instance_id = version >= 3 ? std::optional<std::string>("node-1") : std::nullopt,
       .client_id = "c",
       .client_host = "/10.0.0.1",
       .rebalance_timeout_ms = version >= 1 ? 60'000 : -1,
       .session_timeout_ms = 45'000,
       .subscription = "\x01\x02",
       .assignment = "\x03"},
      {.member_id = "d-2",
       .client_id = "d",
       .client_host = "/10.0.0.2",
       .rebalance_timeout_ms = version >= 1 ? 30'000 : -1,
       .session_timeout_ms = 10'000,
       .assignment = "\x04\x05"}};
  return group;
}

template <class Parse>
void refuses_each_cut(std::string_view hex, Parse parse) {
  const std::string whole = unhex(hex);
  ASSERT_TRUE(parse(whole));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto cut = parse(std::string_view(whole).substr(0, size));
    ASSERT_FALSE(cut) << size;
    EXPECT_EQ(cut.error().code(), ErrorCode::InvalidInput);
  }
}

TEST(GroupRecords, KeysAreThoseOfKafka) {
  EXPECT_EQ(encode_offset_commit_key("billing", "adt", 7), unhex(kCommitKey));
  EXPECT_EQ(encode_group_metadata_key("billing"), unhex(kGroupKey));
}

TEST(GroupRecords, AKeySaysWhatTheRecordIsAbout) {
  EXPECT_EQ(parse_group_record_key(unhex(kCommitKey)).value(),
            GroupRecordKey(OffsetCommitKey{"billing", "adt", 7}));
  EXPECT_EQ(parse_group_record_key(unhex(kGroupKey)).value(),
            GroupRecordKey(GroupMetadataKey{"billing"}));
}

TEST(GroupRecords, TheFirstTypeOfKeyIsACommitToo) {
  std::string key = unhex(kCommitKey);
  key[1] = 0;
  EXPECT_EQ(parse_group_record_key(key).value(),
            GroupRecordKey(OffsetCommitKey{"billing", "adt", 7}));
}

TEST(GroupRecords, KeysOfLaterProtocolsAreOthers) {
  EXPECT_EQ(parse_group_record_key(unhex("000300016701")).value(),
            GroupRecordKey(OtherGroupKey{3}));
  EXPECT_EQ(parse_group_record_key(unhex("0010")).value(), GroupRecordKey(OtherGroupKey{16}));
}

TEST(GroupRecords, RefusesKeysThatAreCutOrTooLong) {
  refuses_each_cut(kCommitKey, parse_group_record_key);
  refuses_each_cut(kGroupKey, parse_group_record_key);
  EXPECT_FALSE(parse_group_record_key(unhex(kGroupKey) + "x"));
  EXPECT_FALSE(parse_group_record_key(unhex("ffff")));
}

TEST(GroupRecords, CommitsAreThoseOfKafka) {
  const auto topic_id = Uuid::from_bytes(unhex("0102030405060708090a0b0c0d0e0f10"));
  EXPECT_EQ(
      encode_offset_commit_value({1'234'567'890'123, 5, "note", 1'700'000'000'123, -1, topic_id}),
      unhex(kCommit));
  EXPECT_EQ(encode_offset_commit_value({.offset = 42, .commit_timestamp = 1'700'000'000'123}),
            unhex(kPlainCommit));
  EXPECT_EQ(encode_offset_commit_value({42, 3, "note", 1'700'000'000'123, 1'700'000'099'999, {}}),
            unhex(kExpiringCommit));
}

TEST(GroupRecords, ReadsCommitsOfEachVersion) {
  for (int version = 0; version <= 4; ++version) {
    EXPECT_EQ(parse_offset_commit_value(unhex(kOffsets[version])).value(),
              (OffsetCommitValue{42, version >= 3 ? 3 : -1, "note", 1'700'000'000'123, -1, {}}))
        << version;
  }
}

TEST(GroupRecords, ReadsWhatItWrote) {
  for (const auto hex : {kCommit, kPlainCommit, kExpiringCommit}) {
    const auto value = parse_offset_commit_value(unhex(hex)).value();
    EXPECT_EQ(encode_offset_commit_value(value), unhex(hex));
  }
}

TEST(GroupRecords, RefusesCommitsThatAreCutOrOfAnUnknownVersion) {
  for (const auto hex : kOffsets) refuses_each_cut(hex, parse_offset_commit_value);
  refuses_each_cut(kCommit, parse_offset_commit_value);
  std::string later = unhex(kPlainCommit);
  later[1] = 5;
  EXPECT_FALSE(parse_offset_commit_value(later));
}

TEST(GroupRecords, PassesOverTaggedFieldsThatItDoesNotKnow) {
  const std::string bytes = unhex(
      "0004000000000000002affffffff010000018bcfe5687b01"
      "0703616263");
  EXPECT_EQ(parse_offset_commit_value(bytes).value().offset, 42);
}

TEST(GroupRecords, RefusesATopicIdOfTheWrongSize) {
  EXPECT_FALSE(
      parse_offset_commit_value(unhex("0004000000000000002affffffff010000018bcfe5687b01"
                                      "0003616263")));
}

TEST(GroupRecords, MetadataIsThatOfKafka) {
  EXPECT_EQ(encode_group_metadata_value(group_of_two(3)), unhex(kGroups[3]));
  EXPECT_EQ(encode_group_metadata_value({.protocol_type = "consumer",
                                         .generation = 10,
                                         .protocol = std::nullopt,
                                         .leader = std::nullopt,
                                         .state_timestamp = 1'700'000'000'123,
                                         .members = {}}),
            unhex(kEmptyGroup));
}

TEST(GroupRecords, ReadsMetadataOfEachVersion) {
  for (int version = 0; version <= 4; ++version) {
    EXPECT_EQ(parse_group_metadata_value(unhex(kGroups[version])).value(), group_of_two(version))
        << version;
  }
}

TEST(GroupRecords, RefusesMetadataThatIsCut) {
  for (const auto hex : kGroups) refuses_each_cut(hex, parse_group_metadata_value);
}

TEST(GroupRecords, RefusesMoreMembersThanThereAreBytesFor) {
  std::string bytes = unhex(kEmptyGroup);
  bytes[bytes.size() - 4] = 0x7f;
  EXPECT_FALSE(parse_group_metadata_value(bytes));
}

TEST(ConsumerSubscription, IsReadInEachVersion) {
  for (int version = 0; version <= 3; ++version) {
    const auto read = parse_consumer_subscription(unhex(kSubscriptions[version])).value();
    EXPECT_EQ(read.version, version);
    EXPECT_THAT(read.topics, ElementsAre("adt", "oru"));
    EXPECT_EQ(read.user_data, "\t");
    if (version == 0) {
      EXPECT_THAT(read.owned, IsEmpty());
    } else {
      EXPECT_THAT(read.owned, ElementsAre(OwnedPartitions{"adt", {0, 2}}));
    }
    EXPECT_EQ(read.generation, version >= 2 ? 4 : -1);
    EXPECT_EQ(read.rack, version >= 3 ? std::optional<std::string>("east") : std::nullopt);
  }
}

TEST(ConsumerSubscription, OfALaterVersionIsReadAsTheLastKnown) {
  std::string bytes = unhex(kSubscriptions[3]) + "more";
  bytes[1] = 9;
  EXPECT_EQ(parse_consumer_subscription(bytes).value().rack, "east");
}

TEST(ConsumerSubscription, TopicsAreReadWhateverFollowsThem) {
  const std::string bytes = unhex(kSubscriptions[3]).substr(0, 16);
  EXPECT_THAT(parse_subscribed_topics(bytes).value(), ElementsAre("adt", "oru"));
  EXPECT_FALSE(parse_consumer_subscription(bytes));
}

TEST(ConsumerSubscription, IsRefusedWhereItIsCut) {
  for (const auto hex : kSubscriptions) refuses_each_cut(hex, parse_consumer_subscription);
  EXPECT_FALSE(parse_subscribed_topics(unhex("00007fffffff0003616474")));
  EXPECT_FALSE(parse_subscribed_topics(unhex("ffff00000000")));
  EXPECT_THAT(parse_subscribed_topics(unhex("000000000000")).value(), SizeIs(0));
}

}  // namespace
}  // namespace myelin::kafka
