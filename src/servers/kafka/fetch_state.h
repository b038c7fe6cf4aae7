// FetchState: what one connection fetches: its fetch session (KIP-227), and the watch that wakes
// it.
//
// A session lives as long as its connection and there is one at most: a client that comes back with
// a session of an earlier connection is told that there is none, and sends everything again, as
// with Kafka when its cache was full. No lock; belongs to its Session.
#pragma once

#include <cstdint>
#include <list>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "broker/broker.h"
#include "formats/kafka_protocol/error.h"
#include "formats/kafka_protocol/fetch.h"

namespace myelin::kafka {

inline constexpr std::size_t kFetchPartitionsMax = 100'000;

// A topic by name (before version 13) or by id, and a partition of it.
struct FetchKey {
  std::string topic;
  Uuid topic_id;
  std::int32_t partition = 0;
  friend bool operator==(const FetchKey&, const FetchKey&) = default;
};

struct FetchTarget {
  FetchKey key;
  std::int64_t offset = 0;
  std::int32_t bytes_max = 0;
  std::int32_t current_leader_epoch = -1;
  std::int32_t last_fetched_epoch = -1;
  // What the client was told last; an incremental answer leaves out what did not change.
  std::int64_t told_high_watermark = -1;
  std::int64_t told_start = -1;
};

class FetchState {
 public:
  explicit FetchState(broker::Broker& broker) : watch_(broker.watchers()) {}

  // One request at a time: the next waits until the turn is over.
  io::Task<void> take_turn();
  void end_turn();

  struct Begun {
    KafkaError error = KafkaError::None;
    std::int32_t session_id = 0;             // For the answer; 0 without a session.
    bool incremental = false;                // Only what changed is answered.
    std::vector<FetchTarget*> targets = {};  // In the order that they are to be answered in.
  };
  // Takes in a request; the targets hold until the next one. `fresh_id` is the session's, should
  // one be made.
  Begun begin(const FetchRequest& request, std::int32_t fresh_id);

  // That a target was answered with records: it is the last next time, so that none starves.
  void delivered(FetchTarget& target);

  broker::PartitionWatchers::Watch& watch() { return watch_; }

 private:
  struct Hash {
    std::size_t operator()(const FetchKey& key) const noexcept;
  };
  using Targets = std::list<FetchTarget>;

  static FetchTarget make_target(const FetchRequest::Topic& topic,
                                 const FetchRequest::Topic::Partition& partition);
  void replace(const FetchRequest& request);
  bool update(const FetchRequest& request);
  void forget(const FetchRequest& request);
  std::vector<FetchTarget*> all();

  broker::PartitionWatchers::Watch watch_;
  bool is_taken_ = false;
  io::Notifier ended_;
  std::int32_t session_id_ = 0;  // 0: none.
  std::int32_t next_epoch_ = 0;
  Targets targets_;
  std::unordered_map<FetchKey, Targets::iterator, Hash> index_;
};

}  // namespace myelin::kafka
