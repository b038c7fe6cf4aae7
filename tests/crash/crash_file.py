"""One file between what the process sees and what is on the disk: a base that is surely there, and
pending changes.
"""

import errno
import os
from bisect import bisect_left

SECTOR = 512
CHUNK = 1 << 16
ZEROS = bytes(CHUNK)
NEVER = 1 << 62

# How much of what was not synced a power loss leaves. Up to a moment, sector by sector, write by
# write, file by file.
MODES = ("nothing", "everything", "moment", "sectors", "writes", "files")


class Content:
    """Bytes of a file, sparse, in chunks that copies share until one of them writes."""

    def __init__(self):
        self.chunks = {}
        self.shared = set()

    def copy(self):
        other = Content()
        other.chunks = dict(self.chunks)
        self.shared = set(self.chunks)
        other.shared = set(self.chunks)
        return other

    def _own(self, index, make=True):
        chunk = self.chunks.get(index)
        if chunk is None:
            if not make:
                return None
            chunk = self.chunks[index] = bytearray(CHUNK)
        elif index in self.shared:
            chunk = self.chunks[index] = bytearray(chunk)
            self.shared.discard(index)
        return chunk

    def write(self, offset, data):
        at = 0
        while at < len(data):
            index, inside = divmod(offset + at, CHUNK)
            count = min(CHUNK - inside, len(data) - at)
            self._own(index)[inside : inside + count] = data[at : at + count]
            at += count

    def zero(self, offset, end):
        for index in sorted(i for i in self.chunks if i * CHUNK < end and (i + 1) * CHUNK > offset):
            low, high = max(offset - index * CHUNK, 0), min(end - index * CHUNK, CHUNK)
            if low == 0 and high == CHUNK:
                del self.chunks[index]
                self.shared.discard(index)
            else:
                self._own(index)[low:high] = bytes(high - low)

    def load(self, path):
        with open(path, "rb") as file:
            size, at = os.fstat(file.fileno()).st_size, 0
            while at < size:
                try:
                    at = os.lseek(file.fileno(), at, os.SEEK_DATA)
                except OSError as error:
                    if error.errno == errno.ENXIO:
                        break
                    raise
                end = min(os.lseek(file.fileno(), at, os.SEEK_HOLE), size)
                while at < end:
                    index, inside = divmod(at, CHUNK)
                    count = min(CHUNK - inside, end - at)
                    data = os.pread(file.fileno(), count, at)
                    if data.count(0) != len(data):
                        self.write(at, data)
                    at += count
            return size

    def save(self, path, size, mode):
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode or 0o600)
        os.ftruncate(fd, size)
        for index, chunk in self.chunks.items():
            if index * CHUNK < size:
                os.pwrite(fd, memoryview(chunk)[: size - index * CHUNK], index * CHUNK)
        os.close(fd)
        os.chmod(path, mode or 0o600)


class Change:
    """A pending operation on a file's bytes or size. kind: w(rite), t(runcate to a smaller size),
    s(ize grows). dropped: a sync of it failed, so the kernel may have given it up, and no later
    sync covers it.
    """

    __slots__ = ("kind", "offset", "bytes", "data", "size", "ended", "durable", "dropped")

    def __init__(self, kind, offset, count, data, size, ended, durable=False, dropped=False):
        self.dropped = dropped
        self.kind, self.offset, self.bytes, self.data = (
            kind,
            offset,
            count,
            data,
        )  # data None: zeros
        self.size, self.ended, self.durable = size, ended, durable  # size: the file's, afterwards

    def put(self, content, low, high):
        low, high = max(low, self.offset), min(high, self.offset + self.bytes)
        if low >= high:
            return
        if self.data is None:
            content.zero(low, high)
        else:
            content.write(low, self.data[low - self.offset : high - self.offset])

    def part(self, low, high, size):
        data = None if self.data is None else self.data[low - self.offset : high - self.offset]
        return Change("w", low, high - low, data, size, self.ended, dropped=self.dropped)

    def put_whole(self, content):
        if self.kind == "w":
            self.put(content, self.offset, self.offset + self.bytes)
        elif self.kind == "t":
            content.zero(self.size, NEVER)


def _stretches(change, sectors):
    """(from, to, whether its sectors are among these), one behind the other."""
    low, end = change.offset, change.offset + change.bytes
    while low < end:
        inside = low // SECTOR in sectors
        high = low // SECTOR * SECTOR + SECTOR
        while high < end and (high // SECTOR in sectors) == inside:
            high += SECTOR
        yield low, min(high, end), inside
        low = high


class File:
    def __init__(self, mode):
        self.mode = mode
        self.base, self.base_size = Content(), 0
        self.size = 0  # As the process sees it.
        self.pending = []
        self.in_flight = []

    def add(self, change):
        self.size = change.size
        if change.durable and not change.dropped and not self.pending:
            change.put_whole(self.base)
            self.base_size = change.size
        else:
            self.pending.append(change)

    def sync(self, before):
        count = 0
        for change in self.pending:
            if change.ended > before:
                break
            count += 1
        covered = self.pending[:count]
        if any(change.dropped for change in covered):
            self.pending[:count] = self._sync_after_failure(covered)
            return
        for change in covered:
            change.put_whole(self.base)
            self.base_size = change.size
        del self.pending[:count]

    def sync_failed(self):
        """What was written is no longer tried. The size is of the file system's own journal."""
        for change in self.pending:
            change.dropped = change.dropped or change.kind == "w"

    def _sync_after_failure(self, covered):
        """A sync that succeeds after one that failed: a dropped write is on the disk only where a
        later one made its sector dirty again. Gives what stays uncertain.
        """
        if all(change.dropped for change in covered):
            return covered
        dirty, cut, known = set(), NEVER, []
        for change in reversed(covered):
            if change.kind == "t":
                dirty.add(change.size // SECTOR)
                cut = min(cut, change.size)
            known.append((change, frozenset(dirty) if change.dropped else None, cut))
            if change.kind == "w" and not change.dropped and change.bytes:
                last = (change.offset + change.bytes - 1) // SECTOR
                dirty.update(range(change.offset // SECTOR, last + 1))
        self.base_size, rest = covered[-1].size, []
        for change, again, limit in reversed(known):
            if again is None:
                change.put_whole(self.base)
                continue
            for low, high, is_dirty in _stretches(change, again):
                if is_dirty:
                    change.put(self.base, low, high)
                elif low < limit:
                    rest.append(change.part(low, min(high, limit), self.base_size))
        return rest

    def as_seen(self):
        content = self.base.copy()
        for change in self.pending:
            change.put_whole(content)
        return content


class Choice:
    """Decides what of each file's pending changes is on the disk."""

    def __init__(self, random, mode, moment):
        self.random, self.mode, self.moment = random, mode, moment
        # What a failed sync gave up is gone in one loss, perhaps there in another.
        self.loses_dropped = random.random() < 0.5

    def of(self, file):
        changes = file.pending + file.in_flight
        mode = self.mode
        if mode == "files":
            mode = self.random.choice(("nothing", "everything", "sectors", "writes"))
        if not changes:
            return file.base, file.base_size
        upto = self._size_index(changes, mode)
        content = file.base.copy()
        applied = [i for i in range(upto) if changes[i].kind == "t"]
        missed = [i for i in range(upto, len(changes)) if changes[i].kind == "t"]
        for i in applied:
            content.zero(changes[i].size, NEVER)
        self._fill(content, changes, applied, missed, mode, upto)
        size = changes[upto - 1].size if upto else file.base_size
        first_missed = missed[0] if missed else len(changes)
        for i, change in enumerate(changes[:first_missed]):
            if change.durable and not any(i < t for t in applied):
                size = max(size, change.offset + change.bytes)
        return content, size

    def _size_index(self, changes, mode):
        """How many of the changes the file's size, and every cut, have seen."""
        # A synced write stands on the cuts before it.
        floor = 0
        for i, change in enumerate(changes):
            if change.durable:
                cuts = [j for j in range(i) if changes[j].kind == "t"]
                floor = max(floor, cuts[-1] + 1 if cuts else 0)
        if mode == "nothing":
            return floor
        if mode == "everything":
            return len(changes)
        if mode == "moment":
            return max(floor, sum(1 for change in changes if change.ended <= self.moment))
        return self.random.choice((floor, len(changes), self.random.randint(floor, len(changes))))

    def _fill(self, content, changes, applied, missed, mode, upto):
        touching = {}
        for i, change in enumerate(changes):
            if change.kind == "w" and change.bytes:
                last = (change.offset + change.bytes - 1) // SECTOR
                for sector in range(change.offset // SECTOR, last + 1):
                    touching.setdefault(sector, []).append(i)
        kept = self._whole_writes(changes, mode)
        chance = self.random.choice((0.05, 0.3, 0.5, 0.7, 0.95))
        for sector, indexes in touching.items():
            low, high = sector * SECTOR, (sector + 1) * SECTOR
            start = max((t for t in applied if changes[t].size <= low), default=-1)
            stop = min((t for t in missed if changes[t].size < high), default=len(changes))
            if start >= 0 or stop < len(changes):
                indexes = indexes[bisect_left(indexes, start) : bisect_left(indexes, stop)]
            if any(low < changes[t].size < high for t in applied):
                self._cut_inside(content, changes, indexes, applied, low, high)
                continue
            floor = max((k + 1 for k, i in enumerate(indexes) if changes[i].durable), default=0)
            if mode == "nothing":
                count = floor
            elif mode == "everything":
                count = len(indexes)
            elif mode == "moment":
                count = max(floor, bisect_left(indexes, upto))
            elif mode == "writes":
                count = max((k + 1 for k, i in enumerate(indexes) if i in kept), default=floor)
                count = max(count, floor)
            else:
                count = floor
                while count < len(indexes) and self.random.random() < chance:
                    count += 1
            while self.loses_dropped and count > floor and changes[indexes[count - 1]].dropped:
                count -= 1
            for i in indexes[:count]:
                changes[i].put(content, low, high)

    def _cut_inside(self, content, changes, indexes, applied, low, high):
        """A sector that a cut goes through is kept whole, which is always one of the things that
        may be.
        """
        for i in sorted(indexes + [t for t in applied if changes[t].size < high]):
            if changes[i].kind == "w":
                changes[i].put(content, low, high)
            else:
                content.zero(max(changes[i].size, low), high)

    def _whole_writes(self, changes, mode):
        if mode != "writes":
            return ()
        chance = self.random.choice((0.1, 0.5, 0.9))
        return {i for i in range(len(changes)) if self.random.random() < chance}
