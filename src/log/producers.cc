#include "log/producers.h"

#include <algorithm>
#include <utility>

#include "formats/kafka/record_batch.h"

namespace myelin::log {
namespace {

constexpr std::int16_t kNoEpoch = -1;
constexpr std::uint32_t kSequenceMask = 0x7fffffff;  // Behind 2^31-1 comes 0.

std::int32_t moved(std::int32_t sequence, std::int32_t by) {
  const auto sum = static_cast<std::uint32_t>(sequence) + static_cast<std::uint32_t>(by);
  return static_cast<std::int32_t>(sum & kSequenceMask);
}

bool has_sequence(const kafka::BatchInfo& batch) {
  return batch.base_sequence >= 0 && !batch.is_control();
}

ProducerBatch remembered(const kafka::BatchInfo& batch) {
  return {Offset(batch.base_offset), batch.max_timestamp,
          moved(batch.base_sequence, batch.last_offset_delta), batch.last_offset_delta};
}

const ProducerBatch* find_duplicate(const ProducerState& producer, const kafka::BatchInfo& batch) {
  if (batch.producer_epoch != producer.epoch) return nullptr;
  const auto last = moved(batch.base_sequence, batch.last_offset_delta);
  for (std::size_t i = 0; i < producer.batch_count; ++i) {
    const auto& known = producer.batches[i];
    if (known.first_sequence() == batch.base_sequence && known.last_sequence == last) return &known;
  }
  return nullptr;
}

// -1 is followed by 0, which begins an epoch.
bool follows(const ProducerState& producer, std::int32_t sequence) {
  const auto last = producer.last_sequence();
  return sequence == (last < 0 ? 0 : moved(last, 1));
}

void take(ProducerState& producer, const ProducerBatch& batch) {
  auto& batches = producer.batches;
  if (producer.batch_count == kProducerBatches) {
    std::move(batches.begin() + 1, batches.end(), batches.begin());
    --producer.batch_count;
  }
  batches[producer.batch_count++] = batch;
}

}  // namespace

std::int32_t ProducerBatch::first_sequence() const { return moved(last_sequence, -offset_delta); }

std::int32_t ProducerState::last_sequence() const {
  return batch_count == 0 ? -1 : batches[batch_count - 1u].last_sequence;
}

Producers::Producers(const Producers& other) {
  for (const auto& state : other.states_) add(state);
}

Producers& Producers::operator=(Producers other) {
  states_.swap(other.states_);
  by_id_.swap(other.by_id_);
  return *this;
}

const ProducerState* Producers::find(std::int64_t id) const {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : &*found->second;
}

bool Producers::add(const ProducerState& state) {
  const auto [place, fresh] = by_id_.try_emplace(state.id);
  if (fresh) place->second = states_.insert(states_.end(), state);
  return fresh;
}

BatchOutcome Producers::check(const kafka::BatchInfo& batch) const {
  static constexpr ProducerState kUnknown;
  const auto* found = find(batch.producer_id);
  const auto& producer = found ? *found : kUnknown;
  if (has_sequence(batch)) {
    if (const auto* known = find_duplicate(producer, batch))
      return {BatchFate::Duplicate, known->base_offset, known->timestamp_ms};
  }
  if (batch.producer_epoch < producer.epoch) return {BatchFate::InvalidProducerEpoch};
  const bool in_order =
      producer.epoch == kNoEpoch || !has_sequence(batch) ||
      (batch.producer_epoch == producer.epoch ? follows(producer, batch.base_sequence)
                                              : batch.base_sequence == 0);
  if (!in_order) return {BatchFate::OutOfOrderSequence};
  return {BatchFate::Appended, Offset(batch.base_offset)};
}

void Producers::note(const kafka::BatchInfo& batch, Timestamp received, ProducerTotal& total) {
  const auto [place, fresh] = by_id_.try_emplace(batch.producer_id);
  if (fresh) {
    place->second = states_.emplace(states_.end());
    place->second->id = batch.producer_id;
    ++total.count;
  } else {
    states_.splice(states_.end(), states_, place->second);
  }
  auto& producer = *place->second;
  if (producer.epoch != batch.producer_epoch) {
    producer.epoch = batch.producer_epoch;
    producer.batches.fill({});
    producer.batch_count = 0;
  }
  producer.last_received_ms = to_ms(received);
  producer.last_timestamp_ms = batch.max_timestamp;
  if (has_sequence(batch)) take(producer, remembered(batch));
  if (fresh && total.count > total.max && size() > 1) forget_idlest(total);
}

void Producers::forget_idlest(ProducerTotal& total) {
  by_id_.erase(states_.front().id);
  states_.pop_front();
  --total.count;
}

bool Producers::expire(Timestamp last, ProducerTotal& total, std::size_t count_max) {
  const auto is_due = [&] { return !empty() && states_.front().last_received_ms <= to_ms(last); };
  for (; count_max > 0 && is_due(); --count_max) forget_idlest(total);
  return is_due();
}

void Producers::clear(ProducerTotal& total) {
  total.count -= size();
  states_.clear();
  by_id_.clear();
}

}  // namespace myelin::log
