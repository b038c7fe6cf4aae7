// Decides which calls fail, and hooks the question how much is free. The plan lies in the log's
// header, where whoever runs the process may change it at any time.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/statvfs.h>

#include <atomic>
#include <cstring>

#include "shim.h"

#define HOOK(name) asm(name) __attribute__((visibility("default"), used))

namespace myelin::crash {
namespace {

// A '*' stands for any bytes but a slash, a lone dot for the directory itself, whose path is empty.
bool matches(const char* pattern, const char* path) {
  if (*path == 0) return strcmp(pattern, ".") == 0;
  const char* star = nullptr;
  const char* retry = nullptr;
  while (*path != 0) {
    if (*pattern == '*') {
      star = pattern++;
      retry = path;
    } else if (*pattern == *path) {
      ++pattern;
      ++path;
    } else if (star != nullptr && *retry != '/') {
      pattern = star + 1;
      path = ++retry;
    } else {
      return false;
    }
  }
  while (*pattern == '*') ++pattern;
  return *pattern == 0;
}

bool is_armed(Fault& fault, std::uint32_t kinds) {
  return (std::atomic_ref(fault.kinds).load(std::memory_order_acquire) & kinds) != 0;
}

int space(int result, const Injected& fault, struct statvfs* info) {
  if (result == 0 && fault.error != 0) info->f_bfree = info->f_bavail = 0;
  return result;
}

template <class Function>
Function* next(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

int space_of(const char* path, struct statvfs* info) {
  const Place place = recording() ? find_place(AT_FDCWD, path) : Place{};
  return space(next<int(const char*, struct statvfs*)>("statvfs")(path, info),
               place.below ? injected_fault(kFaultSpace, place.relative) : Injected{}, info);
}

int space_of(int fd, struct statvfs* info) {
  const bool below = recording() && find_place_of(fd).below;
  return space(next<int(int, struct statvfs*)>("fstatvfs")(fd, info),
               below ? injected_fault(kFaultSpace, fd) : Injected{}, info);
}

}  // namespace

Injected injected_fault(std::uint32_t kinds, const char* path) {
  Fault* plan = fault_plan();
  if (plan == nullptr) return {};
  Injected found;
  for (std::uint32_t i = 0; i < kFaultsMax; ++i) {
    Fault& fault = plan[i];
    if (!is_armed(fault, kinds)) continue;
    if (fault.pattern[0] != 0 && !matches(fault.pattern, path)) continue;
    const std::uint64_t number = std::atomic_ref(fault.seen).fetch_add(1) + 1;
    if (number < fault.first || number - fault.first >= fault.count) continue;
    std::atomic_ref(fault.hits).fetch_add(1);
    if (found.error != 0) continue;
    // After a short write comes the error, with nothing done.
    const bool shorts = fault.shorts != 0;
    found = {fault.error, shorts && number > fault.first ? 0 : fault.share, shorts};
  }
  return found;
}

Injected injected_fault(std::uint32_t kinds, int fd) {
  Fault* plan = fault_plan();
  if (plan == nullptr) return {};
  bool armed = false;
  for (std::uint32_t i = 0; i < kFaultsMax; ++i) armed = armed || is_armed(plan[i], kinds);
  return armed ? injected_fault(kinds, find_place_of(fd).relative) : Injected{};
}

extern "C" {

// The two structures are one on this architecture.
#define HOOK_STATVFS(function, name, type)                  \
  int function(type file, struct statvfs* info) HOOK(name); \
  int function(type file, struct statvfs* info) { return space_of(file, info); }
HOOK_STATVFS(hook_statvfs, "statvfs", const char*)
HOOK_STATVFS(hook_statvfs64, "statvfs64", const char*)
HOOK_STATVFS(hook_fstatvfs, "fstatvfs", int)
HOOK_STATVFS(hook_fstatvfs64, "fstatvfs64", int)

}  // extern "C"

}  // namespace myelin::crash
