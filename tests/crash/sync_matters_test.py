#!/usr/bin/env python3
"""The power-loss test must fail when syncs do nothing: sync_matters_test.py --build DIR --server
FILE
"""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROUNDS = "20"  # One is nearly always enough.

if __name__ == "__main__":
    script = os.path.join(HERE, "power_loss_test.py")
    os.execv(
        sys.executable,
        [
            sys.executable,
            script,
            "--no-sync",
            "--expect-failure",
            "--rounds",
            ROUNDS,
            *sys.argv[1:],
        ],
    )
