#include "base/nearest.h"

#include <gtest/gtest.h>

#include <vector>

namespace myelin {
namespace {

const std::vector<std::string> kKnown = {"http.port", "http.host", "data", "mllp.port"};

TEST(Nearest, FindsASlipOfTheFinger) {
  EXPECT_EQ(nearest_name("http.prot", kKnown), "http.port");
  EXPECT_EQ(nearest_name("htp.port", kKnown), "http.port");
  EXPECT_EQ(nearest_name("dta", kKnown), "data");
  EXPECT_EQ(did_you_mean("http.pott", kKnown), "; did you mean http.port?");
}

TEST(Nearest, GuessesNothingForWhatIsFarOff) {
  EXPECT_EQ(nearest_name("retention", kKnown), "");
  EXPECT_EQ(did_you_mean("x", kKnown), "");
  EXPECT_EQ(nearest_name("", kKnown), "");
  EXPECT_EQ(nearest_name(std::string(1000, 'a'), kKnown), "");
}

}  // namespace
}  // namespace myelin
