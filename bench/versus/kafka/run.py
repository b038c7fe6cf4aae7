"""Myelin beside Apache Kafka: ./dev bench versus/kafka[/PART] [--json], or bench/versus/kafka/run.py BUILD_FOLDER [PART…].

Both brokers run at once on this machine, each on its defaults, with their data side by side on the disk of the build folder;
one Java client, Kafka's own on its defaults, loads one after the other, round after round, so that both meet the same moods of the
machine. A third broker answers at once and stores nothing: what a client reaches with it is the client's own limit. The first
seconds of each run are left out, and the disk is synced before each, or what Kafka has not written yet would be written in the
next one's time. Figures are medians over the rounds; a ratio is Myelin's to Kafka's. Myelin syncs before each acknowledgment,
Kafka never does; kafka-synced is the same Kafka with flush.messages=1 on the topic, which makes the promise that Myelin makes.

Parts: produce, consume, latency, trickle, behind, idle, start (all). MYELIN_VERSUS_ROUNDS (3), MYELIN_VERSUS_SECONDS (8) of
each window and MYELIN_VERSUS_WARM (4) before it.
"""

import json
import os
import pathlib
import platform
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "bench"), str(ROOT / "tests" / "clients")]
import dump_log_segments_test as kafka_jars  # noqa: E402
from kafka_client import free_port  # noqa: E402
from measure import lone_sync_us, put, say  # noqa: E402

ROUNDS = int(os.environ.get("MYELIN_VERSUS_ROUNDS", "3"))
SECONDS = float(os.environ.get("MYELIN_VERSUS_SECONDS", "8"))
WARM = float(os.environ.get("MYELIN_VERSUS_WARM", "4"))
SIZE = 1024
PARTITIONS = (1, 6, 200)
RATES = (1000, 10000, 40000)
IDLE_SECONDS = 20
TICKS = os.sysconf("SC_CLK_TCK")
# As kafka-server-start.sh gives them.
KAFKA_JVM = ["-Xmx1G", "-Xms1G", "-server", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20",
             "-XX:InitiatingHeapOccupancyPercent=35", "-XX:+ExplicitGCInvokesConcurrent", "-Djava.awt.headless=true"]
# As config/server.properties has them, apart from ports and folder; a single node needs the last three.
KAFKA_SETTINGS = """process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
num.network.threads=3
num.io.threads=8
socket.send.buffer.bytes=102400
socket.receive.buffer.bytes=102400
log.dirs={folder}/data
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
"""


class Broker:
    configs = {}  # Of topics.

    def __init__(self, folder, port=None):
        self.folder = folder
        self.port = port or free_port()
        self.bootstrap = f"127.0.0.1:{self.port}"
        folder.mkdir(parents=True)
        began = time.monotonic()
        self.process = self.launch()
        while not self.answers():
            if self.process.poll() is not None:
                raise SystemExit(f"{self.name} did not start: {(folder / 'log').read_text(errors='replace')[-2000:]}")
            time.sleep(0.002)
        self.started_s = time.monotonic() - began

    def spawn(self, command):
        environment = {k: v for k, v in os.environ.items() if not k.startswith("MYELIN_")}
        with open(self.folder / "log", "ab") as log:
            return subprocess.Popen(list(map(str, command)), stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder,
                                    env=environment)

    def answers(self):
        """Whether it answers ApiVersions, the first thing that every client asks."""
        request = bytes.fromhex("0000000a" "0012" "0000" "00000001" "ffff")
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1) as client:
                client.settimeout(5)
                client.sendall(request)
                return len(client.recv(4)) == 4
        except OSError:
            return False

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def cpu_s(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def memory_mb(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) / 1024


class Myelin(Broker):
    name = "myelin"

    def __init__(self, build, folder):
        self.build = build
        super().__init__(folder)

    def launch(self):
        return self.spawn([self.build / "myelin", "serve", "--data", self.folder / "data", "--http.port", 0, "--mllp.port", 0,
                           "--kafka.port", self.port, "--logging.format", "json"])


class Kafka(Broker):
    name = "kafka"

    def launch(self):
        settings = self.folder / "server.properties"
        settings.write_text(KAFKA_SETTINGS.format(port=self.port, controller=free_port(), folder=self.folder))
        jars = ["-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", f"{kafka_jars.kafka_libs()}/*"]
        tool = ["java", *jars, "kafka.tools.StorageTool"]
        name = subprocess.run([*tool, "random-uuid"], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
        subprocess.run([*tool, "format", "-t", name, "-c", settings], check=True, stdout=subprocess.DEVNULL)
        self.formatted = time.monotonic()
        return self.spawn(["java", *KAFKA_JVM, *jars, "kafka.Kafka", settings])

    def __init__(self, _, folder):
        super().__init__(folder)
        self.started_s = time.monotonic() - self.formatted  # Formatting is no part of a start.


class Synced:
    """The same Kafka, with a sync before each acknowledgment."""

    name = "kafka-synced"
    configs = {"flush.messages": "1"}

    def __init__(self, kafka):
        self.kafka = kafka

    def __getattr__(self, name):
        return getattr(self.kafka, name)


class Null(Broker):
    name = "null"

    def __init__(self, build, folder):
        self.build = build
        super().__init__(folder)

    def launch(self):
        return self.spawn([self.build / "null_broker", self.port])


class Client:
    """The Java program, warm for all that come."""

    def __init__(self):
        command = ["java", "-Xmx1G", "-Xms1G", "-Dorg.slf4j.simpleLogger.defaultLogLevel=error", "-cp",
                   f"{kafka_jars.kafka_libs()}/*", pathlib.Path(__file__).parent / "Load.java"]
        self.process = subprocess.Popen(list(map(str, command)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def do(self, what, broker, **asked):
        """Its figures, and what the broker's process took meanwhile."""
        asked = {"partitions": 1, "size": SIZE, "warm": WARM, "seconds": SECONDS, "records": 0, "rate": 0, "clients": 0,
                 "configs": broker.configs, **asked}
        self.process.stdin.write(json.dumps({"do": what, "bootstrap": broker.bootstrap, **asked}) + "\n")
        self.process.stdin.flush()
        cpu = [0.0, 0.0]
        for line in self.process.stdout:
            told = json.loads(line)
            if "window" in told:
                cpu[told["window"] == "ended"] = broker.cpu_s()
            elif "error" in told:
                raise SystemExit(f"{what} with {broker.name}: {told['error']}")
            else:
                figures = told["figures"]
                if "records" in figures:
                    figures["broker_cpu_s_per_gb"] = (cpu[1] - cpu[0]) / (figures["records"] * SIZE / 1e9)
                    figures["broker_cores"] = (cpu[1] - cpu[0]) / figures["seconds"]
                    figures["client_cores"] = figures["client_cpu_s"] / figures["seconds"]
                    figures["broker_mb"] = broker.memory_mb()
                return figures
        raise SystemExit("the client ended")

    def close(self):
        self.process.stdin.close()
        self.process.wait(30)


UNITS = {"per_s": "records/s", "broker_cpu_s_per_gb": "CPU s/GB", "broker_cores": "cores", "client_cores": "cores",
         "broker_mb": "MB", "p50_ms": "ms", "p99_ms": "ms", "p999_ms": "ms", "max_ms": "ms"}


class Versus:
    def __init__(self, build):
        self.build = build
        self.folder = build / "versus"
        shutil.rmtree(self.folder, ignore_errors=True)
        say("versus/kafka: starting the brokers")
        self.brokers = [kind(build, self.folder / kind.name) for kind in (Kafka, Myelin, Null)]
        self.stored = self.brokers[:2]
        self.promising = [*self.brokers, Synced(self.brokers[0])]
        self.client = Client()
        self.count = 0

    def close(self):
        self.client.close()
        for broker in self.brokers:
            broker.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def topic(self, broker, partitions):
        self.count += 1
        name = f"versus-{self.count}-{partitions}"
        if broker.name != "null":
            self.client.do("create", broker, topic=name, partitions=partitions)
            # Kafka refuses a new partition's first batch now and then, takes the second, and then never the first again.
            time.sleep(2)
        return name

    def drop(self, broker, topic):
        if broker.name != "null":
            self.client.do("delete", broker, topic=topic)

    def rounds(self, what, brokers, once):
        """once(broker, round): figures; the same order turned about in every other round."""
        found = {broker.name: [] for broker in brokers}
        for at in range(ROUNDS):
            for broker in brokers if at % 2 == 0 else reversed(brokers):
                say(f"versus/kafka: {what}, round {at + 1} of {ROUNDS}, {broker.name}")
                os.sync()
                time.sleep(1)
                found[broker.name].append(once(broker))
        return found

    def report(self, what, found, keys):
        for key in keys:
            if key not in UNITS:
                continue
            medians = {name: statistics.median(figures[key] for figures in all_) for name, all_ in found.items()}
            for name, value in medians.items():
                spread = ", ".join(f"{figures[key]:.3g}" for figures in found[name])
                put(f"versus/kafka/{what}/{name}/{key}", value, UNITS[key], f"rounds: {spread}")
            if medians.get("kafka"):
                put(f"versus/kafka/{what}/{key}-ratio", medians["myelin"] / medians["kafka"], "×", "Apache Kafka, same run")

    def produce_and_consume(self, parts):
        for partitions in PARTITIONS:
            consumed = {broker.name: [] for broker in self.brokers}

            def once(broker):
                topic = self.topic(broker, partitions)
                figures = self.client.do("produce", broker, topic=topic, partitions=partitions)
                if "consume" in parts and broker.name != Synced.name:
                    records = int(figures["all_records"] if broker.name != "null" else figures["per_s"] * SECONDS)
                    consumed[broker.name].append(
                        self.client.do("consume", broker, topic=topic, partitions=partitions, records=records))
                self.drop(broker, topic)
                return figures

            found = self.rounds(f"produce to {partitions} partitions", self.promising, once)
            keys = ("per_s", "broker_cpu_s_per_gb", "broker_cores", "client_cores", "broker_mb")
            if "produce" in parts:
                self.report(f"produce/{partitions}", found, keys)
            if "consume" in parts:
                self.report(f"consume/{partitions}", consumed, keys)

    def spaced_sync(self, rate):
        """What one sync takes at this pace: a virtual disk that is not kept busy answers later."""
        p50, p99, _ = lone_sync_us(self.folder, 3, 1 / rate)
        put(f"versus/kafka/latency/{rate}/lone-sync/p50_ms", p50 / 1e3, "ms", f"4 KiB every {1 / rate:g} s, O_DIRECT and O_DSYNC")
        put(f"versus/kafka/latency/{rate}/lone-sync/p99_ms", p99 / 1e3, "ms", f"4 KiB every {1 / rate:g} s, O_DIRECT and O_DSYNC")

    def latency(self):
        for rate in RATES:
            def once(broker):
                topic = self.topic(broker, 6)
                figures = self.client.do("paced", broker, topic=topic, partitions=6, rate=rate)
                self.drop(broker, topic)
                return figures

            self.spaced_sync(rate)
            self.report(f"latency/{rate}", self.rounds(f"{rate} records/s", self.promising, once),
                        ("p50_ms", "p99_ms", "p999_ms", "broker_cpu_s_per_gb", "broker_cores"))

    def trickle(self):
        def once(broker):
            topic = self.topic(broker, 200)
            figures = self.client.do("trickle", broker, topic=topic, partitions=200, clients=50)
            self.drop(broker, topic)
            return figures

        self.report("trickle/200x50", self.rounds("50 producers to 200 partitions", self.promising, once),
                    ("per_s", "p50_ms", "p99_ms", "broker_cpu_s_per_gb", "client_cores"))

    def behind(self):
        """A consumer that comes late while 10,000 records/s go on coming."""
        def once(broker):
            topic = self.topic(broker, 6)
            backlog = self.client.do("produce", broker, topic=topic, partitions=6, warm=1)["all_records"]
            os.sync()
            figures = self.client.do("behind", broker, topic=topic, partitions=6, records=backlog, rate=10000, warm=1)
            self.drop(broker, topic)
            return figures

        self.report("behind", self.rounds("a backlog", self.stored, once),
                    ("per_s", "p50_ms", "p99_ms", "broker_cpu_s_per_gb", "broker_cores"))

    def idle(self):
        found = {broker.name: [] for broker in self.stored}
        for broker in self.stored:
            say(f"versus/kafka: {broker.name} idle for {IDLE_SECONDS} s")
            cpu = broker.cpu_s()
            time.sleep(IDLE_SECONDS)
            found[broker.name].append({"broker_cores": (broker.cpu_s() - cpu) / IDLE_SECONDS, "broker_mb": broker.memory_mb()})
        self.report("idle", found, ("broker_cores", "broker_mb"))

    def start(self):
        started = {}
        for kind in (Kafka, Myelin):
            times = []
            for at in range(ROUNDS):
                broker = kind(self.build, self.folder / f"{kind.name}-start-{at}")
                times.append(broker.started_s)
                broker.stop()
            started[kind.name] = statistics.median(times)
            put(f"versus/kafka/start/{kind.name}", started[kind.name], "s", "an empty directory, to the first answer")
        put("versus/kafka/start-ratio", started["myelin"] / started["kafka"], "×", "Apache Kafka, same run")

    def run(self, parts):
        if "idle" in parts:
            self.idle()
        if "start" in parts:
            self.start()
        if {"produce", "consume"} & parts:
            self.produce_and_consume(parts)
        for part in ("latency", "trickle", "behind"):
            if part in parts:
                getattr(self, part)()


def settings(build):
    version = subprocess.run([build / "myelin", "--version"], stdout=subprocess.PIPE, text=True).stdout.strip()
    jar = next(pathlib.Path(kafka_jars.kafka_libs()).glob("kafka-clients-*.jar")).stem
    java = subprocess.run(["java", "-version"], stderr=subprocess.PIPE, text=True).stderr.splitlines()[0]
    p50, p99, _ = lone_sync_us(build, 2)
    say(f"versus/kafka: {version}; Apache Kafka and its client {jar.removeprefix('kafka-clients-')}, {java}; "
        f"{os.cpu_count()} cores, Linux {platform.release()}; a lone sync of 4 KiB p50 {p50:.0f} µs, p99 {p99:.0f} µs; "
        f"records of {SIZE} random bytes; {ROUNDS} rounds of {SECONDS:g} s behind {WARM:g} s; Kafka's JVM {' '.join(KAFKA_JVM[:2])}")
    put("versus/kafka/lone-sync/p50", p50, "µs", "4 KiB, O_DIRECT and O_DSYNC")


ALL = ("idle", "start", "produce", "consume", "latency", "trickle", "behind")


def main():
    build, parts = pathlib.Path(sys.argv[1]).resolve(), set(sys.argv[2:]) or set(ALL)
    if not parts <= set(ALL):
        raise SystemExit(f"there is no part {', '.join(sorted(parts - set(ALL)))}; there are {', '.join(ALL)}")
    settings(build)
    versus = Versus(build)
    try:
        versus.run(parts)
    finally:
        versus.close()


if __name__ == "__main__":
    main()
