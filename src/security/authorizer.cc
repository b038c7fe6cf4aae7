#include "security/authorizer.h"

#include <fmt/format.h>

namespace myelin::security {

namespace {

constexpr std::string_view kFeedPrefix = "Feed:";

bool changes(Operation operation) {
  return operation != Operation::Read && operation != Operation::Describe;
}

bool feed_may(Operation operation, const Resource& resource) {
  const bool writes = operation == Operation::Write || operation == Operation::Create;
  return writes && resource.kind == ResourceKind::Topic;
}

}  // namespace

std::string_view to_string(Operation operation) {
  switch (operation) {
    case Operation::Read: return "read";
    case Operation::Write: return "write";
    case Operation::Create: return "create";
    case Operation::Delete: return "delete";
    case Operation::Describe: return "describe";
    case Operation::Alter: return "alter";
  }
  return "unknown";
}

std::string_view to_string(ResourceKind kind) {
  switch (kind) {
    case ResourceKind::Topic: return "topic";
    case ResourceKind::Group: return "group";
    case ResourceKind::Cluster: return "cluster";
  }
  return "unknown";
}

std::string feed_principal(std::string_view feed) { return fmt::format("{}{}", kFeedPrefix, feed); }

Status LocalAuthorizer::authorize(const bus::Context& context, Operation operation,
                                  const Resource& resource) {
  if (context.principal.empty())
    return Error(ErrorCode::Unauthenticated, "the request names no principal");
  const bool internal = resource.kind == ResourceKind::Topic && broker::is_internal(resource.name);
  const bool is_feed =
      context.principal.size() > kFeedPrefix.size() && context.principal.starts_with(kFeedPrefix);
  const bool allowed =
      context.tenant.empty() && !(internal && changes(operation)) &&
      (context.principal == kLocalPrincipal || (is_feed && feed_may(operation, resource)));
  if (allowed) return {};
  return Error(ErrorCode::Forbidden,
               fmt::format("{} may not {} {} {}", context.principal, to_string(operation),
                           to_string(resource.kind), resource.name));
}

}  // namespace myelin::security
