// GroupLog: consumer groups kept in `__consumer_offsets`, a compacted topic of one partition in
// Kafka's own record form.
//
// Owned by the broker. Thread-safe. The topic is made with the first record.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "broker/group_coordinator.h"
#include "broker/group_store.h"

namespace myelin::broker {

class Broker;
struct Topic;

inline constexpr std::string_view kOffsetsTopic = "__consumer_offsets";

// Stored records that are damaged.
struct LostRange {
  Offset first;
  Offset last;
  std::string what;
};

class GroupLog final : public GroupStore {
 public:
  explicit GroupLog(Broker& broker) : broker_(broker) {}

  // Gives the coordinator all that is stored and can be read. What cannot comes back: its groups
  // have the offsets that were stored before it, or none. Blocks on the disk.
  Result<std::vector<LostRange>> load(GroupCoordinator& coordinator) const;

  void append(std::vector<GroupRecord> records,
              std::move_only_function<void(Status)> done) override;

 private:
  Broker& broker_;
};

}  // namespace myelin::broker
