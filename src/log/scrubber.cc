#include "log/scrubber.h"

#include <algorithm>

namespace myelin::log {
namespace {

constexpr std::size_t kStepBytes = 256u << 10;
constexpr std::size_t kDamageMax = 1000;

bool is_same(const DamagedRange& a, const DamagedRange& b) {
  return a.damage.path == b.damage.path && a.damage.byte == b.damage.byte;
}

bool contains(const std::vector<DamagedRange>& ranges, const DamagedRange& range) {
  return std::any_of(ranges.begin(), ranges.end(),
                     [&](const DamagedRange& known) { return is_same(known, range); });
}

}  // namespace

Scrubber::Scrubber(Log& log, ScrubOptions options) : log_(log), options_(std::move(options)) {}

Scrubber::~Scrubber() { stop(); }

void Scrubber::start() {
  if (options_.bytes_per_second > 0) thread_ = std::thread([this] { loop(); });
}

void Scrubber::stop() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    wake_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

void Scrubber::loop() {
  while (!stopping_) {
    round(Pace::Budget);
    rest(options_.pause);
  }
}

void Scrubber::rest(std::chrono::microseconds time) {
  const auto due = log_.clock().steady() + time;
  MutexLock lock(mutex_);
  for (auto now = log_.clock().steady(); now < due && !stopping_; now = log_.clock().steady())
    wake_.wait_for(mutex_, std::chrono::duration_cast<std::chrono::microseconds>(due - now));
}

void Scrubber::round() { round(Pace::None); }

void Scrubber::round(Pace pace) {
  std::vector<DamagedRange> found;
  for (const auto& topic : log_.topics()) {
    for (const auto& partition : topic->partitions) {
      if (stopping_) return;
      scrub_partition(topic, *partition, pace, found);
    }
  }
  if (stopping_) return;  // Perhaps in the midst of the last one.
  MutexLock lock(mutex_);
  damage_ = std::move(found);
  ++rounds_;
  last_round_ = log_.clock().now();
}

void Scrubber::scrub_partition(const TopicPtr& topic, const Partition& partition, Pace pace,
                               std::vector<DamagedRange>& found) {
  const auto view = partition.stored_view();
  for (std::size_t i = 0; i < view.segments->size() && !stopping_; ++i) {
    const auto& segment = (*view.segments)[i];
    const auto end = i + 1 < view.segments->size() ? (*view.segments)[i + 1].base_offset : view.end;
    scrub_segment(topic, partition, segment, end, pace, found);
  }
}

void Scrubber::scrub_segment(const TopicPtr& topic, const Partition& partition,
                             const SegmentState& state, Offset end, Pace pace,
                             std::vector<DamagedRange>& found) {
  SegmentVerifier verifier(log_.files(), partition.directory(), partition.id(), state, end);
  std::vector<DamagedRange> here;
  std::uint64_t before = 0;
  for (bool more = true; more && !stopping_;) {
    const auto stepped = verifier.step(kStepBytes);
    // Nothing can be said of it now; the next round tries again.
    if (!stepped) return keep_known(partition, state, found);
    more = *stepped;
    for (auto& damage : verifier.take_damage())
      here.push_back({topic, partition.id().partition, std::move(damage)});
    const auto bytes = verifier.bytes() - before;
    before = verifier.bytes();
    bytes_ += bytes;
    if (pace == Pace::Budget && bytes > 0)
      rest(std::chrono::microseconds(bytes * 1'000'000 / options_.bytes_per_second));
  }
  if (here.empty()) return;
  // A segment that retention or compaction took away meanwhile is not damaged.
  const auto now = partition.segments();
  const bool gone = std::none_of(now->begin(), now->end(), [&](const SegmentState& segment) {
    return segment.base_offset == state.base_offset && segment.generation == state.generation;
  });
  if (gone) return;
  for (auto& range : here) found_damage(std::move(range), found);
}

void Scrubber::keep_known(const Partition& partition, const SegmentState& state,
                          std::vector<DamagedRange>& found) const {
  const Segment segment(log_.files(), partition.directory(), partition.id(), state);
  MutexLock lock(mutex_);
  for (const auto& known : damage_) {
    const auto& path = known.damage.path;
    const bool here = path == segment.log_path() || path == segment.meta_path();
    if (here && found.size() < kDamageMax) found.push_back(known);
  }
}

void Scrubber::found_damage(DamagedRange range, std::vector<DamagedRange>& found) {
  bool is_new = false;
  {
    MutexLock lock(mutex_);
    // What finds no room in the list cannot be told apart from what was told before.
    is_new = damage_.size() < kDamageMax && !contains(damage_, range);
    if (is_new) damage_.push_back(range);
  }
  if (is_new && options_.on_damage) options_.on_damage(range.topic, range.partition, range.damage);
  if (found.size() < kDamageMax) found.push_back(std::move(range));
}

std::vector<DamagedRange> Scrubber::damage() const {
  MutexLock lock(mutex_);
  return damage_;
}

std::size_t Scrubber::damage_count() const {
  MutexLock lock(mutex_);
  return damage_.size();
}

ScrubReport Scrubber::report() const {
  MutexLock lock(mutex_);
  return {rounds_, bytes_, last_round_};
}

}  // namespace myelin::log
