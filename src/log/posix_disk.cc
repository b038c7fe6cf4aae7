#include <fcntl.h>
#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <map>
#include <system_error>

#include "base/mutex.h"
#include "log/disk.h"
#include "log/posix_file.h"

namespace myelin::log {
namespace {

class PosixLock final : public DirectoryLock {
 public:
  explicit PosixLock(int fd) : fd_(fd) {}

 private:
  const Descriptor fd_;
};

int open_flags(Writes writes, Create create) {
  int flags = O_CLOEXEC;
  flags |= writes == Writes::None ? O_RDONLY : O_RDWR;
  if (writes == Writes::Synced) flags |= O_DSYNC;
  if (create != Create::No) flags |= O_CREAT;
  if (create == Create::Empty) flags |= O_TRUNC;
  return flags;
}

class PosixDisk final : public Disk {
 public:
  Result<std::unique_ptr<File>> open(const std::string& path, Writes writes,
                                     Create create) override {
    const int flags = open_flags(writes, create);
    int fd = -1;
    const bool direct = writes == Writes::Direct || writes == Writes::Synced;
    if (direct) fd = ::open(path.c_str(), flags | O_DIRECT, 0640);
    // tmpfs and some network file systems have no O_DIRECT; the write is as durable through the
    // page cache, only slower.
    if (fd < 0 && (!direct || errno == EINVAL)) {
      fd = ::open(path.c_str(), flags, 0640);
    }
    if (fd < 0) return system_error("opening", path, errno);
    return std::unique_ptr<File>(std::make_unique<PosixFile>(fd, path, writes, buffers_));
  }

  Status rename(const std::string& from, const std::string& to) override {
    if (::rename(from.c_str(), to.c_str()) != 0) return system_error("renaming", from, errno);
    return {};
  }

  Status remove(const std::string& path) override {
    if (::unlink(path.c_str()) == 0) return {};
    if ((errno == EISDIR || errno == EPERM) && ::rmdir(path.c_str()) == 0) return {};
    return system_error("removing", path, errno);
  }

  Status make_directory(const std::string& path) override {
    if (::mkdir(path.c_str(), 0750) != 0 && errno != EEXIST) {
      return system_error("making directory", path, errno);
    }
    return {};
  }

  Result<std::vector<DirectoryEntry>> list(const std::string& path) override {
    std::error_code code;
    std::filesystem::directory_iterator it(path, code);
    if (code) return system_error("listing", path, code.value());
    std::vector<DirectoryEntry> entries;
    for (const auto end = std::filesystem::directory_iterator(); it != end; it.increment(code)) {
      std::error_code ignored;
      entries.push_back({it->path().filename().string(), it->is_directory(ignored)});
    }
    // An error of increment() looks like the end.
    if (code) return system_error("listing", path, code.value());
    return entries;
  }

  Result<bool> exists(const std::string& path) override {
    struct stat info{};
    if (::stat(path.c_str(), &info) == 0) return true;
    if (errno == ENOENT) return false;
    return system_error("stat of", path, errno);
  }

  Status sync_directory(const std::string& path) override {
    const Descriptor fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (fd.get() < 0) return system_error("opening directory", path, errno);
    if (::fsync(fd.get()) != 0) return system_error("sync of directory", path, errno);
    return {};
  }

  Status sync_file_system(const std::string& path) override {
    MutexLock lock(mutex_);
    // One descriptor for good: a new one would not be told of errors that came before it was
    // opened.
    auto& fd = file_systems_[path];
    if (!fd) fd = std::make_unique<Descriptor>(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (fd->get() < 0) {
      const int code = errno;
      fd.reset();
      return system_error("opening", path, code);
    }
    if (::syncfs(fd->get()) != 0) return system_error("sync of file system of", path, errno);
    return {};
  }

  Result<DiskSpace> space(const std::string& path) override {
    struct statvfs info{};
    if (::statvfs(path.c_str(), &info) != 0) return system_error("statvfs of", path, errno);
    const auto used = info.f_blocks - info.f_bfree;
    return DiskSpace{std::uint64_t{info.f_bavail} * info.f_frsize,
                     (std::uint64_t{info.f_bavail} + used) * info.f_frsize};
  }

  Result<std::unique_ptr<DirectoryLock>> lock(const std::string& path) override;
  std::string describe_weakness(const std::string& path) override;

 private:
  // One thread flushes; now and then another compacts or backs up.
  static constexpr std::size_t kIdleBufferBytesMax = 4u << 20;

  const BufferPool buffers_{kIdleBufferBytesMax};
  Mutex mutex_;
  std::map<std::string, std::unique_ptr<Descriptor>> file_systems_ MYELIN_GUARDED_BY(mutex_);
};

Result<std::unique_ptr<DirectoryLock>> PosixDisk::lock(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640);
  if (fd < 0) return system_error("opening lock file", path, errno);
  auto lock = std::make_unique<PosixLock>(fd);
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return system_error("locking", path, errno);
    char holder[32] = {};
    const auto got = ::pread(fd, holder, sizeof holder - 1, 0);
    const std::string_view pid(holder, got > 0 ? static_cast<std::size_t>(got) : 0);
    return Error(ErrorCode::Conflict,
                 fmt::format("in use by a running server (process {})",
                             pid.empty() ? "unknown" : pid.substr(0, pid.find('\n'))));
  }
  const auto pid = std::to_string(::getpid()) + "\n";
  if (::ftruncate(fd, 0) != 0) return system_error("writing lock file", path, errno);
  const auto put = ::pwrite(fd, pid.data(), pid.size(), 0);
  if (put != static_cast<ssize_t>(pid.size()))
    return system_error("writing lock file", path, put < 0 ? errno : ENOSPC);
  return std::unique_ptr<DirectoryLock>(std::move(lock));
}

std::string PosixDisk::describe_weakness(const std::string& path) {
  struct statfs info{};
  if (::statfs(path.c_str(), &info) != 0) return {};
  switch (static_cast<std::uint64_t>(info.f_type)) {
    case TMPFS_MAGIC: return "it is a tmpfs: its content is gone after a restart of the machine";
    case NFS_SUPER_MAGIC:
      return "it is a network file system (NFS): syncs are as good as its server's";
    case OVERLAYFS_SUPER_MAGIC:
      return "it is an overlay file system, as inside a container: mount a volume for the data";
    default: return {};
  }
}

}  // namespace

std::unique_ptr<Disk> make_posix_disk() { return std::make_unique<PosixDisk>(); }

Status File::write_pieces_at(std::uint64_t position, std::span<const std::string_view> pieces) {
  std::string all;
  for (const auto& piece : pieces) all.append(piece);
  return all.empty() ? Status() : write_at(position, all);
}

Result<std::string> read_file(Disk& disk, const std::string& path, std::uint64_t bytes_max) {
  MYELIN_TRY(file, disk.open(path, Writes::None, Create::No));
  MYELIN_TRY(size, file->size_bytes());
  if (size > bytes_max) return Error(ErrorCode::Corrupt, fmt::format("{} is too long", path));
  std::string content(size, '\0');
  MYELIN_TRY(got, file->read_at(0, content.data(), content.size()));
  content.resize(got);
  return content;
}

Status replace_file(Disk& disk, const std::string& directory, const std::string& name,
                    std::string_view content) {
  const auto path = directory + "/" + name;
  const auto temporary = path + ".tmp";
  MYELIN_TRY(file, disk.open(temporary, Writes::Buffered, Create::Empty));
  MYELIN_TRY_VOID(file->write_at(0, content));
  MYELIN_TRY_VOID(file->sync());
  file.reset();
  MYELIN_TRY_VOID(disk.rename(temporary, path));
  return disk.sync_directory(directory);
}

}  // namespace myelin::log
