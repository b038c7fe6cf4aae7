"""What the benchmark runners share: how a figure is printed, how a load program is run, what the disk alone can do."""

import json
import mmap
import os
import shlex
import statistics
import subprocess
import sys
import time


def put(name, value, unit, compared_with=None):
    print(json.dumps({"name": name, "value": value, "unit": unit, "compared_with": compared_with}), flush=True)


def say(text):
    print(text, file=sys.stderr, flush=True)


def program(build, name, *arguments):
    run = subprocess.run([build / name, *map(str, arguments)], stdout=subprocess.PIPE, text=True)
    if run.returncode != 0:
        raise SystemExit(f"bench/run.py: {name} ended with {run.returncode}")
    return json.loads(run.stdout.strip().splitlines()[-1])


def lone_sync_us(folder, seconds, interval=0.0):
    """Writes of one block, each durable when it returns, over a file written before: what one commit costs at least. One after
    the other, or one in each interval (s) where they take less.
    """
    path = folder / "sync.tmp"
    block = mmap.mmap(-1, 4096)
    block.write(b"x" * 4096)
    blocks = 4096
    path.write_bytes(b"x" * 4096 * blocks)
    times = []
    descriptor = os.open(path, os.O_WRONLY | os.O_DIRECT | os.O_DSYNC)
    try:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            began = time.perf_counter()
            os.pwrite(descriptor, block, 4096 * (len(times) % blocks))
            times.append((time.perf_counter() - began) * 1e6)
            time.sleep(max(0.0, interval - times[-1] / 1e6))
    finally:
        os.close(descriptor)
        path.unlink()
    return statistics.median(times), statistics.quantiles(times, n=100)[98], len(times) / seconds


class Fio:
    """One run of fio with one job; `command` is what a person would type."""

    def __init__(self, folder, direction, *arguments, filename="fio.tmp"):
        self.command = shlex.join(["fio", "--name=bench", f"--filename={filename}", f"--rw={direction}", *arguments])
        run = subprocess.run([*shlex.split(self.command), "--output-format=json"], cwd=folder, stdout=subprocess.PIPE,
                             text=True, check=True)
        result = json.loads(run.stdout[run.stdout.index("{"):])
        self.version = result["fio version"]
        job = result["jobs"][0][direction]
        self.mb_per_s = job["bw_bytes"] / 1e6
        self.per_s = job["iops"]
        latencies = job["clat_ns"]["percentile"]
        self.p50_us, self.p99_us = latencies["50.000000"] / 1000, latencies["99.000000"] / 1000
        say(f"bench/run.py: {self.command}: {self.mb_per_s:.0f} MB/s, {self.per_s:.0f}/s, p50 {self.p50_us:.0f} µs, "
            f"p99 {self.p99_us:.0f} µs ({self.version})")
        if filename == "fio.tmp":
            (folder / filename).unlink()
