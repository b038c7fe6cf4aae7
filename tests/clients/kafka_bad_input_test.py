"""What must not be asked, asked of our server and of Apache Kafka: both answer with the same error codes, in the same
fields, and keep or close the connection alike."""

import dataclasses
import json
import socket
import struct
import subprocess
import time
import unittest

import kafka_bad_requests
import kafka_capture_test as capture
import kafka_client
import kafka_java_test
import kafka_real
import kafka_relay
import server as servers

SECONDS_MAX = 60
SILENCE_SECONDS = 10
API_VERSIONS = struct.pack(">hhih", 18, 0, 2, -1)


@dataclasses.dataclass
class Answer:
    frame: bytes | None
    then: str  # What became of the connection.


def encoded(cases):
    """The frames, without their lengths, by Kafka's own classes. A case that is bytes is sent as it is."""
    lines = [f"{case.key} {case.version} {json.dumps(case.body)}\n" for case in cases if case.raw is None]
    command = [*kafka_java_test.java(), str(kafka_client.HERE / "java" / "WriteFrames.java")]
    done = subprocess.run(command, input="".join(lines), capture_output=True, text=True, timeout=SECONDS_MAX)
    if done.returncode:
        raise AssertionError(done.stderr)
    written = iter(done.stdout.split())
    return [bytes.fromhex(next(written)) if case.raw is None else case.raw for case in cases]


def read_frame(stream):
    """None when the connection is closed."""
    try:
        length = stream.read(4)
        return stream.read(int.from_bytes(length, "big")) if len(length) == 4 else None
    except ConnectionResetError:
        return None


def ask(port, frame, prefix=None):
    """Sends a frame behind its length, or behind what is given for it, and something harmless afterwards."""
    with socket.create_connection(("127.0.0.1", port), SILENCE_SECONDS) as connection:
        stream = connection.makefile("rb")
        try:
            connection.sendall((len(frame).to_bytes(4, "big") if prefix is None else prefix) + frame)
            answer = read_frame(stream)
            if answer is None:
                return Answer(None, "closed")
            connection.sendall(len(API_VERSIONS).to_bytes(4, "big") + API_VERSIONS)
        except (BrokenPipeError, ConnectionResetError):
            return Answer(None, "closed")
        except TimeoutError:
            return Answer(None, "silence")
        return Answer(answer, "closed" if read_frame(stream) is None else "kept")


def codes(message, path=""):
    """(Where, error code) of each error in a message."""
    if isinstance(message, list):
        return [found for at, one in enumerate(message) for found in codes(one, f"{path}[{at}]")]
    if not isinstance(message, dict):
        return []
    found = [(path, message["errorCode"])] if message.get("errorCode") else []
    return found + [one for name, value in message.items() for one in codes(value, f"{path}.{name}" if path else name)]


def answers(server, cases, frames):
    """Of each case: its error codes, and what became of the connection."""
    exchanges, found = [], []
    for case, frame in zip(cases, frames, strict=True):
        answer = ask(server.kafka, frame, case.prefix)
        found.append(answer)
        if answer.frame is not None:
            exchanges.append(kafka_relay.Exchange(case.key, case.version, frame, answer.frame))
    read = iter(line for line in capture.read(exchanges) if line["direction"] == "response")
    return [(*([] if answer.frame is None else sorted(codes(next(read)["message"]))), answer.then) for answer in found]


def prepare(server):
    """The topics that cases speak of."""
    with kafka_client.Client(capture.CLIENTS["librdkafka"](), server.bootstrap) as client:
        client.do("create", topic="plain", partitions=2, configs={})
        client.do("create", topic="keyed", partitions=1, configs={"cleanup.policy": "compact"})
        client.do("create", topic="small", partitions=1, configs={"max.message.bytes": "1000"})
        for topic in ("plain", "keyed", "small"):
            servers.wait_until(lambda name=topic: client.do("topics").get(name), "the topic")
        client.produce("plain", [kafka_client.record(b"value", b"key")])
        # Kafka has no coordinators before somebody asks for one.
        client.join("one", "some-group", "plain")
        servers.wait_until(lambda: client.members["one"].committed, "a commit")
        client.leave("one")


class BadInput(unittest.TestCase):
    def test_is_answered_with_kafkas_error_codes_and_the_connection_kept_where_kafka_keeps_it(self):
        cases = kafka_bad_requests.cases(int(time.time() * 1000))
        frames = encoded(cases)
        with kafka_client.KafkaServer() as ours:
            prepare(ours)
            got = answers(ours, cases, frames)
            self.assertIsNone(ours.process.poll())
        with kafka_real.RealKafka(kafka_client.free_port(), kafka_client.free_port()) as kafka:
            prepare(kafka)
            wanted = answers(kafka, cases, frames)
        for case, ours, theirs in zip(cases, got, wanted, strict=True):
            with self.subTest(case.name):
                self.assertEqual(case.differs or theirs, ours)
                if case.differs:
                    self.assertNotEqual(theirs, ours, "it does not differ any more")


if __name__ == "__main__":
    unittest.main()
