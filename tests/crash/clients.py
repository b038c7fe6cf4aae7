"""The peers of the server under test: a sender that remembers its acknowledgments and a reader of
the event stream.
"""

import http.client
import json
import queue
import random
import socket
import threading
import time

START, STOP = b"\x0b", b"\x1c\x0d"
TYPES = ("ADT^A01", "ADT^A08", "ORU^R01", "ORM^O01", "SIU^S12")
ACCEPTED = ("AA", "CA")


class Sizes:
    """How long messages are. Equal ones make records of equal size, so that an old lap's records
    fit a new one's places.
    """

    def __init__(self, chance, journal_file_bytes):
        # An event holds its message twice, raw and parsed, and must fit half a journal file.
        self.largest = min(400_000, journal_file_bytes // 8)
        self.equal = chance.choice((0, 0, 400, 1500, 4000))
        self.large_chance = chance.choice((0, 0, 0.01, 0.05))

    def make_large(self):
        """Documents and pictures inside messages, which go to segments without a stay in the
        journal.
        """
        self.largest, self.equal, self.large_chance = 3_000_000, 0, 0.4

    def of(self, chance):
        if self.equal:
            return self.equal
        large = chance.random() < self.large_chance
        return chance.randint(30_000, self.largest) if large else chance.randint(200, 3000)


class Sender:
    """One sending system. It lives longer than the server's processes and sends again what was not
    acknowledged.

    connect_and_send() runs on a thread of its own, one at a time; everything else is read when no
    thread runs.
    """

    def __init__(self, name, chance, sizes, window):
        self.name, self.sizes, self.window = name, sizes, window
        self.chance = random.Random(chance.getrandbits(64))
        self.bytes_of = {}  # By control id, in the order of first sending.
        self.times_sent = {}
        self.acknowledged = set()
        self.refused = []  # What was answered other than by an acceptance.
        self.reconnects = False  # When the server closes the connection.
        self.stop = threading.Event()
        self.thread = None

    def number_of(self, control_id):
        return int(control_id.rpartition("-")[2])

    def make(self):
        control_id = f"{self.name}-{len(self.bytes_of) + 1}"
        accept = "AL" if self.chance.random() < 0.2 else ""
        head = "|".join(
            ("MSH", "^~\\&", self.name, "WARD", "MYELIN", "HOSPITAL", "20260101120000", "")
            + (self.chance.choice(TYPES), control_id, "P", "2.5", "", "", accept)
        )
        size = self.sizes.of(self.chance)
        body = "NTE|1||" if size < 30_000 else "OBX|1|ED|PDF^^L||^application^pdf^Base64^"
        text = f"{head}\rPID|1||{self.chance.randint(1, 999)}^^^HOSPITAL\r{body}"
        room = max(size - len(text) - 1, 0)
        text += self.chance.randbytes(room // 2 + 1).hex()[:room] + "\r"
        self.bytes_of[control_id] = text.encode()
        return control_id

    def start(self, port):
        self.stop.clear()
        self.thread = threading.Thread(target=self.connect_and_send, args=(port,), daemon=True)
        self.thread.start()

    def join(self):
        self.stop.set()
        if self.thread:
            self.thread.join()

    def connect_and_send(self, port):
        while True:
            try:
                with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
                    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    self._talk(connection)
            except ConnectionRefusedError:
                return
            except OSError:
                pass  # The server was killed: what matters is what had been acknowledged.
            if self.stop.wait(0.02) or not self.reconnects:
                return

    def _talk(self, connection):
        again = [i for i in self.bytes_of if i not in self.acknowledged]
        waiting, pending = [], b""
        while waiting or not self.stop.is_set():
            batch = b""
            while len(waiting) < self.window and not self.stop.is_set():
                control_id = again.pop(0) if again else self.make()
                self.times_sent[control_id] = self.times_sent.get(control_id, 0) + 1
                batch += START + self.bytes_of[control_id] + STOP
                waiting.append(control_id)
            if batch:
                connection.sendall(batch)
            got = connection.recv(1 << 16)
            if not got:
                return
            pending += got
            while STOP in pending:
                answer, _, pending = pending.partition(STOP)
                self._answered(answer.lstrip(START).decode(), waiting.pop(0))

    def _answered(self, answer, expected):
        fields = next(
            (s.split("|") for s in answer.split("\r") if s.startswith("MSA|")), ["", "", ""]
        )
        if fields[2:3] != [expected]:
            self.refused.append(
                f"an answer out of order or to another message: {fields[:3]}, expected {expected}"
            )
        elif fields[1] in ACCEPTED:
            self.acknowledged.add(expected)
        else:
            self.refused.append(f"{fields[1]} for {expected}")

    def send_one(self, port, seconds=20):
        """Sends one message, the last again if it was not acknowledged, and waits until it is. Its
        control id.
        """
        with socket.create_connection(("127.0.0.1", port), timeout=seconds) as connection:
            waiting = [i for i in self.bytes_of if i not in self.acknowledged]
            control_id = waiting[-1] if waiting else self.make()
            self.times_sent[control_id] = self.times_sent.get(control_id, 0) + 1
            connection.sendall(START + self.bytes_of[control_id] + STOP)
            answer = b""
            while STOP not in answer:
                got = connection.recv(1 << 16)
                if not got:
                    raise OSError("the connection closed without an acknowledgment")
                answer += got
            self._answered(answer.partition(STOP)[0].lstrip(START).decode(), control_id)
            return control_id


def topic_and_key(message):
    """Where the event of a sender's message goes, and the key of its record."""
    fields = message.split(b"\r", 1)[0].decode().split("|")
    patient = message.split(b"\rPID|1||", 1)[1].split(b"^", 1)[0].decode()
    return "hl7." + fields[8].lower().replace("^", "."), "HOSPITAL|" + patient


class Event:
    __slots__ = ("id", "topic", "partition", "offset", "key", "control_id", "raw")

    def __init__(self, event_id, data):
        self.id = event_id
        self.topic, self.partition, self.offset = data["topic"], data["partition"], data["offset"]
        self.key = data.get("key")
        self.control_id = data["headers"].get("control-id")
        self.raw = data["value"]["payload"]["raw"].encode()

    def place(self):
        return (self.topic, self.partition, self.offset)


class Reader:
    """Follows all clinical topics from their beginning, or from behind an event, until it is closed
    or the server dies.
    """

    def __init__(self, port, after=None):
        self.port, self.after = port, after
        self.events = []
        self.arrived = queue.Queue()
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self.socket = None  # The connection lets go of its own once the answer begins.
        self.error, self.refused = None, False
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        try:
            headers = {"Accept": "text/event-stream"}
            if self.after:
                headers["Last-Event-ID"] = self.after
            self.connection.connect()
            self.socket = self.connection.sock
            self.connection.request("GET", "/events/hl7.*?from=earliest", headers=headers)
            response = self.connection.getresponse()
            if response.status != 200:
                self.refused = True
                self.error = f"the event stream answers {response.status}"
                return
            self._take_events(response)
        except (OSError, http.client.HTTPException, AttributeError, ValueError) as error:
            self.error = self.error or f"{type(error).__name__}: {error}"
        finally:
            self.arrived.put(None)

    def _take_events(self, response):
        event_id, data, kind = None, [], "message"
        while line := response.readline():
            name, _, value = line.rstrip(b"\r\n").decode().partition(":")
            value = value.removeprefix(" ")
            if name == "id":
                event_id = value
            elif name == "event":
                kind = value
            elif name == "data":
                data.append(value)
            elif not line.strip():
                if data and kind not in ("gap", "error"):
                    self._take(event_id, json.loads("\n".join(data)))
                data, kind = [], "message"

    def _take(self, event_id, data):
        if "offset" in data and data["topic"].startswith("hl7."):
            event = Event(event_id, data)
            self.events.append(event)
            self.arrived.put(event)

    def read_until(self, control_id, seconds=40):
        """All events up to the one with this control id, or an error text."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                event = self.arrived.get(timeout=max(deadline - time.monotonic(), 0.01))
            except queue.Empty:
                return f"the stream did not come to {control_id} in {seconds} s"
            if event is None:
                return f"the stream ended before {control_id}: {self.error}"
            if event.control_id == control_id:
                return None

    def ended(self):
        return not self.thread.is_alive()

    def close(self):
        if self.socket:
            try:
                self.socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self.thread.join(timeout=5)
        self.connection.close()


def is_ready(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
