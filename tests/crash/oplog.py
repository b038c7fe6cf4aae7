"""Reads what oplog.h describes."""

import mmap
import struct

HEADER_BYTES = 4096
COUNTDOWN_AT = 288  # In the header.

KINDS = END, OPEN, WRITE, TRUNCATE, FALLOCATE, RENAME, UNLINK, RMDIR, MKDIR, SYNC, SYNC_ALL = range(
    11
)
DURABLE, ZERO, CREATE, CUT = 1, 2, 4, 8


class Log:
    """The records of one process, from its operation log."""

    RECORD = struct.Struct("<IIHHIQqqqqII")

    def __init__(self, path):
        with open(path, "rb") as file:
            head = file.read(HEADER_BYTES)
            magic, _, tail, attached, refused = struct.unpack_from("<8sQQII", head)
            self.attached = magic == b"MYCRASH1" and attached == 1
            self.refused = head[32:288].split(b"\0")[0].decode() if refused else None
            tail = max(tail, HEADER_BYTES)
            self.map = mmap.mmap(file.fileno(), tail, access=mmap.ACCESS_READ)
        self.view = memoryview(self.map)
        self.bytes = tail
        self.records = 0

    def __iter__(self):
        at, unpack, size = HEADER_BYTES, self.RECORD.unpack_from, self.RECORD.size
        while at < self.bytes:
            total, ready, kind, flags, _, op, a, b, c, d, path_bytes, data_bytes = unpack(
                self.map, at
            )
            if ready:
                self.records += 1
                body = at + size
                path = self.map[body : body + path_bytes].decode() if path_bytes else ""
                data = (
                    self.view[body + path_bytes : body + path_bytes + data_bytes]
                    if data_bytes
                    else None
                )
                yield at, kind, flags, op, a, b, c, d, path, data
            at += total
