#include "base/result.h"

#include <gtest/gtest.h>

#include <memory>

#include "base/check.h"

namespace myelin {
namespace {

Result<int> half(int number) {
  if (number % 2 != 0) return Error(ErrorCode::InvalidInput, "odd");
  return number / 2;
}

Result<std::string> quarter(int number) {
  MYELIN_TRY(once, half(number));
  MYELIN_TRY(twice, half(once));
  return std::to_string(twice);
}

Status only_even(int number, bool& reached) {
  MYELIN_TRY_VOID(half(number));
  reached = true;
  return {};
}

TEST(Result, HoldsAValueOrAnError) {
  EXPECT_EQ(*half(4), 2);
  const auto odd = half(3);
  EXPECT_FALSE(odd.has_value());
  EXPECT_EQ(odd.error().code(), ErrorCode::InvalidInput);
  EXPECT_EQ(half(3).value_or(7), 7);
  EXPECT_EQ(half(4).value_or(7), 2);
}

TEST(Result, IsHandedUpByTry) {
  EXPECT_EQ(*quarter(8), "2");
  EXPECT_EQ(quarter(6).error().message(), "odd");
  bool reached = false;
  EXPECT_FALSE(only_even(1, reached).has_value());
  EXPECT_FALSE(reached);
  EXPECT_TRUE(only_even(2, reached).has_value());
  EXPECT_TRUE(reached);
}

TEST(Result, CarriesWhatCannotBeCopied) {
  auto make = []() -> Result<std::unique_ptr<int>> { return std::make_unique<int>(5); };
  auto use = [&]() -> Result<int> {
    MYELIN_TRY(owned, make());
    return *owned;
  };
  EXPECT_EQ(*use(), 5);
}

TEST(Result, GathersContextOnTheWayUp) {
  auto error = Error(ErrorCode::Unavailable, "refused").with_context("port 1").with_context("sink");
  EXPECT_EQ(error.message(), "sink: port 1: refused");
  EXPECT_EQ(error.code(), ErrorCode::Unavailable);
}

TEST(Result, NamesEachCodeByAWordOfItsOwn) {
  std::vector<std::string_view> names;
  for (int code = 0; code <= static_cast<int>(ErrorCode::Internal); ++code)
    names.push_back(to_string(static_cast<ErrorCode>(code)));
  std::ranges::sort(names);
  EXPECT_EQ(std::ranges::adjacent_find(names), names.end());
  EXPECT_EQ(to_string(ErrorCode::InvalidInput), "invalid-input");
}

TEST(ResultDeathTest, EndsTheProcessWhenTheWrongSideIsRead) {
  EXPECT_DEATH(static_cast<void>(half(3).value()), "");
  EXPECT_DEATH(static_cast<void>(half(4).error()), "");
  EXPECT_DEATH(Status(Error(ErrorCode::Internal, "x")).value(), "");
}

TEST(CheckDeathTest, SaysWhatAndWhere) {
  EXPECT_DEATH(MYELIN_CHECK(1 == 2, "numbers are odd"),
               "result_test.cc:[0-9]+: check failed: 1 == 2: numbers are odd");
  EXPECT_EXIT(fatal("the disk is gone"), testing::ExitedWithCode(70),
              "myelin: fatal: the disk is gone");
}

}  // namespace
}  // namespace myelin
