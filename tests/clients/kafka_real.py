"""A node of Apache Kafka itself, to hold what clients see of our server against what they see of it.

With MYELIN_CLIENTS_KAFKA=1 the kafka_*_test.py run against it: then a test that fails asks for what Kafka does not do.
"""

import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time

import dump_log_segments_test as kafka

START_SECONDS = 60
SETTINGS = """process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{advertised}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs={folder}/data
num.partitions=3
offsets.topic.replication.factor=1
offsets.topic.num.partitions=3
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=50
group.min.session.timeout.ms=1000
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
"""


def wanted():
    return os.environ.get("MYELIN_CLIENTS_KAFKA") == "1"


class RealKafka:
    def __init__(self, port, controller, advertised=None, settings=None):
        self.port, self.kafka = port, port
        self.bootstrap = f"127.0.0.1:{port}"
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="kafka-clients-"))
        self.settings = self.folder / "server.properties"
        text = SETTINGS.format(port=port, controller=controller, advertised=advertised or port, folder=self.folder)
        # The last line of a name is the one that counts.
        self.settings.write_text(text + "".join(f"{name}={value}\n" for name, value in (settings or {}).items()))
        self.process = None
        try:
            name = self._java("kafka.tools.StorageTool", "random-uuid").strip()
            self._java("kafka.tools.StorageTool", "format", "-t", name, "-c", self.settings)
            self.start()
        except BaseException:
            self.__exit__()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _command(self, *arguments):
        java = ["java", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
        return [*java, "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", f"{kafka.kafka_libs()}/*",
                *map(str, arguments)]

    def _java(self, *arguments):
        done = subprocess.run(self._command(*arguments), check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, timeout=START_SECONDS)
        return done.stdout

    def start(self):
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(self._command("kafka.Kafka", self.settings), stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, cwd=self.folder)
        end = time.monotonic() + START_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > end:
                    log = (self.folder / "log").read_text(errors="replace")
                    raise RuntimeError(f"Kafka did not start: {log[-2000:]}") from None
                time.sleep(0.05)

    def kill(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
        if self.process is not None:
            self.process.wait()

    def kill_and_start(self):
        self.kill()
        self.start()
