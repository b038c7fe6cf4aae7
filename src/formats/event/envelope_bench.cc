#include "formats/event/envelope.h"

#include <benchmark/benchmark.h>

#include <string>

namespace myelin::event {
namespace {

Metadata metadata() {
  return {.event_id = "018bcfe5-6800-7000-8000-000000000001",
          .event_type = "hl7.adt.a01",
          .event_source = "mllp",
          .causation_id = "018bcfe5-6800-7000-8000-000000000002",
          .timestamp = timestamp_from_ms(1700000000123)};
}

std::string payload(std::int64_t bytes) {
  return '"' + std::string(static_cast<std::size_t>(bytes), 'p') + '"';
}

void write_envelope(benchmark::State& state) {
  const std::string json = payload(state.range(0));
  std::string out;
  for (auto _ : state) {
    out.clear();
    append_envelope(out, metadata(), json);
    benchmark::DoNotOptimize(out.data());
  }
}
BENCHMARK(write_envelope)->Arg(100)->Arg(4000);

void read_envelope(benchmark::State& state) {
  std::string out;
  append_envelope(out, metadata(), payload(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(read_metadata(out)->event_id.data());
}
BENCHMARK(read_envelope)->Arg(100)->Arg(4000);

}  // namespace
}  // namespace myelin::event
