// A message of one and of several KB through a feed, without the bus: parse, event, acknowledgment.
#include <benchmark/benchmark.h>

#include "feeds/event_json.h"
#include "feeds/feed.h"
#include "feeds/message_json.h"
#include "formats/hl7v2/parse.h"

namespace {

using namespace myelin;

std::string result_message(std::size_t bytes) {
  std::string message =
      "MSH|^~\\&|LAB|GENHOSP|EHR|GENHOSP|20260214093000||ORU^R01^ORU_R01|LAB000123|P|2.5.1\r"
      "PID|1||100482^^^GENHOSP^MR~9434765919^^^NHS^NH||Example^Jane^Q^^Mrs||19720131|F|||12 Long "
      "Street^^Springfield^IL^62701^US||+1-217-555-0134|||M\r"
      "PV1|1|I|W4^402^B^GENHOSP||||0148^Adams^Hal^^^Dr|||MED||||||||V100482\r"
      "OBR|1|ORD445^EHR|LAB445^LAB|24323-8^Comprehensive metabolic panel^LN|||20260214084500\r";
  for (int i = 1; message.size() < bytes; ++i) {
    message += "OBX|" + std::to_string(i) + "|NM|2345-7^Glucose [Mass/volume] in Serum^LN||" +
               std::to_string(80 + i) +
               "|mg/dL^milligrams per deciliter^UCUM|70-99|N|||F|||20260214091500\r";
  }
  return message;
}

class DroppingBus final : public bus::Bus, public bus::Topics {
 public:
  Result<bus::Receipt> append(const bus::Context&, bus::WriteSet writes) override {
    benchmark::DoNotOptimize(writes.records.data());
    return bus::Receipt(nullptr);
  }
  io::Task<Result<bus::Batches>> read(bus::Context, bus::TopicPartition, bus::Offset,
                                      bus::ReadLimits) override {
    co_return bus::Batches();
  }
  io::Task<Result<std::unique_ptr<bus::Subscription>>> subscribe(bus::Context,
                                                                 bus::SubscribeOptions) override {
    co_return Error(ErrorCode::Internal, "not here");
  }
  bus::Topics& topics() override { return *this; }
  Status ensure(const bus::Context&, const bus::TopicName&) override { return {}; }
  io::Task<Result<bus::TopicDescription>> describe(bus::Context, bus::TopicName) override {
    co_return Error(ErrorCode::NotFound, "not here");
  }
  io::Task<Result<std::vector<bus::TopicDescription>>> list(bus::Context, std::string) override {
    co_return std::vector<bus::TopicDescription>();
  }
};

void count_bytes(benchmark::State& state, std::size_t bytes) {
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes));
  state.counters["us_per_KB"] = benchmark::Counter(
      static_cast<double>(bytes) / 1024 * 1e-6,
      benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

void BM_FeedAccept(benchmark::State& state) {
  const std::string message = result_message(static_cast<std::size_t>(state.range(0)));
  SystemClock clock;
  SystemRandom random;
  UuidGenerator ids(clock, random);
  DroppingBus bus;
  const auto feed = feeds::Feed::make({}, 1, {.bus = bus, .ids = ids, .clock = clock}).value();
  bus::Context context;
  for (auto _ : state) {
    auto accepted = feed->accept(context, message);
    benchmark::DoNotOptimize(accepted);
  }
  count_bytes(state, message.size());
}
BENCHMARK(BM_FeedAccept)->Arg(1024)->Arg(8 << 10)->Arg(64 << 10);

void BM_MessageJson(benchmark::State& state) {
  const std::string message = result_message(static_cast<std::size_t>(state.range(0)));
  const auto parsed = hl7v2::parse_view(message);
  const feeds::MessageView view(parsed.value());
  std::string out;
  for (auto _ : state) {
    out.clear();
    benchmark::DoNotOptimize(feeds::append_message_json(out, view, feeds::kEventBytesMax));
  }
  count_bytes(state, message.size());
}
BENCHMARK(BM_MessageJson)->Arg(1024)->Arg(8 << 10);

}  // namespace
