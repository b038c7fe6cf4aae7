// Histogram: how long things took, in nanoseconds, with an error of at most 1.6 % and without
// allocating.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace myelin::bench {

class Histogram {
 public:
  void add(std::int64_t ns) {
    const auto value = static_cast<std::uint64_t>(std::max<std::int64_t>(ns, 0));
    ++counts_[std::min(index_of(value), kBuckets - 1)];
    ++count_;
    max_ = std::max(max_, value);
  }
  void clear() { *this = Histogram(); }

  std::uint64_t count() const { return count_; }
  double max_us() const { return static_cast<double>(max_) / 1000; }
  // The time within which this part of all was done, 0 … 1; 0 when there is nothing.
  double percentile_us(double part) const {
    const auto wanted = static_cast<std::uint64_t>(part * static_cast<double>(count_));
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < kBuckets; ++i) {
      seen += counts_[i];
      if (seen > wanted || (seen == count_ && seen > 0))
        return static_cast<double>(std::min(last_of(i), max_)) / 1000;
    }
    return 0;
  }

 private:
  // Below kSteps each value has a bucket; beyond, each power of two has kSteps of them.
  static constexpr std::size_t kStepBits = 6;
  static constexpr std::uint64_t kSteps = 1u << kStepBits;
  static constexpr std::size_t kBuckets = kSteps * 40;

  static std::size_t index_of(std::uint64_t value) {
    if (value < kSteps) return value;
    const auto shift = static_cast<std::size_t>(std::bit_width(value)) - kStepBits - 1;
    return kSteps * (shift + 1) + ((value >> shift) - kSteps);
  }
  static std::uint64_t last_of(std::size_t index) {
    if (index < kSteps) return index;
    const std::size_t shift = index / kSteps - 1;
    return ((index % kSteps + kSteps + 1) << shift) - 1;
  }

  std::array<std::uint64_t, kBuckets> counts_{};
  std::uint64_t count_ = 0;
  std::uint64_t max_ = 0;
};

}  // namespace myelin::bench
