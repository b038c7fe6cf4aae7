#include "cli/log/salvage.h"

#include <algorithm>
#include <limits>

#include "log/epochs.h"

namespace myelin::cli::log_tools {
namespace {

constexpr std::uint64_t kSegmentBytes = 1u << 30;

}  // namespace

Salvage::Salvage(log::PartitionId id, const log::PartitionState* told, Rebuilt rebuilt)
    : id_(id), rebuilt_(std::move(rebuilt)) {
  if (told != nullptr) {
    state_ = *told;
    end_min_ = told->end;
    next_ = told->segments.empty() ? told->end : told->segments.front().base_offset;
    state_.segments.clear();
  }
  state_.producers = rebuilt_.producers;
  for (const auto& epoch : rebuilt_.epochs) {
    if (state_.epochs.empty() || state_.epochs.back().epoch < epoch.epoch)
      state_.epochs.push_back(epoch);
  }
  if (rebuilt_.doubtful) reserve(rebuilt_.doubtful->last + 1);
}

// Tells what lies between what is held and `offset`, which is held next.
void Salvage::account_for(log::Offset offset, std::optional<std::int64_t> received_ms) {
  if (next_ && *next_ < offset) {
    lost_.push_back({.partition = id_,
                     .offsets = {*next_, offset + -1},
                     .after_ms = last_received_ms_,
                     .before_ms = received_ms});
  }
}

void Salvage::take_pieces(log::Offset up_to) {
  for (; taken_ < rebuilt_.pieces.size(); ++taken_) {
    const auto& piece = rebuilt_.pieces[taken_];
    if (piece.state.base_offset > up_to) return;
    // Nobody says from where on it was kept.
    if (!next_ && state_.segments.empty()) state_.start = piece.state.base_offset;
    account_for(piece.state.base_offset, piece.state.first_received_ms);
    state_.segments.push_back(piece.state);
    open_ = false;
    if (!next_ || *next_ < piece.accounted_to) next_ = piece.accounted_to;
    if (piece.state.batch_count > 0) last_received_ms_ = piece.state.last_received_ms;
  }
}

std::optional<log::Offset> Salvage::add(const JournalBatch& batch) {
  take_pieces(batch.offsets.first);
  if (next_ && batch.offsets.first < *next_) return std::nullopt;
  if (!next_) state_.start = batch.offsets.first;
  account_for(batch.offsets.first, batch.received_ms);
  if (!open_ || state_.segments.back().log_bytes + batch.bytes > kSegmentBytes) {
    state_.segments.push_back({batch.offsets.first, 0, 0});
    state_.segments.back().first_received_ms = batch.received_ms;
    new_segments_.push_back(batch.offsets.first);
    open_ = true;
  }
  auto& segment = state_.segments.back();
  segment.log_bytes += batch.bytes;
  ++segment.batch_count;
  segment.last_received_ms = batch.received_ms;
  segment.last_commit = batch.commit;
  segment.max_timestamp_ms = std::max(segment.max_timestamp_ms, batch.max_timestamp_ms);
  if (state_.epochs.empty() || state_.epochs.back().epoch < batch.leader_epoch)
    state_.epochs.push_back({batch.leader_epoch, batch.offsets.first});
  note_producer(state_.producers, batch.header, timestamp_from_ms(batch.received_ms));
  if (salvaged_.batches == 0) salvaged_.offsets.first = batch.offsets.first;
  salvaged_.offsets.last = batch.offsets.last;
  ++salvaged_.batches;
  salvaged_.records += batch.records;
  salvaged_.bytes += batch.bytes;
  next_ = batch.offsets.last + 1;
  last_received_ms_ = batch.received_ms;
  return segment.base_offset;
}

void Salvage::move_start(log::Offset start) {
  state_.start = std::max(state_.start, start);
  // Nothing of it may be left; then it goes on here.
  if (!next_ && rebuilt_.pieces.empty()) next_ = start;
}

void Salvage::take_all() { take_pieces(log::Offset(std::numeric_limits<std::int64_t>::max())); }

void Salvage::reserve_next(const OffsetRange& offsets) {
  take_all();
  const auto next = std::max(next_.value_or(log::Offset()), end_min_);
  if (offsets.first == next && offsets.last >= next) reserve(offsets.last + 1);
}

void Salvage::finish() {
  take_all();
  if (!next_ && rebuilt_.doubtful) state_.start = *(next_ = rebuilt_.doubtful->first);
  account_for(end_min_, std::nullopt);
  if (end_min_.value > 0) next_ = std::max(next_.value_or(end_min_), end_min_);
  state_.end = std::max({next_.value_or(log::Offset()), end_min_, state_.start});
  log::forget_epochs(state_.epochs, state_.start);
  // A compacted segment is never written to.
  if (!state_.segments.empty() && state_.segments.back().generation > 0) {
    state_.segments.push_back({state_.end, 0, 0});
    new_segments_.push_back(state_.end);
  }
  // Records before the start were to go.
  std::erase_if(lost_, [&](LostRange& range) {
    range.offsets.first = std::max(range.offsets.first, state_.start);
    return range.offsets.first > range.offsets.last;
  });
}

}  // namespace myelin::cli::log_tools
