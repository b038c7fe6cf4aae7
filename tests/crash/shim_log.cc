#include <fcntl.h>
#include <linux/limits.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <atomic>
#include <cstdlib>
#include <cstring>

#include "shim.h"

namespace myelin::crash {
namespace {

constexpr std::uint32_t kStripes = 64;

struct Slot {
  std::atomic<std::uint32_t> handle;
  std::atomic<std::uint32_t> flags;
  std::atomic<std::uint32_t> stripe;
};

Slot slots[kDescriptorsMax];
char root[kPathBytesMax];
std::size_t root_length = 0;
char* log_bytes = nullptr;
bool ignore_syncs = false;
std::atomic<std::uint64_t> last_op{0};
std::atomic<std::uint32_t> last_handle{0};
pthread_mutex_t log_mutex = PTHREAD_MUTEX_INITIALIZER;
pthread_mutex_t name_mutex = PTHREAD_MUTEX_INITIALIZER;
pthread_rwlock_t file_locks[kStripes];

Header& header() { return *reinterpret_cast<Header*>(log_bytes); }

void say(const char* text) { raw(SYS_write, 2, as_long(text), static_cast<long>(strlen(text))); }

// Space for a record. Its size is there before the tail moves past it, so that a reader can always
// step over it.
Record* reserve(std::size_t payload_bytes) {
  const std::uint64_t bytes = (sizeof(Record) + payload_bytes + 7) & ~std::uint64_t{7};
  pthread_mutex_lock(&log_mutex);
  const std::uint64_t at = header().tail;
  if (at + bytes > header().capacity_bytes || bytes > UINT32_MAX) {
    pthread_mutex_unlock(&log_mutex);
    refuse("a run longer than the operation log has room for");
  }
  const std::atomic_ref countdown(header().countdown);
  const std::uint64_t left = countdown.load(std::memory_order_relaxed);
  if (left == 1) raw(SYS_kill, raw(SYS_getpid), SIGKILL);
  if (left > 1) countdown.store(left - 1, std::memory_order_relaxed);
  auto* record = reinterpret_cast<Record*>(log_bytes + at);
  record->bytes = static_cast<std::uint32_t>(bytes);
  std::atomic_ref(header().tail).store(at + bytes, std::memory_order_release);
  pthread_mutex_unlock(&log_mutex);
  record->thread = static_cast<std::uint32_t>(raw(SYS_gettid));
  return record;
}

void publish(Record* record) { std::atomic_ref(record->ready).store(1, std::memory_order_release); }

bool all_zero(const Slice* slices, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    const auto* bytes = static_cast<const char*>(slices[i].data);
    if (slices[i].bytes == 0) continue;
    if (bytes[0] != 0 || memcmp(bytes, bytes + 1, slices[i].bytes - 1) != 0) return false;
  }
  return true;
}

Place place_from(const char* absolute) {
  Place place;
  if (strncmp(absolute, root, root_length) != 0) return place;
  const char* rest = absolute + root_length;
  if (*rest == '/')
    ++rest;
  else if (*rest != 0)
    return place;
  place.below = true;
  strncpy(place.relative, rest, kPathBytesMax - 1);
  return place;
}

bool read_link_of(int fd, char* out, std::size_t room) {
  char link[64] = "/proc/self/fd/";
  char digits[16];
  std::size_t count = 0;
  unsigned rest = static_cast<unsigned>(fd);
  do {
    digits[count++] = static_cast<char>('0' + rest % 10);
    rest /= 10;
  } while (rest != 0);
  std::size_t at = strlen(link);
  while (count > 0) link[at++] = digits[--count];
  const long length =
      raw(SYS_readlinkat, AT_FDCWD, as_long(link), as_long(out), static_cast<long>(room - 1));
  if (length < 0) return false;
  out[length] = 0;
  return true;
}

void map_log(const char* path) {
  const long fd = raw(SYS_openat, AT_FDCWD, as_long(path), O_RDWR | O_CLOEXEC);
  struct stat info{};
  if (fd < 0 || raw(SYS_fstat, fd, as_long(&info)) < 0 ||
      info.st_size < 2 * static_cast<off_t>(kHeaderBytes)) {
    say("crash shim: cannot open the operation log\n");
    raw(SYS_exit_group, 97);
  }
  const long address = raw(SYS_mmap, 0, info.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  raw(SYS_close, fd);
  if (address < 0 && address > -4096) {
    say("crash shim: cannot map the operation log\n");
    raw(SYS_exit_group, 97);
  }
  log_bytes = reinterpret_cast<char*>(address);
  memcpy(header().magic, kMagic, sizeof(kMagic));
  header().capacity_bytes = static_cast<std::uint64_t>(info.st_size);
  header().tail = kHeaderBytes;
}

__attribute__((constructor)) void start() {
  const char* directory = getenv("MYELIN_CRASH_DIR");
  const char* log = getenv("MYELIN_CRASH_LOG");
  if (directory == nullptr || log == nullptr) return;
  const long fd = raw(SYS_openat, AT_FDCWD, as_long(directory), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0 || !read_link_of(static_cast<int>(fd), root, sizeof(root))) {
    say("crash shim: MYELIN_CRASH_DIR is not a directory\n");
    raw(SYS_exit_group, 97);
  }
  raw(SYS_close, fd);
  root_length = strlen(root);
  const char* nosync = getenv("MYELIN_CRASH_NOSYNC");
  ignore_syncs = nosync != nullptr && nosync[0] == '1';
  for (auto& lock : file_locks) pthread_rwlock_init(&lock, nullptr);
  map_log(log);
  install_filter();
  header().attached = 1;
}

}  // namespace

bool recording() { return log_bytes != nullptr; }

bool syncs_ignored() { return ignore_syncs; }

Fault* fault_plan() { return log_bytes == nullptr ? nullptr : header().faults; }

void refuse(const char* what, const char* detail) {
  char text[256] = {};
  strncat(text, what, sizeof(text) - 1);
  if (*detail != 0) strncat(text, ": ", sizeof(text) - strlen(text) - 1);
  strncat(text, detail, sizeof(text) - strlen(text) - 1);
  if (log_bytes != nullptr) {
    memcpy(header().reason, text, sizeof(text));
    header().refused = 1;
  }
  say("crash shim: not modelled: ");
  say(text);
  say("\n");
  signal(SIGSYS, SIG_DFL);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGSYS);
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
  raw(SYS_tgkill, raw(SYS_getpid), raw(SYS_gettid), SIGSYS);
  for (;;) raw(SYS_exit_group, 96);
}

std::uint64_t begin(const Operation& operation) {
  const Slice slice{operation.data, operation.data_bytes};
  return begin(operation, &slice, operation.data == nullptr ? 0 : 1);
}

std::uint64_t begin(Operation operation, const Slice* slices, std::size_t count) {
  std::size_t data_bytes = 0;
  for (std::size_t i = 0; i < count; ++i) data_bytes += slices[i].bytes;
  if (operation.kind == Kind::Write) {
    operation.c = static_cast<std::int64_t>(data_bytes);
    if (all_zero(slices, count)) operation.flags |= kZero;
  }
  if ((operation.flags & kZero) != 0) data_bytes = count = 0;
  const std::size_t path_bytes = strlen(operation.path);
  const std::uint64_t op = last_op.fetch_add(1) + 1;
  Record* record = reserve(path_bytes + data_bytes);
  record->kind = static_cast<std::uint16_t>(operation.kind);
  record->flags = operation.flags;
  record->op = op;
  record->a = operation.a;
  record->b = operation.b;
  record->c = operation.c;
  record->d = operation.d;
  record->path_bytes = static_cast<std::uint32_t>(path_bytes);
  record->data_bytes = static_cast<std::uint32_t>(data_bytes);
  char* out = reinterpret_cast<char*>(record + 1);
  memcpy(out, operation.path, path_bytes);
  out += path_bytes;
  for (std::size_t i = 0; i < count; ++i) {
    memcpy(out, slices[i].data, slices[i].bytes);
    out += slices[i].bytes;
  }
  publish(record);
  return op;
}

void end(std::uint64_t op, std::int64_t result, std::int64_t detail) {
  Record* record = reserve(0);
  record->kind = static_cast<std::uint16_t>(Kind::End);
  record->op = op;
  record->a = result;
  record->b = detail;
  publish(record);
}

Descriptor find_descriptor(int fd) {
  Descriptor found;
  if (fd < 0 || fd >= kDescriptorsMax) return found;
  found.handle = slots[fd].handle.load(std::memory_order_acquire);
  if (found.handle == 0) return found;
  found.flags = slots[fd].flags.load(std::memory_order_relaxed);
  found.stripe = slots[fd].stripe.load(std::memory_order_relaxed);
  return found;
}

void set_descriptor(int fd, const Descriptor& descriptor) {
  if (fd < 0) return;
  if (fd >= kDescriptorsMax) {
    if (descriptor.handle != 0) refuse("a descriptor above the shim's table");
    return;
  }
  slots[fd].flags.store(descriptor.flags, std::memory_order_relaxed);
  slots[fd].stripe.store(descriptor.stripe % kStripes, std::memory_order_relaxed);
  slots[fd].handle.store(descriptor.handle, std::memory_order_release);
}

std::uint32_t next_handle() { return last_handle.fetch_add(1) + 1; }

Place find_place(int directory_fd, const char* path) {
  char parent[kPathBytesMax];
  std::size_t length = strlen(path);
  if (length == 0 || length >= kPathBytesMax - 1) return {};
  memcpy(parent, path, length + 1);
  while (length > 1 && parent[length - 1] == '/') parent[--length] = 0;
  const char* slash = strrchr(parent, '/');
  char name[kPathBytesMax];
  strncpy(name, slash == nullptr ? parent : slash + 1, kPathBytesMax - 1);
  name[kPathBytesMax - 1] = 0;
  const bool dots = strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
  if (dots)
    name[0] = 0;
  else if (slash == nullptr)
    strcpy(parent, ".");
  else
    parent[slash - parent + (slash == parent ? 1 : 0)] = 0;
  const long fd = raw(SYS_openat, directory_fd, as_long(parent), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return {};
  char whole[2 * kPathBytesMax];
  const bool known = read_link_of(static_cast<int>(fd), whole, kPathBytesMax);
  raw(SYS_close, fd);
  if (!known) return {};
  if (name[0] != 0) {
    if (strcmp(whole, "/") != 0) strcat(whole, "/");
    strcat(whole, name);
  }
  return place_from(whole);
}

Place find_place_of(int fd) {
  char whole[kPathBytesMax];
  if (!read_link_of(fd, whole, sizeof(whole))) return {};
  return place_from(whole);
}

NameLock::NameLock() { pthread_mutex_lock(&name_mutex); }
NameLock::~NameLock() { pthread_mutex_unlock(&name_mutex); }

FileLock::FileLock(std::uint32_t stripe, Hold hold) : stripe_(stripe % kStripes) {
  if (hold == Hold::Alone)
    pthread_rwlock_wrlock(&file_locks[stripe_]);
  else
    pthread_rwlock_rdlock(&file_locks[stripe_]);
}
FileLock::~FileLock() { pthread_rwlock_unlock(&file_locks[stripe_]); }

}  // namespace myelin::crash
