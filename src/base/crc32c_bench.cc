#include <benchmark/benchmark.h>

#include <string>

#include "base/crc32c.h"

namespace myelin {
namespace {

template <std::uint32_t (*crc)(std::string_view, std::uint32_t)>
void run(benchmark::State& state) {
  const std::string bytes(static_cast<std::size_t>(state.range(0)), 'x');
  for (auto _ : state) benchmark::DoNotOptimize(crc(bytes, 0));
  state.SetBytesProcessed(state.iterations() * state.range(0));
}

BENCHMARK(run<crc32c>)->Name("crc32c")->Arg(64)->Arg(1024)->Arg(16 << 10)->Arg(1 << 20);
BENCHMARK(run<crc32c_portable>)->Name("crc32c_portable")->Arg(1024)->Arg(16 << 10);

}  // namespace
}  // namespace myelin
