#include "broker/commit_reader.h"

#include <fmt/format.h>

#include <charconv>

namespace myelin::broker {
namespace {

constexpr std::size_t kPassBytes = 4u << 20;  // What all lanes of a pass may hold together, about.
constexpr std::size_t kLaneBytesMax = 256u << 10;

Result<std::vector<BatchRef>> read(log::Partition& partition, log::Seek seek,
                                   std::size_t bytes_max) {
  if (auto buffered = partition.read_buffered(seek, bytes_max)) return std::move(*buffered);
  return partition.read_stored(seek, bytes_max);
}

template <class T>
bool parse_number(std::string_view text, T& value) {
  const auto* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, value);
  return parsed.ec == std::errc() && parsed.ptr == end && !text.empty();
}

}  // namespace

std::string format_cursor(const Uuid& directory, const CommitPosition& position) {
  return fmt::format("{}-{}-{}", directory.to_string(), position.commit.value, position.record);
}

Result<CommitPosition> parse_cursor(std::string_view text, const Uuid& directory,
                                    CommitNumber visible) {
  constexpr std::size_t kUuidBytes = 36;
  const Error wrong(ErrorCode::InvalidInput, "not a cursor of this server");
  if (text.size() < kUuidBytes + 4 || text[kUuidBytes] != '-') return wrong;
  const auto id = Uuid::parse(text.substr(0, kUuidBytes));
  if (!id) return wrong;
  if (*id != directory) {
    return Error(ErrorCode::InvalidInput,
                 "the cursor is of another data directory: begin from a time instead");
  }
  const auto numbers = text.substr(kUuidBytes + 1);
  const auto dash = numbers.find('-');
  CommitPosition position;
  if (dash == std::string_view::npos ||
      !parse_number(numbers.substr(0, dash), position.commit.value) ||
      !parse_number(numbers.substr(dash + 1), position.record)) {
    return wrong;
  }
  if (position.commit > visible) {
    return Error(ErrorCode::InvalidInput, "the cursor is ahead of everything stored here");
  }
  return position;
}

CommitReader::CommitReader(Broker& broker, Matcher matcher, CommitPosition start)
    : broker_(broker), matcher_(std::move(matcher)), position_(start) {
  const bool from_now = position_.commit >= broker_.log().visible();
  for (const auto& topic : broker_.list(matcher_)) {
    auto& known = know(topic);
    for (std::size_t i = 0; i < known.next.size(); ++i) {
      const auto& partition = *topic->stored->partitions[i];
      known.next[i] = from_now ? partition.high_watermark() : partition.start();
    }
  }
}

// A topic or partition that is new to it joins from its first record.
CommitReader::Known& CommitReader::know(const TopicPtr& topic) {
  const auto [known, fresh] = known_.try_emplace(topic->id());
  if (fresh) known->second.topic = topic;
  known->second.next.resize(static_cast<std::size_t>(topic->partition_count()));
  return known->second;
}

CommitReader::Known* CommitReader::matching(const TopicId& id) {
  auto found = known_.find(id);
  if (found == known_.end()) {
    const auto topic = broker_.find(id);
    if (topic && matcher_.matches(topic->name)) return &know(topic);
    found = known_.try_emplace(id).first;
  }
  return found->second.topic ? &found->second : nullptr;
}

CommitPosition CommitReader::end_of(const BatchRef& batch) {
  return {batch.commit,
          batch.first_record + static_cast<std::uint32_t>(batch.last_offset - batch.base_offset)};
}

bool CommitReader::is_new(const BatchRef& batch) const { return end_of(batch) > position_; }

Status CommitReader::seek(Timestamp time) {
  CommitPosition first{broker_.log().visible() + 1, 0};
  for (const auto& topic : broker_.list(matcher_)) {
    auto& known = know(topic);
    for (std::size_t i = 0; i < known.next.size(); ++i) {
      const auto& partition = topic->stored->partitions[i];
      const Lane lane{&known, partition.get()};
      lane.next() = partition->start();
      MYELIN_TRY(batches, read_lane(lane, log::Seek::to(time)));
      if (batches.empty()) continue;
      first = std::min(first, {batches.front().commit, batches.front().first_record});
    }
  }
  // Receive times rise within a commit too: what is before this record was received before.
  position_ = first.record == 0 ? CommitPosition{CommitNumber(first.commit.value - 1), kWholeCommit}
                                : CommitPosition{first.commit, first.record - 1};
  return {};
}

std::optional<std::vector<TopicBatchRef>> CommitReader::next_live(std::size_t bytes_max) {
  if (in_pass_) return std::nullopt;
  std::vector<TopicBatchRef> found;
  std::size_t bytes = 0;
  while (bytes < bytes_max) {
    const auto after = position_.record == kWholeCommit || position_.commit.value == 0
                           ? position_.commit
                           : CommitNumber(position_.commit.value - 1);
    const auto commits = broker_.log().commits_after(after, bytes_max);
    if (!commits) {
      if (found.empty()) return std::nullopt;
      break;
    }
    if (commits->empty()) break;
    for (const auto& commit : *commits) {
      for (const auto& batch : commit->batches) {
        if (!is_new(batch)) continue;
        auto* known = matching(batch.partition.topic);
        if (known == nullptr) continue;
        bytes += batch.bytes.size();
        const auto partition = static_cast<std::size_t>(batch.partition.partition.value);
        if (partition >= known->next.size()) know(known->topic);
        known->next[partition] = batch.last_offset + 1;
        found.push_back({known->topic, batch});
      }
      position_ = {commit->number, kWholeCommit};
      if (bytes >= bytes_max) break;
    }
  }
  return found;
}

Status CommitReader::begin_pass() {
  pass_end_ = broker_.log().visible();
  lanes_.clear();
  heads_ = {};
  for (const auto& topic : broker_.list(matcher_)) {
    auto& known = know(topic);
    // One that comes after this holds nothing of the pass.
    for (std::size_t i = 0; i < known.next.size(); ++i)
      lanes_.push_back({&known, topic->stored->partitions[i].get()});
  }
  lane_bytes_ = std::min(kLaneBytesMax, kPassBytes / std::max<std::size_t>(lanes_.size(), 1));
  for (std::size_t i = 0; i < lanes_.size(); ++i) {
    MYELIN_TRY_VOID(fill(i, log::Seek::to(position_.commit)));
  }
  in_pass_ = true;
  return {};
}

Status CommitReader::fill(std::size_t index, log::Seek seek) {
  auto& lane = lanes_[index];
  MYELIN_TRY(batches, read_lane(lane, seek));
  lane.batches = std::move(batches);
  lane.at = 0;
  if (!lane.batches.empty()) {
    heads_.push({{lane.batches[0].commit, lane.batches[0].first_record}, index});
  }
  return {};
}

// Tells what is missing before the first batch, unless compaction took it.
Result<std::vector<BatchRef>> CommitReader::read_lane(const Lane& lane, log::Seek seek) {
  const auto end = lane.partition->high_watermark();
  MYELIN_TRY(batches, read_past_damage(lane, seek));
  const auto first = batches.empty() ? end : batches.front().base_offset;
  const auto removed = std::min(lane.partition->start(), first);
  if (removed > lane.next()) tell(lane, removed, "removed before they were read");
  lane.next() = std::max(lane.next(), first);
  return batches;
}

// A batch that fails its checks is never given; what is behind it is.
Result<std::vector<BatchRef>> CommitReader::read_past_damage(const Lane& lane, log::Seek seek) {
  for (;;) {
    auto batches = read(*lane.partition, seek, lane_bytes_);
    if (batches || batches.error().code() != ErrorCode::Corrupt) return batches;
    MYELIN_TRY(behind, lane.partition->behind_damage(seek));
    seek = log::Seek::to(behind);
    if (behind <= lane.next()) continue;
    tell(lane, behind, "damaged, and left out");
    lane.next() = behind;
  }
}

void CommitReader::tell(const Lane& lane, Offset before, std::string_view what) {
  gaps_.push_back(fmt::format("topic {}, partition {}: records before offset {} were {}",
                              lane.known->topic->name.name, lane.partition->id().partition.value,
                              before.value, what));
}

Result<std::vector<TopicBatchRef>> CommitReader::next_stored(std::size_t bytes_max) {
  if (!in_pass_) {
    // Whatever fails, the next call begins anew from the same position.
    auto begun = begin_pass();
    if (!begun) return std::move(begun).error();
  }
  std::vector<TopicBatchRef> found;
  std::size_t bytes = 0;
  while (bytes < bytes_max && !heads_.empty() && heads_.top().at.commit <= pass_end_) {
    const auto index = heads_.top().lane;
    auto& lane = lanes_[index];
    auto& batch = lane.batches[lane.at];
    const auto next_offset = batch.last_offset + 1;
    if (is_new(batch)) {
      if (!found.empty() && bytes + batch.bytes.size() > bytes_max) return found;
      bytes += batch.bytes.size();
      position_ = end_of(batch);
      found.push_back({lane.known->topic, std::move(batch)});
    }
    lane.next() = std::max(lane.next(), next_offset);
    heads_.pop();
    if (++lane.at < lane.batches.size()) {
      heads_.push({{lane.batches[lane.at].commit, lane.batches[lane.at].first_record}, index});
      continue;
    }
    if (auto filled = fill(index, log::Seek::to(next_offset)); !filled) {
      in_pass_ = false;
      if (found.empty()) return std::move(filled).error();
      return found;
    }
  }
  if (heads_.empty() || heads_.top().at.commit > pass_end_) {
    in_pass_ = false;
    lanes_.clear();
    position_ = {pass_end_, kWholeCommit};
  }
  return found;
}

}  // namespace myelin::broker
