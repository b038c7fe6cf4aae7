"""librdkafka's own tests against our server, or with --peer kafka against Apache Kafka.

  librdkafka.py --librdkafka FOLDER [--jobs N] [--peer myelin|kafka] [--ci] [TEST…]

FOLDER is librdkafka with its tests, built (librdkafka_build.sh). A TEST is a number such as 0018, or a name; without one,
all of librdkafka.tsv that need nothing that is not here; --ci: the part that CI runs. Each number has a process of its
own and a limit of time. Ends non-zero when a test fails, or is skipped where the list does not say so.
"""

import argparse
import concurrent.futures
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time

import brokers
import runner_output
import suite_list

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Not -Q, which leaves subtests out and says PASSED; not -p1, which shortens the limits inside until Kafka itself fails.
ARGUMENTS = ["-L", "-p5"]
FAILURE_LINES = 12


class Board:
    """A line for each test when all of its processes have ended."""

    def __init__(self, rows, of):
        self.rows = rows
        self.waiting = {row: sum(row in job.rows for job in of) for row in rows}
        self.outcomes = {row: runner_output.Outcome() for row in rows}
        self.seconds = dict.fromkeys(rows, 0.0)
        self.timed_out = dict.fromkeys(rows, False)
        self.failed_text = {}
        self.results = {}
        self.lock = threading.Lock()

    def ended(self, job, text, seconds, timed_out):
        found = runner_output.outcomes(text)
        with self.lock:
            for row in job.rows:
                one = found.get(row.name, runner_output.Outcome())
                if one.state != "PASSED":
                    self.failed_text.setdefault(row, text)
                self.outcomes[row].add(one)
                self.seconds[row] += seconds
                self.timed_out[row] = self.timed_out[row] or timed_out
                self.waiting[row] -= 1
                if not self.waiting[row]:
                    self._judge(row)

    def _judge(self, row):
        one = self.outcomes[row]
        result, why = runner_output.judged(row, one, self.timed_out[row])
        self.results[row] = result
        print(f"   {row.name:<48}{result:<9}{subtests(one, row):>9}{self.seconds[row]:>8.1f} s  {why}".rstrip(),
              flush=True)
        if result == "failed":
            text = runner_output.COLORS.sub("", self.failed_text.get(row, ""))
            last = [line for line in text.splitlines() if line.strip()][-FAILURE_LINES:]
            print("\n".join(f"      | {line[:200]}" for line in last), flush=True)

    def count(self, result):
        return sum(one == result for one in self.results.values())

    def unexpected(self):
        good = {"passes": "passed", "skips": "skipped"}
        return [row for row in self.rows if self.results.get(row) != good[row.expected] and
                self.results.get(row) != "passed"]


def subtests(one, row):
    return str(one.subtests) if one.subtests or row.subtests else "whole"


class Suite:
    def __init__(self, options, rows):
        self.options = options
        self.jobs = suite_list.jobs(rows)
        self.board = Board(rows, self.jobs)
        self.logs = ROOT / ".tools" / "log" / f"suites-{options.peer}"
        self.logs.mkdir(parents=True, exist_ok=True)
        self.servers = {}
        self.environments = {}

    def run(self):
        print(f"   {'test':<48}{'result':<9}{'subtests':>9}{'time':>10}", flush=True)
        try:
            with brokers.Workplace(self.options.librdkafka) as self.place:
                for needs in {server_for(job) for job in self.jobs}:
                    self.servers[needs] = brokers.start(self.options.peer, needs)
                    self.environments[needs] = self.place.environment(brokers.address(self.servers[needs]))
                with concurrent.futures.ThreadPoolExecutor(self.options.jobs) as pool:
                    for done in [pool.submit(self._run, job) for job in self.jobs]:
                        done.result()
        finally:
            for server in self.servers.values():
                server.__exit__()
        return self.board

    def _run(self, job):
        environment = {**self.environments[server_for(job)], "TESTS": job.number}
        if job.only:
            environment["SUBTESTS"] = job.only
        log = self.logs / f"{job.label}.log"
        started = time.monotonic()
        with open(log, "wb") as output:
            process = subprocess.Popen([self.place.tests / "test-runner", *ARGUMENTS, "-s",
                                        suite_list.SCENARIOS.get(job.needs, "default")],
                                       cwd=self.place.tests, env=environment, stdin=subprocess.DEVNULL, stdout=output,
                                       stderr=output, start_new_session=True)
            timed_out = not ended_within(process, job.limit)
        text = log.read_text(encoding="utf-8", errors="replace")
        self.board.ended(job, text, time.monotonic() - started, timed_out)


def server_for(job):
    return job.needs if job.needs in suite_list.SCENARIOS else suite_list.BROKER


def ended_within(process, seconds):
    try:
        process.wait(seconds)
        return True
    except subprocess.TimeoutExpired:
        return False
    finally:
        try:
            os.killpg(process.pid, signal.SIGKILL)  # With Kafka's tools that it may have started.
        except ProcessLookupError:
            pass
        process.wait()


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--librdkafka", required=True, type=pathlib.Path)
    parser.add_argument("--jobs", type=int, default=min(4, os.cpu_count() or 1))
    parser.add_argument("--peer", choices=["myelin", "kafka"], default="myelin")
    parser.add_argument("--ci", action="store_true")
    parser.add_argument("tests", nargs="*", metavar="TEST")
    options = parser.parse_args()
    options.librdkafka = options.librdkafka.resolve()
    if options.jobs < 1:
        parser.error("--jobs: 1 at least")
    return options


def main():
    options = arguments()
    listed = suite_list.read()
    unknown = set(options.tests) - {row.number for row in listed} - {row.name for row in listed}
    if unknown:
        print(f"no such test in librdkafka.tsv: {' '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    started = time.monotonic()
    suite = Suite(options, suite_list.chosen(listed, options.tests, options.ci))
    board = suite.run()
    unexpected = board.unexpected()
    for row in unexpected:
        if board.results.get(row) == "skipped":
            print(f"   {row.name} was skipped, and the list says that it passes")
    print(f"   in {time.monotonic() - started:.0f} s, {options.jobs} at a time; what was printed is in "
          f"{suite.logs.relative_to(ROOT)}/")
    skipped = sum(row.expected == "skips" and board.results.get(row) == "skipped" for row in board.rows)
    print(f"{board.count('passed')} passed, {len(unexpected)} failed, {skipped} skipped")
    return 1 if unexpected or not board.rows else 0


if __name__ == "__main__":
    sys.exit(main())
