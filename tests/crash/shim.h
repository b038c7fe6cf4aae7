// What the parts of the preloaded shim share: the log that they write, the descriptors that they
// follow, raw system calls.
//
// The shim sits between a program and the kernel (LD_PRELOAD) and records what is written below
// MYELIN_CRASH_DIR into the file MYELIN_CRASH_LOG, which lies elsewhere. It uses no C++ runtime and
// makes its own system calls itself, so that it neither needs nor meets its own hooks. All of it
// may be called from any thread.
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>

#include "oplog.h"

#if !defined(__x86_64__)
#error "the crash shim knows the system calls of x86-64 only"
#endif

namespace myelin::crash {

constexpr std::size_t kPathBytesMax = 4096;
constexpr int kDescriptorsMax = 65536;

// A system call without libc: the result, or a negative errno.
inline long raw(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0,
                long f = 0) {
  long result = 0;
  register long r10 asm("r10") = d;
  register long r8 asm("r8") = e;
  register long r9 asm("r9") = f;
  asm volatile("syscall"
               : "=a"(result)
               : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
               : "rcx", "r11", "memory");
  return result;
}

inline long as_long(const void* pointer) { return reinterpret_cast<long>(pointer); }

// The libc convention: -1 and errno for a failure.
inline long finish(long result) {
  if (result >= 0) return result;
  errno = static_cast<int>(-result);
  return -1;
}

// Whether the shim records. Without MYELIN_CRASH_DIR and MYELIN_CRASH_LOG every hook only passes
// on.
bool recording();

// Whether syncs are turned into nothing (MYELIN_CRASH_NOSYNC=1).
bool syncs_ignored();

// The plan of faults; nullptr when the shim does not record.
Fault* fault_plan();

// Ends the process with SIGSYS after saying on standard error and in the log's header what is not
// modelled.
[[noreturn]] void refuse(const char* what, const char* detail = "");

// An operation to be recorded. A new one describes nothing; begin() writes it, end() its outcome.
struct Operation {
  Kind kind = Kind::End;
  std::uint16_t flags = 0;
  std::int64_t a = 0;
  std::int64_t b = 0;
  std::int64_t c = 0;
  std::int64_t d = 0;
  const char* path = "";
  const char* data = nullptr;
  std::size_t data_bytes = 0;
};

struct Slice {
  const void* data;
  std::size_t bytes;
};

// Both may kill the process instead of returning, when MYELIN_CRASH_AT says that this is the record
// to die at. begin() gives the number for end(). The second form stores the slices one after the
// other as the data.
std::uint64_t begin(const Operation& operation);
std::uint64_t begin(Operation operation, const Slice* slices, std::size_t count);
void end(std::uint64_t op, std::int64_t result, std::int64_t detail = 0);

// An open descriptor below the directory. Copied out of a table, so that no lock is held while it
// is used.
struct Descriptor {
  std::uint32_t handle = 0;  // 0: not below the directory.
  std::uint32_t flags = 0;   // As given to open, with F_SETFL applied.
  std::uint32_t stripe = 0;  // Which file lock orders its writes.
};

Descriptor find_descriptor(int fd);
void set_descriptor(int fd, const Descriptor& descriptor);
std::uint32_t next_handle();

// Where a name leads, with its directory resolved by the kernel. below is false when that is not
// under the directory, or when there is no such place; relative is what the log calls it.
struct Place {
  bool below = false;
  char relative[kPathBytesMax] = {};
};
Place find_place(int directory_fd, const char* path);

// Where an open descriptor leads.
Place find_place_of(int fd);

// What the plan in the log's header says about a call that is about to be made. It counts the call.
struct Injected {
  int error = 0;  // 0: it is made.
  std::uint32_t share = 0;
  bool shorts = false;
};
Injected injected_fault(std::uint32_t kinds, const char* path);
// The path of a descriptor is looked up only when there is a fault of these kinds.
Injected injected_fault(std::uint32_t kinds, int fd);

// Orders changes of names: held from before an operation's first record until after its second.
class NameLock {
 public:
  NameLock();
  ~NameLock();
  NameLock(const NameLock&) = delete;
  NameLock& operator=(const NameLock&) = delete;
};

// Orders writes to one file. Writes at an offset share it; what depends on the position or changes
// the size holds it alone.
class FileLock {
 public:
  enum class Hold : std::uint8_t { Shared, Alone };
  FileLock(std::uint32_t stripe, Hold hold);
  ~FileLock();
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

 private:
  const std::uint32_t stripe_;
};

// Installs the system call filter. Everything after it that writes in a way without a model ends
// the process.
void install_filter();

}  // namespace myelin::crash
