#include "log/posix_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

namespace myelin::log {
namespace {

// From here on the way around the page cache is the cheaper one.
constexpr std::size_t kWriteAroundMin = 512u << 10;
constexpr std::size_t kReadAroundMin = 256u << 10;
constexpr std::size_t kPieceBytes = 1u << 20;
// At a time: the journal's next write waits for what the disk has in hand.
constexpr std::uint64_t kReadBytes = 512u << 10;

constexpr std::uint64_t block_of(std::uint64_t position) {
  return position / kBlockBytes * kBlockBytes;
}
constexpr std::uint64_t block_behind(std::uint64_t position) {
  return block_of(position + kBlockBytes - 1);
}

// Hands out what pieces hold, one behind the other.
class Pieces {
 public:
  explicit Pieces(std::span<const std::string_view> pieces) : pieces_(pieces) {}

  void take(char* to, std::size_t bytes) {
    while (bytes > 0) {
      const auto some = pieces_.front().substr(at_, bytes);
      to = std::copy(some.begin(), some.end(), to);
      bytes -= some.size();
      at_ += some.size();
      if (at_ < pieces_.front().size()) continue;
      pieces_ = pieces_.subspan(1);
      at_ = 0;
    }
  }

 private:
  std::span<const std::string_view> pieces_;
  std::size_t at_ = 0;  // In the first.
};

}  // namespace

Error system_error(const char* what, const std::string& path, int code) {
  const auto kind = code == ENOENT ? ErrorCode::NotFound
                    : code == ENOSPC || code == EDQUOT || code == EMFILE || code == ENFILE
                        ? ErrorCode::Exhausted
                        : ErrorCode::Unavailable;
  return Error(kind, fmt::format("{} {}: {}", what, path, std::generic_category().message(code)));
}

Result<std::size_t> PosixFile::read_at(std::uint64_t position, char* to, std::size_t size) {
  if (size >= kReadAroundMin && read_around(position, to, size)) return size;
  std::size_t done = 0;
  while (done < size) {
    const auto got =
        ::pread(fd_.get(), to + done, size - done, static_cast<off_t>(position + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_error("read of", path_, errno);
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

Status PosixFile::write_at(std::uint64_t position, std::string_view bytes) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const auto put = ::pwrite(fd_.get(), bytes.data() + done, bytes.size() - done,
                              static_cast<off_t>(position + done));
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return system_error("write to", path_, put < 0 ? errno : EIO);
    done += static_cast<std::size_t>(put);
  }
  return {};
}

Status PosixFile::write_pieces_at(std::uint64_t position,
                                  std::span<const std::string_view> pieces) {
  std::size_t bytes = 0;
  for (const auto& piece : pieces) bytes += piece.size();
  if (writes_ != Writes::Buffered || bytes < kWriteAroundMin)
    return write_buffered(position, pieces);
  int around = -1;
  {
    MutexLock lock(mutex_);
    around = direct();
  }
  return around < 0 ? write_buffered(position, pieces)
                    : write_around(position, pieces, bytes, around);
}

Status PosixFile::write_buffered(std::uint64_t position, std::span<const std::string_view> pieces) {
  constexpr std::size_t kPiecesMax = 256;
  iovec parts[kPiecesMax];
  while (!pieces.empty()) {
    const auto some = pieces.first(std::min(pieces.size(), kPiecesMax));
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < some.size(); ++i) {
      parts[i] = {const_cast<char*>(some[i].data()), some[i].size()};
      bytes += some[i].size();
    }
    const auto put =
        ::pwritev(fd_.get(), parts, static_cast<int>(some.size()), static_cast<off_t>(position));
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0 && bytes > 0) return system_error("write to", path_, put < 0 ? errno : EIO);
    // The kernel may have taken less; what is left goes piece by piece.
    auto taken = static_cast<std::size_t>(put);
    for (const auto& piece : some) {
      const auto skipped = std::min(taken, piece.size());
      taken -= skipped;
      MYELIN_TRY_VOID(write_at(position + skipped, piece.substr(skipped)));
      position += piece.size();
    }
    pieces = pieces.subspan(some.size());
  }
  return {};
}

// Whole blocks go around the page cache, the parts of blocks at both ends through it: the next
// write goes on in the last of them.
Status PosixFile::write_around(std::uint64_t position, std::span<const std::string_view> pieces,
                               std::size_t bytes, int direct) {
  const auto buffer = buffers_.take(kPieceBytes);
  const auto end = position + bytes;
  const auto first = block_behind(position);
  Pieces rest(pieces);
  while (position < end) {
    const bool at_edge = position < first || position >= block_of(end);
    const auto stop = position < first ? first : at_edge ? end : block_of(end);
    const auto size = std::min<std::uint64_t>(stop - position, kPieceBytes);
    rest.take(buffer.get(), size);
    const std::string_view some(buffer.get(), size);
    MYELIN_TRY_VOID(at_edge ? write_at(position, some) : write_blocks(position, some, direct));
    position += size;
  }
  MutexLock lock(mutex_);
  note_written(first, block_of(end));
  return {};
}

Status PosixFile::write_blocks(std::uint64_t position, std::string_view blocks, int direct) {
  auto put = ::pwrite(direct, blocks.data(), blocks.size(), static_cast<off_t>(position));
  while (put < 0 && errno == EINTR)
    put = ::pwrite(direct, blocks.data(), blocks.size(), static_cast<off_t>(position));
  // A device with larger blocks takes them through the page cache.
  if (put < 0 && errno != EINVAL) return system_error("write to", path_, errno);
  const auto taken = put < 0 ? 0 : static_cast<std::size_t>(put);
  return taken == blocks.size() ? Status() : write_at(position + taken, blocks.substr(taken));
}

// False when it has to be read through the page cache: it is there, perhaps, or `to` does not lie
// as the file's blocks do.
bool PosixFile::read_around(std::uint64_t position, char* to, std::size_t size) {
  if ((reinterpret_cast<std::uintptr_t>(to) - position) % kBlockBytes != 0) return false;
  int around = -1;
  {
    MutexLock lock(mutex_);
    if (!may_read_around(position, size)) return false;
    around = direct();
    read_to_ = position + size;
  }
  alignas(kBlockBytes) char edges[2][kBlockBytes];
  const auto first = block_behind(position);
  const auto last = block_of(position + size);
  const auto end = block_behind(position + size);
  for (auto at = block_of(position); at < end; at = std::min(at + kReadBytes, end)) {
    const auto stop = std::min(at + kReadBytes, end);
    iovec parts[3];
    int count = 0;
    if (at < first) parts[count++] = {edges[0], kBlockBytes};
    const auto from = std::max(at, first);
    const auto to_last = std::min(stop, last);
    if (from < to_last) parts[count++] = {to + (from - position), to_last - from};
    if (stop > last) parts[count++] = {edges[1], kBlockBytes};
    const auto got = ::preadv(around, parts, count, static_cast<off_t>(at));
    const auto wanted = std::min(stop, position + size) - at;
    if (got < 0 || static_cast<std::uint64_t>(got) < wanted) return false;
  }
  const auto head = first - position;
  std::copy_n(edges[0] + kBlockBytes - head, head, to);
  std::copy_n(edges[1], position + size - last, to + (last - position));
  return true;
}

bool PosixFile::reads_disk(std::uint64_t position, std::size_t size) {
  MutexLock lock(mutex_);
  return size >= kReadAroundMin && may_read_around(position, size);
}

// A reader that goes on may begin a little before the end of what was fetched for it.
bool PosixFile::may_read_around(std::uint64_t position, std::size_t size) const {
  return position >= written_from_ && position + size <= written_to_ &&
         position + kReadAroundMin >= read_to_;
}

int PosixFile::direct() {
  if (direct_) return direct_->get();
  direct_.emplace(::open(path_.c_str(), O_RDWR | O_DIRECT | O_CLOEXEC));
  // Another file may have its name by now.
  struct stat mine{};
  struct stat found{};
  const bool is_same = direct_->get() >= 0 && ::fstat(fd_.get(), &mine) == 0 &&
                       ::fstat(direct_->get(), &found) == 0 && mine.st_dev == found.st_dev &&
                       mine.st_ino == found.st_ino;
  if (!is_same) direct_.emplace(-1);
  return direct_->get();
}

void PosixFile::note_written(std::uint64_t from, std::uint64_t to) {
  // What little was written through it in between does not matter.
  if (from < written_from_ || from > written_to_ + kWriteAroundMin) written_from_ = from;
  written_to_ = to;
}

Status PosixFile::sync() {
  if (::fdatasync(fd_.get()) != 0) return system_error("sync of", path_, errno);
  return {};
}

void PosixFile::start_writeback(std::uint64_t position, std::uint64_t bytes) {
  // Without a flag that waits it takes no error away from a later sync.
  (void)::sync_file_range(fd_.get(), static_cast<off_t>(position), static_cast<off_t>(bytes),
                          SYNC_FILE_RANGE_WRITE);
}

void PosixFile::start_read(std::uint64_t position, std::uint64_t bytes) {
  (void)::posix_fadvise(fd_.get(), static_cast<off_t>(position), static_cast<off_t>(bytes),
                        POSIX_FADV_WILLNEED);
}

Status PosixFile::truncate(std::uint64_t size) {
  if (::ftruncate(fd_.get(), static_cast<off_t>(size)) != 0) {
    return system_error("truncation of", path_, errno);
  }
  MutexLock lock(mutex_);
  written_to_ = std::min(written_to_, size);
  written_from_ = std::min(written_from_, written_to_);
  return {};
}

Status PosixFile::allocate(std::uint64_t size) {
  // fallocate and not posix_fallocate: where it is not supported the C library would write zeros
  // one block at a time.
  if (::fallocate(fd_.get(), 0, 0, static_cast<off_t>(size)) == 0) return {};
  if (errno == EOPNOTSUPP || errno == ENOSYS) return truncate(size);
  return system_error("allocation of", path_, errno);
}

Result<std::uint64_t> PosixFile::size_bytes() {
  struct stat info{};
  if (::fstat(fd_.get(), &info) != 0) return system_error("stat of", path_, errno);
  return static_cast<std::uint64_t>(info.st_size);
}

}  // namespace myelin::log
