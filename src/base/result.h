// Result<T>: what a caller can decide on, as a value.
//
// A Result holds a T or an Error; it is [[nodiscard]], so that a forgotten error is a warning (and
// warnings are errors here). Its members are a subset of std::expected's. MYELIN_TRY and its kin
// declare a variable or return the error.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace myelin {

enum class ErrorCode : std::uint8_t {
  InvalidInput,     // The bytes or the request are wrong. Repeating them cannot help.
  NotFound,         // What was named does not exist.
  Conflict,         // It exists already, or somebody else changed it meanwhile.
  Unauthenticated,  // We do not know who asks.
  Forbidden,        // We know who asks, and the answer is no.
  Exhausted,        // A limit of ours is reached. Back off.
  Unavailable,      // A peer or a disk does not answer. Retry with backoff.
  Canceled,         // The caller left, or we are stopping.
  Corrupt,          // Stored bytes fail their check. Stop serving them; tell a human.
  Internal,         // A bug of ours.
};

// The code's name in lower case with hyphens ("invalid-input"), for logs and metrics.
std::string_view to_string(ErrorCode code);

// A code and a message for a person. The message never holds patient data or secrets (see
// base/phi.h).
class [[nodiscard]] Error {
 public:
  Error(ErrorCode code, std::string message) : code_(code), message_(std::move(message)) {}

  ErrorCode code() const { return code_; }
  const std::string& message() const { return message_; }

  // The same error seen from one level up: "sink lab-results: connection refused".
  Error with_context(std::string_view context) && {
    message_ = std::string(context) + ": " + message_;
    return std::move(*this);
  }
  Error with_context(std::string_view context) const& { return Error(*this).with_context(context); }

 private:
  ErrorCode code_;
  std::string message_;
};

template <class T>
class [[nodiscard]] Result {
 public:
  using value_type = T;

  // NOLINTNEXTLINE(google-explicit-constructor)
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  // NOLINTNEXTLINE(google-explicit-constructor)
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }

  // Reading the wrong side ends the process.
  T& value() & { return checked<0>(state_); }
  const T& value() const& { return checked<0>(state_); }
  T&& value() && { return std::move(checked<0>(state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  Error& error() & { return checked<1>(state_); }
  const Error& error() const& { return checked<1>(state_); }
  Error&& error() && { return std::move(checked<1>(state_)); }

  template <class U>
  T value_or(U&& other) && {
    return has_value() ? std::move(*this).value() : static_cast<T>(std::forward<U>(other));
  }

 private:
  template <std::size_t I, class State>
  static auto& checked(State& state) {
    if (state.index() != I) std::abort();
    return *std::get_if<I>(&state);
  }

  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  using value_type = void;

  Result() = default;
  Result(Error error) : state_(std::move(error)) {}  // NOLINT(google-explicit-constructor)

  bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }
  void value() const {
    if (!has_value()) std::abort();
  }
  const Error& error() const& { return checked(); }
  Error&& error() && { return std::move(checked()); }

 private:
  Error& checked() {
    if (has_value()) std::abort();
    return *std::get_if<1>(&state_);
  }
  const Error& checked() const {
    if (has_value()) std::abort();
    return *std::get_if<1>(&state_);
  }

  std::variant<std::monostate, Error> state_;
};

using Status = Result<void>;

}  // namespace myelin

#define MYELIN_CONCAT_(a, b) a##b
#define MYELIN_CONCAT(a, b) MYELIN_CONCAT_(a, b)

#define MYELIN_TRY_WITH_(result, name, leave, ...) \
  auto result = (__VA_ARGS__);                     \
  if (!result) [[unlikely]] {                      \
    leave std::move(result).error();               \
  }                                                \
  auto name = std::move(result).value()

#define MYELIN_TRY_VOID_WITH_(result, leave, ...) \
  do {                                            \
    auto result = (__VA_ARGS__);                  \
    if (!result) [[unlikely]] {                   \
      leave std::move(result).error();            \
    }                                             \
  } while (false)

// MYELIN_TRY(name, expression): declares `name` with the expression's value, or returns its error.
#define MYELIN_TRY(name, ...) \
  MYELIN_TRY_WITH_(MYELIN_CONCAT(myelin_result_, __LINE__), name, return, __VA_ARGS__)
#define MYELIN_TRY_VOID(...) \
  MYELIN_TRY_VOID_WITH_(MYELIN_CONCAT(myelin_result_, __LINE__), return, __VA_ARGS__)

// The same in a coroutine.
#define MYELIN_CO_TRY(name, ...) \
  MYELIN_TRY_WITH_(MYELIN_CONCAT(myelin_result_, __LINE__), name, co_return, __VA_ARGS__)
#define MYELIN_CO_TRY_VOID(...) \
  MYELIN_TRY_VOID_WITH_(MYELIN_CONCAT(myelin_result_, __LINE__), co_return, __VA_ARGS__)
