// CommitReader: the records of all matching topics in commit order, from any position on.
//
// A state machine without coroutine or lock, owned by one subscription. Near the end it reads
// commit buffers; what they no longer hold it merges from the partitions' segments by commit
// number. A position is one value: everything up to and with (commit, record) was delivered.
//
// What it cannot give (a damaged range, records that retention took away before they were read) it
// passes over and tells: take_gap().
#pragma once

#include <limits>
#include <memory>
#include <optional>
#include <queue>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/result.h"
#include "broker/broker.h"
#include "broker/matcher.h"

namespace myelin::broker {

inline constexpr std::uint32_t kWholeCommit = std::numeric_limits<std::uint32_t>::max();

struct CommitPosition {
  CommitNumber commit;
  // The last one delivered of that commit, from 0: counted by offsets, so compaction changes no
  // record's place.
  std::uint32_t record = kWholeCommit;
  friend auto operator<=>(const CommitPosition&, const CommitPosition&) = default;
};

// "<directory id>-<commit>-<record>".
std::string format_cursor(const Uuid& directory, const CommitPosition& position);
// InvalidInput when it is none, another directory's, or ahead of `visible`.
Result<CommitPosition> parse_cursor(std::string_view text, const Uuid& directory,
                                    CommitNumber visible);

struct TopicBatchRef {
  TopicPtr topic;
  BatchRef batch;
};

class CommitReader {
 public:
  CommitReader(Broker& broker, Matcher matcher, CommitPosition start);

  // Moves the start to right before the first record received at or after `time`, or to the end.
  // Blocks on the disk.
  Status seek(Timestamp time);

  // The next batches from memory; empty when there is no more yet. Nothing when next_stored() must
  // be asked.
  std::optional<std::vector<TopicBatchRef>> next_live(std::size_t bytes_max);
  // The next batches from segments. Empty: go on with next_live(). Blocks on the disk.
  Result<std::vector<TopicBatchRef>> next_stored(std::size_t bytes_max);

  const CommitPosition& position() const { return position_; }

  // What was passed over since this was last called: sentences for a person.
  std::vector<std::string> take_gaps() { return std::exchange(gaps_, {}); }

 private:
  // What is known of a topic. Without one, the topic does not match.
  struct Known {
    TopicPtr topic;
    // By partition: below it nothing is to come any more. It was delivered, or told of, or lies
    // before the position at which this reader began. As many as there were when it was looked at
    // last.
    std::vector<Offset> next;
  };
  // One partition within a pass over stored records.
  struct Lane {
    Known* known = nullptr;
    log::Partition* partition = nullptr;
    std::vector<BatchRef> batches = {};
    std::size_t at = 0;

    Offset& next() const {
      return known->next[static_cast<std::size_t>(partition->id().partition.value)];
    }
  };
  // The first batch of a lane in commit order; the smallest on top.
  struct Head {
    CommitPosition at;
    std::size_t lane = 0;
    bool operator<(const Head& other) const { return other.at < at; }
  };

  Known& know(const TopicPtr& topic);
  Known* matching(const TopicId& id);
  static CommitPosition end_of(const BatchRef& batch);
  bool is_new(const BatchRef& batch) const;
  Status begin_pass();
  Status fill(std::size_t lane, log::Seek seek);
  Result<std::vector<BatchRef>> read_lane(const Lane& lane, log::Seek seek);
  Result<std::vector<BatchRef>> read_past_damage(const Lane& lane, log::Seek seek);
  void tell(const Lane& lane, Offset before, std::string_view what);

  Broker& broker_;
  const Matcher matcher_;
  CommitPosition position_;
  std::unordered_map<TopicId, Known> known_;
  std::vector<std::string> gaps_;

  bool in_pass_ = false;
  CommitNumber pass_end_;
  std::vector<Lane> lanes_;
  std::size_t lane_bytes_ = 0;
  std::priority_queue<Head> heads_;
};

}  // namespace myelin::broker
