"""What clients and our server say to each other, held against what the same clients and Apache Kafka say.

    kafka_capture_test.py --write         # src/formats/kafka_protocol/testdata/captured.txt anew, from Kafka's frames
"""

import json
import re
import socket
import struct
import subprocess
import sys
import unittest

import kafka_client
import kafka_java_test
import kafka_node_test
import kafka_real
import kafka_relay
import server as servers
from kafka_client import record

CODEC = kafka_client.HERE.parent.parent / "src" / "formats" / "kafka_protocol"
CAPTURED = CODEC / "testdata" / "captured.txt"
SECONDS_MAX = 120
HEX_DIGITS_MAX = 3000  # Of a frame that is kept.
TOPIC, GROUP = "captured", "captured-group"
PROGRAMS = kafka_client.HERE / "kafka_clients"
CLIENTS = {
    "librdkafka": lambda: [sys.executable, PROGRAMS / "librdkafka.py"],
    "aiokafka": lambda: [sys.executable, PROGRAMS / "aio.py"],
    "kafkajs": lambda: [kafka_node_test.NODE, PROGRAMS / "kafkajs.mjs"],
    "platformatic": lambda: [kafka_node_test.NODE, PROGRAMS / "platformatic.mjs"],
    "java": lambda: [*kafka_java_test.java(), kafka_java_test.PROGRAM],
    "java 3": lambda: [*kafka_java_test.java("3"), kafka_java_test.PROGRAM],
}
LINES = {"java": None, "java 3": "3"}  # Of Kafka's jars.

TWENTY_YEARS_MS = 20 * 365 * 24 * 3_600_000  # The records are of 2023, and Kafka goes by what they say.
HEARTBEAT = 12
CONSUMER_GROUP_DESCRIBE = 69  # Of next-generation groups. A client that cannot ask it asks DescribeGroups, which it does anyway.


def session(client, name, bootstrap):
    """Each thing once that a test of kafka_behaviour.py does."""
    topic, group = f"{TOPIC}-{name.replace(' ', '-')}", f"{GROUP}-{name.replace(' ', '-')}"
    client.do("create", topic=topic, partitions=2, configs={"retention.ms": str(TWENTY_YEARS_MS)})
    servers.wait_until(lambda: client.do("topics").get(topic) == 2, "the topic")
    client.do("configs", topic=topic)
    client.do("alter", topic=topic, configs={"retention.ms": str(2 * TWENTY_YEARS_MS)})
    client.do("add_partitions", topic=topic, partitions=3)
    servers.wait_until(lambda: client.do("topics").get(topic) == 3, "the third partition")
    sent = [record(b"value %d" % at, b"key", [("name", b"data")], timestamp=1_700_000_000_000 + at) for at in range(4)]
    client.produce(topic, sent, codec="gzip")
    client.produce(topic, [record(b"once", partition=1)], idempotent=True)
    client.consume(topic, 4)
    client.consume(topic, 2, offset=2)
    client.consume(topic, 1, time=1_700_000_000_002)
    member = client.join("one", group, topic)
    servers.wait_until(lambda: member.committed == {0: 4, 1: 1}, "its commits")
    client.leave("one")
    client.do("groups")
    client.do("group_offsets", group=group)
    outcomes = admin_calls(LINES[name], bootstrap, topic, group) if name in LINES else {}
    client.do("delete", topic=topic)
    return outcomes


def admin_calls(line, *arguments):
    """What an administrator seldom asks, by java/AdminCalls.java: what came of each call."""
    command = [*kafka_java_test.java(line), kafka_client.HERE / "java" / "AdminCalls.java", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS_MAX)
    if done.returncode:
        raise AssertionError(done.stderr)
    return dict(line.split("\t") for line in done.stdout.splitlines())


def capture(server, relay):
    """Client: the exchanges of its session; client: what came of its administrator's calls."""
    found, outcomes = {}, {}
    for name, command in CLIENTS.items():
        before = len(relay.exchanges)
        with kafka_client.Client(command(), relay.bootstrap) as client:
            outcomes[name] = session(client, name, relay.bootstrap)
        found[name] = relay.exchanges[before:]
    return found, outcomes


def with_myelin():
    port = kafka_client.free_port()
    server = kafka_client.KafkaServer("--kafka.advertised_port", str(port))
    with server, kafka_relay.Relay(port, server.kafka) as relay:
        return capture(server, relay), advertised(server.kafka), relay.faults


def with_kafka():
    port = kafka_client.free_port()
    server = kafka_real.RealKafka(kafka_client.free_port(), kafka_client.free_port(), advertised=port)
    with server, kafka_relay.Relay(port, server.port) as relay:
        return capture(server, relay), advertised(server.port), relay.faults


def logins():
    """The exchanges of an administrator who logs in to Kafka with SASL."""
    port, controller, sasl = (kafka_client.free_port() for _ in range(3))
    settings = {
        "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller},SASL_PLAINTEXT://127.0.0.1:{sasl}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port},SASL_PLAINTEXT://127.0.0.1:{sasl}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT",
        "sasl.enabled.mechanisms": "PLAIN",
        "listener.name.sasl_plaintext.plain.sasl.jaas.config":
            'org.apache.kafka.common.security.plain.PlainLoginModule required user_probe="probe";',
    }
    server = kafka_real.RealKafka(port, controller, settings=settings)
    with server, kafka_relay.Relay(kafka_client.free_port(), sasl) as relay:
        for line in LINES.values():
            if admin_calls(line, "", "", "", relay.bootstrap) != {"login": "false"}:
                raise AssertionError("nobody logged in")
        return relay.exchanges


def advertised(port):
    """API key: (oldest, newest version), by ApiVersions 0."""
    with socket.create_connection(("127.0.0.1", port), SECONDS_MAX) as connection:
        connection.sendall(struct.pack(">ihhih", 10, 18, 0, 1, -1))
        stream = connection.makefile("rb")
        answer = stream.read(int.from_bytes(stream.read(4), "big"))
    (count,) = struct.unpack(">i", answer[6:10])
    return {key: (oldest, newest) for key, oldest, newest in struct.iter_unpack(">hhh", answer[10 : 10 + 6 * count])}


def read(exchanges):
    """Each frame as ReadFrames.java has it, requests and responses in turn."""
    lines = []
    for one in exchanges:
        lines.append(f"{one.key} {one.version} request {one.request.hex()}\n")
        lines.append(f"{one.key} {one.version} response {one.response.hex()}\n")
    command = [*kafka_java_test.java(), str(kafka_client.HERE / "java" / "ReadFrames.java")]
    done = subprocess.run(command, input="".join(lines), capture_output=True, text=True, timeout=SECONDS_MAX)
    if done.returncode:
        raise AssertionError(done.stderr)
    return [json.loads(line) for line in done.stdout.splitlines()]


def errors(message):
    """All error codes in a message, wherever they are."""
    if isinstance(message, list):
        return {code for one in message for code in errors(one)}
    if not isinstance(message, dict):
        return set()
    own = {value for name, value in message.items() if name == "errorCode" and value}
    return own.union(*(errors(value) for value in message.values()))


def versions(exchanges):
    """API key: the versions that were asked for."""
    found = {}
    for one in exchanges:
        found.setdefault(one.key, set()).add(one.version)
    return found


class Capture(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not kafka_node_test.INSTALLED:
            raise unittest.SkipTest(kafka_node_test.WHY_NOT)
        (cls.ours, cls.our_outcomes), cls.our_versions, cls.our_faults = with_myelin()
        (cls.theirs, cls.their_outcomes), cls.their_versions, _ = with_kafka()
        cls.our_frames = {name: read(exchanges) for name, exchanges in cls.ours.items()}
        cls.their_frames = {name: read(exchanges) for name, exchanges in cls.theirs.items()}

    def test_every_response_is_to_a_request(self):
        self.assertEqual([], self.our_faults)

    def test_kafkas_own_classes_read_every_response_to_its_last_byte_and_write_it_alike(self):
        for name, frames in self.our_frames.items():
            for frame in frames:
                if frame["direction"] == "response":
                    with self.subTest(f"{name}: {frame['api']} {frame['version']}"):
                        self.assertNotIn("fault", frame)
                        self.assertEqual(0, frame["left"])
                        self.assertTrue(frame["same"])

    def test_every_client_uses_the_same_apis_in_the_version_it_uses_with_kafka_or_the_newest_that_we_have(self):
        for name in CLIENTS:
            ours, theirs = versions(self.ours[name]), versions(self.theirs[name])
            if HEARTBEAT not in ours:  # A matter of time alone.
                theirs.pop(HEARTBEAT, None)
            theirs.pop(CONSUMER_GROUP_DESCRIBE, None)
            for key, wanted in theirs.items():
                with self.subTest(f"{name}: API {key}"):
                    newest = self.our_versions[key][1]
                    self.assertEqual({min(version, newest) for version in wanted}, ours.get(key))
            self.assertEqual(set(theirs), set(ours) - ({HEARTBEAT} - set(theirs)), name)

    def test_an_administrator_is_told_what_kafka_tells(self):
        for name in LINES:
            for call, outcome in self.their_outcomes[name].items():
                with self.subTest(f"{name}: {call}"):
                    self.assertEqual(outcome, self.our_outcomes[name][call])

    def test_no_error_is_answered_that_kafka_does_not_answer_in_the_same_session(self):
        for name in CLIENTS:
            seen = {(frame["api"], code) for frame in self.their_frames[name] for code in errors(frame["message"])}
            for frame in self.our_frames[name]:
                for code in errors(frame["message"]):
                    self.assertIn((frame["api"], code), seen, name)


def codec_versions():
    """API: the versions that the codec knows."""
    found = {}
    for header in CODEC.glob("*.h"):
        for line in re.findall(r"inline constexpr Api k\w+\{[^}]*\}", header.read_text()):
            field = dict(re.findall(r"\.(\w+)\s*=\s*\"?(\w+)", line))
            found[field["name"]] = range(int(field["min"]), int(field["max"]) + 1)
    return found


def write():
    """The shortest and the longest of each message and version: requests of all clients, responses of Kafka."""
    known, best = codec_versions(), {}
    for exchanges in [*with_kafka()[0][0].values(), logins()]:
        for frame in read(exchanges):
            if frame["version"] in known.get(frame["api"], ()) and len(frame["body"]) <= HEX_DIGITS_MAX:
                name = (frame["api"], frame["direction"] == "response", frame["version"])
                some = sorted([*best.get(name, []), frame["body"]], key=len)
                best[name] = [some[0], some[-1]]
    with CAPTURED.open("w") as file:
        for (api, response, version), bodies in sorted(best.items()):
            for body in dict.fromkeys(bodies):
                file.write(f"{api} {'response' if response else 'request'} {version} {body}".rstrip() + "\n")
    print(f"{CAPTURED}: {CAPTURED.stat().st_size} bytes")


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        write()
    else:
        unittest.main()
