// Arbitrary damage to a small data directory, entries and frames with wrong values and right
// checksums included: check and repair never crash; a directory that was repaired needs no second
// repair, and a log opens on it.
//
// The input is a list of damages of eight bytes each: which file, what to do, where, with which
// value.
#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "base/bytes.h"
#include "base/check.h"
#include "base/crc32c.h"
#include "cli/log/command.h"
#include "formats/kafka/record_batch.h"
#include "log/directory.h"
#include "log/fuzz_support.h"
#include "log/log.h"
#include "log/sim_disk.h"

namespace {

using namespace myelin;

constexpr std::size_t kDamageBytes = 8;
constexpr std::size_t kDamagesMax = 16;

using log::Files;
using log::FixedRandom;

log::Options quiet_options() {
  log::Options options;
  options.directory = "/data";
  options.journal_file_bytes = 16 * log::kBlockBytes;
  options.segment_bytes = 400;
  options.large_batch_bytes = 9'000;
  options.flush_interval = std::chrono::hours(1);
  options.tail_interval = std::chrono::hours(1);
  options.fail = [](const std::string&) {};
  return options;
}

Files make_files() {
  log::SimDisk disk;
  FixedRandom random;
  const ManualClock clock;
  auto opened = log::Log::open(disk, clock, random, quiet_options()).value();
  Uuid id;
  id.bytes.fill(3);
  const auto topic = opened->make_topic({id, "a", 1, "{}"});
  for (int i = 0; i < 10; ++i) {
    kafka::RecordBatchBuilder builder;
    MYELIN_CHECK(builder.add(1000 + i, std::nullopt, std::string(i == 7 ? 10'000 : 50, 'v')),
                 "a record fits");
    log::Write write;
    if (i == 0) write.topics.push_back(topic);
    if (i == 8) write.starts.push_back({topic, topic->partitions[0].get(), log::Offset(2)});
    write.batches.push_back({topic->partitions[0].get(), builder.finish()});
    MYELIN_CHECK(log::append_and_wait(*opened, std::move(write)), "an append to a whole log");
    if (i == 5) MYELIN_CHECK(opened->checkpoint(), "a checkpoint of a whole log");
  }
  Files files;
  for (const auto& path : disk.paths()) files.emplace_back(path, disk.content(path));
  return files;
}

// Gives what holds the byte its right checksum again.
void make_it_check(const std::string& path, std::string& content, std::size_t place) {
  if (path.ends_with(".meta")) {
    const auto from = place / 64 * 64;
    if (from + 64 <= content.size())
      store_le(content.data() + from + 60, crc32c({content.data() + from, 60}));
  } else if (path.ends_with("checkpoint")) {
    log::seal_checkpoint(content);
  } else if (path.ends_with(".journal")) {
    log::seal_frame(content, place);
  }
}

void apply(const std::string& path, std::string& content, std::span<const std::uint8_t> damage) {
  const auto at = load_le<std::uint32_t>(damage.data() + 2) & 0xffffff;
  const auto value = load_le<std::uint16_t>(damage.data() + 6);
  if (content.empty()) return;
  // Most of a journal is zeros.
  const auto place = path.ends_with(".journal") && at % 2 == 0
                         ? at / 2 % 10 * log::kBlockBytes % content.size() + at / 20 % 300
                         : at % content.size();
  // Not the size of the journal's files: they are made as long as a checkpoint that checks says.
  const bool sizes = path.ends_with("checkpoint") && place >= 0x50 && place < 0x5c;
  if (place >= content.size() || sizes) return;
  switch (damage[1] % 6) {
    case 0: content[place] = static_cast<char>(content[place] ^ (1 << (value % 8))); return;
    case 1: content.resize(place); return;
    case 2:
      std::fill_n(content.begin() + static_cast<std::ptrdiff_t>(place),
                  std::min<std::size_t>(value, content.size() - place), '\0');
      return;
    case 3: content.clear(); return;
    case 4: content.append(value, static_cast<char>(at)); return;
    default:
      content[place] = static_cast<char>(value);
      make_it_check(path, content, place);
      return;
  }
}

int run(log::SimDisk& disk, std::vector<std::string> args) {
  const ManualClock clock;
  FixedRandom random;
  char* text = nullptr;
  std::size_t size = 0;
  std::FILE* const out = ::open_memstream(&text, &size);
  cli::log_tools::World world{disk, clock, random, out, out};
  const int code = cli::log_tools::run_in(world, args);
  std::fclose(out);
  std::free(text);
  return code;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Files whole = make_files();
  auto files = whole;
  const std::span<const std::uint8_t> input(data, size);
  for (std::size_t i = 0; (i + 1) * kDamageBytes <= size && i < kDamagesMax; ++i) {
    const auto damage = input.subspan(i * kDamageBytes, kDamageBytes);
    auto& [path, content] = files[damage[0] % files.size()];
    apply(path, content, damage);
  }
  log::SimDisk disk;
  for (const std::string directory : {"/data", "/data/journal", "/data/topics", "/data/topics/a-0"})
    MYELIN_CHECK(disk.make_directory(directory), "a folder");
  // An emptied file stands for one that is gone.
  for (auto& [path, content] : files) {
    if (!content.empty()) disk.set_content(path, std::move(content));
  }
  run(disk, {"check", "/data"});
  run(disk, {"dump", "/data", "--journal"});
  run(disk, {"dump", "/data", "--payload"});
  if (run(disk, {"repair", "/data", "--yes"}) != cli::log_tools::kWhole) {
    // A newer server's is left alone.
    const auto checkpoint = log::read_checkpoint(disk, "/data");
    MYELIN_CHECK(!checkpoint && checkpoint.error().code() == ErrorCode::Conflict, "a repair");
    return 0;
  }
  MYELIN_CHECK(run(disk, {"repair", "/data"}) == cli::log_tools::kWhole, "a second repair");
  FixedRandom random;
  const ManualClock clock;
  MYELIN_CHECK(log::Log::open(disk, clock, random, quiet_options()), "a start after a repair");
  return 0;
}
