"""A Kafka client program that a test drives, and the server it talks to.

Each program in kafka_clients/ and java/KafkaClient.java does the same things with one library, asked for by JSON lines:

    produce   topic, records, codec, idempotent: [partition, offset] of each record, all acknowledged by acks=all
    consume   topic, partition, count and, else from the beginning, offset or time: the records
    join      member, group, topic: consumes and commits until `leave`; says what it is assigned, has read and committed
    create, topics, configs, alter, add_partitions, delete, groups, group_offsets, delete_group: as the library has them
"""

import base64
import json
import pathlib
import queue
import random
import socket
import subprocess
import threading

import kafka_real
import server as servers

HERE = pathlib.Path(__file__).resolve().parent
ANSWER_SECONDS = 90
SESSION_MS = 3000
SETTINGS = ["--broker.partitions_default", "3", "--broker.groups.initial_rebalance_delay", "50ms",
            "--broker.groups.session_timeout_min", "1s"]


def free_port():
    """Below those that the kernel gives to clients, or one of them might sit on it while the server is away."""
    while True:
        port = random.randrange(15000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


class KafkaServer(servers.Server):
    """Comes back on the port it had."""

    def __init__(self, *settings):
        super().__init__("--kafka.port", str(free_port()), *SETTINGS, *settings)
        self.bootstrap = f"127.0.0.1:{self.kafka}"

    def kill_and_start(self):
        if self.process.poll() is not None:
            raise AssertionError(f"the server ended with {self.process.returncode}: {self.log_text()[-2000:]}")
        self.kill()
        self.start()


def new_server():
    if kafka_real.wanted():
        return kafka_real.RealKafka(free_port(), free_port())
    return KafkaServer()


class ClientError(Exception):
    """What the client library said."""


def encoded(data):
    return None if data is None else base64.b64encode(data).decode()


def decoded(text):
    return None if text is None else base64.b64decode(text)


def record(value, key=None, headers=(), partition=0, timestamp=1_700_000_000_000):
    return {"key": encoded(key), "value": encoded(value), "headers": [[name, encoded(data)] for name, data in headers],
            "partition": partition, "timestamp": timestamp}


class Member:
    """What a member of a group has said of itself."""

    def __init__(self):
        self.assigned = []
        self.records = []  # (partition, offset), as often as they came.
        self.committed = {}


class Client:
    """One program; its requests may overlap."""

    def __init__(self, command, bootstrap, environment=None):
        self.process = subprocess.Popen([*map(str, command), bootstrap], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, env=environment)
        self.answers = {}
        self.progress = {}
        self.members = {}
        self.words = []  # Of its standard error, to be shown when it fails.
        self.follower = threading.Thread(target=self._follow, daemon=True)
        self.follower.start()
        self.listener = threading.Thread(target=self._listen, daemon=True)
        self.listener.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.follower.join()
        self.listener.join()
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass  # What it did not take before it ended.

    def ended(self):
        return self.process.poll() is not None

    def _listen(self):
        with self.process.stderr as stream:
            for line in stream:
                self.words = [*self.words[-40:], line]

    def _follow(self):
        with self.process.stdout as stream:
            for line in stream:
                said = json.loads(line)
                if "member" in said:
                    self._of_member(self.members[said["member"]], said)
                elif "progress" in said:
                    self.progress[said["id"]] = said["progress"]
                else:
                    self.answers[said["id"]].put(said)
        for answer in list(self.answers.values()):
            answer.put({"error": "the client program ended: " + "".join(self.words)})

    @staticmethod
    def _of_member(member, said):
        if "assigned" in said:
            member.assigned = said["assigned"]
        for partition, offset in said.get("records", []):
            member.records.append((partition, offset))
        for partition, offset in said.get("committed", []):
            member.committed[partition] = offset

    def start(self, do, **request):
        """A request's number: its answer is taken later."""
        number = len(self.answers) + 1
        self.answers[number] = queue.Queue()
        try:
            self.process.stdin.write(json.dumps({"id": number, "do": do} | request) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise ClientError("the client program ended: " + "".join(self.words)) from None
        return number

    def answer(self, number):
        try:
            said = self.answers[number].get(timeout=ANSWER_SECONDS)
        except queue.Empty:
            raise ClientError(f"no answer within {ANSWER_SECONDS} s; it says: {''.join(self.words)}") from None
        if "error" in said:
            raise ClientError(said["error"])
        return said.get("ok")

    def do(self, do, **request):
        return self.answer(self.start(do, **request))

    def start_producing(self, topic, records, codec="none", idempotent=False, ahead=1_000_000):
        """The records as record() makes them, at most `ahead` of them on the way."""
        return self.start("produce", topic=topic, records=records, codec=codec, idempotent=idempotent, ahead=ahead)

    def produce(self, *arguments, **named):
        return self.answer(self.start_producing(*arguments, **named))

    def consume(self, topic, count, partition=0, **start):
        records = self.do("consume", topic=topic, partition=partition, count=count, **start)
        for one in records:
            one["key"], one["value"] = decoded(one["key"]), decoded(one["value"])
            one["headers"] = [(name, decoded(data)) for name, data in one["headers"]]
        return records

    def join(self, member, group, topic, assignor=None):
        """The assignor by its name in the client library; None is its usual one."""
        self.members[member] = Member()
        self.do("join", member=member, group=group, topic=topic, session_ms=SESSION_MS, assignor=assignor)
        return self.members[member]

    def leave(self, member):
        self.do("leave", member=member)
        self.members[member].assigned = []
