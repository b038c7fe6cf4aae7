#include "feeds/feed.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "feeds/event_json.h"
#include "feeds/message_view.h"
#include "formats/event/envelope.h"
#include "formats/hl7v2/header.h"
#include "formats/hl7v2/parse.h"
#include "formats/hl7v2/types.h"

namespace myelin::feeds {

namespace {

constexpr std::size_t kHeaderBytesMax = 256;

// "hl7.adt.a01", or nothing where HL7 does not know the type or the event.
std::string typed_topic(const hl7v2::Header& header, std::string_view trigger) {
  if (!hl7v2::is_message_type(header.message_type) || !hl7v2::is_event_type(trigger)) return {};
  std::string topic = fmt::format("hl7.{}.{}", header.message_type, trigger);
  for (char& c : topic) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return topic;
}

std::string_view location_of(hl7v2::ParseFault fault) {
  switch (fault) {
    case hl7v2::ParseFault::HeaderTooShort:
    case hl7v2::ParseFault::FieldSeparator: return "MSH-1";
    case hl7v2::ParseFault::Delimiters: return "MSH-2";
    case hl7v2::ParseFault::None:
    case hl7v2::ParseFault::Empty:
    case hl7v2::ParseFault::NoHeader:
    case hl7v2::ParseFault::Batch:
    case hl7v2::ParseFault::TooLong: break;
  }
  return "byte 0";
}

hl7v2::ErrorCondition condition_of(hl7v2::ParseFault fault) {
  switch (fault) {
    case hl7v2::ParseFault::Empty:
    case hl7v2::ParseFault::NoHeader:
    case hl7v2::ParseFault::Batch: return hl7v2::ErrorCondition::SegmentSequence;
    case hl7v2::ParseFault::HeaderTooShort: return hl7v2::ErrorCondition::RequiredFieldMissing;
    case hl7v2::ParseFault::FieldSeparator:
    case hl7v2::ParseFault::Delimiters: return hl7v2::ErrorCondition::DataType;
    case hl7v2::ParseFault::None:
    case hl7v2::ParseFault::TooLong: break;
  }
  return hl7v2::ErrorCondition::ApplicationInternal;
}

// MSH-4's namespace, or its universal id where that is empty.
std::string_view facility_of(const hl7v2::Header& header) {
  const hl7v2::Field field(header.sending_facility, header.delimiters);
  const auto name = field.component(1).raw();
  return name.empty() ? field.component(2).raw() : name;
}

void add_header(std::vector<bus::Header>& headers, std::string_view key, std::string value) {
  if (!value.empty()) headers.push_back({std::string(key), std::move(value)});
}

}  // namespace

// A message on its way to the bus: all but its number.
struct Feed::Draft {
  bus::Record record;
  hl7v2::Header header;
  Verdict verdict = Verdict::Accept;
  Kept kept = Kept::Typed;
  std::string trouble;  // For a person; empty where the message was parsed.
  hl7v2::ErrorCondition condition = hl7v2::ErrorCondition::ApplicationInternal;
};

Result<std::unique_ptr<Feed>> Feed::make(FeedSettings settings, std::uint64_t epoch,
                                         FeedParts parts) {
  const auto checked = settings.check();
  if (!checked) return checked.error().with_context("feed " + settings.name);
  MYELIN_TRY(key, RecordKey::parse(settings.key));
  return std::unique_ptr<Feed>(new Feed(std::move(settings), epoch, std::move(key), parts));
}

Feed::Feed(FeedSettings settings, std::uint64_t epoch, RecordKey key, FeedParts parts)
    : settings_(std::move(settings)),
      epoch_(epoch),
      key_(std::move(key)),
      parts_(parts),
      principal_("Feed:" + settings_.name),
      source_("feed:" + settings_.name) {}

Status Feed::start() {
  bus::Context context;
  context.principal = principal_;
  context.tenant = settings_.tenant;
  for (const std::string_view topic : {kOtherTopic, kErrorsTopic}) {
    MYELIN_TRY_VOID(parts_.bus.topics().ensure(context, topic_name(topic)));
  }
  return {};
}

bus::TopicName Feed::topic_name(std::string_view name) const {
  return {.tenant = settings_.tenant, .name = std::string(name)};
}

Result<Accepted> Feed::accept(const bus::Context& context, std::string_view message) {
  auto fault = hl7v2::ParseFault::None;
  const auto parsed = hl7v2::parse_view(message, {}, &fault);
  if (!parsed) return append(context, draft_error(message, fault, parsed.error()));
  MYELIN_TRY(draft, draft_message(context, MessageView(*parsed)));
  return append(context, std::move(draft));
}

Result<std::string> Feed::choose_topic(const bus::Context& context, const hl7v2::Header& header,
                                       std::string_view trigger) {
  std::string topic = typed_topic(header, trigger);
  if (topic.empty()) return std::string(kOtherTopic);
  const Status made = parts_.bus.topics().ensure(context, topic_name(topic));
  if (made) return topic;
  if (made.error().code() == ErrorCode::Exhausted) return std::string(kOtherTopic);
  return made.error();
}

Result<Feed::Draft> Feed::draft_message(const bus::Context& context, const MessageView& view) {
  Draft draft;
  draft.header = hl7v2::header_of(view.message());
  const std::string_view trigger = hl7v2::trigger_event(view.message());
  MYELIN_TRY(topic, choose_topic(context, draft.header, trigger));
  draft.kept = topic == kOtherTopic ? Kept::Other : Kept::Typed;
  const std::string id = parts_.ids.next().to_string();
  bus::Record& record = draft.record;
  record.timestamp = parts_.clock.now();
  record.value = message_event(
      {.event_id = id, .event_type = topic, .event_source = source_, .timestamp = record.timestamp},
      view, settings_);
  record.key = key_.choose(view);
  record.headers.reserve(6);
  add_header(record.headers, "type", view.text(draft.header.message_type, kHeaderBytesMax));
  add_header(record.headers, "trigger", view.text(trigger, kHeaderBytesMax));
  add_header(record.headers, "control-id", view.text(draft.header.control_id, kHeaderBytesMax));
  add_header(record.headers, "facility", view.text(facility_of(draft.header), kHeaderBytesMax));
  record.topic = topic_name(topic);
  return draft;
}

Feed::Draft Feed::draft_error(std::string_view message, hl7v2::ParseFault fault,
                              const Error& error) {
  Draft draft;
  draft.header = hl7v2::header_of_bytes(message);
  draft.verdict = verdict_of(settings_.on_error);
  draft.kept = Kept::Errors;
  draft.trouble = error.message();
  draft.condition = condition_of(fault);
  const std::string id = parts_.ids.next().to_string();
  bus::Record& record = draft.record;
  record.topic = topic_name(kErrorsTopic);
  record.timestamp = parts_.clock.now();
  record.value = error_event(
      {.event_id = id,
       .event_type = kErrorsTopic,
       .event_source = source_,
       .timestamp = record.timestamp},
      message,
      {.reason = to_string(fault), .location = location_of(fault), .detail = error.message()});
  record.headers.reserve(3);
  add_header(record.headers, "reason", std::string(to_string(fault)));
  return draft;
}

Result<Accepted> Feed::append(const bus::Context& context, Draft draft) {
  add_header(draft.record.headers, "feed", settings_.name);
  bus::WriteSet writes;
  writes.records.push_back(std::move(draft.record));
  auto& headers = writes.records.front().headers;
  std::uint64_t sequence = 0;
  std::optional<bus::Receipt> receipt;
  {
    MutexLock lock(mutex_);
    sequence = next_sequence_;
    headers.push_back({"feed-sequence", fmt::format("{}:{}", epoch_, sequence)});
    MYELIN_TRY(appended, parts_.bus.append(context, std::move(writes)));
    receipt = std::move(appended);
    ++next_sequence_;  // A number is used up only by what was appended.
  }
  return Accepted{
      .receipt = *std::move(receipt),
      .acknowledgment = acknowledgment(draft.header, draft.verdict,
                                       {.time = parts_.clock.now(),
                                        .control_id = fmt::format("{}-{}", epoch_, sequence),
                                        .text = draft.trouble,
                                        .condition = draft.condition}),
      .kept = draft.kept};
}

std::string Feed::reject_too_long(std::string_view beginning) {
  const std::uint64_t number = rejected_.fetch_add(1, std::memory_order_relaxed) + 1;
  return acknowledgment(
      hl7v2::header_of_bytes(beginning), Verdict::Reject,
      {.time = parts_.clock.now(),
       .control_id = fmt::format("{}-R{}", epoch_, number),
       .text = fmt::format("message longer than {} bytes", settings_.message_bytes_max.value)});
}

std::string Feed::acknowledgment(const hl7v2::Header& header, Verdict verdict,
                                 hl7v2::AckOptions options) {
  const auto code = choose_acknowledgment(header.accept_acknowledgment,
                                          header.application_acknowledgment, verdict);
  if (!code) return {};
  options.code = *code;
  return hl7v2::build_ack(header, options);
}

}  // namespace myelin::feeds
