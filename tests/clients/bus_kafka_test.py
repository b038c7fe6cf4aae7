"""The contract tests of the bus over librdkafka: with Apache Kafka itself, and with our own server as the Kafka.

The program is bus_test, the unit tests of src/bus: the release build's, and with our own server, which starts again in no
time, that of the tsan build too where it is there. A test that wants its broker killed, started, halted or continued says
so through a socket, here Control.
"""

import os
import pathlib
import re
import signal
import socketserver
import subprocess
import threading
import unittest

import kafka_client
import kafka_real
import server as servers

SECONDS_MAX = 300
PATTERN = "BusContract/Kafka.*:KafkaBusTest.*:KafkaBusFaults.*"
WANT_TRANSACTIONS = "-KafkaBusTest.GivesOffsetsAsKafkaHasThemAndNothingOfAbortedTransactions"
RELEASE = pathlib.Path(servers.binary()).resolve().parent
PROGRAM = RELEASE / "bus_test"
UNDER_TSAN = RELEASE.parent / "tsan" / "bus_test"


class Control:
    """Does to a server what a connection's line says, and answers with an empty line when it is done."""

    def __init__(self, server):
        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                self.server.do(self.rfile.readline().decode().strip())
                self.wfile.write(b"\n")

        self.server = server
        self.listener = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self.listener.daemon_threads = True
        self.listener.do = self.do
        self.port = self.listener.server_address[1]
        self.thread = threading.Thread(target=self.listener.serve_forever, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.shutdown()
        self.listener.server_close()
        self.thread.join()

    def do(self, word):
        actions = {"kill": self.server.kill, "start": self.server.start,
                   "halt": lambda: self.server.process.send_signal(signal.SIGSTOP),
                   "continue": lambda: self.server.process.send_signal(signal.SIGCONT)}
        actions[word]()


def run(program, server, pattern):
    """What the program printed, and how many of its tests passed."""
    with Control(server) as control:
        settings = {"MYELIN_KAFKA_BOOTSTRAP": server.bootstrap, "MYELIN_KAFKA_CONTROL": str(control.port),
                    "TSAN_OPTIONS": os.environ.get("TSAN_OPTIONS", "second_deadlock_stack=1"),
                    "TSAN_SYMBOLIZER_PATH": "/usr/bin/llvm-symbolizer-19"}
        done = subprocess.run([program, f"--gtest_filter={pattern}"], env=servers.environment() | settings,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              timeout=SECONDS_MAX)
    passed = re.search(r"\[  PASSED  \] (\d+) tests?\.", done.stdout)
    skipped = "[  SKIPPED ]" in done.stdout
    if done.returncode or not passed or int(passed.group(1)) == 0 or skipped:
        bad = [line for line in done.stdout.splitlines() if not re.match(r"\[ RUN|\[       OK|\[---", line)]
        raise AssertionError(f"{program.parent.name}: exit {done.returncode}\n" + "\n".join(bad)[-3000:])
    return int(passed.group(1))


class BusKafka(unittest.TestCase):
    def setUp(self):
        if not PROGRAM.is_file():
            self.skipTest("no bus_test is built: ninja -C build/release bus_test")

    def test_the_bus_keeps_its_contract_on_apache_kafka(self):
        with kafka_real.RealKafka(kafka_client.free_port(), kafka_client.free_port()) as server:
            self.assertGreaterEqual(run(PROGRAM, server, PATTERN), 30)

    def test_the_bus_keeps_its_contract_on_our_own_server_as_kafka(self):
        with kafka_client.KafkaServer() as server:
            for program in filter(pathlib.Path.is_file, (PROGRAM, UNDER_TSAN)):
                with self.subTest(program.parent.name):
                    # The server has no transactions yet.
                    self.assertGreaterEqual(run(program, server, PATTERN + WANT_TRANSACTIONS), 30)


if __name__ == "__main__":
    unittest.main()
