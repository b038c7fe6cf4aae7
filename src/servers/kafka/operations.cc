#include "servers/kafka/operations.h"

#include "servers/kafka/session.h"

namespace myelin::kafka {
namespace {

using security::Operation;

// The numbers of Kafka's AclOperation.
constexpr std::int32_t bit(int operation) { return 1 << operation; }
constexpr auto kRead = bit(3);
constexpr auto kWrite = bit(4);
constexpr auto kCreate = bit(5);
constexpr auto kDelete = bit(6);
constexpr auto kAlter = bit(7) | bit(11);     // And AlterConfigs.
constexpr auto kDescribe = bit(8) | bit(10);  // And DescribeConfigs.
constexpr auto kClusterAction = bit(9);
constexpr auto kIdempotentWrite = bit(12);

std::int32_t allowed(Call& call, Operation operation, const security::Resource& resource,
                     std::int32_t bits) {
  return call.session().may(operation, resource) ? bits : 0;
}

security::Resource cluster() { return {security::ResourceKind::Cluster, {}}; }

}  // namespace

std::int32_t topic_operations(Call& call, const broker::Topic& topic) {
  const auto resource = security::Resource::topic(topic.name.full());
  return allowed(call, Operation::Read, resource, kRead) |
         allowed(call, Operation::Write, resource, kWrite) |
         allowed(call, Operation::Create, resource, kCreate) |
         allowed(call, Operation::Delete, resource, kDelete) |
         allowed(call, Operation::Alter, resource, kAlter) |
         allowed(call, Operation::Describe, resource, kDescribe);
}

std::int32_t cluster_operations(Call& call) {
  return allowed(call, Operation::Create, cluster(), kCreate) |
         allowed(call, Operation::Alter, cluster(), kAlter | kClusterAction) |
         allowed(call, Operation::Describe, cluster(), kDescribe) |
         allowed(call, Operation::Write, cluster(), kIdempotentWrite);
}

std::int32_t group_operations(Call& call) {
  return allowed(call, Operation::Read, cluster(), kRead) |
         allowed(call, Operation::Delete, cluster(), kDelete) |
         allowed(call, Operation::Describe, cluster(), kDescribe);
}

}  // namespace myelin::kafka
