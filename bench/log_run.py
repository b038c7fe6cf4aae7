"""The figures of the durable log, each beside fio in the same run, on the same file system, close in time.

Called by run.py. What the disk alone can do is measured before and after the log, and the mean of both is what is compared with:
a virtual disk drifts. Every run of log_load and all that it printed goes to BUILD_FOLDER/bench-log.jsonl.
MYELIN_BENCH_SECONDS (60) is how long large batches and trickles last; MYELIN_SOAK_SECONDS (3600) the soak, which runs only
when it is asked for by name (log/soak).
"""

import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess

from measure import Fio, lone_sync_us, program, put, say

SECONDS = int(float(os.environ.get("MYELIN_BENCH_SECONDS", "60")))
FIO_SECONDS = min(SECONDS, 10)
SOAK_SECONDS = int(os.environ.get("MYELIN_SOAK_SECONDS", "3600"))
WARM_UP_SECONDS = 3
MANY = 10_000
GIB = 1 << 30
NEVER_MS = 3_600_000
JOURNAL_ALONE = 1 << 40


def load(build, folder, mode, keep=False, **settings):
    """One run of log_load in a directory of its own, or in the last run's."""
    data = folder / "log"
    if not keep:
        shutil.rmtree(data, ignore_errors=True)
    arguments = [word for name, value in settings.items() for word in ("--" + name.replace("_", "-"), str(value))]
    say(f"bench/run.py: log_load {mode} {' '.join(arguments)}")
    if mode == "crash":  # It kills itself.
        run = subprocess.run([build / "log_load", mode, "--dir", data, *arguments], stdout=subprocess.PIPE, text=True)
        if run.returncode != -9:
            raise SystemExit(f"bench/run.py: log_load crash ended with {run.returncode}")
        result = json.loads(run.stdout)
    else:
        result = program(build, "log_load", mode, "--dir", data, *arguments)
    with open(build / "bench-log.jsonl", "a", encoding="utf-8") as file:
        file.write(json.dumps(result) + "\n")
    say(f"bench/run.py: {json.dumps(result)}")
    return result


def fresh_write(folder):
    """Blocks that were never written, as a segment's: fio reserves the file before it writes."""
    return Fio(folder, "write", "--bs=1M", "--direct=1", "--sync=dsync", "--size=8G", f"--runtime={FIO_SECONDS}")


def over_write(folder):
    """Over blocks written before, as the journal's: the most that a synced writer gets."""
    return Fio(folder, "write", "--bs=1M", "--direct=1", "--sync=dsync", "--size=4G", "--overwrite=1", "--time_based",
               f"--runtime={FIO_SECONDS}")


def bench_large(build, folder):
    settings = {"writers": 12, "batch_bytes": 1_000_000, "retention_bytes": 4 * GIB, "housekeeping_ms": 500, "seconds": SECONDS,
                "warm_up": WARM_UP_SECONDS}
    runs = {}
    for name, more in (("1MB", {}), ("1MB/journal-alone", {"large_batch_bytes": JOURNAL_ALONE})):
        before = fresh_write(folder), over_write(folder)
        run = runs[name] = load(build, folder, "append", **settings, **more)
        shutil.rmtree(folder / "log")
        after = fresh_write(folder), over_write(folder)
        fresh, over = (statistics.mean(fio.mb_per_s for fio in pair) for pair in zip(before, after))
        how = (f"12 in flight, closed loop, {SECONDS} s after {WARM_UP_SECONDS} s of warm-up, {run['checkpoints']} checkpoints, "
               f"{run['cpu_s_per_s']:.2f} CPUs; {run['machine']}")
        put(f"log/large/{name}", run["mb_per_s"], "MB/s", how)
        put(f"log/large/{name}/of-fio", run["mb_per_s"] / fresh * 100, "%",
            f"{before[0].version}: {before[0].command}: {before[0].mb_per_s:.0f} before, {after[0].mb_per_s:.0f} MB/s after")
        put(f"log/large/{name}/of-fio-overwriting", run["mb_per_s"] / over * 100, "%",
            f"{before[1].version}: {before[1].command}: {before[1].mb_per_s:.0f} before, {after[1].mb_per_s:.0f} MB/s after")
        put(f"log/large/{name}/p50", run["p50_us"], "µs", how)
        put(f"log/large/{name}/p99", run["p99_us"], "µs", how)
    put("log/large/1MB/over-journal-alone", runs["1MB"]["mb_per_s"] / runs["1MB/journal-alone"]["mb_per_s"], "×")


def small_write(folder):
    return Fio(folder, "write", "--bs=4k", "--direct=1", "--sync=dsync", "--iodepth=1", "--size=64M", "--overwrite=1",
               "--time_based", "--runtime=3")


def bench_trickle(build, folder):
    settings = {"topics": 200, "batch_bytes": 1024, "warm_up": WARM_UP_SECONDS}
    before = lone_sync_us(folder, 3), small_write(folder)
    one = load(build, folder, "append", writers=1, seconds=5, **settings)
    many = load(build, folder, "append", writers=50, seconds=SECONDS, checkpoints=10, **settings)
    alone = load(build, folder, "append", writers=50, seconds=min(SECONDS, 10), on="committer", **settings)
    shutil.rmtree(folder / "log")
    after = lone_sync_us(folder, 3), small_write(folder)
    p50, p99, rate = (statistics.mean(values) for values in zip(before[0], after[0]))
    sync = (f"lone 4 KiB O_DIRECT O_DSYNC write before and after: p50 {before[0][0]:.0f} and {after[0][0]:.0f} µs, p99 "
            f"{before[0][1]:.0f} and {after[0][1]:.0f} µs, {before[0][2]:.0f} and {after[0][2]:.0f}/s; {before[1].version}: "
            f"{before[1].command}: {before[1].per_s:.0f} and {after[1].per_s:.0f}/s, p99 {before[1].p99_us:.0f} and "
            f"{after[1].p99_us:.0f} µs")
    how = (f"closed loop, {SECONDS} s after {WARM_UP_SECONDS} s of warm-up, {many['checkpoints']} checkpoints of which 10 asked for, "
           f"{many['appends_per_commit']:.1f} appends a commit "
           f"(p10 {many['appends_per_commit_p10']:.0f}, p50 "
           f"{many['appends_per_commit_p50']:.0f}), {many['cpu_s_per_s']:.2f} CPUs, writers included; {many['machine']}")
    put("log/trickle/200x50", many["appends_per_s"], "/s", how)
    put("log/trickle/200x50/of-50-syncs", many["appends_per_s"] / (50 * rate) * 100, "%", sync)
    put("log/trickle/200x50/p50", many["p50_us"], "µs", how)
    put("log/trickle/200x50/p99", many["p99_us"], "µs", how)
    put("log/trickle/200x50/p99-over-sync", many["p99_us"] / p99, "×", sync)
    put("log/trickle/200x50/max", many["max_us"], "µs", "a stall counts once for each writer")
    put("log/trickle/200x50/p99-in-checkpoints", many["in_checkpoints_p99_us"], "µs", "the appends beside the 10 asked for")
    put("log/trickle/200x50/nobody-to-wake", alone["appends_per_s"], "/s",
        f"each writer sends its next record within its completion, on the committer thread; p50 {alone['p50_us']:.0f} µs, "
        f"{alone['appends_per_commit']:.1f} appends a commit")
    put("log/trickle/200x1", one["appends_per_s"], "/s", "one writer, stop and wait")
    put("log/trickle/200x1/p50-over-sync", one["p50_us"] - p50, "µs", sync)


def bench_partitions(build, folder):
    load(build, folder, "fill", topics=1)
    one = load(build, folder, "start", keep=True)
    load(build, folder, "fill", topics=MANY)
    clean = load(build, folder, "start", keep=True)
    crash = load(build, folder, "crash", keep=True, topics=MANY, flush_interval_ms=NEVER_MS)
    killed = load(build, folder, "start", keep=True)
    cold = load(build, folder, "start", keep=True, cold=1)
    load(build, folder, "crash", keep=True, topics=MANY, flush_interval_ms=NEVER_MS)
    killed_cold = load(build, folder, "start", keep=True, cold=1)
    busy = load(build, folder, "append", keep=True, topics=MANY, writers=50, seconds=min(SECONDS, 30), checkpoints=3,
                warm_up=WARM_UP_SECONDS)
    name = f"log/partitions/{MANY}"
    put(f"{name}/start", clean["open_s"], "s", "after a clean stop; files in the page cache")
    put(f"{name}/start-cold", cold["open_s"], "s", "after a clean stop; no file in the page cache")
    touched = f"kill -9 with {crash['durable']} appends in the journal alone, one in each partition"
    put(f"{name}/start-after-kill", killed["open_s"], "s", touched)
    put(f"{name}/start-after-kill-cold", killed_cold["open_s"], "s", touched + "; no file in the page cache")
    memory = f"resident with {MANY}: {clean['resident_bytes']} bytes; with 1: {one['resident_bytes']}; after malloc_trim"
    put(f"{name}/memory", (clean["resident_bytes"] - one["resident_bytes"]) / (clean["partitions"] - one["partitions"]) / 1024,
        "KB", memory)
    put(f"{name}/checkpoint-size", clean["checkpoint_bytes"] / 1024, "KB")
    put(f"{name}/checkpoint-at-rest", statistics.median(clean["idle_checkpoint_ms"]), "ms", "nothing to flush")
    how = (f"50 writers, closed loop, {busy['appends_per_s']:.0f}/s over all partitions: every checkpoint touches all of them; "
           f"p50 of the run {busy['p50_us']:.0f} µs, largest in a checkpoint {busy['in_checkpoints_max_us']:.0f} µs")
    put(f"{name}/checkpoint-of-all", statistics.median(busy["asked_checkpoint_ms"]), "ms", how)
    put(f"{name}/p99-in-checkpoint", busy["in_checkpoints_p99_us"], "µs", how)
    put(f"{name}/p99-in-checkpoint-over-p50", busy["in_checkpoints_p99_us"] / busy["p50_us"], "×", how)


def bench_recovery(build, folder):
    for name, cold in (("full-journal", 0), ("full-journal/cold", 1)):
        crash = load(build, folder, "crash", topics=200, until_full=1, flush_interval_ms=NEVER_MS, buffer_bytes_max=2 * GIB)
        start = load(build, folder, "start", keep=True, cold=cold)
        put(f"log/recovery/{name}", start["open_s"], "s",
            f"kill -9 with the journal {crash['journal_used'] * 100:.0f} % full: {crash['durable']} records of 1 KB in 200 partitions, "
            f"none in a segment; {'no file' if cold else 'files'} in the page cache")


def bench_catch_up(build, folder):
    seconds = min(SECONDS, 10)
    for name, settings in (("memory", {}), ("memory/1KB-batches", {"batch_bytes": 1024, "records": 1})):
        run = load(build, folder, "catch-up", seconds=seconds, **settings)
        put(f"log/catch-up/{name}", run["mb_per_s"] / 1000, "GB/s",
            f"reads of 1 MB, batches of {run['stored_batch_bytes']:.0f} bytes in the page cache, checksums verified, "
            f"{run['cpu_s_per_s']:.2f} CPUs")
    cold = load(build, folder, "catch-up", keep=False, seconds=seconds, cold=1)
    segments = sorted((folder / "log/topics/bench-00000-0").glob("*.log"), key=lambda path: path.stat().st_size)
    segment = segments[-1].relative_to(folder)
    fio = Fio(folder, "read", "--bs=1M", "--direct=1", "--readonly", "--time_based", f"--runtime={seconds}", filename=segment)
    put("log/catch-up/disk", cold["mb_per_s"] / 1000, "GB/s", "reads of 1 MB, batches of 16 KB, dropped from the page cache before")
    put("log/catch-up/disk/of-fio", cold["mb_per_s"] / fio.mb_per_s * 100, "%",
        f"{fio.version}: {fio.command}: {fio.mb_per_s:.0f} MB/s of the same file")


def instructions(build, folder, appends, in_flight):
    data = folder / "log"
    shutil.rmtree(data, ignore_errors=True)
    stripped = folder / "log_load"  # Debian 12's valgrind cannot read clang's debug information.
    subprocess.run(["llvm-objcopy-19", "--strip-debug", build / "log_load", stripped], check=True)
    run = subprocess.run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder / 'callgrind.out'}", stripped, "cost",
                          "--dir", data, "--appends", str(appends), "--in-flight", str(in_flight)],
                         capture_output=True, text=True, check=True)
    return int(re.search(r"Collected : (\d+)", run.stderr).group(1)), json.loads(run.stdout.strip().splitlines()[-1])


def bench_cost(build, folder):
    for in_flight in (1, 64):
        few, many = 2_000, 12_000
        cost = load(build, folder, "cost", appends=20_000, in_flight=in_flight)
        put(f"log/append/{in_flight}-in-flight/allocations", cost["allocations_per_append"], "",
            f"{cost['appends_per_commit']:.1f} appends a commit; 2 of each append's are the caller's: the batch and the list it is in")
        if shutil.which("valgrind") is None:
            say("bench/run.py: valgrind is not there: no instructions")
            continue
        less, _ = instructions(build, folder, few, in_flight)
        more, run = instructions(build, folder, many, in_flight)
        put(f"log/append/{in_flight}-in-flight/instructions", (more - less) / (many - few), "",
            f"callgrind, all threads, {many} appends less {few}; {run['appends_per_commit']:.1f} appends a commit under valgrind, "
            "which runs one thread at a time")


def bench_soak(build, folder):
    csv = build / "soak.csv"
    # Small segments, so that retention and compaction have work from the first minutes on.
    run = load(build, folder, "soak", seconds=SOAK_SECONDS, csv=csv, segment_bytes=256 << 10, retention_bytes=1 << 20)
    how = f"{run['settings']['rate']}/s over {run['settings']['topics']} partitions for {SOAK_SECONDS} s, open loop"
    put("log/soak/p50", run["p50_us"], "µs", how)
    put("log/soak/p99", run["p99_us"], "µs", how)
    put("log/soak/max", run["max_us"], "µs", how)
    put("log/soak/memory-after-warm-up", run["resident_after_warm_up_bytes"] / 1e6, "MB", how)
    put("log/soak/memory-max", run["resident_max_bytes"] / 1e6, "MB", how)
    put("log/soak/memory-end", run["resident_end_bytes"] / 1e6, "MB", how)
    put("log/soak/descriptors-max", run["descriptors_max"], "", how)
    # A short trial must not take the place of a picture that says an hour.
    picture = (pathlib.Path(__file__).resolve().parent.parent / "docs" if SOAK_SECONDS >= 3600 else build) / "soak.svg"
    subprocess.run(["python3", pathlib.Path(__file__).with_name("soak_plot.py"), csv, picture], check=True)
    say(f"bench/run.py: {csv} is drawn in {picture}")


GROUPS = {
    "log/large/": bench_large,
    "log/trickle/": bench_trickle,
    "log/partitions/": bench_partitions,
    "log/recovery/": bench_recovery,
    "log/catch-up/": bench_catch_up,
    "log/append/": bench_cost,
}
ONLY_BY_NAME = {"log/soak": bench_soak}
