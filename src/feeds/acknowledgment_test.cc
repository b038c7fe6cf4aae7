#include "feeds/acknowledgment.h"

#include <gtest/gtest.h>

namespace myelin::feeds {
namespace {

struct Case {
  std::string_view accept;       // MSH-15.
  std::string_view application;  // MSH-16.
  std::string_view success;      // The answers; empty: none.
  std::string_view error;
  std::string_view rejection;
};

TEST(Acknowledgment, FollowsMsh15AndMsh16) {
  const Case cases[] = {
      {"", "", "AA", "AE", "AR"},    // Original mode.
      {"AL", "", "CA", "CE", "CR"},  // Accept acknowledgments…
      {"AL", "AL", "CA", "CE", "CR"},
      {"AL", "NE", "CA", "CE", "CR"},
      {"SU", "", "CA", "", ""},
      {"SU", "AL", "CA", "AE", "AR"},
      {"SU", "ER", "CA", "AE", "AR"},
      {"ER", "", "", "CE", "CR"},
      {"ER", "AL", "AA", "CE", "CR"},
      {"ER", "SU", "AA", "CE", "CR"},
      {"ER", "ER", "", "CE", "CR"},
      {"NE", "", "", "", ""},  // …application acknowledgments in their place…
      {"NE", "NE", "", "", ""},
      {"NE", "AL", "AA", "AE", "AR"},
      {"NE", "SU", "AA", "", ""},
      {"NE", "ER", "", "AE", "AR"},
      {"", "AL", "AA", "AE", "AR"},  // …an empty MSH-15 beside MSH-16 being NE.
      {"", "NE", "", "", ""},
      {"", "SU", "AA", "", ""},
      {"\"\"", "\"\"", "AA", "AE", "AR"},  // What table 0155 does not have counts as empty.
      {"al", "", "AA", "AE", "AR"},
      {"XX", "NE", "", "", ""},
  };
  const auto text = [](std::optional<hl7v2::AckCode> code) {
    return code ? to_string(*code) : std::string_view();
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(std::string(c.accept) + "|" + std::string(c.application));
    EXPECT_EQ(text(choose_acknowledgment(c.accept, c.application, Verdict::Accept)), c.success);
    EXPECT_EQ(text(choose_acknowledgment(c.accept, c.application, Verdict::Error)), c.error);
    EXPECT_EQ(text(choose_acknowledgment(c.accept, c.application, Verdict::Reject)), c.rejection);
  }
}

TEST(Acknowledgment, TakesTheFeedsAnswerToErrors) {
  EXPECT_EQ(verdict_of(OnError::AE), Verdict::Error);
  EXPECT_EQ(verdict_of(OnError::AR), Verdict::Reject);
  EXPECT_EQ(verdict_of(OnError::AA), Verdict::Accept);
}

}  // namespace
}  // namespace myelin::feeds
