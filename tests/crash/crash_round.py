"""A round: one server, its senders and readers, through a few lives in one directory."""

import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

from checks import Lost, check_all, check_resumed
from clients import Reader, Sender, is_ready
from crash_model import CrashError
from crash_run import Machine

START_SECONDS_MAX = 30
PORTS = (10000, 32768)
REFUSED_CODES = (-signal.SIGSYS, 96, 97)  # The shim met something without a model.


def free_ports(count):
    """Ports below those that the system hands out itself: a server takes them only when it has
    started, and until then no connection that a client opens may get one."""
    ports = []
    while len(ports) < count:
        port = random.SystemRandom().randrange(*PORTS)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            if port not in ports:
                ports.append(port)
    return ports


class Round:
    """What every kind of round can do; run() is the kind's own."""

    def __init__(self, options, seed):
        self.options, self.seed = options, seed
        self.chance = random.Random(seed)
        self.folder = tempfile.mkdtemp(prefix=f"round-{seed}-", dir=options.keep)
        shim = os.path.join(options.build, "libmyelin_crash.so")
        self.machine = Machine(self.folder, shim, options.no_sync)
        self.data = os.path.join(self.machine.directory, "data")
        self.journal_bytes = max(options.journal_bytes)
        self.settings = []  # More flags of the server.
        self.senders = []
        self.seen = []
        self.modes = []
        self.life = None
        self.stop_seconds_max = 20
        self.http_port = self.mllp_port = 0
        self.ports = None  # Those of every life, where clients come back.

    def run(self):
        raise NotImplementedError

    def about(self):
        """The round in a few words."""
        raise NotImplementedError

    def start(self, die_at=0, recorded=True, faults=()):
        self.http_port, self.mllp_port, kafka_port = self.ports or free_ports(3)
        # The shim allows no exec, so a script must not begin with env.
        command = [sys.executable] if self.options.server.endswith(".py") else []
        command += [self.options.server, "serve", "--data", self.data]
        command += ["--http.port", str(self.http_port), "--mllp.port", str(self.mllp_port)]
        command += ["--kafka.port", str(kafka_port)]
        command += ["--log.journal_file_bytes", str(self.journal_bytes)]
        command += self.settings + self.options.server_argument
        self.life = self.machine.start(command, die_at, recorded, merged=True, faults=faults)

    def wait_ready(self):
        """Whether it became ready. False: it was killed before, as arranged."""
        deadline = time.monotonic() + START_SECONDS_MAX
        while not is_ready(self.http_port):
            if self.life.ended():
                self.life.finish()
                if self.life.process.returncode == -signal.SIGKILL:
                    return False
                self.ended_badly("while starting")
            if time.monotonic() > deadline:
                raise Lost(f"not ready after {START_SECONDS_MAX} s: {self.life.last_words()}")
            time.sleep(0.01)
        return True

    def ended_badly(self, when):
        code = self.life.process.returncode
        text = f"the server ended {when} with {code}: {self.life.last_words()}"
        raise CrashError(text) if code in REFUSED_CODES else Lost(text)

    def start_senders(self):
        for sender in self.senders:
            sender.start(self.mllp_port)

    def join_senders(self):
        for sender in self.senders:
            sender.join()

    def kill(self):
        self.life.process.kill()
        self.life.finish()
        if self.life.process.returncode != -signal.SIGKILL:
            self.ended_badly("by itself")

    def lose_power(self):
        mode = self.machine.power_off(self.chance)
        self.modes.append(mode)
        shutil.copytree(
            self.machine.directory, os.path.join(self.folder, f"after-{self.machine.losses}")
        )

    # The end.

    def verify(self):
        self.start(recorded=False)
        try:
            if not self.wait_ready():
                raise Lost("the server was killed by somebody else")
            self.before_reading()
            last = Sender("LAST", self.chance, self.senders[0].sizes, 1)
            self.senders.append(last)
            try:
                final = last.send_one(self.mllp_port)
            except OSError as error:
                raise Lost(f"a message after the restart is not acknowledged: {error}") from error
            events = self.read(final)
            self.check(events)
            if self.seen_still(events):
                after = self.chance.choice(self.seen_still(events)).id
                check_resumed(events, self.read(final, after), after)
            self.stop_in_order()
        finally:
            if not self.life.ended():
                self.life.process.kill()
            self.life.finish()

    def before_reading(self):
        """Waits until what is there stays."""

    def check(self, events):
        check_all(events, self.senders, self.seen)

    def seen_still(self, _events):
        """What a reader may go on from."""
        return self.seen

    def read(self, final, after=None):
        reader = Reader(self.http_port, after)
        error = reader.read_until(final)
        reader.close()
        if error:
            raise Lost(error)
        return reader.events

    def stop_in_order(self):
        self.ask_to_stop()
        if self.life.process.returncode != 0:
            self.ended_badly("when asked to stop")

    def ask_to_stop(self):
        self.life.process.send_signal(signal.SIGTERM)
        try:
            self.life.process.wait(timeout=self.stop_seconds_max)
        except subprocess.TimeoutExpired:
            raise Lost(f"it does not stop within {self.stop_seconds_max} s") from None

    def acknowledged(self):
        return sum(len(sender.acknowledged) for sender in self.senders)
