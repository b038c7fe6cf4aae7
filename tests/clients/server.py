"""A server of the release build on free ports, with its log lines, and the bare clients that the tests share.

MYELIN_BIN is the program. A server belongs to the test that started it; leaving its `with` block kills what still runs.
"""

import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

import dump_log_segments_test as kafka

START_SECONDS = 60
STOP_SECONDS = 60
ANSWER_SECONDS = 60  # For each answer: long, because a busy machine is no failure.
SETTINGS = ["--http.port", "0", "--mllp.port", "0", "--kafka.port", "0", "--logging.format", "json",
            "--logging.level", "debug", "--log.journal_file_bytes", "16MiB"]


def binary():
    return os.environ["MYELIN_BIN"]


def environment():
    """Without MYELIN_…, which the server takes for its settings."""
    return {name: value for name, value in os.environ.items() if not name.startswith("MYELIN_")}


def wait_until(condition, what):
    """Asks again until it is so; an hour-glass for tests that would hang, no measure of speed."""
    end = time.monotonic() + ANSWER_SECONDS
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"not within {ANSWER_SECONDS} s: {what}")
        time.sleep(0.005)


class Server:
    """One data directory and, one after another, the processes that serve it."""

    def __init__(self, *settings):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="myelin-clients-"))
        self.data = self.folder / "data"
        self.settings = settings
        self.log = []  # Of all its processes.
        try:
            self.start()
        except Exception:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self):
        command = [binary(), "serve", "--data", str(self.data), *SETTINGS, *self.settings]
        self.process = subprocess.Popen(command, env=environment(), stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.started = threading.Event()
        self.ports = None
        self.follower = threading.Thread(target=self._follow, args=(self.process.stderr,), daemon=True)
        self.follower.start()
        if not self.started.wait(START_SECONDS) or not self.ports:
            last = b"".join(self.log[-5:]).decode(errors="replace")
            self.kill()
            raise RuntimeError(f"the server did not start: {last}")
        self.http, self.mllp, self.kafka = self.ports

    def _follow(self, stream):
        with stream:
            for line in stream:
                self.log.append(line)
                if b'"server.started"' in line:
                    fields = json.loads(line)
                    self.ports = fields["http"], fields["mllp"], fields["kafka"]
                    self.started.set()
        self.started.set()

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self._ended()

    def stop(self):
        """In order; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self._ended()

    def _ended(self):
        try:
            code = self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise RuntimeError(f"the server did not end within {STOP_SECONDS} s") from None
        self.follower.join(STOP_SECONDS)
        return code

    def log_text(self):
        return b"".join(self.log).decode("utf-8", errors="replace")

    def get(self, path, **headers):
        """Status, headers and body of one GET."""
        connection = http.client.HTTPConnection("127.0.0.1", self.http, timeout=ANSWER_SECONDS)
        try:
            connection.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def metric(self, name):
        """The sum of a metric over its labels."""
        text = self.get("/metrics")[2].decode()
        values = re.findall(rf"^{name}(?:{{[^}}]*}})? (\S+)$", text, re.M)
        if not values:
            raise KeyError(name)
        return sum(float(value) for value in values)


class RawMllp:
    """Frames as bytes, for what no client library would send."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), ANSWER_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.pending = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, message):
        self.socket.sendall(b"\x0b" + message + b"\x1c\r")

    def receive(self):
        """The next acknowledgment, without its frame."""
        while b"\x1c\r" not in self.pending:
            got = self.socket.recv(65536)
            if not got:
                raise ConnectionError("the server closed the connection")
            self.pending += got
        frame, self.pending = self.pending.split(b"\x1c\r", 1)
        return frame.lstrip(b"\x0b")


class Relay:
    """Stands between one MLLP client and the server and keeps what the client said, as it was on the wire."""

    def __init__(self, port):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.said = []
        self.thread = threading.Thread(target=self._run, args=(port,), daemon=True)
        self.thread.start()

    def _run(self, port):
        client, _ = self.listener.accept()
        with client, socket.create_connection(("127.0.0.1", port)) as server:
            back = threading.Thread(target=self._copy, args=(server, client, None), daemon=True)
            back.start()
            self._copy(client, server, self.said)
            back.join()

    @staticmethod
    def _copy(source, target, kept):
        try:
            while data := source.recv(65536):
                if kept is not None:
                    kept.append(data)
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # Either side may be gone first; what was said is kept.

    def messages(self):
        """What stood between 0x0B and 0x1C 0x0D; the client must have ended."""
        self.thread.join(ANSWER_SECONDS)
        self.listener.close()
        *frames, rest = b"".join(self.said).split(b"\x1c\r")
        if rest or not all(frame.startswith(b"\x0b") for frame in frames):
            raise AssertionError("the client sent bytes outside of frames")
        return [frame[1:] for frame in frames]


def acknowledgment(answer):
    """MSA-1 and MSA-2 of an acknowledgment, which has its message's delimiters."""
    answer = answer.lstrip(b"\x0b")
    fields = next((line.split(answer[3:4]) for line in answer.split(b"\r") if line.startswith(b"MSA")), [])
    code, control_id = (fields[1:3] + [b"", b""])[:2]
    return code.decode("ascii"), control_id.decode("utf-8", "replace")


def kafka_segments(data):
    """What Kafka's own tool says: (faults, records by topic), over all partitions of a stopped server."""
    records = {}
    segments = kafka.check_folder(kafka.kafka_libs(), data)
    for segment in segments:
        topic = segment.path.parent.name.rsplit("-", 1)[0]
        records[topic] = records.get(topic, 0) + segment.records
    return [fault for segment in segments for fault in segment.faults], records
