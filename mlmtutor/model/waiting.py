"""How the threads of PyTorch wait for each other on a CPU: spinning on a machine of their own, asleep on a shared one."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

LOAD = Path("/proc/loadavg")  # Linux only; elsewhere nothing is changed
NUM_LOOKS, PAUSE = 3, 0.005  # seconds between two looks


def choose_waiting() -> None:
    """Let waiting threads sleep if other programs are at work now.

    A thread that spins while it waits answers a little sooner, but where another program wants the core it keeps the
    thread from running that it is waiting for. OpenMP reads the choice when PyTorch is loaded, so it comes too late
    afterwards; a choice of the user's, in OMP_WAIT_POLICY or GOMP_SPINCOUNT, is left as it is.

    Source: appendix a6_speed.
    """
    is_settled = {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT"} & os.environ.keys() or "torch" in sys.modules
    if not is_settled and is_shared():
        os.environ["OMP_WAIT_POLICY"] = "PASSIVE"


def is_shared() -> bool:
    """Return whether, at a few looks, there was always another task that wanted a core."""
    for _ in range(NUM_LOOKS):
        try:
            running = int(LOAD.read_text().split()[3].split("/")[0])  # this one included
        except (OSError, ValueError, IndexError):
            return False
        if running < 2:
            return False
        time.sleep(PAUSE)
    return True
