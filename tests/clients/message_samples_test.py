"""The messages that the codec's unit test reads are those that Apache Kafka's own classes write."""

import pathlib
import re
import subprocess
import unittest

import dump_log_segments_test as kafka

HERE = pathlib.Path(__file__).resolve().parent
CODEC = HERE.parent.parent / "src" / "formats" / "kafka_protocol"
SECONDS_MAX = 120


def keys():
    """Of the APIs that the codec knows."""
    found = []
    for header in CODEC.glob("*.h"):
        found += re.findall(r"inline constexpr Api k\w+\{\s*\.key = (\d+)", header.read_text())
    return sorted(found, key=int)


class MessageSamples(unittest.TestCase):
    def test_are_what_kafka_writes(self):
        command = ["java", "-cp", f"{kafka.kafka_libs()}/*", str(HERE / "java" / "MessageSamples.java"), *keys()]
        made = subprocess.run(command, check=True, capture_output=True, text=True, timeout=SECONDS_MAX).stdout
        stored = (CODEC / "testdata" / "messages.txt").read_text()
        self.assertGreater(len(keys()), 30)
        for line, (ours, theirs) in enumerate(zip(stored.splitlines(), made.splitlines()), 1):
            self.assertEqual(ours, theirs, f"messages.txt:{line}")
        self.assertEqual(len(stored), len(made))
