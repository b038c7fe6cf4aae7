#include "formats/kafka/compression.h"

#include <benchmark/benchmark.h>

#include <string>

#include "formats/kafka/compaction.h"
#include "formats/kafka/record_batch.h"
#include "formats/kafka/unpacked_batch.h"

namespace myelin::kafka {
namespace {

constexpr int kRecords = 1000;
constexpr std::size_t kUnpackedMax = std::size_t{64} << 20;

// A batch of messages of about 300 bytes, no two alike.
std::string batch_of_messages() {
  RecordBatchBuilder builder;
  for (int i = 0; i < kRecords; ++i) {
    const std::string id = std::to_string(1'000'000 + i * 7919);
    const std::string message =
        "MSH|^~\\&|ADT1|HOSP|LAB|HOSP|20240101120000||ADT^A01|" + id +
        "|P|2.5\rEVN|A01|20240101120000\rPID|1||" + id +
        "^^^HOSP^MR||DOE^JANE^Q||19800101|F|||1 MAIN ST^^TOWN^ST^12345||5551234\rPV1|1|I|W" +
        std::to_string(i % 37) + "^389^1|||||||SUR||||ADM|A0\r";
    benchmark::DoNotOptimize(builder.add(1'700'000'000'000 + i, id, message));
  }
  return builder.finish();
}

std::string packed_batch(Compression codec) {
  const std::string batch = batch_of_messages();
  BatchInfo info = *parse_batch_header(batch);
  info.attributes = static_cast<std::int16_t>(codec);
  std::string packed(kBatchHeaderBytes, '\0');
  packed += *compress(codec, std::string_view(batch).substr(kBatchHeaderBytes));
  write_batch_header(packed, info);
  return packed;
}

void codecs(benchmark::internal::Benchmark* bench) {
  bench->DenseRange(static_cast<int>(Compression::None), static_cast<int>(Compression::Zstd));
}

void count(benchmark::State& state, std::size_t unpacked_bytes, std::size_t packed_bytes) {
  state.SetLabel(std::string(to_string(static_cast<Compression>(state.range(0)))));
  state.SetItemsProcessed(state.iterations() * kRecords);
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(unpacked_bytes));
  state.counters["ratio"] = static_cast<double>(unpacked_bytes) / static_cast<double>(packed_bytes);
}

void compress_records(benchmark::State& state) {
  const auto codec = static_cast<Compression>(state.range(0));
  const std::string batch = batch_of_messages();
  std::size_t packed_bytes = 0;
  for (auto _ : state) packed_bytes = compress(codec, batch)->size();
  count(state, batch.size(), packed_bytes);
}
BENCHMARK(compress_records)->Apply(codecs);

void unpack_and_read(benchmark::State& state) {
  const std::string batch = packed_batch(static_cast<Compression>(state.range(0)));
  std::size_t unpacked_bytes = 0;
  for (auto _ : state) {
    const auto unpacked = unpack(batch, kUnpackedMax);
    unpacked_bytes = unpacked->records().size();
    RecordReader reader = unpacked->reader();
    for (auto next = reader.next(); *next; next = reader.next()) {
      benchmark::DoNotOptimize((*next)->value->data());
    }
  }
  count(state, unpacked_bytes, batch.size());
}
BENCHMARK(unpack_and_read)->Apply(codecs);

// Half of the records go.
void rewrite(benchmark::State& state) {
  const std::string batch = packed_batch(static_cast<Compression>(state.range(0)));
  for (auto _ : state) {
    benchmark::DoNotOptimize(rewrite_batch(batch, [](const RecordView& r) {
                               return r.offset_delta % 2 == 0;
                             })->bytes.size());
  }
  count(state, batch_of_messages().size(), batch.size());
}
BENCHMARK(rewrite)->Apply(codecs);

}  // namespace
}  // namespace myelin::kafka
