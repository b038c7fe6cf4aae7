// Whatever the bytes and wherever they are cut, the same frames come out as from the whole stream
// at once; and of a message too long no more is held than the limit and a read.
//
// Input: a byte for the limit, a byte for how garbage is met, a byte that seeds the cuts, the
// stream.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "formats/hl7v2/mllp_framer.h"

namespace {

using myelin::hl7v2::MllpFrame;
using myelin::hl7v2::MllpFramer;
using myelin::hl7v2::OnGarbage;

void require(bool holds) {
  if (!holds) std::abort();
}

struct Outcome {
  std::vector<std::string> frames;  // The kind as the first byte.
  bool lost = false;
  std::uint64_t garbage_bytes = 0;

  bool operator==(const Outcome&) const = default;
};

void drain(MllpFramer& framer, Outcome& outcome) {
  for (;;) {
    const auto frame = framer.next();
    outcome.lost = !frame;
    if (!frame || !*frame) return;
    outcome.frames.push_back(((*frame)->kind == MllpFrame::Kind::Message ? 'm' : 'l') +
                             std::string((*frame)->bytes));
  }
}

Outcome run(std::string_view stream, std::size_t limit, OnGarbage on_garbage, std::uint32_t seed) {
  MllpFramer framer(limit, on_garbage);
  Outcome outcome;
  while (!stream.empty() && !outcome.lost) {
    seed = seed * 1'664'525u + 1'013'904'223u;
    const std::size_t portion = seed == 0 ? stream.size() : 1 + (seed >> 24) % 16;
    const auto part = stream.substr(0, portion);
    framer.feed(part);
    drain(framer, outcome);
    // A byte of framing at either end may be held beside the content.
    require(framer.held_bytes() <= limit + part.size() + 2);
    stream.remove_prefix(part.size());
  }
  outcome.garbage_bytes = framer.garbage_bytes();
  return outcome;
}

Outcome run_whole(std::string_view stream, std::size_t limit, OnGarbage on_garbage) {
  MllpFramer framer(limit, on_garbage);
  Outcome outcome;
  framer.feed(stream);
  drain(framer, outcome);
  outcome.garbage_bytes = framer.garbage_bytes();
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3) return 0;
  const std::size_t limit = data[0] % 64;
  const OnGarbage on_garbage = data[1] % 2 == 0 ? OnGarbage::Skip : OnGarbage::Fail;
  const std::string_view stream(reinterpret_cast<const char*>(data) + 3, size - 3);
  const Outcome whole = run_whole(stream, limit, on_garbage);
  require(run(stream, limit, on_garbage, data[2]) == whole);
  for (const auto& frame : whole.frames) require(frame.size() <= 1 + limit);
  return 0;
}
