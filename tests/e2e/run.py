#!/usr/bin/env python3
"""Starts a server with empty data on free ports and drives its console with a real browser: run.py [SCREENSHOT.png].

MYELIN_BIN (otherwise build/release/myelin) is the server; NODE (otherwise node) runs the test, CHROMIUM (otherwise
/usr/bin/chromium) is the browser. Ends with the test's exit code. `npm ci` in this folder comes first.
"""

import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

HERE = Path(__file__).resolve().parent
START_SECONDS = 60
TEST_SECONDS = 180
STOP_SECONDS = 30
KEPT_LINES = 200


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


def start_server(binary, data):
    command = [binary, "serve", "--data", str(data), "--http.port", "0", "--mllp.port", "0", "--logging.format", "json"]
    # The server takes MYELIN_… for its settings.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MYELIN_")}
    server = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True, errors="replace")
    started, lines = queue.Queue(), []
    threading.Thread(target=follow, args=(server.stderr, started, lines), daemon=True).start()
    try:
        fields = started.get(timeout=START_SECONDS)
    except queue.Empty:
        fields = None
    return server, fields, lines


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


def run_test(binary, fields, arguments):
    environment = dict(os.environ, MYELIN_BIN=binary, MYELIN_HTTP=f"http://127.0.0.1:{fields['http']}",
                       MYELIN_MLLP=f"127.0.0.1:{fields['mllp']}")
    command = [os.environ.get("NODE", "node"), str(HERE / "live_page_test.mjs"), *arguments]
    try:
        return subprocess.run(command, env=environment, timeout=TEST_SECONDS).returncode
    except subprocess.TimeoutExpired:
        print(f"the test did not end within {TEST_SECONDS} s")
        return 1


def main():
    binary = os.environ.get("MYELIN_BIN", str(HERE.parent.parent / "build/release/myelin"))
    if not os.access(binary, os.X_OK):
        sys.exit(f"there is no server at {binary}: build it, or name another in MYELIN_BIN")
    if not (HERE / "node_modules/playwright-core").is_dir():
        sys.exit("playwright-core is missing: npm ci in tests/e2e")
    folder = Path(tempfile.mkdtemp(prefix="myelin-e2e-"))
    server, fields, lines = start_server(binary, folder / "data")
    result = 1
    try:
        if fields is None:
            print("the server did not start")
        else:
            result = run_test(binary, fields, sys.argv[1:])
    finally:
        if not stop_server(server):
            print(f"the server did not stop in order (exit code {server.returncode})")
            result = 1
        if result != 0:
            print("The server's last lines:\n" + "".join(lines), end="")
        shutil.rmtree(folder, ignore_errors=True)
    sys.exit(result)


if __name__ == "__main__":
    main()
