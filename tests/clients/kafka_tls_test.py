"""TLS: each client over it, with certificates of both sides; who is refused; certificates that change while it runs."""

import json
import os
import shutil
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import kafka_behaviour as behaviour
import kafka_client
import kafka_java_test
import kafka_node_test
import server as servers
import tls_files

PROGRAMS = kafka_client.HERE / "kafka_clients"
SECONDS = 60
AT_ONCE = ("-L", "-m", "3")  # For who is refused and would try for longer.
API_VERSIONS = struct.pack(">hhih", 18, 0, 7, -1)


class TlsServer(kafka_client.KafkaServer):
    """On two ports; `bootstrap` is the one with TLS, its files are replaced by use()."""

    def __init__(self, authority, *settings, authentication="none"):
        self.files = Path(tempfile.mkdtemp(prefix="myelin-tls-server-"))
        self.use(*authority.issue("server"))
        self.tls_port = kafka_client.free_port()
        if authentication != "none":
            settings += ("--kafka.tls.client_ca", str(authority.certificate),
                         "--kafka.tls.client_authentication", authentication)
        super().__init__("--kafka.tls.certificate", str(self.files / "tls.crt"), "--kafka.tls.key",
                         str(self.files / "tls.key"), "--kafka.tls.port", str(self.tls_port), *settings)
        self.bootstrap = f"127.0.0.1:{self.tls_port}"
        self.plain_bootstrap = f"127.0.0.1:{self.kafka}"

    def __exit__(self, *arguments):
        super().__exit__(*arguments)
        shutil.rmtree(self.files, ignore_errors=True)

    def use(self, certificate, key):
        for source, name in ((certificate, "tls.crt"), (key, "tls.key")):
            shutil.copy(source, self.files / "next")
            os.replace(self.files / "next", self.files / name)


class OverTls(behaviour.ProducesAndConsumes):
    """The server requires a certificate, and each program has one."""

    @classmethod
    def setUpClass(cls):
        cls.authority = tls_files.Authority()
        cls.addClassCleanup(cls.authority.__exit__)
        cls.own = cls.authority.issue_for_client("client")
        cls.server = TlsServer(cls.authority, authentication="required")
        cls.addClassCleanup(cls.server.__exit__)
        cls.client = None
        cls.addClassCleanup(lambda: cls.client and cls.client.close())

    @classmethod
    def new_client(cls, bootstrap=None):
        environment = os.environ | {"KAFKA_TLS_CA": str(cls.authority.certificate), "KAFKA_TLS_OWN": str(cls.own)}
        return kafka_client.Client(cls.command, bootstrap or cls.server.bootstrap, environment)


class Librdkafka(OverTls, unittest.TestCase):
    command = [sys.executable, PROGRAMS / "librdkafka.py"]


class Aiokafka(OverTls, unittest.TestCase):
    command = [sys.executable, PROGRAMS / "aio.py"]


class JavaClients(OverTls, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.command = [*kafka_java_test.java(), kafka_java_test.PROGRAM]
        super().setUpClass()


@unittest.skipUnless(kafka_node_test.INSTALLED, kafka_node_test.WHY_NOT)
class Kafkajs(OverTls, unittest.TestCase):
    command = [kafka_node_test.NODE, PROGRAMS / "kafkajs.mjs"]
    codecs = ("none", "gzip", "snappy", "zstd")


@unittest.skipUnless(kafka_node_test.INSTALLED, kafka_node_test.WHY_NOT)
class Platformatic(OverTls, unittest.TestCase):
    command = [kafka_node_test.NODE, PROGRAMS / "platformatic.mjs"]


def kcat(bootstrap, *arguments, authority=None, own=None, given=b""):
    """Debian's kcat; an exit code and what it said."""
    command = ["kcat", "-b", bootstrap, "-m", "10", *arguments]
    if authority:
        command += ["-X", "security.protocol=ssl", "-X", f"ssl.ca.location={authority.certificate}"]
    if own:
        command += ["-X", f"ssl.certificate.location={own}", "-X", f"ssl.key.location={own}"]
    done = subprocess.run(command, input=given, capture_output=True, timeout=2 * SECONDS)
    return done.returncode, (done.stdout + done.stderr).decode()


class Secure(unittest.TestCase):
    """With an authority and a server that has a certificate of it."""

    authentication = "none"

    def setUp(self):
        self.authority = self.enterContext(tls_files.Authority())
        self.server = self.enterContext(TlsServer(self.authority, authentication=self.authentication))

    def lines(self, event):
        return [json.loads(line) for line in self.server.log if f'"{event}"'.encode() in line]

    def wait_for_line(self, event, count=1):
        servers.wait_until(lambda: len(self.lines(event)) >= count, f"{count} lines of {event}")
        return self.lines(event)[-1]


class Listeners(Secure):
    def test_kcat_produces_and_consumes_and_is_told_the_port_it_came_to(self):
        port = self.server.bootstrap
        code, said = kcat(port, "-P", "-t", "lab", "-p", "0", authority=self.authority, given=b"a value\n")
        self.assertEqual(0, code, said)
        code, said = kcat(port, "-C", "-t", "lab", "-e", "-q", authority=self.authority)
        self.assertEqual((0, "a value\n"), (code, said))
        code, said = kcat(port, "-L", "-J", authority=self.authority)
        self.assertEqual([port], [one["name"] for one in json.loads(said)["brokers"]])
        code, said = kcat(self.server.plain_bootstrap, "-L", "-J")
        self.assertEqual([self.server.plain_bootstrap], [one["name"] for one in json.loads(said)["brokers"]])

    def test_a_client_that_does_not_trust_the_authority_goes_away(self):
        with tls_files.Authority("another") as another:
            code, said = kcat(self.server.bootstrap, *AT_ONCE, authority=another)
        self.assertNotEqual(0, code)
        self.assertIn("certificate verify failed", said)
        self.wait_for_line("tls.handshake_failed")
        self.assertGreater(self.server.metric("myelin_kafka_tls_handshakes_failed_total"), 0)

    def test_who_comes_to_the_wrong_port_is_closed_with_a_line_that_says_why(self):
        code, said = kcat(self.server.bootstrap, *AT_ONCE)
        self.assertNotEqual(0, code, said)
        self.assertEqual("the peer does not speak TLS", self.wait_for_line("tls.handshake_failed")["reason"])
        code, said = kcat(self.server.plain_bootstrap, *AT_ONCE, authority=self.authority)
        self.assertNotEqual(0, code, said)
        self.assertEqual("a client that speaks TLS, on the port without it",
                         self.wait_for_line("kafka.connection.refused")["reason"])

    def test_our_own_commands_speak_tls(self):
        words = ["--bootstrap", self.server.bootstrap, "--tls-ca", self.authority.certificate]
        self.assertEqual("created lab\n", self.myelin("topic", "create", "lab", *words))
        self.assertIn("lab\n", self.myelin("topic", "list", "--names", *words))
        self.assertEqual("", self.myelin("consume", "lab", "--until", "end", *words))
        with tls_files.Authority("another") as another:
            said = self.myelin("topic", "list", *words[:2], "--tls-ca", another.certificate, expect=1)
        self.assertIn(f"{self.server.bootstrap} does not let us in", said)

    def myelin(self, *words, expect=0):
        done = subprocess.run([servers.binary(), *map(str, words)], capture_output=True, text=True, timeout=SECONDS,
                              env=servers.environment())
        self.assertEqual(expect, done.returncode, done.stdout + done.stderr)
        return done.stdout if expect == 0 else done.stderr


class Clients(Secure):
    authentication = "required"

    def test_only_clients_with_a_certificate_of_the_authority_come_in(self):
        port = self.server.bootstrap
        own = self.authority.issue_for_client("client")
        code, said = kcat(port, "-L", authority=self.authority, own=own)
        self.assertEqual(0, code, said)
        code, said = kcat(port, *AT_ONCE, authority=self.authority)
        self.assertNotEqual(0, code, said)
        self.assertEqual("peer did not return a certificate", self.wait_for_line("tls.handshake_failed")["reason"])
        with tls_files.Authority("another") as another:
            stranger = another.issue_for_client("client")
            code, said = kcat(port, *AT_ONCE, authority=self.authority, own=stranger)
        self.assertNotEqual(0, code, said)
        self.assertIn("its certificate is refused", self.lines("tls.handshake_failed")[-1]["reason"])

    def test_our_own_commands_show_their_certificate(self):
        own = self.authority.issue_for_client("client")
        words = ["topic", "list", "--bootstrap", self.server.bootstrap, "--tls-ca", self.authority.certificate]
        run = [servers.binary(), *map(str, words)]
        done = subprocess.run([*run, "--tls-certificate", str(own)], capture_output=True, env=servers.environment(),
                              timeout=SECONDS)
        self.assertEqual(0, done.returncode, done.stderr)
        done = subprocess.run(run, capture_output=True, env=servers.environment(), timeout=SECONDS)
        self.assertEqual(1, done.returncode)


class Connection:
    """A socket that trusts the authority and speaks the least of Kafka."""

    def __init__(self, port, authority):
        plain = socket.create_connection(("127.0.0.1", port), SECONDS)
        context = ssl.create_default_context(cafile=authority.certificate)
        self.socket = context.wrap_socket(plain, server_hostname="127.0.0.1")
        self.stream = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stream.close()
        self.socket.close()

    def server_name(self):
        return dict(name[0] for name in self.socket.getpeercert()["subject"])["commonName"]

    def is_answered(self):
        self.socket.sendall(struct.pack(">i", len(API_VERSIONS)) + API_VERSIONS)
        (length,) = struct.unpack(">i", self.stream.read(4))
        return self.stream.read(length)[:6] == struct.pack(">ih", 7, 0)


class Reload(Secure):
    def connect(self, authority=None):
        return Connection(self.server.tls_port, authority or self.authority)

    def name_seen(self, authority=None):
        with self.connect(authority) as connection:
            return connection.server_name()

    def test_a_new_certificate_is_shown_to_new_connections_and_old_ones_go_on(self):
        with tls_files.Authority("another") as another, self.connect() as old:
            self.assertTrue(old.is_answered())
            self.assertEqual("server", self.name_seen())
            self.server.use(*another.issue("renewed"))
            self.wait_for_line("tls.reloaded")
            self.assertEqual("renewed", self.name_seen(another))
            self.assertTrue(old.is_answered())
            with self.assertRaises(ssl.SSLCertVerificationError):
                self.connect()
            code, said = kcat(self.server.bootstrap, "-L", authority=another)
            self.assertEqual(0, code, said)

    def test_a_certificate_that_is_no_good_changes_nothing_but_the_log(self):
        certificate, key = self.authority.issue("renewed")
        _, wrong_key = self.authority.issue("another")
        self.server.use(certificate, wrong_key)
        self.assertIn("the key is not that of the certificate", self.wait_for_line("tls.reload_failed")["reason"])
        self.assertEqual("server", self.name_seen())
        self.server.use(certificate, key)
        self.wait_for_line("tls.reloaded")
        self.assertEqual("renewed", self.name_seen())
        self.assertEqual(1, len(self.lines("tls.reload_failed")))
        self.assertNotIn("PRIVATE", self.server.log_text())


class AtTheStart(unittest.TestCase):
    def test_a_file_that_is_no_good_is_named_with_its_setting(self):
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run([servers.binary(), "serve", "--data", f"{folder}/data", *servers.SETTINGS,
                                   "--kafka.tls.port", "0", "--kafka.tls.certificate", f"{folder}/tls.crt"],
                                  capture_output=True, text=True, env=servers.environment(), timeout=SECONDS)
        self.assertEqual(1, done.returncode)
        self.assertIn(f"kafka: tls.certificate: {folder}/tls.crt: cannot be read: No such file or directory", done.stderr)


if __name__ == "__main__":
    unittest.main()
