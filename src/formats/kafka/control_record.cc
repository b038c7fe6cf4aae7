#include "formats/kafka/control_record.h"

#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "base/check.h"

namespace myelin::kafka {
namespace {

constexpr std::int16_t kKeyVersion = 0;
constexpr std::int16_t kMarkerVersion = 0;

Error invalid(const char* what) { return Error(ErrorCode::InvalidInput, what); }

// The field begins with a version that is not negative, and then has the number.
template <class T>
std::optional<T> versioned(std::optional<std::string_view> field) {
  ByteReader in(field.value_or(std::string_view()));
  const auto version = in.be<std::int16_t>();
  const T value = in.be<T>();
  return in.ok() && version >= 0 ? std::optional(value) : std::nullopt;
}

}  // namespace

Result<ControlRecord> parse_control_record(const RecordView& record) {
  const auto type = versioned<std::int16_t>(record.key);
  if (!type) return invalid("control record: a malformed key");
  ControlRecord control;
  if (*type != static_cast<std::int16_t>(ControlType::Abort) &&
      *type != static_cast<std::int16_t>(ControlType::Commit)) {
    return control;
  }
  control.type = static_cast<ControlType>(*type);
  const auto epoch = versioned<std::int32_t>(record.value);
  if (!epoch) return invalid("control record: a malformed marker");
  control.coordinator_epoch = *epoch;
  return control;
}

std::string build_control_batch(std::int64_t producer_id, std::int16_t producer_epoch,
                                ControlType type, std::int64_t timestamp_ms,
                                std::int32_t coordinator_epoch) {
  MYELIN_CHECK(type != ControlType::Other, "only markers are built");
  std::string key;
  ByteWriter(key).be(kKeyVersion);
  ByteWriter(key).be(static_cast<std::int16_t>(type));
  std::string value;
  ByteWriter(value).be(kMarkerVersion);
  ByteWriter(value).be(coordinator_epoch);
  RecordBatchBuilder builder;
  MYELIN_CHECK(builder.add(timestamp_ms, key, value).has_value(), "a marker fits into a batch");
  return builder.finish({.attributes = kTransactional | kControl,
                         .producer_id = producer_id,
                         .producer_epoch = producer_epoch});
}

}  // namespace myelin::kafka
