"""Readers that come and go miss nothing and see nothing twice: dropped connections, a killed server, slow readers, curl."""

import json
import os
import random
import shutil
import subprocess
import threading
import unittest

import senders
import server as servers
import sse

NAMES = ("north", "south", "east")
COUNT = 10_000 if os.environ.get("SOAK") else 300  # Of each sender.
LAST = "the-last-one"
TIMES_MAX = 400


def control_ids(events):
    return [event.headers["control-id"] for event in events]


def send_last(server):
    with servers.RawMllp(server.mllp) as raw:
        raw.send(senders.message(LAST, "ADT^A08"))
        raw.receive()


def is_last(events):
    return bool(events) and events[-1].headers.get("control-id") == LAST


class DroppingReader(threading.Thread):
    """Reads a pattern with a connection that it drops at random bytes, and goes on with Last-Event-ID."""

    def __init__(self, server, patterns, seed):
        super().__init__(daemon=True)
        self.server, self.patterns, self.random = server, patterns, random.Random(seed)
        self.events, self.connections, self.failure = [], 0, None
        self.given_up = threading.Event()

    def run(self):
        try:
            while not is_last(self.events) and not self.given_up.is_set():
                self.read_some()
        except Exception as failure:  # Told by the test, in its own thread.
            self.failure = failure

    def read_some(self):
        last_id = self.events[-1].id if self.events else None
        bytes_left = self.random.choice((50, 3000, 40000, 400000))
        bytes_left = self.random.randint(1, bytes_left)
        try:
            with sse.Stream(self.server.http, self.random.choice(self.patterns), "earliest", last_id, timeout=5) as stream:
                self.connections += 1
                while bytes_left > 0 and not is_last(self.events):
                    size = min(bytes_left, self.random.randint(1, 65536))
                    self.events += stream.read(size)
                    bytes_left -= size
        except (OSError, sse.http.client.HTTPException):
            self.given_up.wait(0.05)  # The server is away, or nothing came for a while.


class Resuming(unittest.TestCase):
    """Messages flow, readers drop their connections, the server is killed twice: then it is looked at."""

    @classmethod
    def setUpClass(cls):
        cls.server = servers.Server()
        cls.addClassCleanup(cls.server.__exit__)
        cls.senders = senders.start(cls.server, NAMES, COUNT)
        # A name with another beginning matches the same topics: a cursor holds over another pattern.
        cls.readers = [DroppingReader(cls.server, patterns, seed)
                       for seed, patterns in enumerate((["hl7.*"], ["hl7.*", "h*"], ["*.a08", "hl7.adt.a08"]))]
        for reader in cls.readers:
            reader.start()
        for part in (1, 2):
            servers.wait_until(lambda: min(len(one.acknowledged) for one in cls.senders) >= part * COUNT // 3,
                               "a third of the messages is acknowledged")
            cls.server.kill()
            cls.server.start()
        senders.finish(cls.senders)
        send_last(cls.server)
        with sse.Stream(cls.server.http, "hl7.*", "earliest") as stream:
            cls.events = stream.read_until(is_last)
        for reader in cls.readers:
            reader.join(60)
            reader.given_up.set()
        cls.by_time = cls.read_by_time()
        with sse.Stream(cls.server.http, "hl7.*", "2001-01-01T00:00:00+02:00") as stream:
            cls.since_2001 = stream.read_until(is_last)
        cls.stopped = cls.server.stop()

    @classmethod
    def read_by_time(cls):
        """For every time of a record, up to a limit: the first event of a stream from it."""
        found = {}
        for time in sorted({event.data["receivedAt"] for event in cls.events})[:TIMES_MAX]:
            with sse.Stream(cls.server.http, "hl7.*", time) as stream:
                found[time] = stream.read_until(bool)[0].id
        return found

    def test_every_acknowledged_message_is_there(self):
        there = set(control_ids(self.events))
        for sender in self.senders:
            self.assertEqual([], sender.refused)
            self.assertEqual(COUNT, len(sender.acknowledged))
            self.assertEqual(set(), set(sender.acknowledged) - there)

    def test_only_what_was_sent_again_is_there_twice(self):
        seen, twice = set(), set()
        for name in control_ids(self.events):
            (twice if name in seen else seen).add(name)
        self.assertEqual(set(), twice - set.union(*(sender.again for sender in self.senders)))

    def test_each_senders_messages_are_in_its_order(self):
        for sender in self.senders:
            first = list(dict.fromkeys(name for name in control_ids(self.events) if name.startswith(sender.name_)))
            self.assertEqual(sender.acknowledged, first)

    def test_the_killed_server_was_truly_in_the_way(self):
        self.assertTrue(any(sender.again for sender in self.senders))

    def test_offsets_have_no_gap(self):
        next_offset = {}
        for event in self.events:
            self.assertEqual(next_offset.get(event.topic, 0), event.data["offset"], event.topic)
            next_offset[event.topic] = event.data["offset"] + 1
        self.assertEqual(5, len(next_offset))

    def test_readers_that_drop_their_connections_miss_nothing_and_see_nothing_twice(self):
        whole = [(event.id, event.data) for event in self.events]
        for reader in self.readers[:2]:
            self.assertIsNone(reader.failure)
            self.assertGreater(reader.connections, 10)
            self.assertEqual(whole, [(event.id, event.data) for event in reader.events])

    def test_a_reader_of_some_topics_sees_all_of_those(self):
        reader = self.readers[2]
        self.assertIsNone(reader.failure)
        self.assertGreater(reader.connections, 5)
        wanted = [event.id for event in self.events if event.topic == "hl7.adt.a08"]
        self.assertEqual(wanted, [event.id for event in reader.events])

    def test_a_time_begins_at_the_first_record_received_at_or_after_it(self):
        wanted = {}
        for event in reversed(self.events):
            wanted[event.data["receivedAt"]] = event.id
        wrong = [f"{time}: {got} for {wanted[time]}" for time, got in self.by_time.items() if got != wanted[time]]
        self.assertEqual([], wrong[:2], f"{len(wrong)} of {len(self.by_time)} times begin elsewhere")

    def test_a_time_before_all_records_begins_at_the_first_and_brings_all(self):
        self.assertEqual([event.id for event in self.events], [event.id for event in self.since_2001])

    def test_kafkas_own_tool_reads_what_a_killed_server_left_and_the_next_wrote(self):
        self.assertEqual(0, self.stopped)
        faults, records = servers.kafka_segments(self.server.data)
        self.assertEqual([], faults)
        self.assertEqual(len(self.events), sum(count for topic, count in records.items() if topic.startswith("hl7.")))


class SlowReaders(unittest.TestCase):
    MESSAGES, PADDING = 600, 40_000  # About 50 MB of events: more than sockets hold.

    def flood(self, server):
        sending = senders.start(server, ("slow",), self.MESSAGES, self.PADDING)
        senders.finish(sending)
        self.assertEqual([], sending[0].refused)
        send_last(server)
        return sending[0].acknowledged + [LAST]

    def test_a_reader_that_sleeps_blocks_no_sender_and_no_other_reader_and_loses_nothing(self):
        with servers.Server() as server:
            with sse.Stream(server.http, "hl7.*", "earliest", receive_buffer=4096) as asleep:
                sent = self.flood(server)
                with sse.Stream(server.http, "hl7.*", "earliest") as awake:
                    self.assertEqual(sent, control_ids(awake.read_until(is_last)))
                self.assertEqual(sent, control_ids(asleep.read_until(is_last)))

    def test_a_reader_that_takes_nothing_is_disconnected_and_resumes_without_loss(self):
        with servers.Server("--stream.write_timeout", "1s") as server:
            with sse.Stream(server.http, "hl7.*", "earliest", receive_buffer=4096) as asleep:
                sent = self.flood(server)
                servers.wait_until(lambda: not server.metric("myelin_stream_open"), "the stream is closed")
                events = []
                with self.assertRaises((OSError, sse.http.client.HTTPException)):
                    while True:
                        events += asleep.read()
            self.assertLess(len(events), len(sent))
            with sse.Stream(server.http, "hl7.*", last_id=events[-1].id if events else None,
                            start=None if events else "earliest") as again:
                events += again.read_until(is_last)
            self.assertEqual(sent, control_ids(events))


@unittest.skipUnless(shutil.which("curl"), "curl is not here")
class Curl(unittest.TestCase):
    def test_curl_follows_topics_that_do_not_exist_yet(self):
        with servers.Server() as server:
            url = f"http://127.0.0.1:{server.http}/events/hl7.*?from=earliest"
            with subprocess.Popen(["curl", "-sN", "--max-time", "60", url], stdout=subprocess.PIPE) as curl:
                self.addCleanup(curl.kill)
                for number, kind in enumerate(senders.KINDS):
                    with servers.RawMllp(server.mllp) as raw:
                        raw.send(senders.message(f"curl-{number}", kind))
                        raw.receive()
                    line = b""
                    while not line.startswith(b"data: "):
                        line = curl.stdout.readline()
                        self.assertNotEqual(b"", line, "curl ended")
                    self.assertEqual(f"curl-{number}", json.loads(line[6:])["headers"]["control-id"])
                curl.kill()


if __name__ == "__main__":
    unittest.main()
