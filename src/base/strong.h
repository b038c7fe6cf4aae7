// Strong<Tag, T>: an integer of its own type, so that an offset is never passed for a partition.
#pragma once

#include <compare>
#include <cstddef>
#include <functional>

namespace myelin {

template <class Tag, class T>
struct Strong {
  using Value = T;
  T value{};

  constexpr Strong() = default;
  constexpr explicit Strong(T v) : value(v) {}
  friend constexpr auto operator<=>(Strong, Strong) = default;
  constexpr Strong operator+(T n) const { return Strong(static_cast<T>(value + n)); }
  constexpr T operator-(Strong other) const { return static_cast<T>(value - other.value); }
};

}  // namespace myelin

template <class Tag, class T>
struct std::hash<myelin::Strong<Tag, T>> {
  std::size_t operator()(myelin::Strong<Tag, T> id) const noexcept {
    return std::hash<T>()(id.value);
  }
};
