"""Data directories of every format that was ever written, opened by this build.

Each <format>-<how>.tar.gz holds one `data` directory as a server of that format left it, <format>-<how>.events what a
stream from the earliest record gave then, one {"id", "data"} a line. This build must give the same, go on from there,
and give the same again after a restart; `myelin log` must find it whole, print it and change nothing. A directory of a
later format must be refused, and left as it is. <format>-<how>.backup.tar.gz holds one `backup` directory of that server:
it must verify, and what is restored of it must give the same events, whose ids are those of a new directory.

golden_test.py SERVER
"""

import hashlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tarfile
import tempfile
import urllib.request

FOLDER = pathlib.Path(__file__).resolve().parent
START_SECONDS = 60
MESSAGE = (b"\x0bMSH|^~\\&|LAB|GOLDEN|MYELIN|TEST|20260101120000||ADT^A01|AFTER|P|2.5.1\rPID|1||1^^^GOLDEN^MR||Example^After\r\x1c\r")


class Server:
    def __init__(self, binary, data):
        environment = {name: value for name, value in os.environ.items() if not name.startswith("MYELIN_")}
        command = [binary, "serve", "--data", str(data), "--http.port", "0", "--mllp.port", "0", "--kafka.port", "0",
                   "--logging.format", "json"]
        self.process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.lines = []
        for line in self.process.stderr:
            self.lines.append(line)
            started = re.search(r'"event":"server.started".*', line)
            if started:
                fields = json.loads(line)
                self.http, self.mllp = int(fields["http"]), int(fields["mllp"])
                return
        raise AssertionError(f"the server did not start: {''.join(self.lines[-3:])}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(START_SECONDS) == 0, "an orderly stop"

    def events(self, count):
        """The first `count` events of a stream from the earliest record."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.http}/events/*?from=earliest")
        found, current = [], {}
        with urllib.request.urlopen(request, timeout=START_SECONDS) as answer:
            for raw in answer:
                line = raw.decode("utf-8").rstrip("\n")
                name, _, value = line.partition(":")
                if name == "id":
                    current["id"] = value.strip()
                elif name == "data":
                    current["data"] = json.loads(value)
                elif not line and "id" in current:
                    found.append(current)
                    current = {}
                    if len(found) == count:
                        return found
        raise AssertionError(f"the stream ended after {len(found)} of {count} events")

    def send(self):
        with socket.create_connection(("127.0.0.1", self.mllp), START_SECONDS) as connection:
            connection.sendall(MESSAGE)
            answer = b""
            while not answer.endswith(b"\x1c\r"):
                piece = connection.recv(65536)
                assert piece, "the server closed without an acknowledgment"
                answer += piece
        assert b"MSA|AA|AFTER" in answer, answer


def expected_events(archive):
    text = (FOLDER / archive.name.replace(".tar.gz", ".events")).read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def opens_and_goes_on(binary, archive, folder):
    with tarfile.open(archive) as tar:
        tar.extractall(folder)
    expected = expected_events(archive)
    assert expected, "an archive with events"
    data = folder / "data"
    with Server(binary, data) as server:
        assert server.events(len(expected)) == expected, "what was stored"
        server.send()
        server.stop()
    with Server(binary, data) as server:
        # What the two processes added (their own audit, the new message) comes behind it.
        seen = server.events(len(expected) + 3)
        assert seen[: len(expected)] == expected, "what was stored, after a restart"
        topics = [event["data"]["topic"] for event in server.events(len(expected) + 8)[len(expected):]]
        assert any(topic.startswith("hl7.") for topic in topics), f"the new message: {topics}"
        server.stop()


def digest(folder):
    """Of all that a folder holds, but for the lock, which each server writes its process id into."""
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(folder.rglob("*")) if path.is_file() and path.name != "lock"}


def refuses_a_later_format(binary, archive, folder):
    with tarfile.open(archive) as tar:
        tar.extractall(folder)
    data = folder / "data"
    checkpoint = data / "checkpoint"
    content = bytearray(checkpoint.read_bytes())
    struct.pack_into("<I", content, 8, 1000)
    checkpoint.write_bytes(content)
    before = digest(data)
    ended = subprocess.run([binary, "serve", "--data", str(data), "--http.port", "0", "--mllp.port", "0",
                            "--kafka.port", "0"],
                           capture_output=True, text=True, timeout=START_SECONDS)
    assert ended.returncode == 1, f"exit code {ended.returncode}"
    assert "format 1000" in ended.stderr and "knows formats up to" in ended.stderr, ended.stderr
    assert digest(data) == before, "nothing was touched"


def ask(binary, *arguments, codes=(0,)):
    ended = subprocess.run([binary, *map(str, arguments)], capture_output=True, text=True, timeout=START_SECONDS)
    assert ended.returncode in codes, f"{arguments[:2]} ended with {ended.returncode}: {ended.stderr}"
    return ended.stdout


def is_read_by_the_command_line(binary, archive, folder):
    with tarfile.open(archive) as tar:
        tar.extractall(folder)
    data = folder / "data"
    before = digest(data)
    report = json.loads(ask(binary, "log", "check", data, "--json"))
    assert report["whole"] and report["starts"], report
    assert report["records"] > 0 or report["journalFrames"] > 0, "something was verified"
    # With 1 it tells of files that nothing names: one directory has some.
    answer = ask(binary, "log", "repair", data, codes=(0, 1))
    assert "It opens" in answer or "Nothing was changed" in answer, answer
    checkpoint = [json.loads(line) for line in ask(binary, "log", "dump", data, "--json").splitlines()]
    frames = [json.loads(line) for line in ask(binary, "log", "dump", data, "--journal", "--json").splitlines()]
    assert len(checkpoint) > 1 or frames, "something was printed"
    assert digest(data) == before, "nothing was touched"


def is_restored(binary, archive, folder):
    with tarfile.open(archive) as tar:
        tar.extractall(folder)
    expected = [event["data"] for event in expected_events(archive)]
    assert expected, "an archive with events"
    ask(binary, "backup", "verify", folder / "backup")
    ask(binary, "restore", "--from", folder / "backup", "--data", folder / "data")
    with Server(binary, folder / "data") as server:
        assert [event["data"] for event in server.events(len(expected))] == expected, "what was backed up"
        server.send()
        server.stop()


def main():
    binary = sys.argv[1]
    backups = sorted(FOLDER.glob("*.backup.tar.gz"))
    archives = sorted(set(FOLDER.glob("*.tar.gz")) - set(backups))
    assert archives and backups, "archives to test with"
    passed = failed = 0
    for check in (opens_and_goes_on, is_read_by_the_command_line, refuses_a_later_format, is_restored):
        for archive in backups if check is is_restored else archives:
            folder = pathlib.Path(tempfile.mkdtemp(prefix="myelin-golden-"))
            try:
                check(binary, archive, folder)
                passed += 1
                print(f"ok      {check.__name__} {archive.name}", flush=True)
            except Exception as error:  # The report names which.
                failed += 1
                print(f"FAILED  {check.__name__} {archive.name}: {error}", flush=True)
            finally:
                shutil.rmtree(folder, ignore_errors=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
