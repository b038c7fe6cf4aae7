#!/usr/bin/env python3
"""Kills a server, or takes its power away, under idempotent Kafka producers and members of a group.

kafka_fault_test.py --build DIR --server FILE [--rounds N | --soak] [--jobs N] [--seed S]

DIR is what build.sh made. Needs a Python with confluent_kafka for the clients (--client-python). A
round that fails leaves its folder behind, with history.jsonl: what the clients were told.
"""

import argparse
import os
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True

import many_rounds
from checks import Lost
from crash_model import CrashError
from crash_round import Round, free_ports
from kafka_history import Checker, read_history

KINDS = ("kill", "power loss", "both")
LOAD_SECONDS_MAX = 240


class KafkaRound(Round):
    def __init__(self, options, seed):
        super().__init__(options, seed)
        self.kind = options.kind or self.chance.choice(KINDS)
        self.journal_bytes = self.chance.choice(options.journal_bytes)
        self.ports = free_ports(3)  # Clients come back to where they were.
        self.settings = ["--broker.partitions_default", "3", "--broker.groups.session_timeout_min", "1s"]
        self.settings += ["--broker.groups.initial_rebalance_delay", "50ms"]
        if self.chance.random() < 0.5:
            self.settings += ["--log.segment_bytes", self.chance.choice(("64KiB", "1MiB"))]
            self.settings += ["--log.flush_interval", self.chance.choice(("10ms", "100ms"))]
        self.history = os.path.join(self.folder, "history.jsonl")
        self.counts = {}
        self.load = None

    def about(self):
        return f"{self.kind}: {', '.join(self.modes)}"

    def acknowledged(self):
        return self.counts.get("stored", 0)

    def run(self):
        try:
            for life in range(self.chance.choice((1, 2, 3))):
                self.live(first=life == 0)
            self.end()
        finally:
            if self.load is not None and self.load.poll() is None:
                self.load.kill()
            if self.load is not None:
                self.load.wait()
                self.load.stdin.close()
                self.load.stderr.close()

    def live(self, first):
        self.start(self.chance.randint(20, 300) if not first and self.chance.random() < 0.2 else 0)
        if self.wait_ready():
            if first:
                self.start_load()
            self.wait(self.chance.uniform(0.2, 2))
            if self.chance.random() < 0.6:
                self.machine.arm(self.chance.randint(1, 60))
                self.wait(0.5)
        self.kill()
        self.machine.take_in()
        if self.kind == "power loss" or (self.kind == "both" and self.chance.random() < 0.5):
            self.lose_power()

    def start_load(self):
        here = os.path.dirname(os.path.abspath(__file__))
        command = [self.options.client_python, "-B", os.path.join(here, "kafka_load.py")]
        command += [f"127.0.0.1:{self.ports[2]}", str(self.seed), self.history]
        command += ["plain"] if self.options.no_idempotence else []
        self.load = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )

    def end(self):
        if self.load is None:
            self.start(recorded=False)
            self.wait_ready()
            self.start_load()
        else:
            self.start(recorded=False)
            if not self.wait_ready():
                raise Lost("the server was killed by somebody else")
        try:
            _, said = self.load.communicate("end\n", timeout=LOAD_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self.load.send_signal(signal.SIGUSR1)  # It says where each of its threads is.
            time.sleep(1)
            self.load.kill()
            _, said = self.load.communicate()
            raise Lost(f"the clients did not come to an end within {LOAD_SECONDS_MAX} s: {said[-5000:]}") from None
        if self.load.returncode != 0:
            raise CrashError(f"kafka_load.py ended with {self.load.returncode}: {said[-500:]}")
        self.counts = Checker(read_history(self.history)).check()
        self.stop_in_order()

    def wait(self, seconds):
        try:
            self.life.process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            pass


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    many_rounds.add_arguments(parser, rounds=20, soak=500)
    parser.add_argument("--kind", choices=KINDS, help="rounds of this kind alone")
    parser.add_argument("--client-python", default=os.environ.get("DEV_PYTHON", ".tools/python/bin/python3"))
    parser.add_argument("--no-idempotence", action="store_true", help="of the producers; must be caught")
    parser.add_argument("--no-sync", action="store_true", help="turn every sync into nothing")
    parser.add_argument("--journal-bytes", default="1048576,4194304", help="sizes of a journal file to choose from")
    options = many_rounds.parse(parser)
    tasks = [(seed,) for seed in range(options.seed, options.seed + options.rounds)]
    score = many_rounds.run_rounds(KafkaRound, options, tasks)
    print(", ".join(f"{count} {what}" for what, count in sorted(score.counts.items())))
    return many_rounds.verdict(score, options)


if __name__ == "__main__":
    sys.exit(main())
