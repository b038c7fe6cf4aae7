// Arbitrary damage to the files of a small data directory that a real log made: opening it says
// what is wrong, or works and serves only records that were written, in their order; it never
// crashes and never serves anything else. As long as only the .log files of segments are damaged
// every record is served or said to be damaged, also after housekeeping and another start.
//
// The input is a list of damages of eight bytes each: which file, what to do, where, with which
// value. One of them makes the checksum of a checkpoint or frame right again: from then on anything
// may be read, but nothing may crash.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "log/recovery_fuzz_support.h"

namespace {

using namespace myelin;
using namespace myelin::log;

constexpr std::size_t kDamageBytes = 8;
constexpr std::size_t kDamagesMax = 16;
constexpr std::int64_t kOffsetsMax = 1000;
constexpr int kForgedStepsMax = 500;  // Of a partition that is said to be endless.

struct Damages {
  bool beyond_segments = false;
  bool forged = false;
};

bool is_segment(const std::string& path) {
  return path.ends_with(".log") && path.starts_with("/data/topics/");
}

void apply(std::pair<std::string, std::string>& file, std::span<const std::uint8_t> damage,
           Damages& done) {
  auto& [path, content] = file;
  const auto at = load_le<std::uint32_t>(damage.data() + 2) & 0xffffff;
  const auto value = load_le<std::uint16_t>(damage.data() + 6);
  if (content.empty()) return;
  done.beyond_segments |= !is_segment(path);
  const auto place = at % content.size();
  switch (damage[1] % 6) {
    case 0: content[place] = static_cast<char>(content[place] ^ (1 << (value % 8))); return;
    case 1: content[place] = static_cast<char>(value); return;
    case 2: content.resize(place); return;
    case 3:
      std::fill_n(content.begin() + static_cast<std::ptrdiff_t>(place),
                  std::min<std::size_t>(value, content.size() - place), '\0');
      return;
    case 4: content.append(value, static_cast<char>(at)); return;
    default:
      if (path.ends_with("checkpoint")) {
        seal_checkpoint(content);
        done.forged = true;
      } else if (path.starts_with("/data/journal/")) {
        seal_frame(content, place);
        done.forged = true;
      }
      return;
  }
}

// A partition from its first record to its last: all that is served, and all that is said to be
// damaged.
class Reader {
 public:
  Reader(const Partition& partition, std::string name, const Damages& damages)
      : partition_(partition), name_(std::move(name)), damages_(damages) {}

  // The offsets that neither is true of count as lost.
  void read(const std::set<std::int64_t>& kept) {
    Offset next = partition_.start();
    check_not_lost(kept, Offset(0), next);
    check_not_lost(kept, partition_.high_watermark(), Offset(kOffsetsMax));
    for (int steps = 0; next < partition_.high_watermark(); ++steps) {
      if (damages_.forged && steps == kForgedStepsMax) return;
      auto found = partition_.read_buffered(Seek::to(next), 1);
      if (!found) {
        auto stored = partition_.read_stored(Seek::to(next), 1);
        if (!stored) {
          const auto behind = behind_damage(next);
          // Each batch holds one record: damage to one is not another's.
          check_not_lost(kept, next + 1, behind);
          next = behind;
          continue;
        }
        found = std::move(*stored);
      }
      if (found->empty()) {
        check_not_lost(kept, next, partition_.high_watermark());
        return;
      }
      const auto& batch = found->front();
      check_not_lost(kept, next, batch.base_offset);
      check(batch, next);
      if (batch.last_offset < next) return;  // Only what is forged.
      next = batch.last_offset + 1;
    }
  }

 private:
  Offset behind_damage(Offset at) const {
    const auto behind = partition_.behind_damage(Seek::to(at));
    return behind && *behind > at ? *behind : at + 1;
  }
  void check_not_lost(const std::set<std::int64_t>& kept, Offset from, Offset to) const {
    if (damages_.beyond_segments) return;
    const auto lost = kept.lower_bound(from.value);
    MYELIN_CHECK(lost == kept.end() || *lost >= to.value,
                 "a record is served or said to be damaged");
  }
  void check(const BatchRef& batch, Offset next) const {
    if (damages_.forged) return;
    MYELIN_CHECK(batch.last_offset >= next, "reading goes on");
    auto reader = kafka::RecordReader::open(batch.bytes);
    MYELIN_CHECK(reader, "what is served is a batch");
    const auto record = reader->next();
    MYELIN_CHECK(
        record && *record && (*record)->value == fuzzed_value(name_, batch.base_offset.value),
        "a record is served at its offset, as it was written");
  }

  const Partition& partition_;
  const std::string name_;
  const Damages& damages_;
};

void check_served(const FuzzedDirectory& whole, const Log& log, const Damages& damages) {
  static const std::set<std::int64_t> nothing;
  std::size_t found_kept = 0;
  for (const auto& topic : log.topics()) {
    for (std::size_t i = 0; i < topic->partitions.size(); ++i) {
      const auto name = partition_name(*topic, i);
      const auto kept = whole.kept.find(name);
      if (kept != whole.kept.end()) ++found_kept;
      Reader(*topic->partitions[i], name, damages)
          .read(kept == whole.kept.end() ? nothing : kept->second);
    }
  }
  MYELIN_CHECK(damages.beyond_segments || found_kept == whole.kept.size(),
               "every partition is still there");
}

// Starts on it, keeps house, takes another record, and starts again.
void check_life(const FuzzedDirectory& whole, SimDisk& disk, const Damages& damages) {
  {
    FuzzedLog first(disk);
    if (!first.is_open()) return;
    check_served(whole, first.log(), damages);
    first.keep_house();
    check_served(whole, first.log(), damages);
    if (const auto plain = first.find("plain")) (void)first.append(plain, 0);
    (void)first.log().checkpoint();
  }
  FuzzedLog second(disk);
  MYELIN_CHECK(second.is_open() || damages.beyond_segments,
               "a second start works as the first did");
  if (second.is_open()) check_served(whole, second.log(), damages);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const FuzzedDirectory whole = FuzzedDirectoryMaker().make();
  auto files = whole.files;
  Damages damages;
  const std::span<const std::uint8_t> input(data, size);
  for (std::size_t i = 0; (i + 1) * kDamageBytes <= size && i < kDamagesMax; ++i) {
    const auto damage = input.subspan(i * kDamageBytes, kDamageBytes);
    apply(files[damage[0] % files.size()], damage, damages);
  }
  SimDisk disk;
  for (const auto& [path, content] : files) {
    for (auto slash = path.find('/', 1); slash != std::string::npos;
         slash = path.find('/', slash + 1))
      (void)disk.make_directory(path.substr(0, slash));
  }
  for (auto& [path, content] : files) disk.set_content(path, std::move(content));
  check_life(whole, disk, damages);
  return 0;
}
