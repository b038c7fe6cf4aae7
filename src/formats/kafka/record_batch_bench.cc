#include "formats/kafka/record_batch.h"

#include <benchmark/benchmark.h>

#include <string>

namespace myelin::kafka {
namespace {

constexpr int kRecords = 100;

std::string build(RecordBatchBuilder& builder, std::string_view value) {
  const Header headers[] = {{"type", "ADT"}, {"trigger", "A01"}, {"feed", "admissions"}};
  for (int i = 0; i < kRecords; ++i) {
    benchmark::DoNotOptimize(builder.add(1700000000000 + i, "12345^^^HOSP", value, headers));
  }
  return builder.finish();
}

void count(benchmark::State& state, std::size_t batch_bytes) {
  state.SetItemsProcessed(state.iterations() * kRecords);
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(batch_bytes));
}

void build_batch(benchmark::State& state) {
  const std::string value(static_cast<std::size_t>(state.range(0)), 'v');
  RecordBatchBuilder builder(kRecords * (value.size() + 100));
  std::size_t size = 0;
  for (auto _ : state) size = build(builder, value).size();
  count(state, size);
}
BENCHMARK(build_batch)->Arg(100)->Arg(1000);

void verify(benchmark::State& state) {
  RecordBatchBuilder builder;
  const std::string batch =
      build(builder, std::string(static_cast<std::size_t>(state.range(0)), 'v'));
  for (auto _ : state) benchmark::DoNotOptimize(verify_batch(batch).has_value());
  count(state, batch.size());
}
BENCHMARK(verify)->Arg(100)->Arg(1000);

void read_records(benchmark::State& state) {
  RecordBatchBuilder builder;
  const std::string batch =
      build(builder, std::string(static_cast<std::size_t>(state.range(0)), 'v'));
  for (auto _ : state) {
    auto reader = RecordReader::open(batch);
    for (auto next = reader->next(); *next; next = reader->next()) {
      benchmark::DoNotOptimize((*next)->value->data());
    }
  }
  count(state, batch.size());
}
BENCHMARK(read_records)->Arg(100)->Arg(1000);

}  // namespace
}  // namespace myelin::kafka
