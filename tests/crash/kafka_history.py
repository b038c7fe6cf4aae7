"""What must hold of a history that kafka_load.py has written, whatever happened to the server meanwhile.

    sent      producer, number, partition             handed to the client library
    stored    producer, number, partition, offset     acknowledged
    failed    producer, number, error                 given up
    assigned, revoked   member, partitions
    read      member, partition, offset, producer, number, sound
    committed member, partition, offset               acknowledged
    kept      offsets                                 what the group has committed in the end
    there     partition, offset, producer, number, sound    of everything, read once more
    end       ends, unread
    stuck                                             the group does not come to the end
"""

import json
from collections import defaultdict

from checks import Lost

TOPIC, GROUP = "wire", "wire-group"
SIZES = (20, 300, 300, 1500, 70_000)


def value_of(producer, number):
    """A value that says what it is and whether it is whole."""
    size = SIZES[-1] if number % 97 == 0 else SIZES[number % (len(SIZES) - 1)]
    return f"{producer} {number} ".encode() + bytes([number % 251]) * size


def parse_value(value):
    producer, number, _ = value.split(b" ", 2)
    return producer.decode(), int(number)


def is_sound(value):
    return value == value_of(*parse_value(value))


def read_history(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


class Checker:
    def __init__(self, history):
        self.of = defaultdict(list)
        for event in history:
            self.of[event["what"]].append(event)
        self.history = history
        self.there = {(e["partition"], e["offset"]): (e["producer"], e["number"]) for e in self.of["there"]}

    def check(self):
        self.check_end()
        self.check_records()
        self.check_stored()
        self.check_order()
        self.check_reads()
        self.check_commits()
        return {"stored": len(self.of["stored"]), "read": len(self.of["read"]), "committed": len(self.of["committed"])}

    def check_end(self):
        if self.of["failed"]:
            event = self.of["failed"][0]
            raise Lost(f"{event['producer']} {event['number']} was given up: {event['error']}")
        if self.of["stuck"]:
            raise Lost(f"the group does not come to the end: {self.of['stuck'][0]}")
        if len(self.of["end"]) != 1 or self.of["end"][0]["unread"]:
            raise Lost(f"not everything could be read once more: {self.of['end']}")
        for partition, end in self.of["end"][0]["ends"].items():
            offsets = sorted(offset for at, offset in self.there if at == int(partition))
            if offsets != list(range(end)):
                raise Lost(f"partition {partition} has {len(offsets)} records below its end {end}")

    def check_records(self):
        """Each is one that was sent, whole, where it was sent to, once."""
        sent = {(e["producer"], e["number"]): e["partition"] for e in self.of["sent"]}
        first = {}
        for event in self.of["there"]:
            name, place = (event["producer"], event["number"]), (event["partition"], event["offset"])
            if sent.get(name) != event["partition"]:
                raise Lost(f"{place} holds {name}, which was not sent there")
            if not event["sound"]:
                raise Lost(f"{place} does not hold the bytes of {name}")
            if name in first:
                raise Lost(f"{name} is there twice, at {first[name]} and {place}")
            first[name] = place

    def check_stored(self):
        for event in self.of["stored"]:
            name, place = (event["producer"], event["number"]), (event["partition"], event["offset"])
            if self.there.get(place) != name:
                raise Lost(f"{name} was acknowledged at {place}, where {self.there.get(place)} is")

    def check_order(self):
        last = {}
        for (partition, offset), (producer, number) in sorted(self.there.items()):
            if number < last.get((partition, producer), 0):
                raise Lost(f"{producer} {number} at {(partition, offset)} comes too late")
            last[partition, producer] = number

    def check_reads(self):
        """What a member has read is what is there, and the group has left nothing out."""
        covered = defaultdict(set)
        for event in self.of["read"]:
            name, place = (event["producer"], event["number"]), (event["partition"], event["offset"])
            if self.there.get(place) != name or not event["sound"]:
                raise Lost(f"{event['member']} has read {name} at {place}, where {self.there.get(place)} is")
            covered[place[0]].add(place[1])
        for partition, end in self.of["end"][0]["ends"].items():
            missing = set(range(end)) - covered[int(partition)]
            if missing:
                raise Lost(f"the group has passed over offset {min(missing)} of partition {partition}")

    def check_commits(self):
        """Whoever is assigned a partition goes on at or behind the last commit that was acknowledged before."""
        committed, floors = {}, {}
        for event in self.history:
            if event["what"] == "committed":
                committed[event["partition"]] = max(event["offset"], committed.get(event["partition"], 0))
            elif event["what"] == "assigned":
                for partition in event["partitions"]:
                    floors[event["member"], partition] = committed.get(partition, 0)
            elif event["what"] == "read":
                floor = floors.pop((event["member"], event["partition"]), 0)
                if event["offset"] < floor:
                    raise Lost(
                        f"{event['member']} goes on at {event['offset']} of partition {event['partition']}, of which"
                        f" {floor} was committed"
                    )
        kept = self.of["kept"][0]["offsets"]
        for partition, offset in committed.items():
            if kept.get(str(partition), -1) < offset:
                raise Lost(f"{offset} was committed for partition {partition}, kept is {kept.get(str(partition))}")
