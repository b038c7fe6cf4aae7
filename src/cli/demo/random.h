// Random: numbers from a seed, the same on every machine and library (splitmix64).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace myelin::cli::demo {

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    std::uint64_t z = state_ += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
  }
  // 0 … bound - 1; 0 where bound is 0.
  std::uint64_t below(std::uint64_t bound) { return bound == 0 ? 0 : next() % bound; }
  std::int64_t between(std::int64_t first, std::int64_t last) {
    return first + static_cast<std::int64_t>(below(static_cast<std::uint64_t>(last - first + 1)));
  }
  bool chance(unsigned percent) { return below(100) < percent; }
  template <class T, std::size_t N>
  T& pick(std::span<T, N> from) {
    return from[below(from.size())];
  }
  template <class Container>
  auto& pick(Container& from) {
    return from[below(from.size())];
  }

 private:
  std::uint64_t state_;
};

}  // namespace myelin::cli::demo
