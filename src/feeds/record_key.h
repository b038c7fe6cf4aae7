// RecordKey: which part of a message becomes its event's key.
//
// pid-3: the first identifier of the first PID segment that has one, with its assigning authority
// before it: `12345^^^HOSP^MR` is `HOSP|12345`; the authority is CX.4.1, or CX.4.2 where that is
// empty; without either the key is `12345`. A path gives the text at that place. Escapes are
// resolved, the text is UTF-8, and at most kKeyBytesMax of each part are taken. What is absent,
// empty or HL7 null is no key.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.h"
#include "formats/hl7v2/path.h"

namespace myelin::feeds {

inline constexpr std::size_t kKeyBytesMax = 1024;

class MessageView;

class RecordKey {
 public:
  // "pid-3", "none" or a path. InvalidInput for anything else.
  static Result<RecordKey> parse(std::string_view setting);

  std::optional<std::string> choose(const MessageView& message) const;

 private:
  struct None {};
  struct PatientIdentifier {};
  using Choice = std::variant<None, PatientIdentifier, hl7v2::Path>;

  explicit RecordKey(Choice choice) : choice_(std::move(choice)) {}

  Choice choice_;
};

}  // namespace myelin::feeds
