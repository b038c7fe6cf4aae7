"""Server-Sent Events as a client library reads them: http.client undoes the chunks, this the events."""

import base64
import dataclasses
import http.client
import json
import socket
import urllib.parse


@dataclasses.dataclass
class Event:
    id: str
    name: str  # "" is a record.
    data: dict

    @property
    def topic(self):
        return self.data["topic"]

    @property
    def headers(self):
        return self.data["headers"]

    @property
    def payload(self):
        return self.data["value"]["payload"]

    @property
    def raw(self):
        """The message as it came, whichever way it is kept."""
        if "raw" in self.payload:
            return self.payload["raw"].encode("utf-8")
        return base64.b64decode(self.payload["rawBase64"], validate=True)


class Parser:
    """Takes bytes cut anywhere; events come out whole or not at all."""

    def __init__(self):
        self.pending = b""

    def feed(self, data):
        *blocks, self.pending = (self.pending + data).split(b"\n\n")
        events = (parse_block(block.decode("utf-8")) for block in blocks)
        return [event for event in events if event]


def parse_block(text):
    fields = {"id": "", "event": "", "data": []}
    for line in text.split("\n"):
        name, _, value = line.partition(":")
        value = value[1:] if value.startswith(" ") else value
        if name == "data":
            fields["data"].append(value)
        elif name in fields:
            fields[name] = value
    if not fields["data"]:
        return None
    return Event(fields["id"], fields["event"], json.loads("\n".join(fields["data"])))


class Stream:
    """One connection to GET /events/{pattern}."""

    def __init__(self, port, pattern, start=None, last_id=None, timeout=60, receive_buffer=None):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
        if receive_buffer:
            self.connection.sock = socket.socket()
            self.connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            self.connection.sock.settimeout(timeout)
            self.connection.sock.connect(("127.0.0.1", port))
        query = "?from=" + urllib.parse.quote(start) if start else ""
        headers = {"Accept": "text/event-stream"}
        if last_id:
            headers["Last-Event-ID"] = last_id
        self.connection.request("GET", f"/events/{urllib.parse.quote(pattern)}{query}", headers=headers)
        self.answer = self.connection.getresponse()
        if self.answer.status != 200:
            raise ConnectionError(f"{self.answer.status}: {self.answer.read(300)!r}")
        self.parser = Parser()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.answer.close()
        self.connection.close()

    def read(self, size=65536):
        """Whole events of the next at most `size` bytes; the end of the stream raises."""
        data = self.answer.read1(size)
        if not data:
            raise ConnectionError("the stream ended")
        return self.parser.feed(data)

    def read_until(self, enough):
        """Events until `enough(events)`."""
        events = []
        while not enough(events):
            events += self.read()
        return events


def read_all(port, pattern, count, start="earliest", last_id=None):
    """The first `count` records behind the start: waits until they are there."""
    with Stream(port, pattern, None if last_id else start, last_id) as stream:
        return stream.read_until(lambda events: len(events) >= count)
