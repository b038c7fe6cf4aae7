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
};
static_assert(sizeof(Header) <= kHeaderBytes);

enum class Kind : std::uint16_t {
  End = 0,  // op: whose end. a: its result (a negative errno when it failed). b: the handle that an
            // Open made.
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
