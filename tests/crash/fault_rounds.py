"""A round with one fault of the disk: what it does, and what must come of it.

Phases: fresh (the first start), load (messages come), upkeep (the same, while records are taken away
in all ways of upkeep.py), large (load with messages that go straight to segments), restart (a start
after a kill -9 or a power loss), stop (asked to, with messages under way).

Ways of a write that fails: none, part or all of it is written all the same; short says that part
was written, and the rest fails; less says it too, and the rest can be written. held: this call and
every further one fails until the round gives the disk back, or for good.

The kind full is a disk without room: nothing but the journal, which has its room, can be written,
and the file system says so.
"""

import errno
import os
import re
import time
from collections import namedtuple

from checks import Lost
from clients import Reader, Sender, Sizes, is_ready
from fault_plan import FOR_EVER, Fault
from upkeep import WAYS
from upkeep_round import UpkeepRound

PHASES = ("fresh", "load", "upkeep", "large", "restart", "stop")
LARGE_JOURNAL_BYTES = 16 << 20
FATAL, NOT_STARTED = 70, 1  # Exit codes.
HIT_SECONDS_MAX = 3
TRIES_MAX = 200  # In the short while that a disk stays full.
HIT_AT_STOP_SECONDS = 0.05

# Where a failed write or sync ends the process whatever the error is, by the operator's manual.
JOURNAL = re.compile(r"data/(journal/.*|events)$")
SEGMENTS = re.compile(r"data/topics(/.*)?$")


class Case(namedtuple("Case", "phase kind path error index way")):
    def __str__(self):
        return ":".join(map(str, self))

    @staticmethod
    def parse(text):
        phase, kind, path, error, index, way = text.split(":")
        return Case(phase, kind, path, error, int(index), way)

    def faults(self):
        if self.kind == "full":
            return [
                Fault("write+create", "data/topics/*/*", self.error, count=FOR_EVER),
                Fault("write+create", "data/checkpoint.tmp", self.error, count=FOR_EVER),
                Fault("mkdir", "data/topics/*", self.error, count=FOR_EVER),
                Fault("space", "data", self.error, count=FOR_EVER),
            ]
        count = {"short": 2, "held": FOR_EVER}.get(self.way, 1)
        share = {"part": 512, "all": 1024, "short": 700, "less": 700}.get(self.way, 0)
        shorts = self.way in ("short", "less")
        return [Fault(self.kind, self.path, self.error, self.index, count, share, shorts)]

    def must_end(self):
        """Whether a running server has to end itself."""
        if self.way == "less":
            return False
        if self.kind in ("write", "sync") and JOURNAL.match(self.path):
            return True
        if self.phase == "upkeep" and SEGMENTS.match(self.path):
            return False  # It may be a file that compaction writes, and then gives up.
        return self.kind == "sync" and (SEGMENTS.match(self.path) or self.error == "EIO")

    def must_go_on(self):
        """Whether a running server has to live, and to work again when there is space."""
        return self.error == "ENOSPC" and self.kind != "sync" and not self.must_end()


class FaultRound(UpkeepRound):
    def __init__(self, options, seed, case):
        super().__init__(options, seed)
        self.case = Case.parse(case)
        self.journal_bytes = self.chance.choice(options.journal_bytes)
        if self.case.phase == "upkeep":
            self.choose_upkeep(WAYS)
        else:
            segment_bytes = self.chance.choice((16_384, 16_384, 65_536, 1 << 20))
            self.settings = ["--log.segment_bytes", str(segment_bytes), "--log.flush_interval", "30ms"]
        self.settings += ["--runtime.stop_timeout", "3s"]
        if self.case.phase == "large":
            self.journal_bytes = LARGE_JOURNAL_BYTES
        sizes = Sizes(self.chance, self.journal_bytes)
        if self.case.phase == "large":
            sizes.make_large()
        self.senders = [
            Sender(f"S{i}", self.chance, sizes, self.chance.choice((1, 4, 16)))
            for i in range(self.chance.choice((1, 2, 4)))
        ]
        self.stop_seconds_max = options.patience
        self.story = []  # What became of the fault.

    def about(self):
        return " ".join([str(self.case), *self.story, *self.modes])

    def run(self):
        self.prepare()
        if self.case.phase in ("fresh", "restart"):
            self.fault_at_start()
        elif self.case.phase in ("load", "upkeep", "large"):
            self.fault_under_load()
        else:
            self.fault_at_stop()
        self.machine.take_in()
        self.afterwards()
        self.verify()

    def note(self, what):
        self.story.append(what)
        self.counts = {**self.counts, what: 1}

    # Before the fault.

    def prepare(self):
        """Brings the directory to where the phase begins."""
        if self.case.phase == "fresh":
            if self.chance.random() < 0.5:
                os.mkdir(self.data)
                self.machine.reload()
            return
        dirty = self.case.phase == "restart"
        self.live(self.chance.uniform(0.15, 0.4) if dirty else 0)
        if dirty and self.chance.random() < 0.4:
            self.lose_power()

    def live(self, seconds):
        """A life without a fault, ended by a kill."""
        self.start()
        self.wait_ready()
        reader = Reader(self.http_port)
        if seconds:
            self.start_senders()
            time.sleep(seconds)
        self.kill()
        self.end_of_life(reader)
        self.machine.take_in()

    def end_of_life(self, reader=None):
        self.join_senders()
        if reader:
            reader.close()
            self.seen.extend(reader.events)

    def phase_without_fault(self):
        """Where in the record the phase begins and ends, and which paths were there before."""
        existing = {
            os.path.relpath(os.path.join(folder, name), self.machine.directory)
            for folder, folders, files in os.walk(self.machine.directory)
            for name in folders + files
        }
        self.start()
        plan, begin, end = self.machine.plan, 0, 1 << 62
        self.wait_ready()
        if self.case.phase in ("fresh", "restart"):
            end = plan.position()
        else:
            self.start_senders()
            begin = plan.position()
            time.sleep(4 if self.administrator else 1)
        if self.case.phase == "stop":
            begin = plan.position()
            self.ask_to_stop()
        else:
            self.life.process.kill()
        self.life.finish()
        self.end_of_life()
        self.machine.take_in()
        return begin, end, existing

    # The fault.

    def fault_at_start(self):
        self.start(faults=self.case.faults())
        deadline = time.monotonic() + self.options.patience
        while not is_ready(self.http_port):
            if self.life.ended():
                self.life.finish()
                self.note("hit" if self.machine.plan.hits() else "not-hit")
                self.note("did-not-start")
                return self.check_end((NOT_STARTED, FATAL))
            if time.monotonic() > deadline:
                seconds = self.options.patience
                raise Lost(f"neither ready nor ended after {seconds} s: {self.words()}")
            time.sleep(0.01)
        self.note("hit" if self.machine.plan.hits() else "not-hit")
        self.machine.plan.disarm()
        reader = Reader(self.http_port)
        self.start_senders()
        time.sleep(self.chance.uniform(0.05, 0.3))
        return self.end_living(reader)

    def fault_under_load(self):
        self.start()
        self.wait_ready()
        reader = Reader(self.http_port)
        self.machine.plan.arm(self.case.faults())
        self.start_senders()
        self.wait_for(lambda: self.machine.plan.hits() > 0, HIT_SECONDS_MAX)
        if not self.machine.plan.hits():
            self.machine.plan.disarm()  # Or it would come at the stop.
        hit = self.machine.plan.hits() > 0
        self.note("hit" if hit else "not-hit")
        if hit and self.case.must_end():
            self.wait_for(lambda: False, self.options.patience)
            if not self.life.ended():
                raise Lost(f"it goes on after a failed {self.case.kind} of {self.case.path}")
        elif hit:
            self.wait_for(lambda: False, self.chance.choice((0.1, 0.5, 1.5)))
            if not self.life.ended() and self.case.must_go_on():
                self.check_patience()
                if not self.administrator:  # Who takes away what a reader waits for.
                    self.check_reading(reader)
            self.machine.plan.disarm()
        if self.life.ended():
            return self.ended_by_itself(reader)
        if hit:
            self.check_writing()
        return self.end_living(reader)

    def fault_at_stop(self):
        self.start()
        self.wait_ready()
        reader = Reader(self.http_port)
        self.start_senders()
        time.sleep(self.chance.uniform(0.05, 0.4))
        self.machine.plan.arm(self.case.faults())
        time.sleep(self.chance.choice((0, HIT_AT_STOP_SECONDS)))
        if not self.life.ended():
            self.ask_to_stop()
        self.life.finish()
        self.note("hit" if self.machine.plan.hits() else "not-hit")
        self.end_of_life(reader)
        strict = self.machine.plan.hits() and self.case.must_end()
        self.check_end((FATAL,) if strict else (0, 1, FATAL))

    def wait_for(self, holds, seconds):
        end = time.monotonic() + seconds
        while not holds() and not self.life.ended() and time.monotonic() < end:
            time.sleep(0.003)

    def ended_by_itself(self, reader):
        self.life.finish()
        self.end_of_life(reader)
        self.note("ended")
        if self.case.must_go_on():
            raise Lost(f"it ended for want of space: {self.words()}")
        self.check_end((FATAL,))

    def check_end(self, codes):
        """It ended in order, and says in one line why."""
        code = self.life.process.returncode
        if code not in codes or (code and not self.machine.plan.hits()):
            self.ended_badly(f"after the fault, not with {' or '.join(map(str, codes))},")
        if code == 0:
            return
        reason = os.strerror(getattr(errno, self.case.error))
        lines = [line for line in self.life.stderr if "fatal:" in line or "not_started" in line]
        if code == NOT_STARTED and self.case.phase == "stop":
            return  # The stop took too long; the log line says so.
        if len(lines) != 1 or reason not in lines[0]:
            raise Lost(f"it ended with {code} and does not say why in one line: {self.words()}")

    def words(self):
        return self.life.last_words()

    # A server that goes on.

    def check_patience(self):
        """It does not try again and again in one moment."""
        tries = self.machine.plan.hits()
        if tries > TRIES_MAX:
            raise Lost(f"it tries {tries} times within two seconds: a busy loop")

    def check_reading(self, reader):
        """All that was acknowledged can be read while the disk is full, by who reads already. Who
        begins now reads too or is refused, because his access cannot be recorded; he is not kept
        waiting.
        """
        wanted = {i for sender in self.senders for i in list(sender.acknowledged)}
        later = Reader(self.http_port)
        self.wait_to_read(wanted, reader, "a stream that was open before")
        if reader.error:
            raise Lost(f"a stream that was open before ended: {reader.error}")
        self.wait_to_read(wanted, later, "a new stream")
        later.close()
        self.seen.extend(later.events)
        self.note("read-while-full")

    def wait_to_read(self, wanted, reader, whose):
        deadline = time.monotonic() + self.options.patience
        while missing := wanted - {event.control_id for event in list(reader.events)}:
            if self.life.ended():
                self.life.finish()
                self.ended_badly("while the disk was full")
            if reader.ended() and reader.refused:
                return
            if time.monotonic() > deadline or reader.ended():
                text = f"{len(missing)} of {len(wanted)} messages while the disk is full"
                raise Lost(f"{whose} does not give {text}: {reader.error or 'it waits'}")
            time.sleep(0.01)

    def check_writing(self):
        """It takes messages again, without a restart."""
        probe = Sender("PROBE", self.chance, self.senders[0].sizes, 1)
        deadline, problem = time.monotonic() + self.options.patience, None
        self.senders.append(probe)
        while time.monotonic() < deadline and not self.life.ended():
            try:
                probe.send_one(self.mllp_port, self.options.patience)
                self.note("went-on")
                return
            except OSError as error:
                problem = error
                time.sleep(0.05)
        if self.life.ended():
            self.ended_by_itself(None)
        else:
            raise Lost(f"it does not write again although the fault is over: {problem}")

    def end_living(self, reader):
        """The end of a server that a fault did not end: by a kill or in order."""
        if self.life.ended():
            return self.ended_by_itself(reader)
        if self.chance.random() < 0.5:
            self.kill()
        else:
            self.ask_to_stop()
            self.life.finish()
            if self.life.process.returncode != 0:
                self.ended_badly("when asked to stop")
        return self.end_of_life(reader)

    # After the fault.

    def afterwards(self):
        """What a failed sync gave up shows at the latest when the power goes: at once, after a
        life that built on what was in the cache, or never.
        """
        what = self.chance.choice(("loss", "loss", "life and loss", "nothing"))
        if what == "life and loss":
            self.live(self.chance.choice((0.05, 0.2)))
        if what != "nothing":
            self.lose_power()
