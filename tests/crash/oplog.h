// The record of everything that a process under test writes below one directory.
//
// A file of fixed size, mapped shared by the process: what was stored there outlives a kill -9. It
// holds a header of kHeaderBytes and then records, each a multiple of 8 bytes. Every operation has
// two: one before its system call, which says everything about it, and one after, which says how it
// ended. Their order in the file is the order in time that the process itself could know: an
// operation whose end stands before another's begin had returned before the other began. A record
// that is not ready was being written at the kill and counts as absent.
//
// oplog.py reads this; the two agree by hand.
#pragma once

#include <cstdint>

namespace myelin::crash {

constexpr char kMagic[8] = {'M', 'Y', 'C', 'R', 'A', 'S', 'H', '1'};
constexpr std::uint64_t kHeaderBytes = 4096;

// What a Fault may hit. A write to a file whose writes are synced counts as both.
enum FaultKind : std::uint32_t {
  kFaultWrite = 1,
  kFaultSync = 2,      // fsync, fdatasync, syncfs, sync.
  kFaultAllocate = 4,  // fallocate.
  kFaultRename = 8,
  kFaultTruncate = 16,
  kFaultUnlink = 32,  // Of directories too.
  kFaultMkdir = 64,
  kFaultCreate = 128,  // An open that makes a file.
  kFaultSpace = 256,   // statvfs, which then says that nothing is free.
};

// One thing that goes wrong with the disk: calls of these kinds on paths that match fail, from the
// first-th on, so many times. Whoever runs the process writes it, `kinds` last, before the process
// starts or while it runs, and takes it back by setting `kinds` to 0.
struct Fault {
  std::uint32_t kinds;  // FaultKind; 0: no fault.
  std::int32_t error;   // The errno.
  std::uint64_t first;  // From 1.
  std::uint64_t count;
  std::uint32_t share;   // Of a write, so many 1024ths are done all the same.
  std::uint32_t shorts;  // 1: the first says how much of it was written instead of failing (all,
                         // if it cannot be cut), and of the others nothing is done.
  std::uint64_t seen;    // Calls that matched. The process counts.
  std::uint64_t hits;    // Calls that failed, or were cut short.
  char pattern[144];     // '*' stands for anything but a slash; empty for every path.
};
constexpr std::uint32_t kFaultsMax = 4;

struct Header {
  char magic[8];
  std::uint64_t capacity_bytes;
  std::uint64_t tail;      // Where the next record goes, from the start of the file.
  std::uint32_t attached;  // 1 once the shim records. 0 after a run: it was never loaded.
  std::uint32_t
      refused;  // 1 when the run was ended for something that is not modelled; reason says what.
  char reason[256];
  std::uint64_t countdown;  // The process kills itself in place of this many records from now; 0:
                            // it does not. Whoever runs the process may set it while it is 0.
  Fault faults[kFaultsMax];
};
static_assert(sizeof(Header) <= kHeaderBytes);

enum class Kind : std::uint16_t {
  End = 0,  // op: whose end. a: its result (a negative errno when it failed). b: the handle that an
            // Open made, or the bytes that a failed Write wrote all the same.
  Open = 1,       // path; a: mode bits. flags: kCreate, kTruncate, kExclusive.
  Write = 2,      // a: handle, b: offset, c: bytes; data unless kZero. flags: kDurable, kZero.
  Truncate = 3,   // a: handle, b: the new size.
  Fallocate = 4,  // a: handle, b: offset, c: bytes, d: mode.
  Rename = 5,     // path: from, data: to.
  Unlink = 6,     // path.
  Rmdir = 7,      // path.
  Mkdir = 8,      // path; a: mode bits.
  Sync = 9,       // a: handle. fsync and fdatasync alike.
  SyncAll = 10,   // sync and syncfs.
};

constexpr std::uint16_t kDurable = 1;  // The write itself is synced when it returns.
constexpr std::uint16_t kZero = 2;     // The data is zeros and is not stored.
constexpr std::uint16_t kCreate = 4;
constexpr std::uint16_t kTruncate = 8;
constexpr std::uint16_t kExclusive = 16;

// Paths are relative to the directory, without a leading slash; the directory itself is "".
struct Record {
  std::uint32_t bytes;  // Of the whole record, padding too.
  std::uint32_t ready;  // 1 once everything else is there.
  std::uint16_t kind;
  std::uint16_t flags;
  std::uint32_t thread;
  std::uint64_t op;
  std::int64_t a;
  std::int64_t b;
  std::int64_t c;
  std::int64_t d;
  std::uint32_t path_bytes;  // The path follows the record, then the data.
  std::uint32_t data_bytes;
};
static_assert(sizeof(Record) == 64);

}  // namespace myelin::crash
