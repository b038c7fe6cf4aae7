"""What the doors let in, and what they tell of patients: hosts, origins, addresses, limits, log and metrics."""

import http.client
import os
import pathlib
import re
import socket
import subprocess
import shutil
import unittest

import senders
import server as servers
import sse

PATHS = ("/", "/healthz", "/readyz", "/metrics", "/events/hl7.*?from=earliest", "/no/such/page")
SAMPLE = re.compile(r'[a-zA-Z_:][a-zA-Z0-9_:]*(\{[a-z_]+="[^"\\\n]*"(,[a-z_]+="[^"\\\n]*")*\})? [-+0-9.eEInfNa]+')


def listening(pid):
    """The local addresses on which a process listens, from the kernel's own tables."""
    inodes = set()
    for entry in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        try:
            inodes.add(os.readlink(entry))
        except OSError:
            continue
    found = []
    for family, table in ((socket.AF_INET, "tcp"), (socket.AF_INET6, "tcp6")):
        path = pathlib.Path(f"/proc/{pid}/net/{table}")
        for line in path.read_text().splitlines()[1:] if path.exists() else []:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in inodes:
                words = re.findall("." * 8, fields[1].split(":")[0])
                packed = b"".join(bytes.fromhex(word)[::-1] for word in words)
                found.append((socket.inet_ntop(family, packed), int(fields[1].split(":")[1], 16)))
    return found


class Doors(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = servers.Server()
        cls.addClassCleanup(cls.server.__exit__)

    def bytes_answer(self, request):
        """The status of an answer to bytes as they are, and whether the connection ended."""
        with socket.create_connection(("127.0.0.1", self.server.http), servers.ANSWER_SECONDS) as peer:
            try:
                peer.sendall(request)
            except OSError:
                pass  # Refused before all was sent: the answer is there all the same.
            answer = http.client.HTTPResponse(peer)
            answer.begin()
            return answer.status

    def test_another_host_gets_421_on_every_path(self):
        port = self.server.http
        for host in ("evil.example", f"evil.example:{port}", f"127.0.0.1.evil.example:{port}", f"localhost.:{port}x",
                     f"127.0.0.1:{port + 1}", f"10.0.0.1:{port}"):
            for path in PATHS:
                with self.subTest(f"{host} {path}"):
                    status, _, body = self.server.get(path, Host=host)
                    self.assertIn(status, (421, 400) if host.endswith("x") else (421,))
                    self.assertNotIn(b"Quellbacher", body)

    def test_our_own_names_are_served(self):
        for host in (f"127.0.0.1:{self.server.http}", f"localhost:{self.server.http}", f"LOCALHOST:{self.server.http}"):
            self.assertEqual(200, self.server.get("/healthz", Host=host)[0], host)

    def test_a_request_without_a_host_or_with_two_is_refused(self):
        ours = f"Host: 127.0.0.1:{self.server.http}\r\n"
        for headers in ("", ours + "Host: evil.example\r\n", "Host: evil.example\r\n" + ours):
            status = self.bytes_answer(f"GET /healthz HTTP/1.1\r\n{headers}\r\n".encode())
            self.assertIn(status, (400, 421), headers)

    def test_an_absolute_target_does_not_pass_for_a_host(self):
        ours = f"127.0.0.1:{self.server.http}"
        for target, host in (("http://evil.example/metrics", ours), (f"http://{ours}/metrics", "evil.example")):
            status = self.bytes_answer(f"GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            self.assertIn(status, (400, 421), target)

    def test_no_answer_has_a_header_that_opens_it_to_other_origins(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.server.http, timeout=servers.ANSWER_SECONDS)
        self.addCleanup(connection.close)
        preflight = {"Origin": "http://evil.example", "Access-Control-Request-Method": "GET",
                     "Access-Control-Request-Headers": "last-event-id", "Access-Control-Request-Private-Network": "true"}
        for method in ("GET", "OPTIONS", "HEAD"):
            for path in PATHS:
                if method == "GET" and path.startswith("/events/"):
                    with sse.Stream(self.server.http, "hl7.*", "earliest") as stream:
                        answer = stream.answer.headers
                else:
                    connection.request(method, path, headers=preflight)
                    response = connection.getresponse()
                    response.read()
                    answer = response.headers
                opened = [name for name in answer if name.lower().startswith("access-control-")]
                self.assertEqual([], opened, f"{method} {path}")

    def test_without_configuration_every_door_listens_on_loopback_only(self):
        found = listening(self.server.process.pid)
        ports = (self.server.http, self.server.kafka, self.server.mllp)
        self.assertEqual({("127.0.0.1", port) for port in ports}, set(found))

    def test_health_and_readiness_answer(self):
        for path in ("/healthz", "/readyz"):
            status, headers, _ = self.server.get(path)
            self.assertEqual(200, status, path)
            self.assertEqual("no-store", headers.get("Cache-Control"), path)

    def test_metrics_are_in_prometheus_text_format(self):
        status, headers, body = self.server.get("/metrics")
        self.assertEqual(200, status)
        self.assertTrue(headers["Content-Type"].startswith("text/plain; version=0.0.4"), headers["Content-Type"])
        lines = body.decode("utf-8").splitlines()
        self.assertTrue(body.endswith(b"\n"))
        wrong = [line for line in lines if not line.startswith(("# HELP ", "# TYPE ")) and not SAMPLE.fullmatch(line)]
        self.assertEqual([], wrong)
        types = [line.split()[2] for line in lines if line.startswith("# TYPE ")]
        self.assertEqual(len(types), len(set(types)))
        self.assertGreater(len(types), 10)

    def test_what_is_too_large_is_refused_with_its_own_status(self):
        host = f"Host: 127.0.0.1:{self.server.http}\r\n"
        self.assertEqual(431, self.bytes_answer(f"GET / HTTP/1.1\r\n{host}X: {'x' * 100_000}\r\n\r\n".encode()))
        many = "".join(f"X-{n}: y\r\n" for n in range(500))
        self.assertEqual(431, self.bytes_answer(f"GET / HTTP/1.1\r\n{host}{many}\r\n".encode()))
        self.assertEqual(414, self.bytes_answer(f"GET /{'x' * 10_000} HTTP/1.1\r\n{host}\r\n".encode()))
        body = f"POST /events/hl7.* HTTP/1.1\r\n{host}Content-Length: 999999999999\r\n\r\n"
        self.assertIn(self.bytes_answer(body.encode()), (404, 405, 413))

    def test_a_stream_that_cannot_be_had_is_refused_with_a_reason(self):
        for path in ("/events/hl7.*?from=yesterday", "/events/__myelin_metadata", "/events/a%00b", "/events/"):
            status, _, body = self.server.get(path)
            self.assertIn(status, (400, 404), path)
            self.assertTrue(body, path)
        foreign = "00000000-0000-4000-8000-000000000000-1-0"
        self.assertEqual(400, self.server.get("/events/hl7.*", Last_Event_ID=foreign)[0])

    def test_the_servers_own_topics_never_match(self):
        with servers.RawMllp(self.server.mllp) as raw:
            raw.send(senders.message("own-topics", "ADT^A08"))
            raw.receive()
        with sse.Stream(self.server.http, "*", "earliest") as stream:
            events = stream.read_until(lambda events: any(event.topic == "hl7.adt.a08" for event in events))
        self.assertEqual([], [event.topic for event in events if event.topic.startswith("__")])

    @unittest.skipUnless(shutil.which("curl"), "curl is not here")
    def test_curl_gets_the_same(self):
        url = f"http://127.0.0.1:{self.server.http}/healthz"
        for arguments, status in (((), "200"), (("-H", "Host: evil.example"), "421"), (("--http1.0",), "200"),
                                  (("-H", "X: " + "x" * 60_000), "431")):
            command = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--max-time", "60", *arguments, url]
            self.assertEqual(status, subprocess.run(command, stdout=subprocess.PIPE, text=True).stdout, arguments[:1])


class Confidential(unittest.TestCase):
    """Neither the log at its most talkative, nor metrics, nor a refusal says what a message says."""

    WORDS = ("Quellbacher", "Irmintraud", "SECRETID", "SECRETMRN", "SECRETFIELD")

    def test_log_and_metrics_hold_no_patient_data_whatever_is_sent(self):
        bad = [b"MSH|^~SECRETFIELD", b"PID|1||SECRETMRN", b"SECRETFIELD" * 1000, b"", b"MSH",
               b"MSH|^~\\&|A|B|||20260101||SECRETFIELD^SECRETFIELD|SECRETID|P|2.5\rPID|1||SECRETMRN\xff^^^A\r"]
        with servers.Server() as server:
            for one in [*bad, senders.message("SECRETID", "ADT^A01")]:
                with servers.RawMllp(server.mllp) as raw:
                    raw.send(one)
                    raw.receive()
            for garbage in (b"SECRETFIELD\r\n", b"\x0bMSH|^~\\&|SECRETFIELD"):
                with servers.RawMllp(server.mllp) as raw:
                    raw.socket.sendall(garbage)
                    raw.socket.shutdown(socket.SHUT_WR)
                    while raw.socket.recv(4096):
                        pass
            server.get("/events/hl7.*?from=SECRETFIELD")
            with sse.Stream(server.http, "hl7.*", "earliest") as stream:
                stream.read_until(lambda events: len(events) > len(bad))
            metrics = server.get("/metrics")[2].decode()
            self.assertEqual(0, server.stop())
            for word in self.WORDS:
                self.assertNotIn(word, metrics)
                self.assertNotIn(word, server.log_text())


if __name__ == "__main__":
    unittest.main()
