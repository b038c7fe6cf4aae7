"""Stands between Kafka clients and a server that tells them to come to it, and keeps what both said.

A frame on the wire is its length in 4 bytes, then of a request its API key and version in 2 bytes each and its correlation
number in 4; of a response the correlation number of its request. java/ReadFrames.java knows the rest.
"""

import dataclasses
import socket
import struct
import threading


@dataclasses.dataclass
class Exchange:
    """A request and its response, as they were on the wire but for their lengths."""

    key: int
    version: int
    request: bytes
    response: bytes = b""


class Relay:
    def __init__(self, port, server_port):
        self.server_port = server_port
        self.exchanges = []
        self.request_bytes = 0
        self.faults = []
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", port))
        self.bootstrap = f"127.0.0.1:{port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return  # Closed: nobody comes any more.
            try:
                server = socket.create_connection(("127.0.0.1", self.server_port))
            except OSError:
                client.close()
                continue
            for end in (client, server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            waiting = {}  # Requests of this connection by their correlation numbers.
            for run in ((client, server, self._request), (server, client, self._response)):
                threading.Thread(target=self._copy, args=(*run, waiting), daemon=True).start()

    @staticmethod
    def _copy(source, target, said, waiting):
        pending = b""
        try:
            while data := source.recv(1 << 20):
                pending += data
                while len(pending) >= 4 and len(pending) >= 4 + (size := int.from_bytes(pending[:4], "big")):
                    said(pending[4 : 4 + size], waiting)  # Before it goes on: no answer may come before it is known.
                    pending = pending[4 + size :]
                target.sendall(data)
        except OSError:
            pass  # Either side may be gone first; what was said is kept.
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def _request(self, frame, waiting):
        key, version, correlation = struct.unpack(">hhi", frame[:8])
        with self.lock:
            self.request_bytes += len(frame)
            waiting[correlation] = Exchange(key, version, frame)

    def _response(self, frame, waiting):
        with self.lock:
            exchange = waiting.pop(int.from_bytes(frame[:4], "big"), None)
            if exchange is None:
                self.faults.append("a response to nothing that was asked")
                return
            exchange.response = frame
            self.exchanges.append(exchange)
