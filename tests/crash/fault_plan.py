"""What goes wrong with the disk: the plan in an operation log's header (oplog.h), and what there is
to go wrong, counted from a record.
"""

import errno
import os
import re
import struct
from collections import Counter, namedtuple

import oplog

KINDS = {
    "write": 1,
    "sync": 2,
    "allocate": 4,
    "rename": 8,
    "truncate": 16,
    "unlink": 32,
    "mkdir": 64,
    "create": 128,
    "space": 256,
}
SLOTS, FAULT, FOR_EVER = 4, struct.Struct("<IiQQIIQQ144s"), (1 << 64) - 1
TAIL_AT, FAULTS_AT = 16, oplog.COUNTDOWN_AT + 8

# `count` calls from the first-th on whose path matches; kind is one or more words with + between;
# share and shorts as in oplog.h.
Fault = namedtuple(
    "Fault", "kind pattern error first count share shorts", defaults=(1, 1, 0, False)
)


class Plan:
    """The plan of a process, before it starts or while it runs."""

    def __init__(self, log_path):
        self.log_path = log_path

    def arm(self, faults):
        for slot, fault in enumerate(faults):
            body = FAULT.pack(
                sum(KINDS[word] for word in fault.kind.split("+")),
                getattr(errno, fault.error),
                fault.first,
                fault.count,
                fault.share,
                int(fault.shorts),
                0,
                0,
                fault.pattern.encode(),
            )
            with self._open() as file:
                at = FAULTS_AT + slot * FAULT.size
                os.pwrite(file.fileno(), body[4:], at + 4)
                os.pwrite(file.fileno(), body[:4], at)

    def disarm(self):
        with self._open() as file:
            for slot in range(SLOTS):
                os.pwrite(file.fileno(), bytes(4), FAULTS_AT + slot * FAULT.size)

    def hits(self):
        with self._open() as file:
            body = os.pread(file.fileno(), SLOTS * FAULT.size, FAULTS_AT)
        return sum(fault[7] for fault in FAULT.iter_unpack(body))

    def position(self):
        """Where the record stands now."""
        with self._open() as file:
            return struct.unpack("<Q", os.pread(file.fileno(), 8, TAIL_AT))[0]

    def _open(self):
        return open(self.log_path, "r+b", buffering=0)


def path_class(path):
    """The path with what differs from run to run as stars, which is a pattern of a Fault."""
    parts = path.split("/")
    if "topics" in parts[:-1]:
        at = parts.index("topics") + 1
        parts[at] = "*.deleted" if parts[at].endswith(".deleted") else "*"
    parts[-1] = re.sub(r"^\d[^.]*", "*", parts[-1])
    return "/".join(parts) or "."


def calls_of(log, since, until, existing):
    """How often each (kind, path class) comes in a part of a record. existing: the paths that were
    there before it.
    """
    counts, paths, opened, moved = Counter(), {}, {}, {}
    names = {oplog.RENAME: "rename", oplog.UNLINK: "unlink", oplog.RMDIR: "unlink"}
    names[oplog.MKDIR] = "mkdir"
    files = {oplog.TRUNCATE: "truncate", oplog.FALLOCATE: "allocate", oplog.SYNC: "sync"}
    there = set(existing)
    for at, kind, flags, op, a, b, _, _, path, data in log:
        found = []
        if kind == oplog.END:
            if op in opened and a >= 0:
                paths[b] = opened.pop(op)
                there.add(paths[b])
            if op in moved and a >= 0:
                old, new = moved.pop(op)
                there.discard(old)
                paths.update({h: new for h, p in paths.items() if p == old})
        elif kind == oplog.OPEN:
            opened[op] = path
            if flags & oplog.CREATE and path not in there:
                found = [("create", path)]
        elif kind == oplog.WRITE:
            found = [("write", paths[a])]
            if flags & oplog.DURABLE:
                found.append(("sync", paths[a]))
        elif kind in files:
            found = [(files[kind], paths[a])]
        elif kind == oplog.SYNC_ALL:
            found = [("sync", "data")]
        elif kind in names and not (kind == oplog.MKDIR and path in there):
            found = [(names[kind], path)]
            if kind == oplog.RENAME:
                moved[op] = (path, bytes(data).decode())
        if since <= at < until:
            counts.update((name, path_class(path)) for name, path in found)
    return counts
