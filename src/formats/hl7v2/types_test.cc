#include "formats/hl7v2/types.h"

#include <gtest/gtest.h>

#include "formats/hl7v2/segment_table.h"

namespace myelin::hl7v2 {

namespace {

TEST(MessageType, IsKnownOverAllVersions) {
  for (const auto* code : {"ACK", "ADT", "ORU", "VXU", "MCF", "CCR", "OMQ", "UDM"}) {
    EXPECT_TRUE(is_message_type(code)) << code;
  }
}

TEST(MessageType, IsMatchedExactly) {
  for (const auto* code : {"", "adt", "AD", "ADTX", "ADT ", "XYZ", "Z01", "A01"}) {
    EXPECT_FALSE(is_message_type(code)) << code;
  }
}

TEST(EventType, IsKnownOverAllVersions) {
  for (const auto* code : {"A01", "A62", "R01", "ROR", "PCL", "W02", "O48", "Q04", "K34"}) {
    EXPECT_TRUE(is_event_type(code)) << code;
  }
}

TEST(EventType, IsMatchedExactly) {
  for (const auto* code : {"", "a01", "A1", "A99", "Z01", "ADT", "A01^"}) {
    EXPECT_FALSE(is_event_type(code)) << code;
  }
}

TEST(Version, IsReadAndCompared) {
  EXPECT_EQ(parse_version("2.5.1"), (Version{2, 5, 1}));
  EXPECT_EQ(parse_version("2.10"), (Version{2, 10, 0}));
  EXPECT_LT(*parse_version("2.3.1"), *parse_version("2.4"));
  for (const auto* text : {"", "2", "2.", "v2.5", "2.5.", "2.5.1.1", "2.5a", "2.123", " 2.5"}) {
    EXPECT_FALSE(parse_version(text)) << text;
  }
}

TEST(Version, IsKnownWherePublished) {
  EXPECT_TRUE(is_known_version({2, 1, 0}));
  EXPECT_TRUE(is_known_version({2, 8, 2}));
  EXPECT_FALSE(is_known_version({1, 0, 0}));
  EXPECT_FALSE(is_known_version({2, 5, 2}));
}

TEST(SegmentFacts, TellStandardLocalUnknownAndMalformedApart) {
  EXPECT_EQ(segment_facts("PID").kind, SegmentKind::Standard);
  EXPECT_EQ(segment_facts("MSA").field_count_max, 8);
  EXPECT_EQ(segment_facts("ZPI").kind, SegmentKind::Local);
  EXPECT_EQ(segment_facts("QQQ").kind, SegmentKind::Unknown);
  for (const auto* id : {"", "PV", "PIDX", "pid", "1PI", "P-D"}) {
    EXPECT_EQ(segment_facts(id).kind, SegmentKind::Malformed) << id;
  }
}

}  // namespace

}  // namespace myelin::hl7v2
