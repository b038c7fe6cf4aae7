// What a kilobyte of HL7 costs: parsing; parsing and walking to every subcomponent; the same with
// escapes resolved. Counters: ns_per_KB, and allocations per message.
#include <benchmark/benchmark.h>

#include <atomic>
#include <cstdlib>
#include <new>
#include <string>

#include "formats/hl7v2/ack.h"
#include "formats/hl7v2/header.h"
#include "formats/hl7v2/mllp_framer.h"
#include "formats/hl7v2/parse.h"

namespace {

std::atomic<std::uint64_t> allocation_count{0};

}  // namespace

void* operator new(std::size_t size) {
  allocation_count.fetch_add(1, std::memory_order_relaxed);
  if (void* memory = std::malloc(size)) return memory;
  std::abort();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace myelin::hl7v2 {

namespace {

// A laboratory report of the usual shape: short fields, many of them empty, an escape in a few.
std::string report(int results) {
  std::string message =
      "MSH|^~\\&|LAB|NORTH^1.2.3.4^ISO|EHR|NORTH|20260419101500+0200||ORU^R01^ORU_R01|MSG00042|P|"
      "2.5.1|||AL|NE||UNICODE UTF-8\r"
      "PID|1||4711^^^NORTH&1.2.3.4&ISO^MR~998877^^^SSA^SS||Sample^Pat^Q^^Ms||19800101|F|||"
      "1 High St^^Town^ST^12345^USA^H||^PRN^PH^^1^555^5551234|||S||12345^^^NORTH^AN\r"
      "PV1|1|I|WARD^101^A^NORTH||||1234^Doctor^Dora^^^Dr^^^NORTH&1.2.3.4&ISO|||MED|||||||||77^^^V\r"
      "OBR|1|ORD1^EHR|FIL1^LAB|24323-8^Comprehensive metabolic panel^LN|||20260419093000|||||||||"
      "1234^Doctor^Dora||||||20260419101400|||F\r";
  for (int i = 1; i <= results; ++i) {
    message += "OBX|" + std::to_string(i) +
               "|NM|2345-7^Glucose [Mass/volume] in Serum^LN^GLU^Glucose^L||" +
               std::to_string(80 + i) + "|mg/dL^milligram per decilitre^UCUM|70-99|N|||F|||" +
               "20260419093000||7788^Tech^Tim\r";
    if (i % 5 == 0) message += "NTE|1|L|Ratio 1\\S\\128 \\T\\ below limit\\.br\\second line\r";
  }
  return message;
}

void finish(benchmark::State& state, std::size_t bytes, std::uint64_t allocations) {
  const auto runs = static_cast<double>(state.iterations());
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * bytes));
  // Time over kilobytes, shown in seconds with an SI prefix.
  state.counters["per_KB"] =
      benchmark::Counter(runs * static_cast<double>(bytes) / 1024,
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  state.counters["allocations"] = static_cast<double>(allocations) / runs;
  state.counters["bytes"] = static_cast<double>(bytes);
}

template <class Visit>
void walk(const Message& message, Visit visit) {
  for (const Segment& segment : message) {
    for (std::size_t n = 1; n <= segment.field_count(); ++n) {
      const Field field = segment.field(n);
      if (field.empty()) continue;
      for (const Repetition repetition : field.repetitions()) {
        for (const Component component : repetition.components()) {
          for (const Subcomponent part : component.subcomponents()) visit(part);
        }
      }
    }
  }
}

template <class Work>
void run(benchmark::State& state, Work work) {
  const std::string raw = report(static_cast<int>(state.range(0)));
  const std::uint64_t before = allocation_count.load();
  for (auto _ : state) work(raw);
  finish(state, raw.size(), allocation_count.load() - before);
}

void BM_Parse(benchmark::State& state) {
  run(state, [](const std::string& raw) {
    auto message = parse_view(raw);
    benchmark::DoNotOptimize(message);
  });
}
BENCHMARK(BM_Parse)->Arg(3)->Arg(30)->Arg(3000);

void BM_ParseAndWalk(benchmark::State& state) {
  run(state, [](const std::string& raw) {
    const auto message = parse_view(raw);
    std::size_t bytes = 0;
    walk(*message, [&](const Subcomponent& part) { bytes += part.raw().size(); });
    benchmark::DoNotOptimize(bytes);
  });
}
BENCHMARK(BM_ParseAndWalk)->Arg(3)->Arg(30)->Arg(3000);

void BM_ParseWalkAndUnescape(benchmark::State& state) {
  std::string text;
  run(state, [&](const std::string& raw) {
    const auto message = parse_view(raw);
    text.clear();
    walk(*message, [&](const Subcomponent& part) { part.append_text(text); });
    benchmark::DoNotOptimize(text.data());
  });
}
BENCHMARK(BM_ParseWalkAndUnescape)->Arg(3)->Arg(30)->Arg(3000);

void BM_FrameParseAcknowledge(benchmark::State& state) {
  MllpFramer framer(16u << 20);
  std::string wire;
  run(state, [&](const std::string& raw) {
    wire.clear();
    append_mllp_frame(wire, raw);
    framer.feed(wire);
    const auto frame = framer.next();
    const auto message = parse_view((*frame)->bytes);
    const std::string ack = build_ack(header_of(*message), {.control_id = "1"});
    benchmark::DoNotOptimize(ack.data());
  });
}
BENCHMARK(BM_FrameParseAcknowledge)->Arg(3)->Arg(30);

}  // namespace

}  // namespace myelin::hl7v2
