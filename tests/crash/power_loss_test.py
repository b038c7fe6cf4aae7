#!/usr/bin/env python3
"""Takes the power away from a running server again and again and checks that it keeps its promises.

power_loss_test.py --build DIR --server FILE [--rounds N | --soak] [--jobs N] [--seed S]

DIR is what build.sh made. A round is decided by its seed alone, apart from what threads and disk do
in their own time. A round that fails leaves its folder behind: the directory before and after each
power loss and the operation logs.
"""

import argparse
import os
import sys
import time

sys.dont_write_bytecode = True

import many_rounds
from clients import Reader, Sender, Sizes
from upkeep_round import UpkeepRound

KINDS = ("once", "twice", "from cache", "in recovery", "laps", "large", "upkeep")
WEIGHTS = (22, 12, 15, 15, 12, 8, 16)
LARGE_JOURNAL_BYTES = 16 << 20


class PowerLossRound(UpkeepRound):
    """A few lives and at least one power loss."""

    def __init__(self, options, seed):
        super().__init__(options, seed)
        # The stand-in has no administrator's API.
        count = len(KINDS) - options.server.endswith(".py")
        self.kind = options.kind or self.chance.choices(KINDS[:count], WEIGHTS[:count])[0]
        self.journal_bytes = self.chance.choice(options.journal_bytes)
        if self.kind == "laps":
            self.journal_bytes = min(options.journal_bytes)
        elif self.kind == "large":
            self.journal_bytes = LARGE_JOURNAL_BYTES
        if self.kind == "upkeep":
            self.choose_upkeep(self.some_ways())
        else:
            self.choose_settings()
        if self.chance.random() < 0.5:
            os.mkdir(self.data)
            self.machine.reload()
        sizes = Sizes(self.chance, self.journal_bytes)
        if self.kind == "laps":
            sizes.equal = self.chance.choice((1500, 3000, 8000))
        elif self.kind == "large":
            sizes.make_large()
        self.senders = [
            Sender(f"S{i}", self.chance, sizes, self.chance.choice((1, 1, 4, 32)))
            for i in range(self.chance.choice((1, 2, 4, 6)))
        ]

    def choose_settings(self):
        """Small segments, and so many, in half of the rounds, and quick moves to them."""
        segment_bytes = self.chance.choice((None, None, 16 << 10, 64 << 10, 1 << 20))
        if segment_bytes:
            self.settings += ["--log.segment_bytes", str(segment_bytes)]
        if self.chance.random() < 0.5:
            self.settings += ["--log.flush_interval", self.chance.choice(("10ms", "100ms"))]

    def about(self):
        ways = f" ({', '.join(sorted(self.counts))})" if self.administrator else ""
        return f"{self.kind}{ways}: {', '.join(self.modes)}"

    def run(self):
        if self.kind == "twice":
            for _ in range(2):
                self.work()
                self.lose_power()
        elif self.kind == "from cache":
            # The second server reads what the first left in the kernel's cache, shows it, and
            # builds on it.
            self.work()
            for _ in range(self.chance.choice((1, 1, 2))):
                self.work(quiet=self.chance.random() < 0.5)
            self.lose_power()
        elif self.kind == "upkeep":
            for _ in range(self.chance.choice((1, 2, 2))):
                self.work()
                if self.chance.random() < 0.7:
                    self.lose_power()
            if self.chance.random() < 0.3:
                self.die_at_start()
            self.lose_power()
        elif self.kind == "in recovery":
            self.work()
            for _ in range(self.chance.choice((1, 1, 2, 3))):
                if self.chance.random() < 0.7:
                    self.lose_power()
                self.die_at_start()
            self.lose_power()
        else:
            self.work()
            self.lose_power()
        self.verify()

    def work(self, quiet=False):
        """A life in which messages come and readers read, killed at a random moment or at a random
        record.

        In a quiet one nothing comes: what a reader sees then may be all that the server has not
        made sure of.
        """
        self.start(self.chance.randint(20, 300) if self.chance.random() < 0.1 else 0)
        ready = self.wait_ready()
        if ready:
            reader = Reader(self.http_port)
            if not quiet:
                self.start_senders()
            self.wait_for_the_end()
        self.kill()
        self.join_senders()
        self.machine.take_in()
        if ready:
            reader.close()
            self.seen.extend(reader.events)

    def wait_for_the_end(self):
        if self.kind == "large":
            self.wait(self.chance.uniform(0.3, 1.5))
            return
        if self.kind == "upkeep":
            self.wait(self.chance.uniform(0.3, 2))
            if self.chance.random() < 0.6:
                self.machine.arm(self.chance.randint(1, 200))
                self.wait(0.5)
            return
        laps = self.kind == "laps"
        wanted = self.chance.uniform(3, 9) * self.journal_bytes if laps else float("inf")
        self.wait(
            6 if laps else self.chance.choice((0.03, 0.2, 0.6)) * self.chance.uniform(0.2, 1),
            wanted,
        )
        if self.chance.random() < 0.6:
            self.machine.arm(self.chance.randint(1, 60))
            self.wait(0.3)

    def wait(self, seconds, acknowledged_bytes=float("inf")):
        end = time.monotonic() + seconds
        while not self.life.ended() and time.monotonic() < end:
            if sum(s.sizes.equal * len(s.acknowledged) for s in self.senders) > acknowledged_bytes:
                return
            time.sleep(0.003)

    def die_at_start(self):
        """A life that is killed while it recovers, or soon after."""
        by_record = self.chance.random() < 0.7
        self.start(self.chance.randint(1, self.chance.choice((10, 40, 150))) if by_record else 0)
        self.wait(0.5 if by_record else self.chance.uniform(0, 0.3))
        self.kill()
        self.machine.take_in()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    many_rounds.add_arguments(parser, rounds=100, soak=5000)
    parser.add_argument("--kind", choices=KINDS, help="rounds of this kind alone")
    parser.add_argument("--no-sync", action="store_true", help="turn every sync into nothing")
    parser.add_argument(
        "--journal-bytes", default="1048576,4194304", help="sizes of a journal file to choose from"
    )
    options = many_rounds.parse(parser)
    tasks = [(seed,) for seed in range(options.seed, options.seed + options.rounds)]
    return many_rounds.verdict(many_rounds.run_rounds(PowerLossRound, options, tasks), options)


if __name__ == "__main__":
    sys.exit(main())
