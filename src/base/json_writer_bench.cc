#include <benchmark/benchmark.h>

#include <string>

#include "base/base64.h"
#include "base/json_validate.h"
#include "base/json_writer.h"
#include "base/utf8.h"

namespace myelin {
namespace {

// About an HL7 segment's mix: mostly plain, a carriage return now and then.
std::string sample(std::size_t size) {
  static constexpr std::string_view kSegment =
      "PID|1||4711^^^HOSP^MR||MUSTERMANN^ERIKA^^^^^L||19640812|F|||HEIDESTR. 17^^KOELN^^51147\r";
  std::string text;
  while (text.size() < size) text += kSegment;
  text.resize(size);
  return text;
}

void json_string(benchmark::State& state) {
  const auto text = sample(static_cast<std::size_t>(state.range(0)));
  std::string out;
  for (auto _ : state) {
    out.clear();
    append_json_string(out, text);
    benchmark::DoNotOptimize(out.data());
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(json_string)->Arg(16)->Arg(1024)->Arg(64 << 10);

void json_string_of_other_scripts(benchmark::State& state) {
  std::string text;
  while (text.size() < 4096) text += "Grüße aus Köln, 東京 и Москва. ";
  std::string out;
  for (auto _ : state) {
    out.clear();
    append_json_string(out, text);
    benchmark::DoNotOptimize(out.data());
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
}
BENCHMARK(json_string_of_other_scripts);

void json_object(benchmark::State& state) {
  std::string out;
  for (auto _ : state) {
    out.clear();
    JsonWriter json(out);
    json.begin_object();
    json.member("id", "PID");
    json.key("fields");
    json.begin_object();
    for (int i = 0; i < 20; ++i) {
      json.key("3");
      json.begin_array();
      json.string("4711");
      json.integer(i);
      json.end_array();
    }
    json.end_object();
    json.end_object();
    benchmark::DoNotOptimize(out.data());
  }
  state.SetItemsProcessed(state.iterations() * 20);
}
BENCHMARK(json_object);

void json_valid(benchmark::State& state) {
  std::string text;
  append_json_string(text, sample(64 << 10));
  for (auto _ : state) benchmark::DoNotOptimize(is_valid_json(text));
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
}
BENCHMARK(json_valid);

void utf8_valid(benchmark::State& state) {
  const auto text = sample(64 << 10);
  for (auto _ : state) benchmark::DoNotOptimize(is_valid_utf8(text));
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
}
BENCHMARK(utf8_valid);

void base64(benchmark::State& state) {
  const auto text = sample(64 << 10);
  for (auto _ : state) benchmark::DoNotOptimize(encode_base64(text));
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
}
BENCHMARK(base64);

}  // namespace
}  // namespace myelin
