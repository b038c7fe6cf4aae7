// Hooks for what opens, closes, makes, moves and removes names. Each stands for one libc function,
// with all its names.
//
// The functions have names of their own and take libc's by their assembler label, so that the
// headers that declare libc's do not get in the way.
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdarg>
#include <cstdlib>
#include <cstring>

#include "shim.h"

#define HOOK(name) asm(name) __attribute__((visibility("default"), used))

namespace myelin::crash {
namespace {

constexpr int kSyncFlags = O_SYNC | O_DSYNC;

// The bits of a new file or directory; the umask is taken off as the kernel does.
std::int64_t mode_after_umask(mode_t mode) {
  const long mask = raw(SYS_umask, 0);
  raw(SYS_umask, mask);
  return mode & ~static_cast<mode_t>(mask) & 07777;
}

Descriptor describe(int fd, int flags) {
  struct stat info{};
  raw(SYS_fstat, fd, as_long(&info));
  return {next_handle(), static_cast<std::uint32_t>(flags),
          static_cast<std::uint32_t>(info.st_ino)};
}

bool creates(int flags) { return (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE; }

bool exists(int directory_fd, const char* path) {
  return raw(SYS_faccessat, directory_fd, as_long(path), F_OK) == 0;
}

long open_at(int directory_fd, const char* path, int flags, mode_t mode) {
  if (!recording()) return finish(raw(SYS_openat, directory_fd, as_long(path), flags, mode));
  const Place place = find_place(directory_fd, path);
  if (!place.below) {
    const long fd = raw(SYS_openat, directory_fd, as_long(path), flags, mode);
    if (fd < 0) return finish(fd);
    set_descriptor(static_cast<int>(fd), {});
    // A link from outside, /proc/self/fd/N among them, may lead in; reading through it harms
    // nothing.
    if ((flags & O_ACCMODE) != O_RDONLY && find_place_of(static_cast<int>(fd)).below) {
      refuse("opening through a link for writing", path);
    }
    return fd;
  }
  if ((flags & O_TMPFILE) == O_TMPFILE) refuse("O_TMPFILE", path);
  if (syncs_ignored()) flags &= ~kSyncFlags;
  Operation operation;
  operation.kind = Kind::Open;
  operation.path = place.relative;
  operation.a = mode_after_umask(mode);
  if ((flags & O_CREAT) != 0) operation.flags |= kCreate;
  if ((flags & O_TRUNC) != 0) operation.flags |= kTruncate;
  if ((flags & O_EXCL) != 0) operation.flags |= kExclusive;
  const NameLock lock;
  const Injected fault = creates(flags) && !exists(directory_fd, path)
                             ? injected_fault(kFaultCreate, place.relative)
                             : Injected{};
  const std::uint64_t op = begin(operation);
  const long fd =
      fault.error != 0 ? -fault.error : raw(SYS_openat, directory_fd, as_long(path), flags, mode);
  Descriptor made;
  if (fd >= 0) {
    made = describe(static_cast<int>(fd), flags);
    set_descriptor(static_cast<int>(fd), made);
    if (strcmp(find_place_of(static_cast<int>(fd)).relative, place.relative) != 0)
      refuse("a symbolic link", path);
  }
  end(op, fd, made.handle);
  return finish(fd);
}

const char* path_at(long address) { return reinterpret_cast<const char*>(address); }

std::uint32_t fault_kind(Kind kind) {
  if (kind == Kind::Rename) return kFaultRename;
  return kind == Kind::Mkdir ? kFaultMkdir : kFaultUnlink;
}

// Runs a system call that changes names, recorded when one of its places is below the directory.
long change_name(Operation operation, const Place& place, long number, long a, long b = 0,
                 long c = 0, long d = 0, long e = 0) {
  if (!recording() || !place.below) return finish(raw(number, a, b, c, d, e));
  operation.path = place.relative;
  const NameLock lock;
  // What is there already needs no room.
  const bool made = operation.kind == Kind::Mkdir && exists(static_cast<int>(a), path_at(b));
  const Injected fault =
      made ? Injected{} : injected_fault(fault_kind(operation.kind), place.relative);
  const std::uint64_t op = begin(operation);
  const long result = fault.error != 0 ? -fault.error : raw(number, a, b, c, d, e);
  end(op, result);
  return finish(result);
}

Place place_if_recording(int directory_fd, const char* path) {
  return recording() ? find_place(directory_fd, path) : Place{};
}

long rename_at(int from_fd, const char* from, int to_fd, const char* to, unsigned flags) {
  const Place source = place_if_recording(from_fd, from);
  const Place target = place_if_recording(to_fd, to);
  if (source.below != target.below) refuse("a rename into or out of the directory", from);
  if (source.below && (flags & ~static_cast<unsigned>(RENAME_NOREPLACE)) != 0)
    refuse("RENAME_EXCHANGE", from);
  Operation operation;
  operation.kind = Kind::Rename;
  operation.data = target.relative;
  operation.data_bytes = strlen(target.relative);
  return change_name(operation, source, SYS_renameat2, from_fd, as_long(from), to_fd, as_long(to),
                     flags);
}

long unlink_at(int directory_fd, const char* path, int flags) {
  Operation operation;
  operation.kind = (flags & AT_REMOVEDIR) != 0 ? Kind::Rmdir : Kind::Unlink;
  const Place place = place_if_recording(directory_fd, path);
  return change_name(operation, place, SYS_unlinkat, directory_fd, as_long(path), flags);
}

long make_directory_at(int directory_fd, const char* path, mode_t mode) {
  Operation operation;
  operation.kind = Kind::Mkdir;
  operation.a = mode_after_umask(mode);
  const Place place = place_if_recording(directory_fd, path);
  return change_name(operation, place, SYS_mkdirat, directory_fd, as_long(path), mode);
}

template <class Function>
Function* next(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

bool writes(const char* mode) { return strpbrk(mode, "wa+") != nullptr; }

FILE* open_stream(const char* symbol, const char* path, const char* mode) {
  if (recording() && writes(mode) && find_place(AT_FDCWD, path).below) {
    refuse("writing through a FILE, whose system calls libc makes for itself", path);
  }
  return next<FILE*(const char*, const char*)>(symbol)(path, mode);
}

int make_temporary(const char* symbol, char* pattern) {
  if (recording() && find_place(AT_FDCWD, pattern).below) refuse("mkstemp and its family", pattern);
  return next<int(char*)>(symbol)(pattern);
}

int copy_descriptor(int fd, long result) {
  if (result >= 0) set_descriptor(static_cast<int>(result), find_descriptor(fd));
  return static_cast<int>(finish(result));
}

mode_t mode_argument(int flags, va_list arguments) {
  return creates(flags) ? va_arg(arguments, mode_t) : 0;
}

int control(int fd, int command, long argument) {
  const long result = raw(SYS_fcntl, fd, command, argument);
  if (command == F_DUPFD || command == F_DUPFD_CLOEXEC) return copy_descriptor(fd, result);
  if (command == F_SETFL && result >= 0) {
    constexpr std::uint32_t kSettable = O_APPEND | O_DIRECT | O_NONBLOCK | O_NOATIME;
    Descriptor known = find_descriptor(fd);
    known.flags = (known.flags & ~kSettable) | (static_cast<std::uint32_t>(argument) & kSettable);
    if (known.handle != 0) set_descriptor(fd, known);
  }
  return static_cast<int>(finish(result));
}

}  // namespace

extern "C" {

#define HOOK_OPEN(function, name)                                  \
  int function(const char* path, int flags, ...) HOOK(name);       \
  int function(const char* path, int flags, ...) {                 \
    va_list arguments;                                             \
    va_start(arguments, flags);                                    \
    const mode_t mode = mode_argument(flags, arguments);           \
    va_end(arguments);                                             \
    return static_cast<int>(open_at(AT_FDCWD, path, flags, mode)); \
  }
HOOK_OPEN(hook_open, "open")
HOOK_OPEN(hook_open64, "open64")
HOOK_OPEN(hook_open_2, "__open_2")
HOOK_OPEN(hook_open64_2, "__open64_2")
HOOK_OPEN(hook_internal_open, "__open")
HOOK_OPEN(hook_internal_open64, "__open64")

#define HOOK_OPENAT(function, name)                                  \
  int function(int fd, const char* path, int flags, ...) HOOK(name); \
  int function(int fd, const char* path, int flags, ...) {           \
    va_list arguments;                                               \
    va_start(arguments, flags);                                      \
    const mode_t mode = mode_argument(flags, arguments);             \
    va_end(arguments);                                               \
    return static_cast<int>(open_at(fd, path, flags, mode));         \
  }
HOOK_OPENAT(hook_openat, "openat")
HOOK_OPENAT(hook_openat64, "openat64")
HOOK_OPENAT(hook_openat_2, "__openat_2")
HOOK_OPENAT(hook_openat64_2, "__openat64_2")

#define HOOK_CREAT(function, name)                                                        \
  int function(const char* path, mode_t mode) HOOK(name);                                 \
  int function(const char* path, mode_t mode) {                                           \
    return static_cast<int>(open_at(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode)); \
  }
HOOK_CREAT(hook_creat, "creat")
HOOK_CREAT(hook_creat64, "creat64")

int hook_close(int fd) HOOK("close");
int hook_close(int fd) {
  set_descriptor(fd, {});
  return static_cast<int>(finish(raw(SYS_close, fd)));
}

int hook_close_range(unsigned first, unsigned last, int flags) HOOK("close_range");
int hook_close_range(unsigned first, unsigned last, int flags) {
  for (unsigned fd = first; flags == 0 && fd <= last && fd < kDescriptorsMax; ++fd)
    set_descriptor(static_cast<int>(fd), {});
  return static_cast<int>(finish(raw(SYS_close_range, first, last, flags)));
}

int hook_fclose(FILE* stream) HOOK("fclose");
int hook_fclose(FILE* stream) {
  set_descriptor(fileno(stream), {});
  return next<int(FILE*)>("fclose")(stream);
}

int hook_closedir(DIR* directory) HOOK("closedir");
int hook_closedir(DIR* directory) {
  set_descriptor(dirfd(directory), {});
  return next<int(DIR*)>("closedir")(directory);
}

int hook_dup(int fd) HOOK("dup");
int hook_dup(int fd) { return copy_descriptor(fd, raw(SYS_dup, fd)); }

int hook_dup2(int fd, int to) HOOK("dup2");
int hook_dup2(int fd, int to) { return copy_descriptor(fd, raw(SYS_dup2, fd, to)); }

int hook_dup3(int fd, int to, int flags) HOOK("dup3");
int hook_dup3(int fd, int to, int flags) {
  return copy_descriptor(fd, raw(SYS_dup3, fd, to, flags));
}

// The argument is read as a long whatever its type is: on this architecture that is the register it
// came in.
int hook_fcntl(int fd, int command, long argument) HOOK("fcntl");
int hook_fcntl(int fd, int command, long argument) { return control(fd, command, argument); }

int hook_fcntl64(int fd, int command, long argument) HOOK("fcntl64");
int hook_fcntl64(int fd, int command, long argument) { return control(fd, command, argument); }

int hook_rename(const char* from, const char* to) HOOK("rename");
int hook_rename(const char* from, const char* to) {
  return static_cast<int>(rename_at(AT_FDCWD, from, AT_FDCWD, to, 0));
}

int hook_renameat(int from_fd, const char* from, int to_fd, const char* to) HOOK("renameat");
int hook_renameat(int from_fd, const char* from, int to_fd, const char* to) {
  return static_cast<int>(rename_at(from_fd, from, to_fd, to, 0));
}

int hook_renameat2(int from_fd, const char* from, int to_fd, const char* to, unsigned flags)
    HOOK("renameat2");
int hook_renameat2(int from_fd, const char* from, int to_fd, const char* to, unsigned flags) {
  return static_cast<int>(rename_at(from_fd, from, to_fd, to, flags));
}

int hook_unlink(const char* path) HOOK("unlink");
int hook_unlink(const char* path) { return static_cast<int>(unlink_at(AT_FDCWD, path, 0)); }

int hook_unlinkat(int fd, const char* path, int flags) HOOK("unlinkat");
int hook_unlinkat(int fd, const char* path, int flags) {
  return static_cast<int>(unlink_at(fd, path, flags));
}

int hook_rmdir(const char* path) HOOK("rmdir");
int hook_rmdir(const char* path) {
  return static_cast<int>(unlink_at(AT_FDCWD, path, AT_REMOVEDIR));
}

int hook_remove(const char* path) HOOK("remove");
int hook_remove(const char* path) {
  const long removed = unlink_at(AT_FDCWD, path, 0);
  if (removed == 0 || (errno != EISDIR && errno != EPERM)) return static_cast<int>(removed);
  return static_cast<int>(unlink_at(AT_FDCWD, path, AT_REMOVEDIR));
}

int hook_mkdir(const char* path, mode_t mode) HOOK("mkdir");
int hook_mkdir(const char* path, mode_t mode) {
  return static_cast<int>(make_directory_at(AT_FDCWD, path, mode));
}

int hook_mkdirat(int fd, const char* path, mode_t mode) HOOK("mkdirat");
int hook_mkdirat(int fd, const char* path, mode_t mode) {
  return static_cast<int>(make_directory_at(fd, path, mode));
}

FILE* hook_fopen(const char* path, const char* mode) HOOK("fopen");
FILE* hook_fopen(const char* path, const char* mode) { return open_stream("fopen", path, mode); }

FILE* hook_fopen64(const char* path, const char* mode) HOOK("fopen64");
FILE* hook_fopen64(const char* path, const char* mode) {
  return open_stream("fopen64", path, mode);
}

FILE* hook_fdopen(int fd, const char* mode) HOOK("fdopen");
FILE* hook_fdopen(int fd, const char* mode) {
  if (recording() && writes(mode) && find_descriptor(fd).handle != 0) refuse("fdopen for writing");
  return next<FILE*(int, const char*)>("fdopen")(fd, mode);
}

#define HOOK_MKSTEMP(function, name)      \
  int function(char* pattern) HOOK(name); \
  int function(char* pattern) { return make_temporary(name, pattern); }
HOOK_MKSTEMP(hook_mkstemp, "mkstemp")
HOOK_MKSTEMP(hook_mkstemp64, "mkstemp64")

}  // extern "C"

}  // namespace myelin::crash
