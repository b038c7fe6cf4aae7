#include "security/authorizer.h"

#include <gtest/gtest.h>

namespace myelin::security {
namespace {

struct Case {
  std::string_view principal;
  std::string_view tenant;
  Operation operation;
  std::string_view topic;
  std::optional<ErrorCode> refused;
};

TEST(LocalAuthorizer, AllowsTheLocalPrincipalAndFeedsAndRefusesAllElse) {
  const Case cases[] = {
      {"User:local", "", Operation::Read, "hl7.*", std::nullopt},
      {"User:local", "", Operation::Delete, "hl7.adt.a01", std::nullopt},
      {"User:local", "", Operation::Read, "__myelin_metadata", std::nullopt},
      {"User:local", "", Operation::Write, "__myelin_metadata", ErrorCode::Forbidden},
      {"User:local", "", Operation::Delete, "__*", ErrorCode::Forbidden},
      {"User:local", "other", Operation::Read, "hl7.*", ErrorCode::Forbidden},
      {"Feed:lab", "", Operation::Write, "hl7.*", std::nullopt},
      {"Feed:lab", "", Operation::Create, "hl7.oru.r01", std::nullopt},
      {"Feed:lab", "", Operation::Read, "hl7.*", ErrorCode::Forbidden},
      {"Feed:lab", "", Operation::Delete, "hl7.other", ErrorCode::Forbidden},
      {"Feed:lab", "", Operation::Write, "__myelin_metadata", ErrorCode::Forbidden},
      {"Feed:lab", "other", Operation::Write, "hl7.*", ErrorCode::Forbidden},
      {"Feed:", "", Operation::Write, "hl7.*", ErrorCode::Forbidden},
      {"User:locale", "", Operation::Read, "hl7.*", ErrorCode::Forbidden},
      {"User:somebody", "", Operation::Read, "hl7.*", ErrorCode::Forbidden},
      {"", "", Operation::Read, "hl7.*", ErrorCode::Unauthenticated},
  };
  LocalAuthorizer authorizer;
  for (const auto& c : cases) {
    SCOPED_TRACE(std::string(c.principal) + " " + std::string(to_string(c.operation)) + " " +
                 std::string(c.topic));
    bus::Context context;
    context.principal = c.principal;
    context.tenant = c.tenant;
    const auto status = authorizer.authorize(context, c.operation, Resource::topic(c.topic));
    ASSERT_EQ(status.has_value(), !c.refused.has_value());
    if (c.refused) EXPECT_EQ(status.error().code(), *c.refused);
  }
}

TEST(LocalAuthorizer, LetsAFeedTouchNothingButTopics) {
  LocalAuthorizer authorizer;
  bus::Context context;
  context.principal = feed_principal("lab");
  const auto status = authorizer.authorize(context, Operation::Write,
                                           {.kind = ResourceKind::Cluster, .name = "hl7"});
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().message(), "Feed:lab may not write cluster hl7");
}

}  // namespace
}  // namespace myelin::security
