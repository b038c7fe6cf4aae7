// Uuid: 16 bytes, its text, and the generator of version 7 (RFC 9562 section 5.7).
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>

#include "base/mutex.h"
#include "base/result.h"
#include "base/time.h"

namespace myelin {

struct Uuid {
  std::array<std::uint8_t, 16> bytes{};

  friend auto operator<=>(const Uuid&, const Uuid&) = default;
  bool is_nil() const { return *this == Uuid{}; }
  std::string_view view() const {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
  static Uuid from_bytes(std::string_view sixteen);

  // "0192f0a1-…" in lower case.
  std::string to_string() const;
  // The 36-character form in either case; InvalidInput for anything else.
  static Result<Uuid> parse(std::string_view text);
};

// Where random bytes come from; a test gives its own. Thread-safe.
class Random {
 public:
  virtual ~Random() = default;
  virtual void fill(void* to, std::size_t size) = 0;
  std::uint64_t next() {
    std::uint64_t value = 0;
    fill(&value, sizeof value);
    return value;
  }
};

// The kernel's generator, buffered so that an id does not cost a system call.
class SystemRandom final : public Random {
 public:
  void fill(void* to, std::size_t size) override;

 private:
  static constexpr std::size_t kPoolBytes = 4096;
  Mutex mutex_;
  std::array<std::uint8_t, kPoolBytes> pool_ MYELIN_GUARDED_BY(mutex_){};
  std::size_t used_ MYELIN_GUARDED_BY(mutex_) = kPoolBytes;
};

// UUIDv7: each greater than the one before, also within a millisecond and when the clock steps
// back. Thread-safe.
class UuidGenerator {
 public:
  UuidGenerator(const Clock& clock, Random& random) : clock_(clock), random_(random) {}
  Uuid next();

 private:
  const Clock& clock_;
  Random& random_;
  Mutex mutex_;
  std::uint64_t last_ms_ MYELIN_GUARDED_BY(mutex_) = 0;
  std::uint32_t counter_ MYELIN_GUARDED_BY(mutex_) =
      0;  // 26 bits: rand_a's 12 and the upper 14 of rand_b.
};

}  // namespace myelin

template <>
struct std::hash<myelin::Uuid> {
  std::size_t operator()(const myelin::Uuid& id) const noexcept {
    std::uint64_t halves[2];
    std::memcpy(halves, id.bytes.data(), sizeof halves);
    return halves[0] ^ (halves[1] * 0x9e3779b97f4a7c15ull);
  }
};
