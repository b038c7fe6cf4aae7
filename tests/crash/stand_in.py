#!/usr/bin/env python3
"""A small server with the doors that power_loss_test.py and fault_test.py need, for testing those
tests: it is right, or has one known flaw.

stand_in.py serve --data DIR --http.port N --mllp.port N [--flaw NAME] (other flags are ignored)
"""

import errno
import http.server
import json
import os
import signal
import socketserver
import struct
import sys
import threading
import time
import zlib

sys.dont_write_bytecode = True

FLAWS = (
    "ack-first",
    "show-first",
    "trust-cache",
    "no-name",
    "swap",
    "twice",
    "change",
    "renumber",
    "stop",
)
# Of a server whose disk fails: what of, with a case of fault_test.py that shows it.
FULL, FAILED = "load:write:data/topics/*/*.log:ENOSPC:1:held", "load:sync:data/events:EIO:4:once"
FAULT_FLAWS = {
    "ignore-error": FAILED,
    "retry-sync": FAILED,
    "trust-sync": FAILED,
    "other-code": FAILED,
    "two-lines": FAILED,
    "no-reason": FAILED,
    "short-write": "load:write:data/events:ENOSPC:3:short",
    "end-when-full": FULL,
    "try-when-full": FULL,
    "stuck-when-full": FULL,
    "blind-when-full": FULL,
    "hang-at-start": "fresh:create:data/events:EIO:1:once",
    "hang-at-stop": FULL.replace("load", "stop"),
}
RETRY_SECONDS = 0.1
HEAD = struct.Struct("<II")


def argument(name, default=None):
    return sys.argv[sys.argv.index(name) + 1] if name in sys.argv else default


FLAW = argument("--flaw")


def say(line):
    os.write(2, f"{line}\n".encode())


def end(error):
    reason = "of something" if FLAW == "no-reason" else os.strerror(error.errno)
    say(f"stand-in: fatal: {reason}")
    if FLAW == "two-lines":
        say(f"stand-in: fatal: once more: {reason}")
    os._exit(3 if FLAW == "other-code" else 70)


class Copies:
    """A file of each topic that nothing depends on: it waits while the disk is full."""

    def __init__(self, directory):
        self.directory, self.waiting, self.full = os.path.join(directory, "topics"), [], False
        self.retry_at = 0
        os.makedirs(self.directory, exist_ok=True)

    def add(self, topic, body):
        self.waiting.append((topic, body))
        if self.full and time.monotonic() < self.retry_at and FLAW != "try-when-full":
            return
        try:
            while self.waiting:
                self.write(*self.waiting[0])
                del self.waiting[0]
            self.full = self.full and FLAW == "stuck-when-full"
        except OSError as error:
            if error.errno != errno.ENOSPC or FLAW == "end-when-full":
                end(error)
            self.full, self.retry_at = True, time.monotonic() + RETRY_SECONDS

    def write(self, topic, body):
        folder = os.path.join(self.directory, topic)
        os.makedirs(folder, exist_ok=True)
        fd = os.open(os.path.join(folder, "0.log"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            os.write(fd, body)
        finally:
            os.close(fd)


class Store:
    """One file of events. add() returns when the event is on disk."""

    def __init__(self, directory):
        self.events, self.next_offset = [], {}
        self.changed = threading.Condition()
        self.adding = threading.Lock()
        self.held_back = None
        if not os.path.isdir(directory):
            os.mkdir(directory)
            self.sync_directory(os.path.dirname(directory))
        path = os.path.join(directory, "events")
        self.fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        self.position = self.recover()
        os.ftruncate(self.fd, self.position)
        if FLAW not in ("trust-cache", "trust-sync"):
            # An earlier sync may have failed: then only what is written again is synced again.
            os.pwrite(self.fd, os.pread(self.fd, self.position, 0), 0)
        if FLAW != "trust-cache":
            os.fsync(self.fd)
        if FLAW != "no-name":
            self.sync_directory(directory)
        self.copies = Copies(directory)

    def sync_directory(self, path):
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        os.fsync(fd)
        os.close(fd)

    def recover(self):
        data, at = os.pread(self.fd, os.fstat(self.fd).st_size, 0), 0
        while at + HEAD.size <= len(data):
            length, check = HEAD.unpack_from(data, at)
            body = data[at + HEAD.size : at + HEAD.size + length]
            if len(body) != length or not length or zlib.crc32(body) != check:
                break
            self.show(json.loads(body))
            at += HEAD.size + length
        return at

    def show(self, message):
        topic = "hl7." + message["type"].lower().replace("^", ".")
        offset = self.next_offset.get(topic, 0)
        self.next_offset[topic] = offset + 1
        number = len(self.events)
        value = {"payload": {"raw": message["raw"]}}
        data = {"topic": topic, "partition": 0, "offset": offset, "key": None}
        data |= {"headers": {"control-id": message["id"]}, "value": value}
        salt = os.getpid() if FLAW == "renumber" else 0
        with self.changed:
            self.events.append(f"id: e-{salt}-{number}\ndata: {json.dumps(data)}\n\n".encode())
            self.changed.notify_all()

    def add(self, raw, acknowledge):
        fields = raw.split("\r")[0].split("|")
        message = {"id": fields[9], "type": fields[8], "raw": raw}
        if FLAW == "change" and fields[9].endswith("7"):
            message["raw"] = raw.replace("HOSPITAL", "HOSPICES")
        with self.adding:
            if FLAW == "ack-first":
                acknowledge(fields)
            for each in self.in_order(message):
                self.write(each)
            if FLAW != "ack-first":
                acknowledge(fields)

    def in_order(self, message):
        if FLAW == "twice" and message["id"].endswith("5"):
            return [message, message]
        if FLAW == "swap":
            held, self.held_back = self.held_back, None
            if held is None and message["id"].endswith("3"):
                self.held_back = message
                return []
            return [message] if held is None else [message, held]
        return [message]

    def write(self, message):
        body = json.dumps(message).encode()
        if FLAW == "show-first":
            self.show(message)
        try:
            self.put(HEAD.pack(len(body), zlib.crc32(body)) + body)
            if FLAW != "stop" or len(self.events) < 20:
                self.sync()
        except OSError as error:
            if FLAW != "ignore-error":
                end(error)
        self.position += HEAD.size + len(body)
        if FLAW != "show-first":
            self.show(message)
        self.copies.add(message["type"].replace("^", "."), body)
        while FLAW == "stuck-when-full" and self.copies.full:
            time.sleep(1)

    def put(self, data):
        done = os.pwrite(self.fd, data, self.position)
        while done < len(data) and FLAW != "short-write":
            done += os.pwrite(self.fd, data[done:], self.position + done)

    def sync(self):
        try:
            os.fdatasync(self.fd)
        except OSError:
            if FLAW != "retry-sync":
                raise
            self.sync()


class Mllp(socketserver.BaseRequestHandler):
    def handle(self):
        pending = b""
        while got := self.request.recv(1 << 16):
            pending += got
            while b"\x1c\x0d" in pending:
                frame, _, pending = pending.partition(b"\x1c\x0d")
                self.server.store.add(frame[1:].decode(), self.acknowledge)

    def acknowledge(self, fields):
        code = "CA" if fields[14:15] == ["AL"] else "AA"
        answer = f"MSH|^~\\&|||||||ACK|1|P|2.5\rMSA|{code}|{fields[9]}\r"
        self.request.sendall(b"\x0b" + answer.encode() + b"\x1c\x0d")


class Http(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        if self.path == "/readyz":
            self.end_headers()
            return
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        after = self.headers.get("Last-Event-ID")
        at = int(after.rpartition("-")[2]) + 1 if after else 0
        store = self.server.store
        while True:
            while FLAW == "blind-when-full" and store.copies.full:
                time.sleep(1)
            with store.changed:
                store.changed.wait_for(lambda: len(store.events) > at)
                batch = b"".join(store.events[at : at + 100])
                at = min(at + 100, len(store.events))
            self.wfile.write(batch)

    def log_message(self, *_):
        pass


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64

    def handle_error(self, *_):
        pass


def open_store():
    try:
        return Store(argument("--data"))
    except OSError as error:
        say(f"stand-in: not_started: {os.strerror(error.errno)}")
        while FLAW == "hang-at-start":
            time.sleep(1)
        sys.exit(1)


def stop(store):
    if FLAW == "hang-at-stop" and store.copies.full:
        return
    store.adding.acquire()  # Who is adding may have to end with another code.
    os._exit(0)


def main():
    store = open_store()
    for flag, handler in (("--mllp.port", Mllp), ("--http.port", Http)):
        server = Server(("127.0.0.1", int(argument(flag))), handler)
        server.store = store
        threading.Thread(target=server.serve_forever, daemon=True).start()
    signal.signal(signal.SIGTERM, lambda *_: stop(store))
    while True:
        signal.pause()


if __name__ == "__main__":
    main()
