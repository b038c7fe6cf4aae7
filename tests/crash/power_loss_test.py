#!/usr/bin/env python3
"""Takes the power away from a running server again and again and checks that it keeps its promises.

power_loss_test.py --build DIR --server FILE [--rounds N | --soak] [--jobs N] [--seed S]

DIR is what build.sh made. A round is decided by its seed alone, apart from what threads and disk do
in their own time. A round that fails leaves its folder behind: the directory before and after each
power loss and the operation logs.
"""

import argparse
import concurrent.futures
import os
import random
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True

from checks import Lost, check_all, check_resumed
from clients import Reader, Sender, Sizes, is_ready
from crash_model import CrashError
from crash_run import Machine, remove

START_SECONDS_MAX = 30
STOP_SECONDS_MAX = 20
KINDS = ("once", "twice", "from cache", "in recovery", "laps")
WEIGHTS = (30, 15, 20, 20, 15)


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


class Round:
    """One server, its senders and readers, through a few lives and at least one power loss."""

    def __init__(self, options, seed):
        self.options, self.seed = options, seed
        self.chance = random.Random(seed)
        self.kind = self.chance.choices(KINDS, WEIGHTS)[0]
        self.folder = tempfile.mkdtemp(prefix=f"round-{seed}-", dir=options.keep)
        self.machine = Machine(
            self.folder, os.path.join(options.build, "libmyelin_crash.so"), options.no_sync
        )
        self.journal_bytes = self.chance.choice(options.journal_bytes)
        if self.kind == "laps":
            self.journal_bytes = min(options.journal_bytes)
        self.data = os.path.join(self.machine.directory, "data")
        if self.chance.random() < 0.5:
            os.mkdir(self.data)
            self.machine.reload()
        sizes = Sizes(self.chance, self.journal_bytes)
        if self.kind == "laps":
            sizes.equal = self.chance.choice((1500, 3000, 8000))
        self.senders = [
            Sender(f"S{i}", self.chance, sizes, self.chance.choice((1, 1, 4, 32)))
            for i in range(self.chance.choice((1, 2, 4, 6)))
        ]
        self.seen = []
        self.modes = []
        self.life = None
        self.http_port = self.mllp_port = 0

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

    # Lives.

    def start(self, die_at=0, recorded=True):
        self.http_port, self.mllp_port = free_ports(2)
        # The shim allows no exec, so a script must not begin with env.
        command = [sys.executable] if self.options.server.endswith(".py") else []
        command += [self.options.server, "serve", "--data", self.data]
        command += ["--http.port", str(self.http_port), "--mllp.port", str(self.mllp_port)]
        command += [
            "--log.journal_file_bytes",
            str(self.journal_bytes),
        ] + self.options.server_argument
        self.life = self.machine.start(command, die_at, recorded, merged=True)

    def wait_ready(self):
        """Whether it became ready. False: it was killed before, as arranged."""
        deadline = time.monotonic() + START_SECONDS_MAX
        while not is_ready(self.http_port):
            if self.life.ended():
                self.life.finish()
                if self.life.process.returncode == -signal.SIGKILL:
                    return False
                self.ended_badly("while starting")
            if time.monotonic() > deadline:
                raise Lost(f"not ready after {START_SECONDS_MAX} s: {self.life.last_words()}")
            time.sleep(0.01)
        return True

    def ended_badly(self, when):
        code = self.life.process.returncode
        text = f"the server ended {when} with {code}: {self.life.last_words()}"
        raise CrashError(text) if code in (-signal.SIGSYS, 96, 97) else Lost(text)

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
            for sender in self.senders if not quiet else []:
                sender.start(self.mllp_port)
            self.wait_for_the_end()
        self.end_life()
        for sender in self.senders:
            sender.join()
        self.machine.take_in()
        if ready:
            reader.close()
            self.seen.extend(reader.events)

    def wait_for_the_end(self):
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

    def end_life(self):
        self.life.process.kill()
        self.life.finish()
        if self.life.process.returncode != -signal.SIGKILL:
            self.ended_badly("by itself")

    def die_at_start(self):
        """A life that is killed while it recovers, or soon after."""
        by_record = self.chance.random() < 0.7
        self.start(self.chance.randint(1, self.chance.choice((10, 40, 150))) if by_record else 0)
        self.wait(0.5 if by_record else self.chance.uniform(0, 0.3))
        self.end_life()
        self.machine.take_in()

    def lose_power(self):
        mode = self.machine.power_off(self.chance)
        self.modes.append(mode)
        shutil.copytree(
            self.machine.directory, os.path.join(self.folder, f"after-{self.machine.losses}")
        )

    # The end.

    def verify(self):
        self.start(recorded=False)
        try:
            if not self.wait_ready():
                raise Lost("the server was killed by somebody else")
            last = Sender("LAST", self.chance, self.senders[0].sizes, 1)
            self.senders.append(last)
            try:
                final = last.send_one(self.mllp_port)
            except OSError as error:
                raise Lost(f"a message after the restart is not acknowledged: {error}") from error
            events = self.read(final)
            check_all(events, self.senders, self.seen)
            if self.seen:
                after = self.chance.choice(self.seen).id
                check_resumed(events, self.read(final, after), after)
            self.stop_in_order()
        finally:
            if not self.life.ended():
                self.life.process.kill()
            self.life.finish()

    def read(self, final, after=None):
        reader = Reader(self.http_port, after)
        error = reader.read_until(final)
        reader.close()
        if error:
            raise Lost(error)
        return reader.events

    def stop_in_order(self):
        self.life.process.send_signal(signal.SIGTERM)
        try:
            self.life.process.wait(timeout=STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            raise Lost(f"it does not stop within {STOP_SECONDS_MAX} s") from None
        if self.life.process.returncode != 0:
            self.ended_badly("when asked to stop")

    def acknowledged(self):
        return sum(len(sender.acknowledged) for sender in self.senders)


def run_round(options, seed):
    """(seed, what went wrong or None, whose fault, a description, messages acknowledged)"""
    began = time.monotonic()
    this = Round(options, seed)
    problem, fault = None, None
    try:
        this.run()
    except Lost as error:
        problem, fault = str(error), "server"
    except CrashError as error:
        problem, fault = str(error), "harness"
    except Exception as error:  # A worker process must hand back what it met.
        problem, fault = f"{type(error).__name__}: {error}", "harness"
    if this.life and not this.life.ended():
        this.life.process.kill()
        this.life.process.wait()
    keep = problem and not (options.expect_failure and fault == "server")
    this.machine.drop_logs(keep_in=this.folder if keep else None)
    if keep:
        with open(os.path.join(this.folder, "what-happened.txt"), "w", encoding="utf-8") as file:
            file.write(f"seed {seed}\nkind {this.kind}\nmodes {this.modes}\n{problem}\n")
            file.write("\n".join(this.life.stderr if this.life else []) + "\n")
        problem += f"\n      kept in {this.folder}"
    else:
        remove(this.folder)
    about = (
        f"{this.kind}: {', '.join(this.modes)}; {this.acknowledged()} acknowledged;"
        f" {time.monotonic() - began:.1f} s"
    )
    return seed, problem, fault, about, this.acknowledged()


def repeat_command(seed):
    # Of a flag that is given twice the last counts.
    words = [word for word in sys.argv if word != "--soak"]
    return f"{shlex.join(words)} --rounds 1 --seed {seed}"


class Score:
    def __init__(self, rounds):
        self.rounds, self.passed, self.acknowledged = rounds, 0, 0
        self.failed = {"server": 0, "harness": 0}

    def count(self, result, options):
        seed, problem, fault, about, acknowledged = result
        self.acknowledged += acknowledged
        if problem is None:
            self.passed += 1
        else:
            self.failed[fault] += 1
            word = "caught" if options.expect_failure and fault == "server" else "FAIL"
            print(f"\n{word}  seed {seed} ({about})\n      {problem}", flush=True)
            if word == "FAIL":
                print(f"      again: {repeat_command(seed)}", flush=True)
        if options.verbose and problem is None:
            print(f"ok    seed {seed} ({about})", flush=True)
        elif sys.stdout.isatty() or (self.passed + sum(self.failed.values())) % 20 == 0:
            done = self.passed + sum(self.failed.values())
            end = "" if sys.stdout.isatty() else "\n"
            print(
                f"\r{done} of {self.rounds} rounds, {self.acknowledged} messages acknowledged",
                end=end,
                flush=True,
            )


def run_rounds(options, first):
    score = Score(options.rounds)
    began = time.monotonic()
    with concurrent.futures.ProcessPoolExecutor(options.jobs) as pool:
        todo = iter(range(first, first + options.rounds))
        running = {
            pool.submit(run_round, options, seed) for _, seed in zip(range(options.jobs), todo)
        }
        while running:
            done, running = concurrent.futures.wait(
                running, return_when=concurrent.futures.FIRST_COMPLETED
            )
            for future in done:
                score.count(future.result(), options)
            if (
                options.expect_failure
                and score.failed["server"]
                or sum(score.failed.values()) >= options.failures_max
            ):
                continue
            running |= {pool.submit(run_round, options, seed) for _, seed in zip(done, todo)}
    failed = sum(score.failed.values())
    print(
        f"\n{score.acknowledged} messages acknowledged, {time.monotonic() - began:.0f} s, first"
        f" seed {first}"
    )
    print(f"{score.passed} passed, {failed} failed", flush=True)
    return score


def verdict(score, options):
    if options.expect_failure:
        # A refusal of the shim or a bug of the harness does not show that syncs matter.
        caught = score.failed["server"] > 0 and score.failed["harness"] == 0
        print("caught, as it must be" if caught else "NOT caught")
        return 0 if caught else 1
    if score.acknowledged == 0:
        print("FAIL: no message was acknowledged, so nothing was tested")
        return 1
    return 1 if sum(score.failed.values()) else 0


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", required=True, help="folder with libmyelin_crash.so")
    parser.add_argument("--server", default=os.environ.get("MYELIN_BIN", "build/release/myelin"))
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--soak", action="store_true", help="5000 rounds")
    parser.add_argument("--seed", type=int, help="of the first round; random without")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--no-sync", action="store_true", help="turn every sync into nothing")
    parser.add_argument("--expect-failure", action="store_true", help="succeed when a round fails")
    parser.add_argument("--failures-max", type=int, default=5, help="stop after so many")
    parser.add_argument(
        "--keep", help="folder for the rounds' folders; not on tmpfs, or O_DIRECT is not tested"
    )
    parser.add_argument(
        "--journal-bytes", default="1048576,4194304", help="sizes of a journal file to choose from"
    )
    parser.add_argument("--server-argument", action="append", default=[])
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    options.journal_bytes = [int(word) for word in options.journal_bytes.split(",")]
    options.rounds = 5000 if options.soak else options.rounds
    options.build, options.server = os.path.abspath(options.build), os.path.abspath(options.server)
    if not os.access(options.server, os.X_OK):
        parser.error(f"no server at {options.server}: build it, or name it with --server")
    return options


def main():
    options = parse()
    own_folder = None
    if options.keep is None:
        own_folder = options.keep = tempfile.mkdtemp(prefix="myelin-crash-")
    os.makedirs(options.keep, exist_ok=True)
    first = options.seed if options.seed is not None else random.SystemRandom().randrange(1 << 31)
    score = run_rounds(options, first)
    if own_folder and not os.listdir(own_folder):
        os.rmdir(own_folder)
    return verdict(score, options)


if __name__ == "__main__":
    sys.exit(main())
