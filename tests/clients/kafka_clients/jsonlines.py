"""The side of a client program that talks to the test: requests are JSON lines on standard input, answers on its output.

Request: {"id": 1, "do": "produce", …}. Answer: {"id": 1, "ok": …} or {"id": 1, "error": "…"}. kafka_client.py lists them.
Keys, values and headers are base64, and null where Kafka has null. With KAFKA_TLS_CA the client speaks TLS and trusts that
file's authorities; KAFKA_TLS_OWN is a file with a certificate and key of its own.
"""

import base64
import json
import os
import sys
import threading

WRITING = threading.Lock()
TLS_CA = os.environ.get("KAFKA_TLS_CA")
TLS_OWN = os.environ.get("KAFKA_TLS_OWN")


def emit(**fields):
    with WRITING:
        sys.stdout.write(json.dumps(fields) + "\n")
        sys.stdout.flush()


def requests():
    for line in sys.stdin:
        yield json.loads(line)


def raw(text):
    return None if text is None else base64.b64decode(text)


def text(data):
    return None if data is None else base64.b64encode(data).decode()


def record(partition, offset, timestamp, key, value, headers):
    return {"partition": partition, "offset": offset, "timestamp": timestamp, "key": text(key), "value": text(value),
            "headers": [[name, text(data)] for name, data in headers or []]}
