#include "base/phi.h"

#include <gtest/gtest.h>

#include <concepts>
#include <ostream>

#include "base/logging.h"
#include "base/result.h"

namespace myelin {
namespace {

// What must not compile, asked of the compiler.
static_assert(!fmt::is_formattable<Phi>::value);
static_assert(!std::convertible_to<Phi, std::string_view>);
static_assert(!std::is_constructible_v<std::string, Phi>);
static_assert(!std::is_constructible_v<std::string_view, Phi>);
static_assert(!std::is_constructible_v<LogValue, Phi>);
static_assert(!std::is_constructible_v<Error, ErrorCode, Phi>);
static_assert(!std::convertible_to<std::string, Phi>);
static_assert(!std::is_constructible_v<Phi, std::string&&>);
template <class T>
concept Streamable = requires(std::ostream& out, T value) { out << value; };
static_assert(!Streamable<Phi>);
static_assert(Streamable<std::string_view>);
// The same questions of a plain text say yes, so the answers above mean something.
static_assert(fmt::is_formattable<std::string_view>::value);
static_assert(std::is_constructible_v<LogValue, std::string_view>);

TEST(Phi, RevealsToThoseWhoAsk) {
  const std::string name = "DOE^JANE";
  const Phi phi(name);
  EXPECT_EQ(phi.reveal(), "DOE^JANE");
  EXPECT_EQ(phi.size_bytes(), 8u);
  EXPECT_FALSE(phi.empty());
  EXPECT_TRUE(Phi().empty());
  EXPECT_TRUE(phi == Phi("DOE^JANE"));
}

}  // namespace
}  // namespace myelin
