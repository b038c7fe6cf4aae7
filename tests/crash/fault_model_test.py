#!/usr/bin/env python3
"""Tests of what the harness makes of a disk that fails: each call fails as planned, and what a
failed sync gave up can be lost.

fault_model_test.py --build DIR   (what build.sh made) [NAME…]
"""

import errno
import random
import sys
import tempfile

sys.dont_write_bytecode = True

from crash_file import MODES, SECTOR, Change, Choice, File
from crash_run import Machine, remove
from fault_plan import FOR_EVER, Fault
from model_test import VALUE_BYTES, bytes_of, log_has, main

CALLS = ("create", "write", "sync", "allocate", "truncate", "mkdir", "rename", "unlink")
SEEDS = 40


def in_a_machine(bench, test):
    machine = Machine(tempfile.mkdtemp(prefix="myelin-crash-fault-"), bench.shim)
    try:
        return test(machine)
    finally:
        machine.drop_logs()
        remove(machine.folder)


def each_call(bench, *faults):
    return in_a_machine(bench, lambda m: bench.live(m, "each_call", 99, faults=faults))


def a_call_fails_as_planned(bench, kind):
    expected = [0, VALUE_BYTES, 0, 0, 0, 0, 0, 0, 0]
    assert each_call(bench) == expected, "something fails without a plan"
    for error in ("EIO", "ENOSPC"):
        wanted = list(expected)
        wanted[CALLS.index(kind)] = getattr(errno, error)
        got = each_call(bench, Fault(kind, "", error))
        assert got == (wanted if kind != "create" else wanted[:1]), got
        got = each_call(bench, Fault(kind, "elsewhere/*", error))
        assert got == expected, "a path that does not match fails"


def a_plan_counts_calls(bench, _):
    fault = Fault("sync", "", "EIO", first=2)
    assert each_call(bench, fault) == [0, VALUE_BYTES, 0, 0, 0, 0, 0, 0, errno.EIO]
    fault = Fault("sync", "", "EIO", count=FOR_EVER)
    assert each_call(bench, fault) == [0, VALUE_BYTES, errno.EIO, 0, 0, 0, 0, 0, errno.EIO]


def a_failed_write_writes_what_the_plan_says(bench, _):
    def failing(machine, share, shorts):
        fault = Fault("write", "*", "ENOSPC", share=share, shorts=shorts)
        got = bench.live(machine, "each_call", 2, faults=[fault])[1]
        assert machine.plan.hits() == 1
        return got

    half = VALUE_BYTES // 2
    ways = ((0, True, 28), (512, False, 28), (512, True, half), (1024, False, 28))
    for share, shorts, told in ways:
        got = in_a_machine(bench, lambda m, s=share, t=shorts: failing(m, s, t))
        assert got == told, f"{got} instead of {told}"


def survives(bench, way, seed):
    """Every third sync fails, in the end the power. Whether all that was claimed is there."""

    def test(machine):
        chance = random.Random(seed)
        faults = [Fault("sync", "log", "EIO", first=n) for n in (chance.randint(2, 9), 12, 13)]
        claims = bench.live(machine, way, claims=chance.randint(10, 40), faults=faults)
        machine.power_off(chance)
        return log_has(machine.directory, claims)

    return in_a_machine(bench, test)


def a_right_answer_to_a_failed_sync_survives(bench, way):
    for seed in range(SEEDS):
        assert survives(bench, way, seed), f"seed {seed}"


def a_wrong_answer_to_a_failed_sync_is_caught(bench, way):
    assert not all(survives(bench, way, seed) for seed in range(SEEDS)), "it survived"


class Bytes:
    """What must hold of each byte of a file, told slowly and byte by byte."""

    def __init__(self):
        self.now, self.ever, self.surely, self.dirty = {}, {}, {}, set()

    def write(self, low, high, value):
        for at in range(low // SECTOR * SECTOR, (high + SECTOR - 1) // SECTOR * SECTOR):
            self.surely.pop(at, None)
        for at in range(low, high):
            self.now[at] = value
            self.ever.setdefault(at, {0}).add(value)
            self.dirty.add(at // SECTOR)

    def sync(self):
        self.surely.update({a: v for a, v in self.now.items() if a // SECTOR in self.dirty})
        self.dirty.clear()

    def sync_failed(self):
        self.dirty.clear()


def random_history(chance):
    file, truth = File(0o600), Bytes()
    for number in range(1, chance.randint(3, 16)):
        what = chance.random()
        if what < 0.25:
            file.sync(number)
            truth.sync()
        elif what < 0.45:
            file.sync_failed()
            truth.sync_failed()
        else:
            low, count = chance.randint(0, 3000), chance.randint(1, 2000)
            size = max(file.size, low + count)
            file.add(Change("w", low, count, bytes([number]) * count, size, number))
            truth.write(low, low + count, number)
    return file, truth


def what_a_later_sync_covers_stays_and_nothing_is_invented(_, __):
    lost = 0
    for seed in range(400):
        chance = random.Random(seed)
        file, truth = random_history(chance)
        for mode in MODES:
            content, size = Choice(chance, mode, chance.uniform(0, 17)).of(file)
            data = bytes_of(content, size)
            for at, value in truth.surely.items():
                assert at < size and data[at] == value, f"seed {seed}, {mode}: byte {at} is gone"
            for at, value in enumerate(data):
                assert value in truth.ever.get(at, {0}), f"seed {seed}, {mode}: byte {at}"
            lost += any(at >= size or data[at] != value for at, value in truth.now.items())
    assert lost > 100, "nothing is ever lost"


def what_a_failed_sync_gave_up_is_lost_after_a_later_one(_, __):
    file = File(0o600)
    file.add(Change("w", 0, 2000, b"a" * 2000, 2000, 1))
    file.sync_failed()
    file.add(Change("w", 1500, 10, b"b" * 10, 2000, 2))
    file.sync(3)
    kept = set()
    for seed in range(30):
        content, size = Choice(random.Random(seed), "everything", None).of(file)
        data = bytes_of(content, size)
        assert data[1024:1536] == b"a" * 476 + b"b" * 10 + b"a" * 26, "the sector written again"
        kept.add(bytes(data[:4]))
    assert kept == {b"aaaa", bytes(4)}, kept


def tests():
    found = [(a_call_fails_as_planned, kind) for kind in CALLS]
    found += [(a_right_answer_to_a_failed_sync_survives, "right_rewrite")]
    for way in ("wrong_retry_sync", "wrong_ignore_sync"):
        found.append((a_wrong_answer_to_a_failed_sync_is_caught, way))
    for test in (
        a_plan_counts_calls,
        a_failed_write_writes_what_the_plan_says,
        what_a_later_sync_covers_stays_and_nothing_is_invented,
        what_a_failed_sync_gave_up_is_lost_after_a_later_one,
    ):
        found.append((test, ""))
    return found


if __name__ == "__main__":
    sys.exit(main(tests(), __doc__))
