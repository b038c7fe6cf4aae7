// Producers: what one partition remembers of the idempotent producers that wrote to it, so that a
// batch that is sent again is not stored again, and one out of order is refused.
//
// The rules are those of Kafka's ProducerStateManager. A batch with the epoch and the sequences of
// one of the last five is a duplicate. An older epoch is refused. A newer one begins with sequence
// 0, and what was known of the older is forgotten. Any other batch continues where the last one
// ended, counting from 2^31-1 on to 0. A producer that is not known may begin with any sequence.
//
// A holder of state: whose it is, its owner says. About 240 bytes of memory a producer; the log has
// two of these for each partition, one as of the last append and one as of the last flush.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <string_view>

#include "base/bytes.h"
#include "base/time.h"
#include "log/types.h"

namespace myelin::kafka {
struct BatchInfo;
}

namespace myelin::log {

inline constexpr std::size_t kProducerBatches = 5;

// Whether a batch's header names a producer.
inline bool has_producer(std::string_view batch) {
  return load_be<std::int64_t>(batch.data() + 43) >= 0;
}

// One of a producer's last batches.
struct ProducerBatch {
  Offset base_offset;
  std::int64_t timestamp_ms = -1;  // The largest that its records claim.
  std::int32_t last_sequence = -1;
  std::int32_t offset_delta = 0;  // From its first record to its last.

  std::int32_t first_sequence() const;
  friend bool operator==(const ProducerBatch&, const ProducerBatch&) = default;
};

struct ProducerState {
  std::int64_t id = 0;
  std::int64_t last_received_ms = 0;    // The server's time, of its last batch.
  std::int64_t last_timestamp_ms = -1;  // The largest that the records of its last batch claim.
  std::array<ProducerBatch, kProducerBatches> batches{};  // The oldest first.
  std::int16_t epoch = -1;
  std::uint8_t batch_count = 0;

  // -1 when nothing with a sequence was written in its epoch.
  std::int32_t last_sequence() const;
  friend bool operator==(const ProducerState&, const ProducerState&) = default;
};

// Of all partitions together. A partition keeps its last one, so there may be more.
struct ProducerTotal {
  std::size_t count = 0;
  std::size_t max = 0;
};

class Producers {
 public:
  Producers() = default;
  Producers(const Producers& other);
  Producers(Producers&&) = default;
  Producers& operator=(Producers other);
  ~Producers() = default;

  // What becomes of a batch that has a producer and would get the offset in `batch`. Control
  // batches and batches without a sequence are the server's own: only their epoch is looked at.
  BatchOutcome check(const kafka::BatchInfo& batch) const;
  // It is appended. Whoever is idle for longest goes when there are too many. Receive times rise.
  void note(const kafka::BatchInfo& batch, Timestamp received, ProducerTotal& total);

  // Forgets those of which nothing came after `last`, at most `count_max`. True when there are
  // more.
  bool expire(Timestamp last, ProducerTotal& total, std::size_t count_max = SIZE_MAX);
  void clear(ProducerTotal& total);

  // As it was stored, those idle for longest first. False when it is there already.
  bool add(const ProducerState& state);

  const std::list<ProducerState>& list() const { return states_; }  // Idle for longest first.
  const ProducerState* find(std::int64_t id) const;
  std::size_t size() const { return by_id_.size(); }
  bool empty() const { return by_id_.empty(); }
  friend bool operator==(const Producers& a, const Producers& b) { return a.states_ == b.states_; }

 private:
  void forget_idlest(ProducerTotal& total);

  std::list<ProducerState> states_;
  // A tree: the ids are whatever clients say.
  std::map<std::int64_t, std::list<ProducerState>::iterator> by_id_;
};

}  // namespace myelin::log
