"""A round in which records may be taken away while messages come: upkeep.py."""

from crash_round import Round
from upkeep import WAYS, Administrator, Kept, audited_starts, partitions, wait_until_tidy


class UpkeepRound(Round):
    """An ordinary round until choose_upkeep() was called."""

    def __init__(self, options, seed):
        super().__init__(options, seed)
        self.administrator = None
        self.interval = "100ms"  # Of the server's looks at retention and compaction.
        self.counts = {}

    def choose_upkeep(self, ways):
        self.administrator = Administrator(self.chance, ways)
        self.settings = ["--log.segment_bytes", self.chance.choice(("16KiB", "64KiB"))]
        self.settings += ["--log.flush_interval", self.chance.choice(("10ms", "100ms"))]
        if "retention" in ways:
            self.settings += ["--broker.retention_bytes", self.chance.choice(("32KiB", "128KiB"))]
            self.settings += ["--broker.keep_forever", "security.*"]

    def some_ways(self):
        return self.chance.sample(WAYS, self.chance.randint(1, len(WAYS)))

    def start(self, die_at=0, recorded=True, faults=()):
        chosen = self.settings
        if self.administrator:
            self.settings = chosen + ["--log.housekeeping_interval", self.interval]
        super().start(die_at, recorded, faults)
        self.settings = chosen

    def start_senders(self):
        for sender in self.senders:
            sender.reconnects = self.administrator is not None
        super().start_senders()
        if self.administrator:
            self.administrator.start(self.http_port)

    def join_senders(self):
        super().join_senders()
        if self.administrator:
            self.administrator.join()

    def verify(self):
        self.interval = "1h"
        super().verify()

    def before_reading(self):
        if self.administrator:
            wait_until_tidy(self.http_port)

    def check(self, events):
        if not self.administrator:
            super().check(events)
            return
        everything = partitions(self.http_port)
        places = {place: at for place, at in everything.items() if place[0].startswith("hl7.")}
        audit = [at for place, at in everything.items() if place[0].startswith("security.audit.")]
        starts = audited_starts(self.http_port, sum(end - start for start, end in audit))
        kept = Kept(events, self.senders, self.seen, self.administrator, places, starts)
        self.counts = {**self.counts, **self.administrator.done, "removed": kept.check()}

    def seen_still(self, events):
        if not self.administrator:
            return self.seen
        there = {event.id for event in events}
        return [event for event in self.seen if event.id in there]
