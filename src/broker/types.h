// The broker's words. They are the log's where the two mean the same thing.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "log/types.h"

namespace myelin::broker {

using log::BatchFate;
using log::BatchOutcome;
using log::BatchRef;
using log::CommitNumber;
using log::Offset;
using log::PartitionId;
using log::PartitionIndex;
using log::TopicId;

inline constexpr std::size_t kTopicNameMax = 249;

// A topic's name is (tenant, name); the default tenant is the empty one. On disk and on Kafka it is
// the bare name for the default tenant, else "<tenant>..<name>".
struct TopicName {
  std::string tenant;
  std::string name;

  std::string full() const { return tenant.empty() ? name : tenant + ".." + name; }
  static TopicName from_full(std::string_view full);
  friend auto operator<=>(const TopicName&, const TopicName&) = default;
};

// Letters, digits, '.', '_', '-'; at most 249 bytes in full; not "." or ".."; no ".." within (it
// sets tenants apart). InvalidInput says which rule is broken.
Status check_topic_name(const TopicName& name);

// Names that begin with "__" are the server's own: clients read them, never write, and no pattern
// matches them.
inline bool is_internal(std::string_view name) { return name.starts_with("__"); }

// '*' matches any characters, dots too; everything else itself.
bool matches_pattern(std::string_view pattern, std::string_view name);

}  // namespace myelin::broker
