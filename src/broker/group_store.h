// GroupStore: where groups and their offsets are kept, and what a group's machine asks of it.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "broker/group_types.h"

namespace myelin::broker {

// One record of __consumer_offsets (formats/kafka/group_records.h).
struct GroupRecord {
  std::string key;
  std::optional<std::string> value;  // Absent: a tombstone.
};

// Where groups are kept.
class GroupStore {
 public:
  virtual ~GroupStore() = default;
  // Takes records to be made durable, all or none, in the order of the calls, and does not block.
  // `done` is called once, on any thread, now or later: when they are durable, or will not be. It
  // must come also when the store stops. What a later reading gives is the last record of a key.
  virtual void append(std::vector<GroupRecord> records,
                      std::move_only_function<void(Status)> done) = 0;
};

// What the store said, as the waiting clients are told it.
GroupError group_error_of(const Status& stored);

// When something happens: for deadlines, and for what is written down.
struct GroupNow {
  SteadyTime steady;
  Timestamp wall;
};

struct GroupEffects;

// What the store said of a write, and where what follows from it is collected.
struct GroupStored {
  const Status& status;
  const GroupNow& now;
  GroupEffects& effects;
};

// What one step asks for. Collected under the coordinator's lock, carried out without it.
struct GroupEffects {
  using Stored = std::move_only_function<void(const GroupStored&)>;
  struct Write {
    std::vector<GroupRecord> records;
    Stored then;  // Under the lock again, once the store has said.
  };

  std::vector<std::move_only_function<void()>> replies;
  std::vector<Write> writes;

  template <class Callback, class Reply>
  void reply(Callback callback, Reply answer) {
    replies.push_back([callback = std::move(callback), answer = std::move(answer)]() mutable {
      callback(std::move(answer));
    });
  }
};

}  // namespace myelin::broker
