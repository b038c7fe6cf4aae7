#include "cli/demo/source.h"

namespace myelin::cli::demo {

namespace {

std::string base36(std::uint64_t number) {
  std::string text;
  do {
    text.insert(text.begin(), "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[number % 36]);
    number /= 36;
  } while (number > 0);
  return text;
}

}  // namespace

Source::Source(std::uint64_t seed, const Clock& clock)
    : clock_(clock),
      hospital_(seed),
      prefix_("D" + base36(static_cast<std::uint64_t>(to_ms(clock.now()))) + "-") {}

DemoMessage Source::next() {
  const Event event = hospital_.next(clock_.now());
  return write_message(event, prefix_ + std::to_string(++number_), hospital_.random());
}

}  // namespace myelin::cli::demo
