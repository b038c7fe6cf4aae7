"""Runs a program under the shim in a directory of its own and takes the power away from it."""

import os
import shutil
import struct
import subprocess
import tempfile
import threading
import time
import uuid

from crash_model import Model, rebuild
from fault_plan import Plan
from oplog import COUNTDOWN_AT, Log

LOG_BYTES = 1 << 30  # Sparse; only what is written takes room.
STDERR_LINES = 200


def log_folder():
    memory = "/dev/shm"  # Small in many containers, where writing past its end would be a SIGBUS.
    if os.access(memory, os.W_OK):
        room = os.statvfs(memory)
        if room.f_bavail * room.f_frsize > 2 * LOG_BYTES:
            return memory
    return tempfile.gettempdir()


class Life:
    """One process from its start to its end."""

    def __init__(self, command, environment, merged):
        self.stderr = []
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if merged else subprocess.PIPE,
            env=environment,
        )
        self.drained = self.process.stdout if merged else self.process.stderr
        self.reader = threading.Thread(target=self._drain, daemon=True)
        self.reader.start()

    def _drain(self):
        for line in self.drained:
            self.stderr.append(line.decode(errors="replace").rstrip())
            del self.stderr[:-STDERR_LINES]

    def ended(self):
        return self.process.poll() is not None

    def finish(self):
        self.process.wait()
        self.reader.join(timeout=2)
        self.process.stdout.close()
        if self.process.stderr:
            self.process.stderr.close()

    def last_words(self):
        return " | ".join(self.stderr[-4:])


class Machine:
    """A directory, the processes that run in it one after the other, and the power switch.

    start() begins a life with a log of its own; after its end take_in() brings the model up to
    date, and power_off() replaces the directory by one that a disk may hold.
    """

    def __init__(self, folder, shim, no_sync=False):
        self.folder, self.shim, self.no_sync = folder, shim, no_sync
        self.directory = os.path.join(folder, "disk")
        os.makedirs(self.directory)
        self.model = Model(self.directory)
        self.life_log = self.plan = None
        self.losses = 0
        self.history = []

    def reload(self):
        """Takes the directory as it is for what is on disk."""
        self.model = Model(self.directory)

    def start(self, command, die_at=0, recorded=True, merged=False, faults=()):
        environment = dict(os.environ)
        if recorded:
            self.life_log = os.path.join(log_folder(), f"myelin-crash-{uuid.uuid4().hex}")
            with open(self.life_log, "wb") as file:
                file.truncate(LOG_BYTES)
            environment.update(
                LD_PRELOAD=self.shim,
                MYELIN_CRASH_DIR=self.directory,
                MYELIN_CRASH_LOG=self.life_log,
            )
            environment["MYELIN_CRASH_NOSYNC"] = "1" if self.no_sync else "0"
            self.arm(die_at)
            self.plan = Plan(self.life_log)
            self.plan.arm(faults)
        life = Life(command, environment, merged)
        # One that is killed before it has begun says nothing of the server.
        while recorded and not life.ended() and not Log(self.life_log).attached:
            time.sleep(0.001)
        return life

    def arm(self, records):
        """Lets the running process kill itself in place of so many records from now."""
        with open(self.life_log, "r+b", buffering=0) as file:
            os.pwrite(file.fileno(), struct.pack("<Q", records), COUNTDOWN_AT)

    def take_in(self):
        log = Log(self.life_log)
        # Read before anything may fail, so that a failing round can keep it.
        self.history.append(("life", self.life_log))
        self.model.apply(log)
        self.model.settle(self.directory)
        return log

    def power_off(self, random, mode=None):
        self.losses += 1
        before = self.directory + f"-before-{self.losses}"
        os.rename(self.directory, before)
        mode = rebuild(self.model, random, self.directory, mode)
        self.history.append(("loss", mode))
        self.model = Model(self.directory)
        return mode

    def drop_logs(self, keep_in=None):
        logs = [what for kind, what in self.history if kind == "life"]
        if self.life_log not in logs:
            logs.append(self.life_log)  # Of a life that was not taken in.
        for number, log in enumerate(log for log in logs if log and os.path.exists(log)):
            if keep_in:
                _keep_log(log, os.path.join(keep_in, f"life-{number}.log"))
            os.unlink(log)


def _keep_log(source, target):
    used = Log(source).bytes
    with open(source, "rb") as file, open(target, "wb") as out:
        out.write(file.read(used))


def remove(folder):
    shutil.rmtree(folder, ignore_errors=True)
