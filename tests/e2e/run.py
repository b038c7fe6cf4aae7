#!/usr/bin/env python3
"""Starts servers with empty data on free ports and drives their console with a real browser: run.py [SCREENSHOT.png].

First the Live page (SCREENSHOT), then the Storage page: with all in order, with a stored byte damaged while the server was
down and a disk that counts as low, and with a disk that counts as full.

MYELIN_BIN (otherwise build/release/myelin) is the server; NODE (otherwise node) runs the tests, CHROMIUM (otherwise
/usr/bin/chromium) is the browser. Ends with 0 when every test passed and every server stopped in order. `npm ci` in this
folder comes first.
"""

import contextlib
import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
START_SECONDS = 60
SEND_SECONDS = 60
TEST_SECONDS = 180
STOP_SECONDS = 30
KEPT_LINES = 200
# Enough for several closed segments of SMALL's size.
MESSAGES = 100
SMALL = ("--log.journal_file_bytes", "1MiB", "--log.segment_bytes", "8192", "--log.scrub_bytes_per_second", "100MiB")
ROOMY = ("--log.disk_warn_percent", "100", "--log.disk_refuse_percent", "100")


class Failed(Exception):
    """A test failed, or a server did not do what every test needs of it."""


def clean_environment():
    # The server takes MYELIN_… for its settings.
    return {name: value for name, value in os.environ.items() if not name.startswith("MYELIN_")}


def follow(stream, started, lines):
    """Keeps the server's last lines and tells the one that names its ports."""
    for line in stream:
        lines.append(line)
        del lines[:-KEPT_LINES]
        try:
            fields = json.loads(line)
        except ValueError:
            continue
        if isinstance(fields, dict) and fields.get("event") == "server.started":
            started.put(fields)
    started.put(None)


def stop_server(server):
    """True when it stopped in order."""
    if server.poll() is None:
        server.send_signal(signal.SIGTERM)
    try:
        return server.wait(STOP_SECONDS) == 0
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
        return False


@contextlib.contextmanager
def running_server(binary, data, *options):
    """The ports of a server that runs meanwhile. Its last lines are printed when something fails."""
    command = [binary, "serve", "--data", str(data), "--http.port", "0", "--mllp.port", "0", "--kafka.port", "0",
               "--logging.format", "json", *options]
    server = subprocess.Popen(command, env=clean_environment(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True, errors="replace")
    started, lines = queue.Queue(), []
    threading.Thread(target=follow, args=(server.stderr, started, lines), daemon=True).start()
    in_order = False
    try:
        try:
            fields = started.get(timeout=START_SECONDS)
        except queue.Empty:
            fields = None
        if fields is None:
            raise Failed("the server did not start")
        yield {**fields, "lines": lines}
        in_order = True
    finally:
        stopped = stop_server(server)
        if not (in_order and stopped):
            print("The server's last lines:\n" + "".join(lines), end="")
    if not stopped:
        raise Failed(f"the server did not stop in order (exit code {server.returncode})")


def run_test(binary, fields, script, *arguments, **more):
    environment = dict(os.environ, MYELIN_BIN=binary, MYELIN_HTTP=f"http://127.0.0.1:{fields['http']}",
                       MYELIN_MLLP=f"127.0.0.1:{fields['mllp']}", **more)
    command = [os.environ.get("NODE", "node"), str(HERE / script), *arguments]
    try:
        code = subprocess.run(command, env=environment, timeout=TEST_SECONDS).returncode
    except subprocess.TimeoutExpired:
        raise Failed(f"{script} did not end within {TEST_SECONDS} s") from None
    if code != 0:
        raise Failed(f"{script} failed")


def send_messages(binary, fields, folder):
    """Many messages of one patient: all of them go to one partition."""
    messages = folder / "messages.hl7"
    text = "".join(f"MSH|^~\\&|E2E|NORTH|MYELIN|HOUSE|20260101120000||ADT^A01^ADT_A01|STORED-{number}|P|2.5.1\r"
                   f"PID|1||77001^^^NORTH^MR||Sample^Ada\rPV1|1|I\r" for number in range(MESSAGES))
    messages.write_text(text, newline="")
    sent = subprocess.run([binary, "send", str(messages), "--to", f"127.0.0.1:{fields['mllp']}"], env=clean_environment(),
                          capture_output=True, text=True, timeout=SEND_SECONDS)
    if sent.returncode != 0:
        raise Failed(f"myelin send ended with {sent.returncode}: {sent.stdout}{sent.stderr}")


def damage_closed_segment(data):
    """Flips a bit in the middle of a segment that is not its partition's last. Its name below the data directory."""
    for partition in sorted((data / "topics").glob("hl7.adt.a01-*")):
        segments = sorted(partition.glob("*.log"))
        if len(segments) < 2:
            continue
        content = bytearray(segments[0].read_bytes())
        content[len(content) // 2] ^= 1
        segments[0].write_bytes(content)
        return str(segments[0].relative_to(data))
    raise Failed(f"{MESSAGES} messages closed no segment")


def check_damage_is_told(fields, file):
    """In one line of the log and in a metric, beside the page."""
    events = [json.loads(line) for line in fields["lines"] if line.startswith("{")]
    told = [event for event in events if event["event"] == "log.damaged"]
    if len(told) != 1 or not told[0]["file"].endswith(file):
        raise Failed(f"the log tells the damage in {len(told)} lines instead of one")
    with urllib.request.urlopen(f"http://127.0.0.1:{fields['http']}/metrics", timeout=START_SECONDS) as answer:
        metrics = answer.read().decode().splitlines()
    if "myelin_log_damaged_ranges 1" not in metrics:
        raise Failed("the metric myelin_log_damaged_ranges does not say 1")


def test_live(binary, folder, screenshot):
    with running_server(binary, folder / "live") as fields:
        run_test(binary, fields, "live_page_test.mjs", *screenshot)


def test_storage(binary, folder):
    data = folder / "storage"
    with running_server(binary, data, *SMALL, *ROOMY) as fields:
        send_messages(binary, fields, folder)
        run_test(binary, fields, "storage_page_test.mjs", "sound")
    damaged = damage_closed_segment(data)
    with running_server(binary, data, *SMALL, "--log.disk_warn_percent", "1", "--log.disk_refuse_percent", "100") as fields:
        run_test(binary, fields, "storage_page_test.mjs", "damaged", MYELIN_DAMAGED_FILE=damaged)
        check_damage_is_told(fields, damaged)
    with running_server(binary, data, *SMALL, "--log.disk_warn_percent", "1", "--log.disk_refuse_percent", "1") as fields:
        run_test(binary, fields, "storage_page_test.mjs", "full")


def main():
    binary = os.environ.get("MYELIN_BIN", str(HERE.parent.parent / "build/release/myelin"))
    if not os.access(binary, os.X_OK):
        sys.exit(f"there is no server at {binary}: build it, or name another in MYELIN_BIN")
    if not (HERE / "node_modules/playwright-core").is_dir():
        sys.exit("playwright-core is missing: npm ci in tests/e2e")
    folder = Path(tempfile.mkdtemp(prefix="myelin-e2e-"))
    try:
        test_live(binary, folder, sys.argv[1:])
        test_storage(binary, folder)
    except Failed as failure:
        sys.exit(str(failure))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
