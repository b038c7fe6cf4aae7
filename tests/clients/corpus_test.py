"""Real messages, sent by python hl7's client, by `myelin send` and as bare frames, come back as they were."""

import os
import pathlib
import re
import subprocess
import unittest
from dataclasses import dataclass

import hl7.client

import expect
import server as servers
import sse

# Where a message is not taken as it is, the clause that says why: file: (topic, acknowledgment, clause).
NOT_ACCEPTED = {
    "cosyte-hl7__malformed_msh-too-short.hl7":
        ("hl7.errors", "AE", "v2.5.1 2.5.4 and 2.15.9.2: MSH-2 is required, and what it names is not there"),
    "cosyte-hl7__malformed_no-msh-segment.hl7":
        ("hl7.errors", "AE", "v2.5.1 2.5 and 2.15.9: a message begins with MSH, which names its delimiters"),
    "rethink__invalid-missing-msh.hl7":
        ("hl7.errors", "AE", "v2.5.1 2.5 and 2.15.9: a message begins with MSH, which names its delimiters"),
}

CORPUS = pathlib.Path(os.environ.get("MYELIN_CORPUS") or "/nonexistent")
TABLES = CORPUS / "definitions/hl7-v2-dictionary-tables.json.gz"
LAST = b"MSH|^~\\&|LAST|LAST|||20260101||ADT^A08|THE-LAST-ONE|P|2.5\rPID|1||9^^^LAST\r"


@dataclass
class Sent:
    way: str
    file: str
    message: bytes
    code: str | None = None  # MSA-1, or None when no acknowledgment was waited for.

    @property
    def name(self):
        return f"{self.way}: {self.file}"

    @property
    def header(self):
        return expect.Header.of(self.message)


@dataclass
class MyelinSend:
    split: list  # (file, message) as this test splits files.
    codes: list
    exit_code: int


def send_python(server, files):
    """python hl7's client, one message after another on one connection."""
    sent = []
    with hl7.client.MLLPClient("127.0.0.1", server.mllp) as client:
        client.socket.settimeout(servers.ANSWER_SECONDS)
        for file, content in files.items():
            for message in expect.split_file(content):
                one = Sent("python hl7", file, message)
                if expect.code_of(one.header) is None:
                    client.socket.sendall(b"\x0b" + message + b"\x1c\r")
                else:
                    one.code, _ = servers.acknowledgment(client.send_message(message))
                sent.append(one)
    return sent


def send_myelin(server, corpus, files):
    """`myelin send`, all files at once, past a relay that knows what was on the wire."""
    split = [(file, message) for file, content in files.items() for message in expect.split_file(content)]
    names = [str(corpus / file) for file in dict.fromkeys(file for file, _ in split)]
    relay = servers.Relay(server.mllp)
    done = subprocess.run([servers.binary(), "send", *names, "--to", f"127.0.0.1:{relay.port}"], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120, env=servers.environment())
    codes = re.findall(r"^(\S\S)  ", done.stdout, re.M)
    sent = [Sent("myelin send", file, message, code.replace("--", "") or None)
            for (file, _), message, code in zip(split, relay.messages(), codes)]
    return MyelinSend(split, codes, done.returncode), sent


def send_frames(server, files):
    """Each whole file in one frame, with its own line ends and byte order mark."""
    sent = []
    with servers.RawMllp(server.mllp) as raw:
        for file, content in files.items():
            message = content.removeprefix(b"\x0b").removesuffix(b"\x1c\r")
            one = Sent("bare frame", file, message)
            raw.send(message)
            if expect.code_of(one.header) is not None:
                one.code, _ = servers.acknowledgment(raw.receive())
            sent.append(one)
        raw.send(LAST)
        raw.receive()
    return sent


@unittest.skipUnless(TABLES.is_file(), "MYELIN_CORPUS names no folder with hl7v2/ and definitions/")
class Corpus(unittest.TestCase):
    """All is sent once and read back once; the tests look at what came of it."""

    @classmethod
    def setUpClass(cls):
        corpus = CORPUS / "hl7v2"
        cls.tables = expect.Tables.load(TABLES)
        files = {path.name: path.read_bytes() for path in sorted(corpus.iterdir())}
        whole = {name: content for name, content in files.items() if not expect.is_batch(content)}
        cls.server = servers.Server()
        cls.addClassCleanup(cls.server.__exit__)
        cls.sent = send_python(cls.server, files)
        cls.by_myelin, sent = send_myelin(cls.server, corpus, files)
        cls.sent += sent
        cls.sent += send_frames(cls.server, whole)
        with sse.Stream(cls.server.http, "hl7.*", "earliest") as stream:
            cls.events = stream.read_until(lambda events: events and events[-1].headers.get("control-id") == "THE-LAST-ONE")
        cls.metrics = cls.server.get("/metrics")[2].decode()
        cls.stopped = cls.server.stop()
        cls.faults, cls.records = servers.kafka_segments(cls.server.data)

    def pairs(self):
        return zip(self.sent, self.events)

    def expected(self, one):
        """Topic and acknowledgment."""
        if one.file in NOT_ACCEPTED and one.header.field(12) == "":
            return NOT_ACCEPTED[one.file][:2]
        return expect.topic_of(one.header, self.tables), expect.code_of(one.header)

    def test_every_message_sent_is_one_event_in_the_order_sent(self):
        self.assertEqual(len(self.sent) + 1, len(self.events))
        self.assertGreater(len(self.sent), 400)

    def test_every_event_holds_its_message_byte_for_byte(self):
        for one, event in self.pairs():
            with self.subTest(one.name):
                self.assertEqual(one.message, event.raw)

    def test_raw_is_text_exactly_where_the_message_is_utf8(self):
        base64 = 0
        for one, event in self.pairs():
            try:
                one.message.decode("utf-8")
                self.assertIn("raw", event.payload, one.name)
            except UnicodeDecodeError:
                self.assertIn("rawBase64", event.payload, one.name)
                base64 += 1
        self.assertGreater(base64, 0)

    def test_every_message_is_on_its_topic(self):
        for one, event in self.pairs():
            with self.subTest(one.name):
                self.assertEqual(self.expected(one)[0], event.topic)

    def test_every_acknowledgment_is_the_one_promised(self):
        for one, event in self.pairs():
            with self.subTest(one.name):
                code = self.expected(one)[1]
                self.assertEqual(code, one.code)

    def test_what_python_hl7_parses_or_begins_with_a_legal_header_is_accepted(self):
        for one, event in self.pairs():
            if not expect.must_be_accepted(one.message, self.tables) or one.file in NOT_ACCEPTED:
                continue
            with self.subTest(one.name):
                self.assertNotEqual("hl7.errors", event.topic)
                self.assertIn(one.code, ("AA", "CA", None))

    def test_the_table_of_exceptions_is_short_and_true(self):
        self.assertLessEqual(len(NOT_ACCEPTED), 10)
        refused = {one.file for one, event in self.pairs() if event.topic == "hl7.errors"}
        self.assertEqual(set(NOT_ACCEPTED), refused)

    def test_myelin_send_prints_a_line_a_message_and_fails_for_the_refused_one(self):
        self.assertEqual(len(self.by_myelin.split), len(self.by_myelin.codes))
        self.assertEqual(1, self.by_myelin.codes.count("AE"))
        self.assertEqual(1, self.by_myelin.exit_code)

    def test_myelin_send_splits_files_at_their_messages(self):
        sent = [one for one in self.sent if one.way == "myelin send"]
        for (file, message), one in zip(self.by_myelin.split, sent):
            with self.subTest(file):
                self.assertEqual(message.rstrip(b"\r"), one.message.rstrip(b"\r"))

    def test_headers_are_the_messages_own(self):
        for one, event in self.pairs():
            if event.topic == "hl7.errors":
                continue
            wanted = {"control-id": one.header.control_id, "trigger": one.header.trigger, "type": one.header.type,
                      "facility": one.header.facility}
            got = {name: event.headers.get(name, "") for name in wanted}
            with self.subTest(one.name):
                self.assertEqual(wanted, got)

    def test_the_key_is_the_first_patient_identifier_with_its_authority(self):
        for one, event in self.pairs():
            if event.topic == "hl7.errors":
                continue
            with self.subTest(one.name):
                self.assertEqual(expect.key_of(one.message), event.data["key"])

    def test_feed_sequences_rise_in_commit_order(self):
        sequence = [tuple(map(int, event.headers["feed-sequence"].split(":"))) for event in self.events]
        self.assertEqual(sorted(set(sequence)), sequence)

    def test_event_ids_are_distinct_and_begin_their_stories(self):
        metadata = [event.data["value"]["metadata"] for event in self.events]
        self.assertEqual(len(metadata), len({one["eventId"] for one in metadata}))
        for one in metadata:
            self.assertEqual(one["eventId"], one["correlationId"])

    def test_the_parsed_form_is_python_hl7s(self):
        compared = fields = escaped = 0
        for one, event in self.pairs():
            if event.topic == "hl7.errors":
                continue
            compared += 1
            with self.subTest(one.name):
                theirs, ours = expect.python_segments(one.message), event.payload["message"]["segments"]
                self.assertEqual([s["id"] for s in theirs], [s["id"] for s in ours])
                for their, our in zip(theirs, ours):
                    self.assertEqual(list(their["fields"]), list(our["fields"]), their["id"])
                    for number, value in their["fields"].items():
                        if their["id"] + number != "MSH2" and expect.has_escapes(one.header, value):
                            escaped += 1
                            value = expect.unescaped(one.message, value)
                            if value is None:
                                continue
                        fields += 1
                        self.assertEqual(value, our["fields"][number], f"{their['id']}-{number}")
        print(f"   {compared} messages, {fields} fields compared with python hl7, {escaped} of them with escapes")
        self.assertGreater(compared, 400)
        self.assertGreater(escaped, 50)

    def test_kafkas_own_tool_reads_every_record(self):
        self.assertEqual(0, self.stopped)
        self.assertEqual([], self.faults)
        wanted = {}
        for event in self.events:
            wanted[event.topic] = wanted.get(event.topic, 0) + 1
        got = {topic: count for topic, count in self.records.items() if topic.startswith("hl7.")}
        self.assertEqual(wanted, got)
        self.assertGreaterEqual(self.records["__myelin_metadata"], len(self.records) - 1)

    def test_neither_log_nor_metrics_hold_patient_data(self):
        log = self.server.log_text()
        self.assertIn('"server.started"', log)
        words = set(re.findall(r"\w+", log) + re.findall(r"\w+", self.metrics))
        patients = patient_words(self.sent)
        self.assertGreater(len(patients), 100)
        self.assertEqual(set(), patients & words)


def patient_words(sent):
    """Words of names, identifiers and addresses that nothing else of the server's would say."""
    found = set()
    for one in sent:
        if expect.python_parse(one.message) is None:
            continue
        for segment in expect.python_segments(one.message):
            for number in {"PID": "3 5 11 13 19", "NK1": "2 4 5"}.get(segment["id"], "").split():
                text = str(segment["fields"].get(number, ""))
                found |= {word for word in re.findall(r"\w+", text) if len(word) >= 6}
    return {word for word in found if not word.isdigit() or len(word) > 6}


if __name__ == "__main__":
    unittest.main()
