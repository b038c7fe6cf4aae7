#!/usr/bin/env python3
"""Tests power_loss_test.py and fault_test.py with a stand-in for the server: a right one passes,
each known flaw is found.

driver_test.py --build DIR
"""

import argparse
import os
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True

from crash_run import remove
from stand_in import FAULT_FLAWS, FLAWS

HERE = os.path.dirname(os.path.abspath(__file__))
SEED = "1"
POWER_LOSS, FAULTS = "power_loss_test.py", "fault_test.py"


def run(script, build, rounds, *more):
    folder = tempfile.mkdtemp(prefix="myelin-crash-driver-")
    command = [
        sys.executable,
        os.path.join(HERE, script),
        "--build",
        build,
        "--keep",
        folder,
    ]
    command += [
        "--server",
        os.path.join(HERE, "stand_in.py"),
        "--rounds",
        rounds,
        "--seed",
        SEED,
        *more,
    ]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    remove(folder)
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", required=True)
    build = os.path.abspath(parser.parse_args().build)
    runs = [("a right server passes", run(POWER_LOSS, build, "20"))]
    runs.append(
        (
            "a right server is caught when syncs do nothing",
            run(POWER_LOSS, build, "20", "--no-sync", "--expect-failure"),
        )
    )
    for flaw in FLAWS:
        flags = ("--server-argument=--flaw", f"--server-argument={flaw}", "--expect-failure")
        result = run(POWER_LOSS, build, "300", *flags)  # Ends when it is caught.
        runs.append((f"a server with the flaw {flaw} is caught", result))
    runs.append(("a right server passes faults", run(FAULTS, build, "24")))
    for case in sorted(set(FAULT_FLAWS.values())):
        runs.append((f"a right server passes {case}", run(FAULTS, build, "4", "--case", case)))
    for flaw, case in FAULT_FLAWS.items():
        flags = ("--server-argument=--flaw", f"--server-argument={flaw}", "--expect-failure")
        result = run(FAULTS, build, "60", *flags, "--case", case, "--patience", "3")
        runs.append((f"a server with the flaw {flaw} is caught at {case}", result))
    failed = 0
    for name, result in runs:
        failed += result.returncode != 0
        print(f"{'ok  ' if result.returncode == 0 else 'FAIL'}  {name}")
        if result.returncode != 0:
            print(result.stdout + result.stderr)
    print(f"{len(runs) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
