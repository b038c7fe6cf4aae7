"""The servers that a suite runs against, and the folder that its runner starts in."""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "clients"))

import kafka_client  # noqa: E402
import kafka_real  # noqa: E402
import server as servers  # noqa: E402
from suite_list import NO_AUTO_CREATE  # noqa: E402

MYELIN = ["--broker.partitions_default", "4", "--log.housekeeping_interval", "10s", "--logging.level", "info"]
MYELIN_FOR = {NO_AUTO_CREATE: ["--kafka.auto_create_topics=false", "--kafka.replication_factor", "clamp"]}
KAFKA = {"num.partitions": 4, "group.initial.rebalance.delay.ms": 3000, "group.min.session.timeout.ms": 6000,
         "group.share.min.record.lock.duration.ms": 1000}
KAFKA_FOR = {NO_AUTO_CREATE: {"auto.create.topics.enable": "false"}}
# Kafka's scripts by the names that the tests call them by.
TOOLS = {"kafka-topics.sh": "org.apache.kafka.tools.TopicCommand", "kafka-acls.sh": "org.apache.kafka.tools.AclCommand",
         "kafka-run-class.sh": ""}


def start(peer, needs):
    if peer == "kafka":
        return kafka_real.RealKafka(kafka_client.free_port(), kafka_client.free_port(),
                                    settings={**KAFKA, **KAFKA_FOR.get(needs, {})})
    return servers.Server(*MYELIN, *MYELIN_FOR.get(needs, []))


def address(server):
    return f"127.0.0.1:{server.kafka}"


def kafka_libs():
    done = subprocess.run([str(HERE.parent / "clients" / "kafka_libs.sh")], check=True, stdout=subprocess.PIPE, text=True)
    return pathlib.Path(done.stdout.strip())


class Workplace:
    """A folder with links to librdkafka as it was built, where its tests may write, and Kafka's tools as they call them."""

    def __init__(self, built):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="myelin-suites-"))
        tree = self.folder / "librdkafka"
        self.tests = tree / "tests"
        self.tests.mkdir(parents=True)
        for path in built.iterdir():
            if path.name != "tests":
                (tree / path.name).symlink_to(path)
        for path in (built / "tests").iterdir():
            if path.name == "java":  # Compiled where it is.
                shutil.copytree(path, self.tests / path.name)
            else:
                (self.tests / path.name).symlink_to(path)
        self.kafka = self.folder / "kafka"
        self._make_tools()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder, ignore_errors=True)

    def _make_tools(self):
        (self.kafka / "bin").mkdir(parents=True)
        (self.kafka / "libs").symlink_to(kafka_libs())
        for name, program in TOOLS.items():
            script = self.kafka / "bin" / name
            script.write_text('#!/bin/sh\nexec java -Xmx256m -XX:TieredStopAtLevel=1 -Dorg.slf4j.simpleLogger.'
                              'defaultLogLevel=warn '
                              f'-cp "{self.kafka}/libs/*${{CLASSPATH:+:$CLASSPATH}}" {program} "$@"\n')
            script.chmod(0o755)

    def environment(self, bootstrap):
        libraries = ":".join(str(self.tests.parent / name) for name in ("src", "src-cpp"))
        kept = {name: value for name, value in os.environ.items()
                if name != "CI" and not name.startswith(("TEST", "MYELIN_", "RDKAFKA_", "SUBTESTS"))}
        return {**kept, "RDKAFKA_TEST_CONF": str(self._settings(bootstrap)), "TEST_KAFKA_VERSION": "4.3.0", "BROKERS": bootstrap,
                "KAFKA_PATH": str(self.kafka), "LD_LIBRARY_PATH": libraries}

    def _settings(self, bootstrap):
        """Written once: a test reads it at any time, again and again."""
        path = self.folder / f"{bootstrap.replace(':', '-')}.conf"
        if not path.exists():
            path.write_text(f"metadata.broker.list={bootstrap}\ntest.topic.random=true\n")
        return path
