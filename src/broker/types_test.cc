#include "broker/types.h"

#include <gtest/gtest.h>

namespace myelin::broker {
namespace {

TEST(TopicPattern, MatchesAnyCharactersAtAStarDotsToo) {
  EXPECT_TRUE(matches_pattern("*", "hl7.adt.a01"));
  EXPECT_TRUE(matches_pattern("hl7.*", "hl7.adt.a01"));
  EXPECT_TRUE(matches_pattern("*.a01", "hl7.adt.a01"));
  EXPECT_TRUE(matches_pattern("h*a*1", "hl7.adt.a01"));
  EXPECT_TRUE(matches_pattern("hl7.adt.a01*", "hl7.adt.a01"));
  EXPECT_FALSE(matches_pattern("hl7", "hl7.adt.a01"));
  EXPECT_FALSE(matches_pattern("*.a02", "hl7.adt.a01"));
  EXPECT_FALSE(matches_pattern("", "a"));
  EXPECT_TRUE(matches_pattern("", ""));
}

TEST(TopicName, SplitsTheTenantAtTwoDots) {
  EXPECT_EQ(TopicName::from_full("clinic..hl7.adt"), (TopicName{"clinic", "hl7.adt"}));
  EXPECT_EQ(TopicName::from_full("hl7.adt"), (TopicName{"", "hl7.adt"}));
  EXPECT_EQ((TopicName{"clinic", "a"}).full(), "clinic..a");
}

TEST(TopicName, IsRefusedWhenItCannotBeAFolder) {
  for (const std::string bad : {"", ".", "..", "a b", "a/b", "a..b", "ü"}) {
    EXPECT_FALSE(check_topic_name({"", bad})) << bad;
  }
  EXPECT_TRUE(check_topic_name({"", "A-z_0.9"}));
  EXPECT_TRUE(check_topic_name({"", std::string(249, 'a')}));
  EXPECT_FALSE(check_topic_name({"", std::string(250, 'a')}));
  EXPECT_FALSE(check_topic_name({"ten", std::string(245, 'a')}));
}

}  // namespace
}  // namespace myelin::broker
