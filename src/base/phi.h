// Phi: patient data (protected health information) that the compiler keeps out of logs, error texts
// and metric labels.
//
// A view; whoever owns the bytes must outlive it. It cannot be formatted, streamed or turned into a
// string_view by accident. Code that must see the bytes (a codec, a writer of payloads) says
// reveal(), which a reader can search for.
#pragma once

#include <fmt/core.h>

#include <concepts>
#include <iosfwd>
#include <string>
#include <string_view>

namespace myelin {

class Phi {
 public:
  constexpr Phi() = default;
  constexpr explicit Phi(std::string_view value) : value_(value) {}
  // From a temporary: the view would outlive it.
  template <std::same_as<std::string> T>
  explicit Phi(T&&) = delete;

  constexpr std::string_view reveal() const { return value_; }
  constexpr bool empty() const { return value_.empty(); }
  constexpr std::size_t size_bytes() const { return value_.size(); }

  friend constexpr bool operator==(Phi a, Phi b) { return a.value_ == b.value_; }
  friend std::ostream& operator<<(std::ostream&, Phi) = delete;

 private:
  std::string_view value_;
};

}  // namespace myelin

template <class Char>
struct fmt::formatter<myelin::Phi, Char> {
  formatter() = delete;
};
