#include "cli/log/journal_files.h"

#include <algorithm>
#include <optional>

#include "log/frame.h"

namespace myelin::cli::log_tools {
namespace {

constexpr std::uint64_t kFileBytesMin = 8 * log::kBlockBytes;
constexpr std::uint64_t kFileBytesMax = 1ull << 40;
constexpr std::uint32_t kFilesMin = 2;
constexpr std::uint32_t kFilesMax = 10'000;
constexpr std::uint32_t kGuessedFilesMax = 64;
// Of a ring, more than these are not taken to be gone without a lap that says it.
constexpr std::size_t kMissingFilesMax = 1;

struct LapOfFile {
  std::uint32_t number = 0;
  std::uint64_t lap = 0;
};

// The lap that a file holds: each begins with a frame. Nothing when that does not check.
std::optional<std::uint64_t> lap_of(log::Disk& disk, const std::string& path) {
  const auto file = disk.open(path, log::Writes::None, log::Create::No);
  if (!file) return std::nullopt;
  char head[log::kFrameHeaderBytes];
  const auto got = (*file)->read_at(0, head, sizeof head);
  if (!got) return std::nullopt;
  const auto header = log::decode_frame_header({head, *got});
  if (!header) return std::nullopt;
  std::string body(header->body_bytes, '\0');
  const auto rest = (*file)->read_at(log::kFrameHeaderBytes, body.data(), body.size());
  const bool checks = rest && *rest == body.size() && log::frame_checks({head, *got}, body);
  return checks ? std::optional(header->lap) : std::nullopt;
}

std::uint32_t guess_count(const std::vector<LapOfFile>& laps, std::uint32_t usual) {
  const auto fitting = [&](std::uint32_t count) {
    return std::ranges::count_if(
        laps, [&](const LapOfFile& file) { return file.lap % count == file.number; });
  };
  auto best = usual;
  for (auto count = kFilesMin; count <= kGuessedFilesMax; ++count) {
    if (fitting(count) > fitting(best)) best = count;
  }
  return best;
}

}  // namespace

bool is_possible(const log::JournalGeometry& geometry) {
  return geometry.file_bytes >= kFileBytesMin && geometry.file_bytes <= kFileBytesMax &&
         geometry.file_bytes % log::kBlockBytes == 0 && geometry.file_count >= kFilesMin &&
         geometry.file_count <= kFilesMax;
}

log::JournalGeometry guess_geometry(log::Disk& disk, const std::string& directory,
                                    const std::vector<JournalFile>& files) {
  log::JournalGeometry geometry{directory};
  std::uint64_t longest = 0;
  std::vector<LapOfFile> laps;
  for (const auto& file : files) {
    longest = std::max(longest, file.bytes);
    if (file.number < files.size() + kMissingFilesMax)
      geometry.file_count = std::max(geometry.file_count, file.number + 1);
    if (const auto lap = lap_of(disk, file.path)) laps.push_back({file.number, *lap});
  }
  longest = std::min(longest / log::kBlockBytes * log::kBlockBytes, kFileBytesMax);
  if (longest >= kFileBytesMin) geometry.file_bytes = longest;
  geometry.file_count = guess_count(laps, std::min(geometry.file_count, kFilesMax));
  return geometry;
}

}  // namespace myelin::cli::log_tools
