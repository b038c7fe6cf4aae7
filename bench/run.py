"""Measures the running server: bench/run.py BUILD_FOLDER [NAME]. Prints one JSON object a line for each figure.

A figure is {name, value, unit, compared_with}; goals come from goals.tsv. Each group starts a server of its own on free ports
with its data beside the build (the disk that is measured), warms it up, and is left out when NAME is not in any of its figures'
names. MYELIN_BENCH_SECONDS (10) is how long each load lasts, MYELIN_BENCH_STREAM_SECONDS (60) the stream. The log's figures
(log_run.py) need no server.
"""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True  # No cache file may appear beside the sources.
import kafka_peers  # noqa: E402
import log_run  # noqa: E402
from measure import lone_sync_us, program, put, say  # noqa: E402

SECONDS = float(os.environ.get("MYELIN_BENCH_SECONDS", "10"))
STREAM_SECONDS = float(os.environ.get("MYELIN_BENCH_STREAM_SECONDS", "60"))
IDLE_SECONDS = 10
SIZE = 1024
TICKS = os.sysconf("SC_CLK_TCK")


class Server:
    def __init__(self, build, folder, keep=False, settings=()):
        self.settings = settings
        self.data = folder / "data"
        if not keep:
            shutil.rmtree(self.data, ignore_errors=True)
        self.binary = build / "myelin"

    def __enter__(self):
        environment = {k: v for k, v in os.environ.items() if not k.startswith("MYELIN_")}
        began = time.monotonic()
        self.process = subprocess.Popen(
            [self.binary, "serve", "--data", self.data, "--http.port", "0", "--mllp.port", "0", "--kafka.port", "0",
             "--logging.format", "json", *self.settings],
            stderr=subprocess.PIPE, text=True, env=environment)
        for line in self.process.stderr:
            event = json.loads(line)
            if event["event"] == "server.started":
                self.started_s = time.monotonic() - began
                self.kafka = event["kafka"]
                self.http, self.mllp = f"127.0.0.1:{event['http']}", f"127.0.0.1:{event['mllp']}"
                return self
        raise SystemExit("bench/run.py: the server did not start")

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.stderr.read()
        self.process.wait(60)

    def cpu_s(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def memory_mb(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) / 1024


def load(build, server, connections, window):
    cpu = server.cpu_s()
    result = program(build, "mllp_load", "--to", server.mllp, "--connections", connections, "--window", window,
                     "--size", SIZE, "--duration", f"{SECONDS:.0f}s", "--warm-up", "3s")
    result["server_cpu_s"] = server.cpu_s() - cpu
    return result


def bench_mllp(build, folder):
    p50, p99, rate = lone_sync_us(folder, 3)
    disk = f"4 KiB O_DIRECT O_DSYNC writes in the same run: p50 {p50:.0f} µs, p99 {p99:.0f} µs, {rate:.0f}/s"
    put("disk/lone-sync/p50", p50, "µs")
    put("disk/lone-sync/p99", p99, "µs")
    with Server(build, folder) as server:
        one = load(build, server, 1, 1)
        put("mllp/stop-and-wait/1", one["acked_per_s"], "/s", disk)
        put("mllp/stop-and-wait/1/p50", one["p50_us"], "µs", disk)
        put("mllp/stop-and-wait/1/p99", one["p99_us"], "µs", disk)
        put("mllp/stop-and-wait/1/p50-over-sync", one["p50_us"] - p50, "µs", disk)
        for name, window in (("stop-and-wait", 1), ("pipelining", 16)):
            many = load(build, server, 64, window)
            cpu = f"server {many['server_cpu_s']:.1f} s and client {many['client_cpu_s']:.1f} s of CPU on {os.cpu_count()} cores"
            put(f"mllp/{name}/64", many["acked_per_s"], "/s", cpu)
            put(f"mllp/{name}/64/p50", many["p50_us"], "µs", cpu)
            put(f"mllp/{name}/64/p99", many["p99_us"], "µs", cpu)


def bench_stream(build, folder):
    p50, p99, _ = lone_sync_us(folder, 3)
    with Server(build, folder) as server:
        result = program(build, "sse_latency", "--mllp", server.mllp, "--http", server.http, "--rate", 1000, "--size", SIZE,
                         "--duration", f"{STREAM_SECONDS:.0f}s", "--warm-up", "5s")
    note = f"1,000/s for {STREAM_SECONDS:.0f} s; lone sync p50 {p50:.0f} µs, p99 {p99:.0f} µs"
    put("mllp-to-sse/p50", result["p50_us"] / 1000, "ms", note)
    put("mllp-to-sse/p99", result["p99_us"] / 1000, "ms", note)
    put("mllp-to-sse/max", result["max_us"] / 1000, "ms", note)


def bench_server(build, folder):
    with Server(build, folder) as server:
        put("server/first-start", server.started_s, "s", "an empty directory")
        load(build, server, 64, 16)
        time.sleep(8)  # Everything has moved to segments.
        cpu = server.cpu_s()
        time.sleep(IDLE_SECONDS)
        put("server/idle-memory-after-load", server.memory_mb(), "MB", "after the load above")
        put("server/idle-cpu", (server.cpu_s() - cpu) / IDLE_SECONDS * 100, "%")
    with Server(build, folder, keep=True) as server:
        put("server/start", server.started_s, "s", "a directory with data, stopped in order")
        time.sleep(3)
        put("server/idle-memory", server.memory_mb(), "MB")


def bench_kafka(build, folder):
    with Server(build, folder, settings=("--kafka.connections_max", "20000")) as server:
        kafka_peers.bench(server)


GROUPS = {
    "kafka/": bench_kafka,
    "mllp/ disk/": bench_mllp,
    "mllp-to-sse/": bench_stream,
    "server/": bench_server,
} | log_run.GROUPS


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    wanted = sys.argv[2] if len(sys.argv) > 2 else ""
    groups = {name: group for name, group in log_run.ONLY_BY_NAME.items() if wanted == name} or GROUPS
    folder = build / "bench-data"
    folder.mkdir(exist_ok=True)
    try:
        for prefixes, group in groups.items():
            if any(prefix.startswith(wanted) or wanted.startswith(prefix) for prefix in prefixes.split()):
                say(f"bench/run.py: {prefixes}")
                group(build, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
