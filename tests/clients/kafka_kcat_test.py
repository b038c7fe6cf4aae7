"""kcat with Debian 12's librdkafka 2.0: what is in use on many machines, and older than what Kafka 4 was made with."""

import json
import pathlib
import subprocess
import tempfile
import threading
import time
import unittest

import kafka_client
import kafka_relay
import server as servers
from kafka_behaviour import PARTITIONS, new_name

SECONDS = 60
CODECS = ("none", "gzip", "snappy", "lz4", "zstd")


class Member:
    """`kcat -G`: reads and commits by itself; what it reads is in a file."""

    def __init__(self, bootstrap, group, topic):
        self.records = tempfile.NamedTemporaryFile()
        self.words = tempfile.NamedTemporaryFile()
        command = ["kcat", "-b", bootstrap, "-u", "-G", group, "-X", f"session.timeout.ms={kafka_client.SESSION_MS}",
                   "-X", "heartbeat.interval.ms=200", "-X", "auto.offset.reset=earliest",
                   "-X", "auto.commit.interval.ms=50", "-f", "%p:%o\n", topic]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.records, stderr=self.words)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.records.close()
        self.words.close()

    def leave(self):
        """As with Ctrl-C: it commits and says goodbye."""
        self.process.terminate()
        self.process.wait(SECONDS)

    @staticmethod
    def _lines(file):
        return pathlib.Path(file.name).read_text().split("\n")[:-1]

    def seen(self):
        return [tuple(map(int, line.split(":"))) for line in self._lines(self.records)]

    def assigned(self):
        """Of the last rebalance it spoke of."""
        said = [line for line in self._lines(self.words) if "rebalanced" in line]
        if not said or "assigned:" not in said[-1]:
            return []
        return sorted(int(part.split("[")[1].split("]")[0]) for part in said[-1].split("assigned:")[1].split(","))


class Kcat(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = kafka_client.new_server()
        cls.addClassCleanup(cls.server.__exit__)

    def kcat(self, *arguments, given=b""):
        command = ["kcat", "-b", self.server.bootstrap, "-m", str(SECONDS), *arguments]
        done = subprocess.run(command, input=given, capture_output=True, timeout=2 * SECONDS)
        self.assertEqual(0, done.returncode, done.stderr.decode())
        return done.stdout

    def produce(self, topic, lines, *arguments):
        self.kcat("-P", "-t", topic, *arguments, given=b"".join(line + b"\n" for line in lines))

    def consume(self, topic, *arguments):
        """The records of partition 0, as kcat's JSON has them."""
        lines = self.kcat("-C", "-q", "-J", "-e", "-t", topic, "-p", "0", *arguments).splitlines()
        return [json.loads(line) for line in lines]

    def produce_everywhere(self, topic, count=30):
        for partition in range(PARTITIONS):
            self.produce(topic, [b"%d" % at for at in range(count // PARTITIONS)], "-p", str(partition))

    def test_what_is_produced_is_consumed_with_its_key_and_headers(self):
        topic = new_name("records")
        lines = [b"a key:a value", b"a tombstone:"]
        self.produce(topic, lines, "-p", "0", "-K:", "-Z", "-H", "name=data", "-H", "two=2")
        got = self.consume(topic)
        self.assertEqual(["a key", "a tombstone"], [one["key"] for one in got])
        self.assertEqual(["a value", None], [one["payload"] for one in got])
        self.assertEqual([["name", "data", "two", "2"]] * 2, [one["headers"] for one in got])
        self.assertEqual([0, 1], [one["offset"] for one in got])

    def test_every_compression_it_has_is_stored_and_read(self):
        for codec in CODECS:
            with self.subTest(codec):
                topic = new_name(codec)
                lines = [b"%d " % at * 200 for at in range(200)]
                self.produce(topic, lines, "-p", "0", "-z", codec)
                self.assertEqual([line.decode() for line in lines], [one["payload"] for one in self.consume(topic)])

    def test_it_compresses_what_it_is_asked_to_compress(self):
        # It first asks what the server can do, and is silent when it then does not compress.
        port = kafka_client.free_port()
        server = kafka_client.KafkaServer("--kafka.advertised_port", str(port))
        with server, kafka_relay.Relay(port, server.kafka) as relay:
            for codec in CODECS[1:]:
                before = relay.request_bytes
                command = ["kcat", "-b", relay.bootstrap, "-P", "-t", codec, "-p", "0", "-z", codec]
                subprocess.run(command, input=b"a" * 100_000, check=True, capture_output=True, timeout=SECONDS)
                with self.subTest(codec):
                    self.assertLess(relay.request_bytes - before, 10_000)

    def test_consuming_begins_at_an_offset_even_inside_a_batch(self):
        topic = new_name("offset")
        self.produce(topic, [b"%d" % at for at in range(100)], "-p", "0", "-z", "lz4", "-X", "linger.ms=200")
        self.assertEqual(list(range(60, 100)), [one["offset"] for one in self.consume(topic, "-o", "60")])
        self.assertEqual([97, 98, 99], [one["offset"] for one in self.consume(topic, "-o", "-3")])

    def test_consuming_begins_at_a_time(self):
        topic = new_name("time")
        self.produce(topic, [b"early"], "-p", "0")
        time.sleep(0.002)  # Times are whole milliseconds.
        between = int(time.time() * 1000)
        self.produce(topic, [b"late"], "-p", "0")
        self.assertEqual(["late"], [one["payload"] for one in self.consume(topic, "-o", f"s@{between}")])

    def test_the_server_and_its_topics_are_listed(self):
        topic = new_name("listed")
        self.produce(topic, [b"x"])
        found = json.loads(self.kcat("-L", "-J"))
        self.assertEqual([self.server.bootstrap], [broker["name"] for broker in found["brokers"]])
        partitions = {one["topic"]: one["partitions"] for one in found["topics"]}[topic]
        self.assertEqual(list(range(PARTITIONS)), [one["partition"] for one in partitions])

    def test_a_group_of_three_shares_all_partitions_and_processes_every_record_as_members_come_and_go(self):
        topic, group = new_name("shared"), new_name("group")
        self.produce_everywhere(topic)

        def whole(*members):
            servers.wait_until(lambda: self.shared(members), f"all partitions among {len(members)}")

        def everything(count, *members):
            wanted = {(partition, at) for partition in range(PARTITIONS) for at in range(count // PARTITIONS)}
            servers.wait_until(lambda: wanted <= {at for member in members for at in member.seen()}, f"{count} records")

        def new_member():
            return Member(self.server.bootstrap, group, topic)

        with new_member() as first, new_member() as second, new_member() as third:
            whole(first, second, third)
            self.produce_everywhere(topic)
            everything(60, first, second, third)
            second.leave()
            whole(first, third)
            self.produce_everywhere(topic)
            everything(90, first, second, third)
            third.process.kill()
            whole(first)
            self.produce_everywhere(topic)
            everything(120, first, second, third)

    @staticmethod
    def shared(members):
        shares = [member.assigned() for member in members]
        return all(shares) and sorted(sum(shares, [])) == list(range(PARTITIONS))

    def test_a_group_goes_on_behind_its_commits_after_the_server_was_killed(self):
        topic, group = new_name("resumed"), new_name("group")
        self.produce_everywhere(topic)
        with Member(self.server.bootstrap, group, topic) as before:
            servers.wait_until(lambda: len(before.seen()) == 30, "the records before the kill")
            before.leave()
        self.server.kill_and_start()
        self.produce_everywhere(topic)
        with Member(self.server.bootstrap, group, topic) as after:
            servers.wait_until(lambda: len(after.seen()) >= 30, "the records after the kill")
            wanted = [(partition, at) for partition in range(PARTITIONS) for at in range(10, 20)]
            self.assertEqual(wanted, sorted(after.seen()))
            after.leave()

    def test_an_idempotent_producer_neither_loses_nor_repeats_a_record_when_the_server_is_killed(self):
        topic = new_name("once")
        self.produce(topic, [b"first"], "-p", "0")
        command = ["kcat", "-E", "-b", self.server.bootstrap, "-P", "-t", topic, "-p", "0",
                   "-X", "enable.idempotence=true", "-X", "linger.ms=1", "-X", "batch.num.messages=20",
                   "-X", "reconnect.backoff.max.ms=200"]
        lines = [b"%d" % at for at in range(5000)]

        def write_slowly():
            with kcat.stdin:
                for at in range(0, len(lines), 25):
                    kcat.stdin.write(b"".join(line + b"\n" for line in lines[at : at + 25]))
                    kcat.stdin.flush()
                    time.sleep(0.005)

        with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL) as kcat:
            writer = threading.Thread(target=write_slowly)
            writer.start()
            for least in (300, 2000):
                servers.wait_until(lambda: self.end_of(topic) > least, f"{least} records")
                self.server.kill_and_start()
            writer.join()
            self.assertEqual(0, kcat.wait(SECONDS))
        got = [one["payload"].encode() for one in self.consume(topic)]
        self.assertEqual([b"first", *lines], got)

    def end_of(self, topic):
        """The offset that the next record gets."""
        return int(self.kcat("-Q", "-t", f"{topic}:0:-1").split()[-1])


if __name__ == "__main__":
    unittest.main()
