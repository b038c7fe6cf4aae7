// Authorizer: whether a principal may do something to a resource. Every door asks it before it
// touches the bus.
//
// Implementations are thread-safe, do not block and do not wait: they are asked on io threads.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "bus/types.h"

namespace myelin::security {

// Who asks; for doors that know no bus.
using Context = bus::Context;

enum class Operation : std::uint8_t { Read, Write, Create, Delete, Describe, Alter };

std::string_view to_string(Operation operation);  // "read".

enum class ResourceKind : std::uint8_t { Topic, Group, Cluster };

std::string_view to_string(ResourceKind kind);  // "topic".

struct Resource {
  ResourceKind kind = ResourceKind::Topic;
  std::string name;  // A topic or a pattern of topics ('*' matches any characters), a group's id.

  static Resource topic(std::string_view name_or_pattern) {
    return {ResourceKind::Topic, std::string(name_or_pattern)};
  }
  static Resource group(std::string_view id) { return {ResourceKind::Group, std::string(id)}; }
};

// Who the server itself is when a person at this machine asks, and who a feed is.
inline constexpr std::string_view kLocalPrincipal = "User:local";
std::string feed_principal(std::string_view feed);  // "Feed:lab".

class Authorizer {
 public:
  virtual ~Authorizer() = default;

  // Forbidden, or Unauthenticated when the context names nobody. The message names principal,
  // operation and resource: it is for the log and the audit, a door decides what its peer sees.
  virtual Status authorize(const bus::Context& context, Operation operation,
                           const Resource& resource) = 0;
};

// Allows the local principal everything, a feed to write (and to make) topics, and refuses all
// else. Topics that begin with "__" are nobody's to write, and other
// tenants than the default one are nobody's. For doors that listen on loopback only.
class LocalAuthorizer final : public Authorizer {
 public:
  Status authorize(const bus::Context& context, Operation operation,
                   const Resource& resource) override;
};

}  // namespace myelin::security
