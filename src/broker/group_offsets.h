// GroupOffsets: what one group has committed, and what of it may go.
//
// An offset is here once it is durable; one whose commit is being stored is only counted, so that
// it is neither taken for expired nor left behind by a deletion. Not thread-safe: the coordinator's
// lock is held around every call. One entry a partition.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "broker/group_store.h"
#include "broker/group_types.h"
#include "formats/kafka/group_records.h"

namespace myelin::broker {

struct CommittedOffset {
  Offset offset{};
  std::int32_t leader_epoch = -1;
  std::string metadata{};
  Timestamp committed{};
  std::optional<Timestamp> expires{};  // As the commit asked for.
  TopicId topic_id{};                  // Nil: unknown.
};

struct OffsetPlace {
  std::string topic;
  PartitionIndex partition;
  friend auto operator<=>(const OffsetPlace&, const OffsetPlace&) = default;
};

class GroupOffsets {
 public:
  void put(const OffsetPlace& place, CommittedOffset offset);
  void erase(const OffsetPlace& place);
  void clear() { topics_.clear(); }
  const CommittedOffset* find(std::string_view topic, PartitionIndex partition) const;
  bool empty() const { return topics_.empty(); }
  bool is_committing() const { return !committing_.empty(); }
  std::size_t size() const;

  // Between these two a commit is being stored.
  void begin_commit(const OffsetPlace& place) { ++committing_[place]; }
  void end_commit(const OffsetPlace& place);
  bool is_known(const OffsetPlace& place) const;

  // All that there is, or is about to be; of one topic or of each.
  std::vector<OffsetPlace> places() const;
  std::vector<OffsetPlace> places(std::string_view topic) const;

  FetchReply fetch(const FetchRequest& request) const;

  // What has gone at `now`: `retention` after the group became empty, if it did, else after the
  // commit; or when the commit said. Nothing goes of a topic that `keeps` names, nor what is being
  // committed.
  struct Expired {
    std::vector<OffsetPlace> places{};
    std::optional<Timestamp> next{};  // When the first of the others has gone.
    bool kept = false;                // Something else would have gone.
  };
  Expired expired(Timestamp now, std::chrono::milliseconds retention,
                  std::optional<Timestamp> empty_since,
                  const std::function<bool(std::string_view)>& keeps) const;

 private:
  using Partitions = std::map<PartitionIndex, CommittedOffset>;

  std::map<std::string, Partitions, std::less<>> topics_;  // None without a partition.
  std::map<OffsetPlace, std::uint32_t> committing_;
};

GroupRecord offset_record(std::string_view group, const OffsetPlace& place,
                          const CommittedOffset& offset);
GroupRecord offset_tombstone(std::string_view group, const OffsetPlace& place);
CommittedOffset committed_offset(kafka::OffsetCommitValue value);

}  // namespace myelin::broker
