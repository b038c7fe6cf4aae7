// log_load: figures of the durable log, in process: log_load MODE [--name value]…
//
// Each mode prints one JSON object with every setting of the run. bench/log_run.py says which modes
// make which figure.
#include <fmt/format.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "base/check.h"
#include "bench/log_modes.h"

namespace {

std::atomic<bool> g_counting = false;
std::atomic<std::uint64_t> g_allocations = 0;

void* allocate(std::size_t bytes, std::size_t alignment) {
  if (g_counting.load(std::memory_order_relaxed))
    g_allocations.fetch_add(1, std::memory_order_relaxed);
  void* const memory = alignment == 0
                           ? std::malloc(bytes)
                           : std::aligned_alloc(alignment, (bytes + alignment - 1) & -alignment);
  if (memory == nullptr) myelin::fatal("out of memory");
  return memory;
}

}  // namespace

void* operator new(std::size_t bytes) { return allocate(bytes, 0); }
void* operator new[](std::size_t bytes) { return allocate(bytes, 0); }
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return allocate(bytes, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t bytes, std::align_val_t alignment) {
  return allocate(bytes, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

namespace myelin::bench {

void count_allocations(bool on) { g_counting = on; }
std::uint64_t allocations() { return g_allocations; }

namespace {

struct Mode {
  std::string_view name;
  void (*run)(Arguments& arguments);
};

constexpr Mode kModes[] = {
    {"append", run_append}, {"fill", run_fill},         {"start", run_start}, {"crash", run_crash},
    {"cost", run_cost},     {"catch-up", run_catch_up}, {"soak", run_soak},
};

int usage() {
  std::string names;
  for (const auto& mode : kModes) names += fmt::format("{}{}", names.empty() ? "" : "|", mode.name);
  fmt::print(stderr, "log_load {} [--dir FOLDER] [--name value]...\n", names);
  return 2;
}

int main_with(std::span<const std::string> args) {
  if (args.empty()) return usage();
  auto arguments = Arguments::parse(args.subspan(1));
  if (!arguments) {
    fmt::print(stderr, "log_load: {}\n", arguments.error().message());
    return usage();
  }
  for (const auto& mode : kModes) {
    if (mode.name != args[0]) continue;
    mode.run(*arguments);
    return 0;
  }
  return usage();
}

}  // namespace
}  // namespace myelin::bench

int main(int argc, char** argv) {
  const std::vector<std::string> args(argv + 1, argv + argc);
  return myelin::bench::main_with(args);
}
