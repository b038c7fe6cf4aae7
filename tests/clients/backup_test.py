"""Backups of a server that runs and restores from them, with the program's own commands."""

import http.client
import json
import os
import shutil
import signal
import subprocess
import unittest

import senders
import server as servers
import sse

COMMAND_SECONDS = 300
LOAD = 3000 if os.environ.get("SOAK") else 300  # Messages of each sender.
PADDING = 4000
SMALL_SEGMENTS = ("--log.segment_bytes", "256KiB", "--log.flush_interval", "50ms")


def command(*words):
    """Exit code, the JSON object it printed, and standard error."""
    done = subprocess.run([servers.binary(), *map(str, words), "--json"], env=servers.environment(),
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          timeout=COMMAND_SECONDS)
    return done.returncode, json.loads(done.stdout) if done.stdout else None, done.stderr


def url(server):
    return f"http://127.0.0.1:{server.http}"


def admin(server, method, path, body=None, **headers):
    """Status and body of one request to the admin API."""
    connection = http.client.HTTPConnection("127.0.0.1", server.http, timeout=servers.ANSWER_SECONDS)
    try:
        connection.request(method, "/api/v1/admin/" + path, body=json.dumps(body) if body is not None else None,
                           headers={"Myelin-Admin": "1", **headers})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def flip(path, byte):
    with open(path, "r+b") as file:
        file.seek(byte)
        old = file.read(1)
        file.seek(byte)
        file.write(bytes([old[0] ^ 1]))


class Case(unittest.TestCase):
    def setUp(self):
        self.server = servers.Server(*SMALL_SEGMENTS)
        self.addCleanup(self.server.__exit__)
        self.set = self.server.folder / "backup"

    def send(self, name, count, padding=PADDING):
        sending = senders.start(self.server, (name,), count, padding)
        senders.finish(sending)
        self.assertEqual([], sending[0].refused)
        return count

    def back_up(self, *flags, code=0):
        got, summary, error = command("backup", "--to", self.set, "--server", url(self.server), *flags)
        self.assertEqual(code, got, error)
        return summary

    def verify(self, code=0):
        got, summary, error = command("backup", "verify", self.set)
        self.assertEqual(code, got, error)
        return summary

    def restore(self, name="restored", code=0):
        """A server on what was restored; it is killed at the end of the test."""
        target = self.server.folder / name
        got, summary, error = command("restore", "--from", self.set, "--data", target)
        self.assertEqual(code, got, error)
        self.restored = summary
        server = servers.Server.__new__(servers.Server)
        server.folder, server.data, server.settings, server.log = target, target, SMALL_SEGMENTS, []
        self.addCleanup(server.kill)
        server.start()
        return server

    def events(self, server, count):
        return [(event.topic, event.data) for event in sse.read_all(server.http, "hl7.*", count)]

    def largest_segment(self, folder):
        return max(folder.rglob("*.log"), key=lambda path: path.stat().st_size)


class UnderLoad(Case):
    def test_a_restored_backup_is_what_the_server_had_and_the_next_one_copies_only_what_is_new(self):
        sent = self.send("before", LOAD)
        first = self.back_up()
        self.assertEqual(first["bytes"], first["copiedBytes"])
        sending = senders.start(self.server, ("north", "south"), LOAD // 3, PADDING)
        while_sent = self.back_up()
        senders.finish(sending)
        sent += 2 * (LOAD // 3)
        last = self.back_up()
        self.assertLess(while_sent["copiedBytes"] + last["copiedBytes"], last["bytes"])
        self.assertEqual(last["bytes"] - first["bytes"], while_sent["copiedBytes"] + last["copiedBytes"])
        self.assertEqual(0, self.back_up()["damagedRanges"])
        wanted = self.events(self.server, sent)
        self.send("lost", 5)
        self.server.kill()
        self.assertEqual(0, self.verify()["damagedRanges"])

        server = self.restore()
        self.assertEqual(0, self.restored["damagedRanges"])
        self.assertEqual(wanted, self.events(server, sent))
        with servers.RawMllp(server.mllp) as raw:
            raw.send(senders.message("afterwards", "ADT^A01"))
            self.assertEqual(("AA", "afterwards"), servers.acknowledgment(raw.receive()))
        after = sse.read_all(server.http, "hl7.*", sent + 1)[-1]
        self.assertEqual("afterwards", after.headers["control-id"])
        self.assertEqual(0, server.stop())
        self.assertEqual([], servers.kafka_segments(server.data)[0])

    def test_a_cursor_of_the_lost_servers_future_is_refused_by_the_restored_one(self):
        self.send("before", 10)
        self.back_up()
        self.send("after", 10)
        cursor = sse.read_all(self.server.http, "hl7.*", 20)[-1].id
        self.server.kill()
        server = self.restore()
        status, _, body = server.get("/events/hl7.*", Last_Event_ID=cursor)
        self.assertIn(status, range(400, 500), body)

    def test_a_killed_backup_leaves_the_one_before_it(self):
        sent = self.send("before", LOAD)
        self.back_up()
        wanted = self.events(self.server, sent)
        for number in range(10):
            self.send(f"round{number}", LOAD // 2, 20_000)
            if self.killed_while_it_copies():
                break
            sent, wanted = self.verify()["records"], None  # It was faster than the kill, and is the last one now.
        else:
            self.fail("every backup was complete before it was killed")
        self.assertEqual(0, self.verify()["damagedRanges"])
        if wanted is not None:
            self.assertEqual(wanted, self.events(self.restore(), sent))
        self.back_up()
        self.assertEqual(0, self.verify()["damagedRanges"])

    def killed_while_it_copies(self):
        """False when it was complete before."""
        manifests, bytes_before = set(self.set.glob("manifest-*")), self.copied_bytes()
        process = subprocess.Popen([servers.binary(), "backup", "--to", str(self.set), "--server", url(self.server)],
                                   env=servers.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while process.poll() is None and self.copied_bytes() <= bytes_before:
            pass
        process.kill()
        process.wait()
        return set(self.set.glob("manifest-*")) == manifests

    def copied_bytes(self):
        return sum(self.size(path) for path in self.set.rglob("*.log"))

    @staticmethod
    def size(path):
        try:
            return path.stat().st_size
        except FileNotFoundError:
            return 0

    def test_an_interrupt_ends_it_and_gives_the_snapshot_back(self):
        self.send("before", LOAD)
        process = subprocess.Popen([servers.binary(), "backup", "--to", str(self.set), "--server", url(self.server)],
                                   env=servers.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        process.send_signal(signal.SIGINT)
        error = process.communicate(timeout=COMMAND_SECONDS)[1].decode()
        # Whenever it came: before the signals are waited for, while it copies, or too late.
        self.assertIn(process.returncode, (0, 3, -signal.SIGINT), error)
        for _ in range(4):
            self.assertEqual(201, admin(self.server, "POST", "log/snapshots")[0])
        self.assertEqual(429, admin(self.server, "POST", "log/snapshots")[0])

    def test_a_topic_that_is_deleted_is_in_the_backup_before_and_not_in_the_one_after(self):
        sent = self.send("before", 20)
        self.assertEqual(0, self.back_up()["damagedRanges"])
        self.assertEqual(204, admin(self.server, "DELETE", "topics/hl7.adt.a01")[0])
        server = self.restore()
        topics = {topic for topic, _ in self.events(server, sent)}
        self.assertIn("hl7.adt.a01", topics)
        after = self.back_up()
        self.assertGreater(after["removedFiles"], 0)
        self.assertNotIn("hl7.adt.a01", {topic for topic, _ in self.events(self.restore("again"), sent - 4)})


class Damaged(Case):
    def test_a_flipped_byte_in_the_source_is_told_and_all_else_is_backed_up(self):
        self.send("before", LOAD)
        self.back_up()  # What was sent is in segments now.
        shutil.rmtree(self.set)
        segment = self.largest_segment(self.server.data / "topics")
        flip(segment, 5000)
        summary = self.back_up(code=1)
        self.assertEqual(1, summary["damagedRanges"])
        self.assertIn(f"{segment} is damaged at byte", summary["damage"][0])
        self.assertNotIn("Quellbacher", json.dumps(summary))
        checked = self.verify(code=1)
        self.assertEqual((0, 1), (checked["damagedRanges"], checked["knownDamagedRanges"]))
        self.restore(code=1)
        self.assertEqual(1, self.restored["damagedRanges"])
        self.assertEqual(checked["records"], self.restored["records"])

    def test_a_flipped_byte_in_the_backup_is_told_and_all_else_is_restored(self):
        self.send("before", LOAD)
        self.back_up()
        whole = self.verify()["records"]
        copy = self.largest_segment(self.set)
        flip(copy, 5000)
        checked = self.verify(code=1)
        self.assertEqual(1, checked["damagedRanges"])
        self.assertIn(f"{copy} is damaged at byte", checked["damage"][0])
        self.restore(code=1)
        self.assertLess(self.restored["records"], whole)
        self.assertEqual(self.restored["records"], checked["records"])
        self.back_up("--full")
        self.assertGreaterEqual(self.verify()["records"], whole)


class Refusals(Case):
    def test_what_cannot_be_done_is_a_sentence_and_an_exit_code(self):
        self.send("before", 3)
        code, summary, error = command("backup", "--to", self.set, "--server", "http://127.0.0.1:1")
        self.assertEqual((3, "unavailable"), (code, summary["error"]["code"]))
        self.assertIn("127.0.0.1:1", error)
        self.assertEqual(2, command("backup")[0])
        self.assertEqual(2, command("restore", "--from", self.set)[0])
        self.assertEqual(3, command("backup", "verify", self.set)[0])
        self.back_up()
        (self.server.folder / "full").mkdir()
        (self.server.folder / "full" / "thing").write_text("x")
        code, _, error = command("restore", "--from", self.set, "--data", self.server.folder / "full")
        self.assertEqual(3, code)
        self.assertIn("holds thing", error)
        code, _, error = command("backup", "--to", self.server.data / "within", "--server", url(self.server))
        self.assertEqual(3, code)
        self.assertIn("within", error)

    def test_the_admin_api_is_not_for_web_pages(self):
        status, _ = admin(self.server, "GET", "log")
        self.assertEqual(200, status)
        self.assertEqual(403, admin(self.server, "POST", "log/snapshots", Origin="http://evil.example")[0])
        self.assertEqual(403, admin(self.server, "POST", "log/snapshots", **{"Myelin-Admin": "0"})[0])
        self.assertEqual(403, admin(self.server, "GET", "log", **{"X-Forwarded-For": "10.0.0.1"})[0])

    def test_topics_are_shown_configured_and_emptied(self):
        self.send("before", 10)
        topics = {topic["name"]: topic for topic in json.loads(admin(self.server, "GET", "topics")[1])["topics"]}
        self.assertEqual([{"start": 0, "end": 2}], topics["hl7.adt.a01"]["partitions"])
        path = "topics/hl7.adt.a01"
        self.assertEqual(200, admin(self.server, "PATCH", path + "/config", {"retention.ms": "86400000"})[0])
        self.assertEqual({"retention.ms": "86400000"}, json.loads(admin(self.server, "GET", path + "/config")[1]))
        self.assertEqual(200, admin(self.server, "PATCH", path + "/config", {"retention.ms": None})[0])
        self.assertEqual({}, json.loads(admin(self.server, "GET", path + "/config")[1]))
        self.assertEqual(400, admin(self.server, "PATCH", path + "/config", {"colour": "red"})[0])
        status, body = admin(self.server, "POST", path + "/partitions/0/delete-records", {"before": 1})
        self.assertEqual((200, {"partition": 0, "start": 1}), (status, json.loads(body)))
        self.assertEqual(404, admin(self.server, "DELETE", "topics/none")[0])
        self.assertEqual(403, admin(self.server, "DELETE", "topics/security.audit.data-access")[0])
        topics = json.loads(admin(self.server, "GET", "topics")[1])["topics"]
        recorded = next(topic["partitions"][0]["end"] for topic in topics if topic["name"] == "security.audit.data-access")
        events = sse.read_all(self.server.http, "security.audit.*", recorded)
        self.assertLessEqual({"topic.configured", "records.removed"}, {event.payload["action"] for event in events})


if __name__ == "__main__":
    unittest.main()
