"""What a directory may look like after power loss, from a record of everything that was written to
it.

A Model begins as a copy of a directory that is wholly on disk. apply() takes the operation log of
one process (oplog.h); settle() compares the result with the real directory, so that a write which
the shim missed cannot hide; power_loss() writes one of the many directories that a disk may hold at
that moment, chosen by a random generator.

Files are kept as a base, which is surely on disk, and pending operations in the order in which they
returned. Names are kept twice: as the process sees them and as they surely are on disk, with
pending changes between the two.
"""

import os
import shutil

from crash_file import CHUNK, MODES, NEVER, SECTOR, ZEROS, Change, Choice, Content, File
from oplog import (
    CREATE,
    CUT,
    DURABLE,
    END,
    FALLOCATE,
    MKDIR,
    OPEN,
    RENAME,
    RMDIR,
    SYNC,
    SYNC_ALL,
    TRUNCATE,
    UNLINK,
    WRITE,
)

FALLOC_KEEP_SIZE, FALLOC_PUNCH_HOLE, FALLOC_ZERO_RANGE = 1, 2, 16


class CrashError(Exception):
    """The run or its record is not what the model understands. Never the fault of chance."""


class Directory:
    def __init__(self, mode):
        self.mode = mode
        self.seen, self.on_disk = {}, {}


class Names:
    """A pending change of names: (directory, name, what was there, what is there now), all or none
    of them.
    """

    def __init__(self, changes, ended):
        self.changes, self.ended = changes, ended

    def keys(self):
        return {(id(directory), name) for directory, name, _, _ in self.changes}

    def fits(self, tree):
        return all(entries(tree, d).get(name) is before for d, name, before, _ in self.changes)

    def put(self, tree):
        for directory, name, _, after in self.changes:
            if after is None:
                entries(tree, directory).pop(name, None)
            else:
                entries(tree, directory)[name] = after


def entries(tree, directory):
    if id(directory) not in tree:
        tree[id(directory)] = dict(directory.on_disk)
    return tree[id(directory)]


class Model:
    def __init__(self, real):
        self.root = self._load(real)
        self.names = []  # Pending, in order.
        self.names_in_flight = []
        self.clock = 0  # Positions of one log stand after those of the log before.
        self.handles = {}

    def _load(self, real):
        directory = Directory(os.stat(real).st_mode & 0o7777)
        for entry in os.scandir(real):
            if entry.is_dir(follow_symlinks=False):
                item = self._load(entry.path)
            elif entry.is_file(follow_symlinks=False):
                item = File(entry.stat().st_mode & 0o7777)
                item.size = item.base_size = item.base.load(entry.path)
            else:
                raise CrashError(f"{entry.name} is neither file nor directory")
            directory.seen[entry.name] = directory.on_disk[entry.name] = item
        return directory

    def _find(self, path):
        item = self.root
        for part in path.split("/") if path else []:
            item = item.seen.get(part) if isinstance(item, Directory) else None
        return item

    def _parent(self, path):
        parent, _, name = path.rpartition("/")
        directory = self._find(parent)
        if not isinstance(directory, Directory):
            raise CrashError(f"the record names {path}, whose directory the model does not have")
        return directory, name

    # Applying a log.

    def apply(self, log):
        if not log.attached:
            raise CrashError("the shim was not loaded")
        if log.refused:
            raise CrashError(f"not modelled: {log.refused}")
        self.handles = {}
        begun = {}
        for at, kind, flags, op, a, b, c, d, path, data in log:
            if kind == END:
                start, *rest = begun.pop(op)
                if a >= 0:
                    self._end(self.clock + start, self.clock + at, a, b, *rest)
                else:
                    self._failed(self.clock + at, b, *rest)
            else:
                begun[op] = (at, kind, flags, a, b, c, d, path, data)
        self.clock += log.bytes
        for start, *rest in begun.values():
            self._begin_only(*rest)

    def _end(self, start, ended, result, handle, kind, flags, a, b, c, d, path, data):
        if kind == WRITE:
            file = self.handles[a]
            if result > 0:
                part = None if data is None else data[:result]
                file.add(
                    Change(
                        "w",
                        b,
                        result,
                        part,
                        max(file.size, b + result),
                        ended,
                        bool(flags & DURABLE),
                    )
                )
        elif kind == SYNC:
            self._sync(self.handles[a], start)
        elif kind == SYNC_ALL:
            for item in self._everything():
                self._sync(item, start)
        elif kind == OPEN:
            self._opened(handle, flags, a, path, ended)
        elif kind == TRUNCATE:
            self._resize(self.handles[a], b, ended)
        elif kind == FALLOCATE:
            for change in self._allocated(self.handles[a], b, c, d, ended):
                self.handles[a].add(change)
        else:
            self._renamed(self._name_change(kind, a, path, data, ended))

    def _failed(self, ended, done, kind, flags, a, b, c, d, path, data):
        """A failed write may have written something. A failed sync gives up the bytes it was for;
        names are of the file system's journal, whose failure the next sync would tell again.
        """
        if kind == WRITE and done:
            file, part = self.handles[a], None if data is None else data[:done]
            size = max(file.size, b + done)
            file.add(Change("w", b, done, part, size, ended, dropped=bool(flags & DURABLE)))
        elif kind == SYNC and isinstance(self.handles[a], File):
            self.handles[a].sync_failed()
        elif kind == SYNC_ALL:
            for item in self._everything():
                if isinstance(item, File):
                    item.sync_failed()

    def _begin_only(self, kind, flags, a, b, c, d, path, data):
        """An operation that had not returned at the kill."""
        if kind == WRITE:
            file = self.handles[a]
            file.in_flight.append(Change("w", b, c, data, max(file.size, b + c), NEVER))
        elif kind == TRUNCATE:
            self.handles[a].in_flight.append(self._resized(self.handles[a], b, NEVER))
        elif kind == FALLOCATE:
            self.handles[a].in_flight.extend(self._allocated(self.handles[a], b, c, d, NEVER))
        elif kind == OPEN:
            item = self._find(path)
            if item is None and flags & CREATE:
                directory, name = self._parent(path)
                self.names_in_flight.append(Names([(directory, name, None, File(a))], NEVER))
            elif isinstance(item, File) and flags & CUT and item.size:
                item.in_flight.append(self._resized(item, 0, NEVER))
        elif kind in (RENAME, UNLINK, RMDIR, MKDIR):
            change = self._name_change(kind, a, path, data, NEVER)
            if change:
                self.names_in_flight.append(change)

    def _opened(self, handle, flags, mode, path, ended):
        item = self._find(path)
        if item is None:
            if not flags & CREATE:
                raise CrashError(f"{path} was opened, and the model does not have it")
            directory, name = self._parent(path)
            item = File(mode)
            self._renamed(Names([(directory, name, None, item)], ended))
        elif flags & CUT and isinstance(item, File) and item.size:
            self._resize(item, 0, ended)
        self.handles[handle] = item

    def _name_change(self, kind, mode, path, data, ended):
        directory, name = self._parent(path)
        before = directory.seen.get(name)
        if kind == MKDIR:
            return (
                Names([(directory, name, before, Directory(mode))], ended)
                if before is None
                else None
            )
        if before is None:
            return None
        if kind != RENAME:
            return Names([(directory, name, before, None)], ended)
        target, new_name = self._parent(bytes(data).decode())
        replaced = target.seen.get(new_name)
        if replaced is before:
            return None
        return Names([(directory, name, before, None), (target, new_name, replaced, before)], ended)

    def _renamed(self, change):
        if change is None:
            return
        for directory, name, _, after in change.changes:
            if after is None:
                directory.seen.pop(name, None)
            else:
                directory.seen[name] = after
        self.names.append(change)

    def _resized(self, file, size, ended):
        return Change("t" if size < file.size else "s", 0, 0, None, size, ended)

    def _resize(self, file, size, ended):
        if size != file.size:
            file.add(self._resized(file, size, ended))

    def _allocated(self, file, offset, count, mode, ended):
        size = file.size if mode & FALLOC_KEEP_SIZE else max(file.size, offset + count)
        if mode & (FALLOC_PUNCH_HOLE | FALLOC_ZERO_RANGE):
            return [Change("w", offset, max(min(count, size - offset), 0), None, size, ended)]
        return [Change("s", 0, 0, None, size, ended)] if size > file.size else []

    def _everything(self):
        # Unlinked files and lost directories are of no interest, but pending changes may still lead
        # to them.
        found, todo = (
            {},
            [self.root] + [item for n in self.names for _, _, b, a in n.changes for item in (b, a)],
        )
        while todo:
            item = todo.pop()
            if item is None or id(item) in found:
                continue
            found[id(item)] = item
            if isinstance(item, Directory):
                todo.extend(item.seen.values())
                todo.extend(item.on_disk.values())
        return list(found.values())

    def _sync(self, item, before):
        if isinstance(item, File):
            item.sync(before)
            return
        # What reaches the disk takes along all that it stands on: earlier changes of the same
        # names.
        needed, durable = set(), []
        for change in reversed(self.names):
            direct = change.ended < before and any(
                directory is item for directory, _, _, _ in change.changes
            )
            if direct or not needed.isdisjoint(change.keys()):
                needed |= change.keys()
                durable.append(change)
        for change in reversed(durable):
            for directory, name, _, after in change.changes:
                if after is None:
                    directory.on_disk.pop(name, None)
                else:
                    directory.on_disk[name] = after
        gone = {id(change) for change in durable}
        self.names = [change for change in self.names if id(change) not in gone]

    # Comparing with the real directory.

    def settle(self, real):
        """Checks that the model sees what is really there, and lets what was under way at the kill
        be what it became.
        """
        for change in self.names_in_flight:
            if self._happened(change, real):
                change.ended = self.clock
                self._renamed(change)
        self.names_in_flight = []
        self._settle_directory(self.root, real, "")

    def _happened(self, change, real):
        directory, name, before, _ = change.changes[0]
        path = os.path.join(real, self._path_of(directory), name)
        return os.path.lexists(path) if before is None else not os.path.lexists(path)

    def _path_of(self, wanted):
        todo = [(self.root, "")]
        while todo:
            directory, path = todo.pop()
            if directory is wanted:
                return path
            todo.extend(
                (item, os.path.join(path, name))
                for name, item in directory.seen.items()
                if isinstance(item, Directory)
            )
        raise CrashError("a change of names in a directory that is gone")

    def _settle_directory(self, directory, real, path):
        there = {entry.name for entry in os.scandir(os.path.join(real, path))}
        if there != set(directory.seen):
            wrong = sorted(there ^ set(directory.seen))
            raise CrashError(
                f"the record misses something: names differ in '{path}': {', '.join(wrong[:5])}"
            )
        for name, item in directory.seen.items():
            below = os.path.join(path, name)
            if isinstance(item, Directory):
                self._settle_directory(item, real, below)
            else:
                self._settle_file(item, os.path.join(real, below), below)

    def _settle_file(self, file, real, path):
        flying, file.in_flight = file.in_flight, []
        size = os.stat(real).st_size
        sizes = [file.size] + [change.size for change in flying]
        if not min(sizes) <= size <= max(sizes):
            raise CrashError(
                f"the record misses something: {path} has {size} bytes, not {file.size}"
            )
        if size != file.size:
            self._resize(file, size, self.clock)
        is_there = Content()
        is_there.load(real)
        expected = file.as_seen()
        for index in set(is_there.chunks) | set(expected.chunks):
            left, right = is_there.chunks.get(index), expected.chunks.get(index)
            if left != right and (left or ZEROS) != (right or ZEROS):
                self._explain(file, path, index, left or ZEROS, right or ZEROS, flying, size)

    def _explain(self, file, path, index, left, right, flying, size):
        """A chunk that differs: each byte must lie in a write under way. What is there is then
        pending, as written.
        """
        for s in range(0, CHUNK, SECTOR):
            if left[s : s + SECTOR] == right[s : s + SECTOR]:
                continue
            for i in range(s, s + SECTOR):
                at = index * CHUNK + i
                if (
                    left[i] != right[i]
                    and at < size
                    and not any(c.offset <= at < c.offset + c.bytes for c in flying)
                ):
                    raise CrashError(f"the record misses something: {path} differs at byte {at}")
            low, high = index * CHUNK + s, min(index * CHUNK + s + SECTOR, size)
            if high > low:
                file.add(
                    Change(
                        "w", low, high - low, bytes(left[s : s + high - low]), file.size, self.clock
                    )
                )

    # Losing power.

    def power_loss(self, random, mode, out):
        """Writes a directory as the disk may hold it. The model stays as it is."""
        tree = {}
        moment = random.uniform(0, self.clock) if mode == "moment" else None
        for change in self._kept_names(random, mode, moment):
            if change.fits(tree):
                change.put(tree)
        self._save(tree, self.root, out, Choice(random, mode, moment))

    def _kept_names(self, random, mode, moment):
        pending = self.names + self.names_in_flight
        if mode == "nothing":
            return []
        if mode == "everything":
            return pending
        if mode == "moment":
            return [change for change in pending if change.ended <= moment]
        if random.random() < 0.5:
            return pending[: random.randint(0, len(pending))]
        chance = random.choice((0.1, 0.5, 0.9))
        return [change for change in pending if random.random() < chance]

    def _save(self, tree, directory, out, choice):
        os.mkdir(out)
        for name, item in sorted(entries(tree, directory).items()):
            path = os.path.join(out, name)
            if isinstance(item, Directory):
                self._save(tree, item, path, choice)
            else:
                content, size = choice.of(item)
                content.save(path, size, item.mode)
        os.chmod(out, directory.mode)


def rebuild(model, random, out, mode=None):
    """Power loss into a fresh directory. Returns the mode that was used."""
    mode = mode or random.choices(MODES, weights=(20, 8, 12, 30, 15, 15))[0]
    shutil.rmtree(out, ignore_errors=True)
    model.power_loss(random, mode, out)
    return mode
