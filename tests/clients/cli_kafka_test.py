"""myelin topic, consume and completion as a person and a script use them, against the server of the same build."""

import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest

import kafka_client
import kafka_real
from server import ANSWER_SECONDS, Server, binary, environment, wait_until

HL7 = b"MSH|^~\\&|A|B|C|D|20260101||ADT^A01|%d|P|2.5.1\rPID|1||PATIENT^NAME\r"


def run(*words, stdin=b""):
    """Exit code, output and error text."""
    ended = subprocess.run([binary(), *map(str, words)], input=stdin, capture_output=True, env=environment(),
                           timeout=ANSWER_SECONDS)
    return ended.returncode, ended.stdout.decode(), ended.stderr.decode()


def kafka_port(server):
    """Where the Kafka door is."""
    for line in server.log:
        if b'"kafka.started"' in line:
            return json.loads(line)["port"]
    raise AssertionError("the server opened no Kafka door")


class WithServer(unittest.TestCase):
    def setUp(self):
        self.server = self.enterContext(Server("--kafka.port", "0"))
        self.brokers = f"127.0.0.1:{kafka_port(self.server)}"

    def topic(self, *words, expect=0):
        code, out, err = run("topic", *words, "--bootstrap", self.brokers)
        self.assertEqual(expect, code, out + err)
        return out if code == 0 else err

    def topic_json(self, *words):
        return json.loads(self.topic(*words, "--json"))["topics"]

    def consume(self, *words, expect=0):
        code, out, err = run("consume", *words, "--bootstrap", self.brokers)
        self.assertEqual(expect, code, out + err)
        return out if code == 0 else err

    def records(self, *words):
        return [json.loads(line) for line in self.consume(*words, "--json").splitlines()]

    def send(self, ids):
        """HL7 messages, which become records of hl7.adt.a01."""
        messages = b"".join(HL7 % number for number in ids)
        code, out, err = run("send", "-", "--to", f"127.0.0.1:{self.server.mllp}", stdin=messages)
        self.assertEqual(0, code, out + err)


class Topics(WithServer):
    def test_a_topic_from_its_creation_to_its_end(self):
        self.assertEqual("created lab\n", self.topic("create", "lab", "--partitions", 3, "--config",
                                                     "retention.ms=604800000"))
        self.assertIn("lab\n", self.topic("list", "--names"))
        self.assertRegex(self.topic("list"), r"TOPIC +PARTITIONS +REPLICAS +RECORDS\n")
        [lab] = self.topic_json("describe", "lab")
        self.assertEqual([0, 1, 2], [partition["partition"] for partition in lab["partitions"]])
        self.assertEqual({(0, 0)}, {(one["first_offset"], one["end_offset"]) for one in lab["partitions"]})
        own = {one["name"]: one["value"] for one in lab["settings"] if one["from"] == "topic"}
        self.assertEqual("604800000", own["retention.ms"])

        self.assertEqual("configured lab\n", self.topic("configure", "lab", "--set", "max.message.bytes=2000000"))
        own = {one["name"]: one["value"] for one in self.topic_json("describe", "lab")[0]["settings"]
               if one["from"] == "topic"}
        self.assertEqual({"retention.ms": "604800000", "max.message.bytes": "2000000"}, own)
        self.topic("configure", "lab", "--unset", "retention.ms")
        own = {one["name"] for one in self.topic_json("describe", "lab")[0]["settings"] if one["from"] == "topic"}
        self.assertEqual({"max.message.bytes"}, own)

        self.assertEqual("grew lab\n", self.topic("grow", "lab", "--partitions", 5))
        self.assertEqual(5, len(self.topic_json("describe", "lab")[0]["partitions"]))
        self.assertIn("nothing is deleted; --yes does it", self.topic("delete", "lab", expect=1))
        self.assertIn("lab\n", self.topic("list", "--names"))
        self.assertEqual("deleted lab\n", self.topic("delete", "lab", "--yes"))
        wait_until(lambda: "lab\n" not in self.topic("list", "--names"), "the topic is gone")

    def test_refusals_name_broker_and_topic(self):
        self.topic("create", "taken")
        self.assertIn(f"{self.brokers}: topic taken is not created", self.topic("create", "taken", expect=1))
        self.topic("create", "taken", "--if-not-exists")
        err = self.topic("describe", "takn", expect=1)
        self.assertIn(f"{self.brokers}: there is no topic takn", err)
        self.assertIn("did you mean taken?", err)
        self.assertNotIn("takn", self.topic("list", "--names"))  # It was not made by being asked for.
        self.assertIn("topic taken gets no more partitions", self.topic("grow", "taken", "--partitions", 1, expect=1))
        self.assertEqual(1, self.topic("create", "no/name", expect=1).count("\n"))

    def test_records_before_an_offset_go(self):
        self.send(range(100, 105))
        self.assertIn("would go", self.topic("trim", "hl7.adt.a01", "--before", "end", expect=1))
        before = self.topic_json("describe", "hl7.adt.a01")[0]
        self.topic("trim", "hl7.adt.a01", "--before", "end", "--yes")
        after = self.topic_json("describe", "hl7.adt.a01")[0]
        self.assertEqual([one["end_offset"] for one in before["partitions"]],
                         [one["first_offset"] for one in after["partitions"]])


class Records(WithServer):
    def test_records_are_printed_in_each_form_and_from_each_place(self):
        self.send(range(1, 6))
        records = self.records("hl7.adt.a01", "--until", "end")
        self.assertEqual(5, len(records))
        self.assertEqual(list(range(5)), sorted(one["offset"] for one in records))
        self.assertEqual({"hl7.adt.a01"}, {one["topic"] for one in records})
        self.assertTrue(all(one["time"].endswith("Z") for one in records))
        self.assertIn("PATIENT", self.consume("hl7.adt.a01", "--until", 1))
        self.assertEqual(2, len(self.records("hl7.adt.a01", "--until", 2)))
        self.assertEqual([4], [one["offset"] for one in self.records("hl7.adt.a01", "--from", "-1", "--until", "end")])
        self.assertEqual(5, len(self.records("hl7.adt.a01", "--from", "1h", "--until", "end")))
        self.assertEqual([], self.records("hl7.adt.a01", "--from", "2100-01-01", "--until", "end"))
        self.assertIn("PATIENT", self.consume("hl7.adt.a01", "--until", 1, "--format", "raw"))
        self.assertIn("00000000  ", self.consume("hl7.adt.a01", "--until", 1, "--format", "hex"))

    def test_it_follows_until_interrupted_and_errors_hold_no_patient(self):
        self.send([10])
        command = [binary(), "consume", "hl7.adt.a01", "--from", "beginning", "--json", "--bootstrap", self.brokers]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()) as follower:
            self.assertIn(b"PATIENT", follower.stdout.readline())
            self.send([11])
            while b'|11|' not in (line := follower.stdout.readline()):
                self.assertTrue(line, "the follower ended")
            follower.send_signal(signal.SIGINT)
            self.assertEqual(0, follower.wait(ANSWER_SECONDS))
            self.assertEqual(b"", follower.stderr.read())

    def test_a_group_goes_on_where_it_ended(self):
        self.send(range(20, 24))
        group = ["hl7.adt.a01", "--group", "night", "--from", "beginning", "--until"]
        first = self.records(*group, 2)
        rest = self.records(*group, "end")
        self.assertEqual(2, len(first))
        offsets = [one["offset"] for one in first + rest]
        self.assertEqual(list(range(len(offsets))), offsets)
        self.assertEqual([], self.records(*group, "end"))

    def test_what_is_not_there_is_named(self):
        self.assertIn("there is no topic nope", self.consume("nope", expect=1))
        self.topic("create", "one", "--if-not-exists")
        self.assertIn("topic one has no partition 9", self.consume("one", "--partition", 9, expect=1))


class ApacheKafka:
    """A class of tests once more, against Apache Kafka itself."""

    @classmethod
    def setUpClass(cls):
        cls.kafka = cls.enterClassContext(kafka_real.RealKafka(kafka_client.free_port(), kafka_client.free_port()))

    def setUp(self):
        self.brokers = self.kafka.bootstrap

    def tearDown(self):
        for name in self.names():
            self.topic("delete", name, "--yes")
        wait_until(lambda: not self.names(), "the topics are gone")

    def names(self):
        return [name for name in self.topic("list", "--names").split() if not name.startswith("__")]

    def send(self, ids):
        """As our server would store them, to one partition."""
        lines = b"\n".join((HL7 % number).strip() for number in ids)
        subprocess.run(["kcat", "-b", self.brokers, "-P", "-t", "hl7.adt.a01", "-p", "0"], input=lines, check=True,
                       timeout=ANSWER_SECONDS)


@unittest.skipUnless(kafka_real.wanted(), "MYELIN_CLIENTS_KAFKA=1 runs them")
class TopicsOfApacheKafka(ApacheKafka, Topics):
    pass


@unittest.skipUnless(kafka_real.wanted(), "MYELIN_CLIENTS_KAFKA=1 runs them")
class RecordsOfApacheKafka(ApacheKafka, Records):
    pass


class Alone(unittest.TestCase):
    """Without a broker."""

    def test_a_broker_that_is_away_is_one_sentence(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        for words in (["topic", "list"], ["consume", "lab"]):
            code, out, err = run(*words, "--bootstrap", f"127.0.0.1:{port}")
            self.assertEqual((1, ""), (code, out))
            self.assertEqual(f"myelin {words[0]}: 127.0.0.1:{port} cannot be reached: Connection refused\n", err)

    def test_a_broker_that_says_nothing_is_given_up(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            began = time.monotonic()
            code, _, err = run("topic", "list", "--timeout", "1s", "--bootstrap",
                               f"127.0.0.1:{listener.getsockname()[1]}")
            self.assertEqual(1, code)
            self.assertIn("127.0.0.1", err)
            self.assertLess(time.monotonic() - began, ANSWER_SECONDS / 2)

    def test_a_password_is_in_no_error(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "client.properties"
            path.write_text("sasl.password=hunter2\nsecurity.protocol=hunter2\n")
            code, out, err = run("topic", "list", "--client-config", path)
        self.assertEqual((2, ""), (code, out))
        self.assertIn("security.protocol", err)
        self.assertNotIn("hunter2", err)


class Completion(unittest.TestCase):
    def complete(self, *words, path=None):
        """What bash offers for the last word."""
        with tempfile.TemporaryDirectory() as folder:
            os.symlink(os.path.abspath(binary()), f"{folder}/myelin")
            script = ("source <(myelin completion bash); COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); "
                      "_myelin myelin \"${COMP_WORDS[COMP_CWORD]}\" \"${COMP_WORDS[COMP_CWORD-1]}\"; "
                      "printf '%s\\n' \"${COMPREPLY[@]}\"")
            ended = subprocess.run(["bash", "-c", script, "bash", "myelin", *words], capture_output=True, text=True,
                                   env={**environment(), "PATH": f"{folder}:{os.environ['PATH']}"}, cwd=path,
                                   timeout=ANSWER_SECONDS)
        self.assertEqual("", ended.stderr)
        return ended.stdout.split()

    def test_commands_verbs_flags_and_choices(self):
        self.assertEqual({"consume", "config", "completion"}, set(self.complete("co")))
        self.assertEqual(["describe", "delete"], self.complete("topic", "de"))
        self.assertIn("--replication-factor", self.complete("topic", "create", "x", "--"))
        self.assertNotIn("--replication-factor", self.complete("topic", "list", "--"))
        self.assertEqual(["text", "json", "raw", "hex"], self.complete("consume", "lab", "--format", ""))
        self.assertEqual(["--kafka.port"], self.complete("serve", "--kafka.por"))
        self.assertEqual(["check"], self.complete("log", "ch"))
        self.assertEqual([], self.complete("topic", "list", "--timeout", ""))

    def test_files(self):
        with tempfile.TemporaryDirectory() as folder:
            (pathlib.Path(folder) / "adt.hl7").touch()
            self.assertEqual(["adt.hl7"], self.complete("send", "a", path=folder))
            self.assertEqual(["adt.hl7"], self.complete("topic", "list", "--client-config", "ad", path=folder))

    def test_names_of_topics(self):
        with Server("--kafka.port", "0") as server:
            brokers = f"127.0.0.1:{kafka_port(server)}"
            self.assertEqual(["hl7.errors"], self.complete("consume", "--bootstrap", brokers, "hl7.e"))

    def test_every_flag_that_is_offered_is_known(self):
        for command in self.complete(""):
            verbs = [word for word in self.complete(command, "") if not word.startswith("-")]
            known = {"topic", "log", "backup"}
            for path in [[command], *([command, verb] for verb in verbs if command in known)]:
                for flag in self.complete(*path, "--"):
                    with self.subTest(command=path, flag=flag):
                        self.assertNotIn("unknown flag", run(*path, "--help", flag)[2])

    def test_scripts_of_zsh_and_fish_are_read_by_their_shells(self):
        for shell, check in (("zsh", ["zsh", "-n"]), ("fish", ["fish", "--no-execute"])):
            with self.subTest(shell=shell):
                code, out, _ = run("completion", shell)
                self.assertEqual(0, code)
                self.assertIn("--client-config" if shell == "zsh" else "-l client-config", out)
                if shutil.which(shell):
                    subprocess.run(check, input=out, text=True, check=True, timeout=ANSWER_SECONDS)


if __name__ == "__main__":
    unittest.main()
