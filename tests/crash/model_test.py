#!/usr/bin/env python3
"""Tests of the harness itself: right ways to store survive every power loss, wrong ones are caught,
nothing is missed.

model_test.py --build DIR   (what build.sh made) [NAME…]
"""

import argparse
import os
import random
import signal
import sys
import tempfile
import time
import traceback

sys.dont_write_bytecode = True

from crash_file import CHUNK, MODES, SECTOR, Change, Choice, File
from crash_model import CrashError
from crash_run import Machine, remove

VALUE_BYTES = 3000
SEEDS_WRONG, SEEDS_RIGHT = 60, 12


def value_bytes(value):
    text = f"{value}," * VALUE_BYTES
    return text[:VALUE_BYTES].encode()


def read(*path):
    try:
        with open(os.path.join(*path), "rb") as file:
            return file.read()
    except FileNotFoundError:
        return b""


def log_has(directory, claims):
    data = read(directory, "log")
    return all(data[v * VALUE_BYTES : (v + 1) * VALUE_BYTES] == value_bytes(v) for v in claims)


def state_has(directory, claims):
    # Also without a claim: what is there is a whole value.
    state = read(directory, "state")
    if not state:
        return not claims
    found = int(state.split(b",")[0] or b"-1")
    return state == value_bytes(found) and found >= max(claims, default=-1)


def files_have(directory, claims):
    return all(read(directory, str(v // 10), str(v)) == value_bytes(v) for v in claims)


CHECKS = {
    "right_replace": state_has,
    "wrong_replace": state_has,
    "right_files": files_have,
    "wrong_files": files_have,
}


def check_of(way):
    return next((check for start, check in CHECKS.items() if way.startswith(start)), log_has)


class Bench:
    def __init__(self, build):
        self.shim = os.path.abspath(os.path.join(build, "libmyelin_crash.so"))
        self.victim = os.path.abspath(os.path.join(build, "victim"))

    def machine(self, no_sync=False):
        return Machine(tempfile.mkdtemp(prefix="myelin-crash-model-"), self.shim, no_sync)

    def live(self, machine, way, claims=0, die_at=0, faults=()):
        """One life of the victim, killed after so many claims or at a record. Its claims."""
        command = [self.victim, way, machine.directory]
        life = machine.start(command, die_at, faults=faults)
        got = []
        while die_at or len(got) < claims:
            line = life.process.stdout.readline()
            if not line:
                break
            got.append(int(line))
        life.process.kill()
        got += [int(line) for line in life.process.stdout.read().split()]
        life.finish()
        if life.process.returncode not in (0, -signal.SIGKILL):
            raise CrashError(f"{way} ended with {life.process.returncode}: {life.last_words()}")
        machine.take_in()
        return [claim for claim in got if claim >= 0]

    def survives(self, way, seed, no_sync=False):
        chance = random.Random(seed)
        machine = self.machine(no_sync)
        try:
            if way.endswith("reread"):
                self.live(machine, "write_quietly", claims=1)
            if chance.random() < 0.5 and not way.endswith("reread"):
                claims = self.live(machine, way, die_at=chance.randint(5, 150))
            else:
                claims = self.live(machine, way, claims=chance.randint(1, 40))
            machine.power_off(chance)
            return check_of(way)(machine.directory, claims)
        finally:
            machine.drop_logs()
            remove(machine.folder)


RIGHT = (
    "right_fsync",
    "right_fdatasync",
    "right_dsync",
    "right_rwf_dsync",
    "right_syncfs",
    "right_append",
    "right_preallocated",
    "right_replace",
    "right_files",
    "right_reread",
)
WRONG = (
    "wrong_no_sync",
    "wrong_range_only",
    "wrong_sync_first",
    "wrong_no_name",
    "wrong_replace_no_directory_sync",
    "wrong_replace_no_file_sync",
    "wrong_replace_in_place",
    "wrong_files_no_name",
    "wrong_files_no_parent",
    "wrong_reread",
)
REFUSED = (
    "refused_shared_map",
    "refused_later_writable_map",
    "refused_io_uring",
    "refused_copy_file_range",
    "refused_sendfile",
    "refused_link",
    "refused_symlink",
    "refused_fopen",
    "refused_fork",
    "refused_syscall",
    "refused_proc_link",
    "refused_move_out",
)


def a_right_way_survives(bench, way):
    for seed in range(SEEDS_RIGHT):
        assert bench.survives(way, seed), f"seed {seed}"


def a_wrong_way_is_caught(bench, way):
    assert not all(
        bench.survives(way, seed) for seed in range(SEEDS_WRONG)
    ), "it survived every power loss"


def a_right_way_is_caught_when_syncs_do_nothing(bench, way):
    assert not all(
        bench.survives(way, seed, no_sync=True) for seed in range(SEEDS_WRONG)
    ), "it survived"


def an_unmodelled_way_ends_the_process(bench, way):
    machine = bench.machine()
    try:
        life = machine.start([bench.victim, way, machine.directory])
        life.finish()
        assert life.process.returncode == -signal.SIGSYS, f"ended with {life.process.returncode}"
        assert "not modelled" in life.last_words(), "it said nothing"
        try:
            machine.take_in()
        except CrashError as error:
            assert "not modelled" in str(error)
        else:
            raise AssertionError("the log does not tell")
    finally:
        machine.drop_logs()
        remove(machine.folder)


def a_write_past_the_hooks_is_noticed(bench, _):
    machine = bench.machine()
    try:
        bench.live(machine, "hidden", claims=1)
    except CrashError as error:
        assert "misses" in str(error), error
    else:
        raise AssertionError("nothing noticed")
    finally:
        machine.drop_logs()
        remove(machine.folder)


def the_record_of_many_threads_gives_the_real_directory(bench, _):
    """Life after life with power losses of every mode between them; settle() compares each with
    what is there.
    """
    for seed in range(3):
        chance = random.Random(seed)
        machine = bench.machine()
        try:
            for mode in MODES + (None, None):
                bench.live(machine, "mess", claims=chance.randint(1, 25))
                if mode:
                    machine.power_off(chance, mode)
        finally:
            machine.drop_logs()
            remove(machine.folder)


def keeping_everything_gives_what_was_seen(bench, _):
    machine = bench.machine()
    try:
        bench.live(machine, "wrong_no_sync", claims=60)
        before = read(machine.directory, "log")
        machine.power_off(random.Random(1), "everything")
        assert len(before) == 60 * VALUE_BYTES and read(machine.directory, "log") == before
    finally:
        machine.drop_logs()
        remove(machine.folder)


def random_file(chance):
    """A file with pending changes. Also the values that each byte ever had, and what no later
    change touches.
    """
    file, size, ever, surely = File(0o600), 0, {}, {}
    for number in range(1, chance.randint(2, 12)):
        if size and chance.random() < 0.25:
            size = chance.randint(0, size)
            file.add(Change("t", 0, 0, None, size, number))
            edge = size - size % SECTOR
            surely = {at: value for at, value in surely.items() if at < edge}
            continue
        offset, count, durable = (
            chance.randint(0, 3000),
            chance.randint(1, 2000),
            chance.random() < 0.3,
        )
        size = max(size, offset + count)
        file.add(Change("w", offset, count, bytes([number]) * count, size, number, durable))
        for at in range(offset, offset + count):
            ever.setdefault(at, {0}).add(number)
        touched = range(offset // SECTOR * SECTOR, (offset + count - 1) // SECTOR * SECTOR + SECTOR)
        surely = {at: value for at, value in surely.items() if at not in touched}
        if durable:
            surely |= dict.fromkeys(range(offset, offset + count), number)
    return file, ever, surely


def bytes_of(content, size):
    data = bytearray(size)
    for index, chunk in content.chunks.items():
        part = chunk[: max(size - index * CHUNK, 0)]
        data[index * CHUNK : index * CHUNK + len(part)] = part
    return data


def synced_writes_stay_and_nothing_is_invented(_, __):
    for seed in range(400):
        chance = random.Random(seed)
        file, ever, surely = random_file(chance)
        for mode in MODES:
            content, size = Choice(chance, mode, chance.uniform(0, 13)).of(file)
            data = bytes_of(content, size)
            for at, value in surely.items():
                assert (
                    at < size and data[at] == value
                ), f"seed {seed}, {mode}: byte {at} was synced and is gone"
            for at, value in enumerate(data):
                assert value in ever.get(
                    at, {0}
                ), f"seed {seed}, {mode}: byte {at} was never {value}"
            if mode == "everything":
                assert data == bytes_of(
                    file.as_seen(), file.size
                ), f"seed {seed}: not what was seen"


def tests():
    found = [(a_right_way_survives, way) for way in RIGHT]
    found += [(a_wrong_way_is_caught, way) for way in WRONG]
    found += [(a_right_way_is_caught_when_syncs_do_nothing, way) for way in RIGHT]
    found += [(an_unmodelled_way_ends_the_process, way) for way in REFUSED]
    for test in (
        a_write_past_the_hooks_is_noticed,
        the_record_of_many_threads_gives_the_real_directory,
        keeping_everything_gives_what_was_seen,
        synced_writes_stay_and_nothing_is_invented,
    ):
        found.append((test, ""))
    return found


def main(found, about):
    parser = argparse.ArgumentParser(description=about.splitlines()[0])
    parser.add_argument("--build", required=True)
    parser.add_argument("names", nargs="*", help="only tests whose name contains one of these")
    options = parser.parse_args()
    bench = Bench(options.build)
    passed = failed = 0
    for test, way in found:
        name = f"{test.__name__} {way}".strip()
        if options.names and not any(wanted in name for wanted in options.names):
            continue
        began = time.monotonic()
        try:
            test(bench, way)
            passed += 1
            print(f"ok    {name} ({time.monotonic() - began:.1f} s)", flush=True)
        except Exception as error:
            failed += 1
            print(f"FAIL  {name}: {error}", flush=True)
            if not isinstance(error, (AssertionError, CrashError)):
                traceback.print_exc()
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(tests(), __doc__))
