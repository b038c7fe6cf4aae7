// Arbitrary damage to a small data directory, entries and frames with wrong values and right
// checksums included: check and repair never crash, and a directory that was repaired needs no
// second repair.
//
// The input is a list of damages of eight bytes each: which file, what to do, where, with which
// value.
#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <future>
#include <span>

#include "base/bytes.h"
#include "base/check.h"
#include "base/crc32c.h"
#include "cli/log/command.h"
#include "formats/kafka/record_batch.h"
#include "log/log.h"
#include "log/sim_disk.h"

namespace {

using namespace myelin;

constexpr std::size_t kDamageBytes = 8;
constexpr std::size_t kDamagesMax = 16;

class FixedRandom final : public Random {
 public:
  void fill(void* to, std::size_t size) override {
    auto* bytes = static_cast<std::uint8_t*>(to);
    for (std::size_t i = 0; i < size; ++i) bytes[i] = ++last_;
  }

 private:
  std::uint8_t last_ = 0;
};

class Waiter final : public log::AppendWaiter {
 public:
  void numbered(const std::vector<log::BatchOutcome>&) override {}
  void completed(Result<log::CommitNumber> commit) override { done.set_value(commit.has_value()); }
  std::promise<bool> done;
};

using Files = std::vector<std::pair<std::string, std::string>>;

Files make_files() {
  log::SimDisk disk;
  FixedRandom random;
  const ManualClock clock;
  log::Options options;
  options.directory = "/data";
  options.journal_file_bytes = 16 * log::kBlockBytes;
  options.segment_bytes = 400;
  options.large_batch_bytes = 9'000;
  options.flush_interval = std::chrono::hours(1);
  options.tail_interval = std::chrono::hours(1);
  options.fail = [](const std::string&) {};
  auto opened = log::Log::open(disk, clock, random, options).value();
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
    const auto waiter = std::make_shared<Waiter>();
    write.waiter = waiter;
    MYELIN_CHECK(opened->append(std::move(write)), "an append to a whole log");
    MYELIN_CHECK(waiter->done.get_future().get(), "a commit of a whole log");
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
  } else if (path.ends_with("checkpoint") && content.size() > 24) {
    store_le(content.data() + 12, crc32c(std::string_view(content).substr(24)));
    store_le(content.data() + 16, std::uint64_t{content.size() - 24});
  } else if (path.ends_with(".journal")) {
    const auto from = place / log::kBlockBytes * log::kBlockBytes;
    const auto header = log::decode_frame_header(std::string_view(content).substr(from));
    const auto body_at = from + log::kFrameHeaderBytes;
    if (!header || body_at + header->body_bytes > content.size()) return;
    std::string head(log::kFrameHeaderBytes, '\0');
    log::encode_frame_header(head.data(), *header,
                             std::string_view(content).substr(body_at, header->body_bytes));
    content.replace(from, head.size(), head);
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
  if (run(disk, {"repair", "/data", "--yes"}) == cli::log_tools::kWhole)
    MYELIN_CHECK(run(disk, {"repair", "/data"}) == cli::log_tools::kWhole, "a second repair");
  return 0;
}
