// Whatever bytes come, a feed keeps them: the event is valid JSON, its raw reproduces the bytes,
// its topic is a legal one under hl7., and the acknowledgment, if there is one, is a message again.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "base/json_validate.h"
#include "feeds/fake_bus.h"
#include "feeds/feed.h"
#include "feeds/test_support.h"
#include "formats/hl7v2/parse.h"

namespace {

using namespace myelin;

struct House {
  ManualClock clock;
  SystemRandom random;
  UuidGenerator ids{clock, random};
  feeds::FakeBus bus;
  std::unique_ptr<feeds::Feed> feed =
      feeds::Feed::make({}, 1, {.bus = bus, .ids = ids, .clock = clock}).value();
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static House house;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  house.bus.clear();
  const auto accepted = house.feed->accept({}, bytes);
  MYELIN_CHECK(accepted.has_value(), "the bus takes everything");
  const auto records = house.bus.records();
  MYELIN_CHECK(records.size() == 1, "one message, one event");
  const bus::Record& record = records.front();
  MYELIN_CHECK(is_valid_json(*record.value), "the event is JSON");
  MYELIN_CHECK(feeds::raw_of(*record.value) == bytes, "raw reproduces the message");
  MYELIN_CHECK(record.topic.name.starts_with("hl7."), "a feed writes to hl7.*");
  MYELIN_CHECK(broker::check_topic_name(record.topic).has_value(), "the topic's name is legal");
  const std::string& ack = accepted->acknowledgment;
  MYELIN_CHECK(ack.find("\x1c\r") == std::string::npos, "no acknowledgment ends its own frame");
  MYELIN_CHECK(ack.empty() || hl7v2::parse_view(ack).has_value(), "acknowledgments are messages");
  return 0;
}
