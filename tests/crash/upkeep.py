"""Records that are taken away while the power goes: by retention, by compaction, by an administrator
who deletes records and topics.
"""

import http.client
import json
import random
import threading
import time

from checks import Lost, check_contents
from clients import topic_and_key

WAYS = ("retention", "compaction", "delete-records", "delete-topic")
COMPACTED = {
    "cleanup.policy": "compact",
    "min.cleanable.dirty.ratio": "0",
    "delete.retention.ms": "0",
}
AUDIT = "/events/security.audit.*?from=earliest"


def ask(port, method, path, body=None):
    """The answer's JSON, nothing for an answer without; None when there was no good answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        headers = {"Myelin-Admin": "1", "Content-Type": "application/json"}
        text = None if body is None else json.dumps(body)
        connection.request(method, "/api/v1/admin/" + path, text, headers)
        answer = connection.getresponse()
        data = answer.read()
        if answer.status >= 300:
            return None
        return json.loads(data) if data else {}
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        connection.close()


def partitions(port):
    """(topic, partition): (start, end) of all topics."""
    answer = ask(port, "GET", "topics")
    if answer is None:
        raise Lost("the server does not list its topics")
    return {
        (topic["name"], number): (partition["start"], partition["end"])
        for topic in answer["topics"]
        for number, partition in enumerate(topic["partitions"])
    }


def wait_until_tidy(port, seconds=120):
    """Until the look at everything that a server takes when it starts is over. It removes files at its leisure, so thousands of
    them take a slow disk half a minute.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        report = ask(port, "GET", "log")
        if report is None:
            raise Lost("the server does not tell of its log")
        if report["housekeepingPasses"] > 0:
            return
        time.sleep(0.02)
    raise Lost(f"no look at retention and compaction has ended within {seconds} s")


class Administrator:
    """Takes records away in its ways as long as the server lives, and remembers what it asked for:
    that may have happened, whatever was answered.
    """

    def __init__(self, chance, ways):
        self.chance = random.Random(chance.getrandbits(64))
        self.ways = [way for way in ways if way != "retention"]
        self.compacted, self.deleted = set(), set()
        self.deleted_before = {}
        self.done = {}
        self.stop = threading.Event()
        self.thread = None

    def start(self, port):
        self.stop.clear()
        self.thread = threading.Thread(target=self._work, args=(port,), daemon=True)
        self.thread.start()

    def join(self):
        self.stop.set()
        if self.thread:
            self.thread.join()

    def _work(self, port):
        while self.ways and not self.stop.wait(self.chance.uniform(0.01, 0.08)):
            try:
                places = sorted(p for p in partitions(port).items() if p[0][0].startswith("hl7."))
            except Lost:
                return
            if places:
                self._take(port, self.chance.choice(self.ways), *self.chance.choice(places))

    def _take(self, port, way, place, offsets):
        topic, partition = place
        if way == "compaction":
            self.compacted.add(topic)
            answer = ask(port, "PATCH", f"topics/{topic}/config", COMPACTED)
        elif way == "delete-records":
            before = self.chance.randint(*offsets)
            self.deleted_before[place] = max(before, self.deleted_before.get(place, 0))
            path = f"topics/{topic}/partitions/{partition}/delete-records"
            answer = ask(port, "POST", path, {"before": before})
        elif self.chance.random() < 0.2:
            self.deleted.add(topic)
            answer = ask(port, "DELETE", f"topics/{topic}")
        else:
            return
        if answer is not None:
            self.done[way] = self.done.get(way, 0) + 1


def audited_starts(port, end):
    """Up to where records of each partition were to be removed by retention, by the audit."""
    starts, read = {}, 0
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("GET", AUDIT, headers={"Accept": "text/event-stream"})
        answer = connection.getresponse()
        while read < end:
            line = answer.readline()
            if not line:
                raise Lost("the audit's stream ended early")
            if not line.startswith(b"data:"):
                continue
            data = json.loads(line[5:])
            if "offset" not in data:
                continue
            read += 1
            event = data["value"].get("payload", data["value"])
            if "keptFromOffset" not in event.get("counts", {}):
                continue
            place = (event["resource"]["name"], event["counts"]["partition"])
            starts[place] = max(starts.get(place, 0), event["counts"]["keptFromOffset"])
    except (OSError, LookupError, TypeError, ValueError, http.client.HTTPException) as error:
        raise Lost(f"the audit cannot be read: {type(error).__name__}: {error}") from error
    finally:
        connection.close()
    return starts


class Kept:
    """What must hold of what is left."""

    def __init__(self, events, senders, seen, administrator, places, audited):
        self.events, self.senders, self.seen = events, senders, seen
        self.administrator, self.places, self.audited = administrator, places, audited
        self.of_place = {}
        for event in events:
            self.of_place.setdefault((event.topic, event.partition), []).append(event)

    def check(self):
        check_contents(self.events, self.senders)
        unlisted = set(self.of_place) - set(self.places)
        if unlisted:
            raise Lost(f"{sorted(unlisted)} have events and are not listed")
        removed = sum(self._check_partition(place) for place in self.places)
        self._check_acknowledged()
        self._check_order()
        self._check_seen()
        for sender in self.senders:
            if sender.refused:
                raise Lost(f"{sender.name} was refused: {sender.refused[0]}")
        return removed

    def _check_partition(self, place):
        """Gives how many records were taken away: before the start, and by compaction."""
        start, end = self.places[place]
        offsets = [event.offset for event in self.of_place.get(place, ())]
        if offsets != sorted(set(offsets)):
            raise Lost(f"{place}: offsets that do not rise")
        if offsets and (offsets[0] < start or offsets[-1] >= end):
            raise Lost(f"{place} holds {offsets[0]} to {offsets[-1]} and says {start} to {end}")
        gaps = end - start - len(offsets)
        if gaps and place[0] not in self.administrator.compacted:
            raise Lost(f"{place}: {gaps} records between {start} and {end} are gone")
        if place[0] not in self.administrator.deleted:
            allowed = max(self.administrator.deleted_before.get(place, 0), self.audited.get(place, 0))
            if start > allowed:
                raise Lost(f"{place} begins at {start}; nobody asked for more than {allowed}")
        return start + gaps

    def _check_acknowledged(self):
        """An acknowledged message is there, or is one that may have been removed: the oldest of its
        partition go first, and of its key a later one stays.
        """
        there = {event.control_id for event in self.events}
        keys = {(event.topic, event.key) for event in self.events}
        started = {topic for (topic, _), (start, _) in self.places.items() if start > 0}
        for sender in self.senders:
            once = [i for i in sender.bytes_of if sender.times_sent.get(i) == 1]
            first = {}  # The smallest number that is there, by topic and key.
            for control_id in once:
                if control_id in there:
                    first.setdefault(topic_and_key(sender.bytes_of[control_id]), control_id)
            for control_id in sender.acknowledged - there:
                where = topic_and_key(sender.bytes_of[control_id])
                topic = where[0]
                if topic in self.administrator.deleted:
                    continue
                if topic in self.administrator.compacted and where in keys:
                    continue
                kept = first.get(where)
                later = kept is None or sender.number_of(kept) > sender.number_of(control_id)
                if topic not in started or (control_id in once and not later):
                    raise Lost(f"{control_id} was acknowledged and is gone; {kept} is there")

    def _check_order(self):
        """Of those that were sent once: of the others any copy may be gone, or have come late."""
        owner = {i: sender for sender in self.senders for i in sender.bytes_of}
        last = {}
        for event in self.events:
            sender = owner[event.control_id]
            if sender.times_sent[event.control_id] > 1:
                continue
            number = sender.number_of(event.control_id)
            if number < last.get(sender.name, 0):
                raise Lost(f"{event.control_id} comes after {sender.name}-{last[sender.name]}")
            last[sender.name] = number

    def _check_seen(self):
        there = {event.place(): event for event in self.events}
        for event in self.seen:
            if event.topic in self.administrator.deleted:
                continue
            now = there.get(event.place())
            if now is None:
                self._check_taken(event)
            elif now.raw != event.raw or now.id != event.id:
                raise Lost(f"{event.place()} was {event.control_id} and is {now.control_id}")

    def _check_taken(self, event):
        place = (event.topic, event.partition)
        start, _ = self.places.get(place, (0, 0))
        later = any(
            other.key is not None and other.key == event.key and other.offset > event.offset
            for other in self.of_place.get(place, ())
        )
        if event.offset >= start and not (event.topic in self.administrator.compacted and later):
            raise Lost(f"{event.control_id} at {event.place()} was read before the power loss and is gone")
