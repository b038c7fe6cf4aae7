#include "cli/demo/examinations.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace myelin::cli::demo {
namespace {

constexpr Analyte kPotassium = {"2823-3", "Potassium", "mmol/L", 1, 25, 35, 51, 65};

TEST(Measure, IsMostlyNormalAndSeldomCritical) {
  Random random(1);
  std::map<std::string_view, int> counts;
  for (int i = 0; i < 10'000; ++i) ++counts[measure(kPotassium, random).flag];
  EXPECT_GT(counts["N"], 7'000);
  for (const std::string_view flag : {"L", "H", "LL", "HH"}) {
    EXPECT_GT(counts[flag], 0) << flag;
    EXPECT_LT(counts[flag], 1'500) << flag;
  }
}

TEST(Measure, WritesTheDecimalsOfItsAnalyte) {
  Random random(2);
  for (int i = 0; i < 100; ++i)
    EXPECT_THAT(measure(kPotassium, random).value, ::testing::MatchesRegex("[0-9]+\\.[0-9]"));
}

TEST(Measure, NoPercentageIsOverAHundred) {
  Random random(3);
  for (const Analyte& analyte : vital_signs().analytes) {
    if (analyte.unit != "%") continue;
    for (int i = 0; i < 10'000; ++i) ASSERT_LE(std::stod(measure(analyte, random).value), 100);
  }
}

TEST(Measure, HasNoCriticalLowWhereThereIsNone) {
  Random random(4);
  for (const Examination& examination : examinations()) {
    for (const Analyte& analyte : examination.analytes) {
      for (int i = 0; analyte.critical_low == 0 && i < 1'000; ++i)
        ASSERT_NE(measure(analyte, random).flag, "LL") << analyte.name;
    }
  }
}

TEST(ReferenceRange, IsWrittenInTheAnalytesDecimals) {
  EXPECT_EQ(reference_range(kPotassium), "3.5-5.1");
}

}  // namespace
}  // namespace myelin::cli::demo
