// Hooks for what writes, sizes and syncs files. shim_names.cc says how hooks are written.
#include <aio.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstdlib>

#include "shim.h"

#define HOOK(name) asm(name) __attribute__((visibility("default"), used))

namespace myelin::crash {
namespace {

constexpr std::size_t kSlicesMax = 1024;
constexpr std::int64_t kAtPosition = -1;

// One write in any of its forms.
struct Writing {
  int fd;
  const iovec* parts;
  int count;
  std::int64_t offset;  // kAtPosition: where the descriptor stands.
  int flags = 0;        // RWF_*.
};

long write_now(const Writing& writing) {
  // pwritev2 splits its offset in two halves; on 64 bits the first is whole.
  if (writing.flags != 0) {
    return raw(SYS_pwritev2, writing.fd, as_long(writing.parts), writing.count, writing.offset, 0,
               writing.flags);
  }
  if (writing.offset == kAtPosition)
    return raw(SYS_writev, writing.fd, as_long(writing.parts), writing.count);
  return raw(SYS_pwritev, writing.fd, as_long(writing.parts), writing.count, writing.offset, 0);
}

bool appends(const Writing& writing, const Descriptor& file) {
  return (file.flags & O_APPEND) != 0 || (writing.flags & RWF_APPEND) != 0;
}

std::int64_t offset_of(const Writing& writing, const Descriptor& file) {
  if (!appends(writing, file)) {
    return writing.offset != kAtPosition ? writing.offset : raw(SYS_lseek, writing.fd, 0, SEEK_CUR);
  }
  struct stat info{};
  raw(SYS_fstat, writing.fd, as_long(&info));
  return info.st_size;
}

// As much of a failing write as the plan wants, and as a write to this descriptor may be long.
long write_share(const Writing& writing, const Descriptor& file, std::size_t bytes,
                 std::uint32_t share) {
  constexpr std::size_t kDirectBytes = 4096;
  std::size_t left = bytes * share / 1024;
  if ((file.flags & O_DIRECT) != 0) left -= left % kDirectBytes;
  if (left == 0) return 0;
  iovec parts[kSlicesMax];
  int count = 0;
  for (; count < writing.count && left > 0; ++count) {
    parts[count] = writing.parts[count];
    if (parts[count].iov_len > left) parts[count].iov_len = left;
    left -= parts[count].iov_len;
  }
  Writing some = writing;
  some.parts = parts;
  some.count = count;
  const long done = write_now(some);
  return done > 0 ? done : 0;
}

long record_write(Writing writing, const Descriptor& file) {
  if (writing.count < 0 || writing.count > static_cast<int>(kSlicesMax)) return -EINVAL;
  if (syncs_ignored()) writing.flags &= ~(RWF_SYNC | RWF_DSYNC);
  Slice slices[kSlicesMax];
  for (int i = 0; i < writing.count; ++i)
    slices[i] = {writing.parts[i].iov_base, writing.parts[i].iov_len};
  const bool placed = writing.offset != kAtPosition && !appends(writing, file);
  const FileLock lock(file.stripe, placed ? FileLock::Hold::Shared : FileLock::Hold::Alone);
  Operation operation;
  operation.kind = Kind::Write;
  const bool durable = (writing.flags & (RWF_SYNC | RWF_DSYNC)) != 0 || (file.flags & O_DSYNC) != 0;
  if (durable) operation.flags |= kDurable;
  operation.a = file.handle;
  operation.b = offset_of(writing, file);
  const Injected fault =
      injected_fault(durable ? kFaultWrite | kFaultSync : kFaultWrite, writing.fd);
  const std::uint64_t op = begin(operation, slices, static_cast<std::size_t>(writing.count));
  if (fault.error == 0) {
    const long result = write_now(writing);
    end(op, result);
    return result;
  }
  std::size_t bytes = 0;
  for (int i = 0; i < writing.count; ++i) bytes += slices[i].bytes;
  long done = write_share(writing, file, bytes, fault.share);
  const bool whole = fault.shorts && fault.share > 0 && done == 0;  // Too little to be cut short.
  if (whole) done = write_now(writing);
  const long result = fault.shorts && (done > 0 || whole) ? done : -fault.error;
  end(op, result, done);
  return result;
}

ssize_t write_parts(const Writing& writing) {
  const Descriptor file = find_descriptor(writing.fd);
  return finish(file.handle == 0 ? write_now(writing) : record_write(writing, file));
}

ssize_t write_plain(int fd, const void* data, std::size_t bytes) {
  const Descriptor file = find_descriptor(fd);
  if (file.handle == 0) return finish(raw(SYS_write, fd, as_long(data), static_cast<long>(bytes)));
  const iovec part{const_cast<void*>(data), bytes};
  return finish(record_write({fd, &part, 1, kAtPosition}, file));
}

ssize_t write_at(int fd, const void* data, std::size_t bytes, off_t offset) {
  const Descriptor file = find_descriptor(fd);
  if (file.handle == 0 || offset < 0) {
    return finish(raw(SYS_pwrite64, fd, as_long(data), static_cast<long>(bytes), offset));
  }
  const iovec part{const_cast<void*>(data), bytes};
  return finish(record_write({fd, &part, 1, offset}, file));
}

int set_size(int fd, off_t size) {
  const Descriptor file = find_descriptor(fd);
  if (file.handle == 0) return static_cast<int>(finish(raw(SYS_ftruncate, fd, size)));
  const FileLock lock(file.stripe, FileLock::Hold::Alone);
  Operation operation;
  operation.kind = Kind::Truncate;
  operation.a = file.handle;
  operation.b = size;
  const Injected fault = injected_fault(kFaultTruncate, fd);
  const std::uint64_t op = begin(operation);
  const long result = fault.error != 0 ? -fault.error : raw(SYS_ftruncate, fd, size);
  end(op, result);
  return static_cast<int>(finish(result));
}

int set_size_of_path(const char* path, off_t size) {
  if (!recording() || !find_place(AT_FDCWD, path).below)
    return static_cast<int>(finish(raw(SYS_truncate, as_long(path), size)));
  const int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  const int result = set_size(fd, size);
  const int error = errno;
  close(fd);
  errno = error;
  return result;
}

// The result, or a negative errno.
long allocate(int fd, int mode, off_t offset, off_t bytes) {
  const Descriptor file = find_descriptor(fd);
  if (file.handle == 0) return raw(SYS_fallocate, fd, mode, offset, bytes);
  constexpr int kModelled = FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE;
  if ((mode & ~kModelled) != 0) refuse("a mode of fallocate");
  const FileLock lock(file.stripe, FileLock::Hold::Alone);
  Operation operation;
  operation.kind = Kind::Fallocate;
  operation.a = file.handle;
  operation.b = offset;
  operation.c = bytes;
  operation.d = mode;
  const Injected fault = injected_fault(kFaultAllocate, fd);
  const std::uint64_t op = begin(operation);
  const long result = fault.error != 0 ? -fault.error : raw(SYS_fallocate, fd, mode, offset, bytes);
  end(op, result);
  return result;
}

// A directory that was opened by opendir is not known yet, though its sync counts.
Descriptor find_or_adopt(int fd) {
  const Descriptor file = find_descriptor(fd);
  if (file.handle != 0 || !recording()) return file;
  const NameLock lock;
  const Place place = find_place_of(fd);
  if (!place.below) return file;
  const Descriptor adopted{next_handle(), static_cast<std::uint32_t>(raw(SYS_fcntl, fd, F_GETFL)),
                           0};
  Operation operation;
  operation.kind = Kind::Open;
  operation.path = place.relative;
  end(begin(operation), fd, adopted.handle);
  return adopted;
}

int sync_file(int fd, long number) {
  const Descriptor file = find_or_adopt(fd);
  if (file.handle == 0) return static_cast<int>(finish(raw(number, fd)));
  if (syncs_ignored()) return 0;
  Operation operation;
  operation.kind = Kind::Sync;
  operation.a = file.handle;
  const Injected fault = injected_fault(kFaultSync, fd);
  const std::uint64_t op = begin(operation);
  const long result = fault.error != 0 ? -fault.error : raw(number, fd);
  end(op, result);
  return static_cast<int>(finish(result));
}

long sync_all(long number, long fd) {
  if (!recording()) return finish(raw(number, fd));
  if (syncs_ignored()) return 0;
  Operation operation;
  operation.kind = Kind::SyncAll;
  // sync() cannot fail; what it could not write it keeps to itself.
  const Injected fault =
      number == SYS_syncfs ? injected_fault(kFaultSync, static_cast<int>(fd)) : Injected{};
  const std::uint64_t op = begin(operation);
  const long result = fault.error != 0 ? -fault.error : raw(number, fd);
  end(op, result);
  return finish(result);
}

bool names_files(long number) {
  switch (number) {
    case SYS_open:
    case SYS_openat:
    case SYS_creat:
    case SYS_rename:
    case SYS_renameat:
    case SYS_renameat2:
    case SYS_unlink:
    case SYS_unlinkat:
    case SYS_rmdir:
    case SYS_mkdir:
    case SYS_mkdirat:
    case SYS_truncate:
    case SYS_sync:
    case SYS_dup:
    case SYS_dup2:
    case SYS_dup3:
    case SYS_close_range: return true;
    default: return false;
  }
}

bool changes_file(long number) {
  switch (number) {
    case SYS_write:
    case SYS_pwrite64:
    case SYS_writev:
    case SYS_pwritev:
    case SYS_pwritev2:
    case SYS_ftruncate:
    case SYS_fallocate:
    case SYS_fsync:
    case SYS_fdatasync:
    case SYS_syncfs:
    case SYS_close: return true;
    default: return false;
  }
}

}  // namespace

extern "C" {

ssize_t hook_write(int fd, const void* data, std::size_t bytes) HOOK("write");
ssize_t hook_write(int fd, const void* data, std::size_t bytes) {
  return write_plain(fd, data, bytes);
}

ssize_t hook_internal_write(int fd, const void* data, std::size_t bytes) HOOK("__write");
ssize_t hook_internal_write(int fd, const void* data, std::size_t bytes) {
  return write_plain(fd, data, bytes);
}

#define HOOK_PWRITE(function, name)                                                       \
  ssize_t function(int fd, const void* data, std::size_t bytes, off_t offset) HOOK(name); \
  ssize_t function(int fd, const void* data, std::size_t bytes, off_t offset) {           \
    return write_at(fd, data, bytes, offset);                                             \
  }
HOOK_PWRITE(hook_pwrite, "pwrite")
HOOK_PWRITE(hook_pwrite64, "pwrite64")
HOOK_PWRITE(hook_internal_pwrite64, "__pwrite64")

ssize_t hook_writev(int fd, const iovec* parts, int count) HOOK("writev");
ssize_t hook_writev(int fd, const iovec* parts, int count) {
  return write_parts({fd, parts, count, kAtPosition});
}

#define HOOK_PWRITEV(function, name)                                                \
  ssize_t function(int fd, const iovec* parts, int count, off_t offset) HOOK(name); \
  ssize_t function(int fd, const iovec* parts, int count, off_t offset) {           \
    if (offset < 0) return finish(-EINVAL);                                         \
    return write_parts({fd, parts, count, offset});                                 \
  }
HOOK_PWRITEV(hook_pwritev, "pwritev")
HOOK_PWRITEV(hook_pwritev64, "pwritev64")

#define HOOK_PWRITEV2(function, name)                                                          \
  ssize_t function(int fd, const iovec* parts, int count, off_t offset, int flags) HOOK(name); \
  ssize_t function(int fd, const iovec* parts, int count, off_t offset, int flags) {           \
    return write_parts({fd, parts, count, offset, flags});                                     \
  }
HOOK_PWRITEV2(hook_pwritev2, "pwritev2")
HOOK_PWRITEV2(hook_pwritev64v2, "pwritev64v2")

#define HOOK_FTRUNCATE(function, name)         \
  int function(int fd, off_t size) HOOK(name); \
  int function(int fd, off_t size) { return set_size(fd, size); }
HOOK_FTRUNCATE(hook_ftruncate, "ftruncate")
HOOK_FTRUNCATE(hook_ftruncate64, "ftruncate64")

#define HOOK_TRUNCATE(function, name)                    \
  int function(const char* path, off_t size) HOOK(name); \
  int function(const char* path, off_t size) { return set_size_of_path(path, size); }
HOOK_TRUNCATE(hook_truncate, "truncate")
HOOK_TRUNCATE(hook_truncate64, "truncate64")

#define HOOK_FALLOCATE(function, name)                                  \
  int function(int fd, int mode, off_t offset, off_t bytes) HOOK(name); \
  int function(int fd, int mode, off_t offset, off_t bytes) {           \
    return static_cast<int>(finish(allocate(fd, mode, offset, bytes))); \
  }
HOOK_FALLOCATE(hook_fallocate, "fallocate")
HOOK_FALLOCATE(hook_fallocate64, "fallocate64")

#define HOOK_POSIX_FALLOCATE(function, name)                  \
  int function(int fd, off_t offset, off_t bytes) HOOK(name); \
  int function(int fd, off_t offset, off_t bytes) {           \
    return static_cast<int>(-allocate(fd, 0, offset, bytes)); \
  }
HOOK_POSIX_FALLOCATE(hook_posix_fallocate, "posix_fallocate")
HOOK_POSIX_FALLOCATE(hook_posix_fallocate64, "posix_fallocate64")

int hook_fsync(int fd) HOOK("fsync");
int hook_fsync(int fd) { return sync_file(fd, SYS_fsync); }

int hook_fdatasync(int fd) HOOK("fdatasync");
int hook_fdatasync(int fd) { return sync_file(fd, SYS_fdatasync); }

int hook_syncfs(int fd) HOOK("syncfs");
int hook_syncfs(int fd) { return static_cast<int>(sync_all(SYS_syncfs, fd)); }

void hook_sync() HOOK("sync");
void hook_sync() { sync_all(SYS_sync, 0); }

// A map that only reads now could be made writable later.
void* hook_mmap(void* at, std::size_t bytes, int protection, int flags, int fd, off_t offset)
    HOOK("mmap");
void* hook_mmap(void* at, std::size_t bytes, int protection, int flags, int fd, off_t offset) {
  const Descriptor file = (flags & MAP_ANONYMOUS) != 0 ? Descriptor{} : find_descriptor(fd);
  if (file.handle != 0 && (flags & MAP_SHARED) != 0 && (file.flags & O_ACCMODE) != O_RDONLY) {
    refuse("a shared map of a file that is open for writing");
  }
  const long result =
      raw(SYS_mmap, as_long(at), static_cast<long>(bytes), protection, flags, fd, offset);
  return reinterpret_cast<void*>(finish(result));
}

void* hook_mmap64(void* at, std::size_t bytes, int protection, int flags, int fd, off_t offset)
    HOOK("mmap64");
void* hook_mmap64(void* at, std::size_t bytes, int protection, int flags, int fd, off_t offset) {
  return hook_mmap(at, bytes, protection, flags, fd, offset);
}

int hook_aio_write(aiocb*) HOOK("aio_write");
int hook_aio_write(aiocb*) { refuse("aio_write"); }

int hook_aio_write64(aiocb64*) HOOK("aio_write64");
int hook_aio_write64(aiocb64*) { refuse("aio_write64"); }

long hook_syscall(long number, long a, long b, long c, long d, long e, long f) HOOK("syscall");
long hook_syscall(long number, long a, long b, long c, long d, long e, long f) {
  if (recording() && names_files(number)) refuse("syscall() that names files");
  if (recording() && changes_file(number) && find_descriptor(static_cast<int>(a)).handle != 0) {
    refuse("syscall() that changes a file");
  }
  return finish(raw(number, a, b, c, d, e, f));
}

}  // extern "C"

}  // namespace myelin::crash
