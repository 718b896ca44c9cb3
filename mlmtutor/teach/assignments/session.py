"""A fresh kernel for one notebook: its cells run one by one, with limits on time, memory and output."""

from __future__ import annotations

import json
import math
import os
import queue
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import DEVNULL
from typing import Any

from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import KernelManager

from mlmtutor.teach.assignments.kernel import LIMITS, WATCH
from mlmtutor.teach.assignments.packing import PACKED
from mlmtutor.teach.failures import ANSI

PACK = "__import__('mlmtutor.teach.assignments.packing', fromlist=['pack']).pack(lambda: ({}))"
POLL = 0.2  # seconds between two looks at whether the kernel is alive
SECONDS_TO_STOP = 5.0  # that a cell gets after an interrupt
SECONDS_TO_START = 120.0


@dataclass(frozen=True)
class Limits:
    """What the notebook of a student may use."""

    seconds_cell: float = 60.0
    seconds_all: float = 600.0
    bytes_memory: int = 4 * 10**9
    bytes_printed: int = 10**6
    hidden: tuple[Path, ...] = ()  # files and folders that it cannot read


@dataclass(frozen=True)
class Failure:
    """How a cell failed."""

    kind: str  # "error", "time" or "death"
    text: str = ""  # the error, in one line


@dataclass(frozen=True)
class Found:
    """The value of an expression, or how it failed."""

    value: Any = None
    shown: str = ""  # its beginning, for people
    is_answer: bool = False  # whether it is more than the ... of a blank
    failure: Failure | None = None


class KernelDied(RuntimeError):
    """The kernel is gone: by itself ("death"), for a cell that would not end ("time") or for the time of all cells ("all")."""

    def __init__(self, kind: str = "death") -> None:
        super().__init__("the kernel died" if kind == "death" else "the kernel took too long")
        self.kind = kind


class Stopped(RuntimeError):
    """Somebody wants no more."""


class _OwnKernel(KernelSpecManager):
    """Knows one kernel, the one that keeps limits."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        command = [sys.executable, "-m", "mlmtutor.teach.assignments.kernel", "-f", "{connection_file}"]
        quiet = ["--IPKernelApp.log_level=50", "--HistoryManager.enabled=False"]
        return KernelSpec(argv=[*command, *quiet], display_name="Python 3", language="python")


@dataclass
class Session:
    """A kernel that runs in a folder of its own, which is gone afterwards.

    Example::

        with Session(Limits()) as session:
            session.run("x = 3")
            session.find(["x + 1"])
    """

    limits: Limits = field(default_factory=Limits)
    stop: threading.Event = field(default_factory=threading.Event)  # ends it from another thread

    def __enter__(self) -> Session:
        self._folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        place = self._folder.name
        limits = {
            "bytes_memory": self.limits.bytes_memory,
            "bytes_printed": self.limits.bytes_printed,
            "hidden": [str(path.resolve()) for path in self.limits.hidden],
        }
        own = dict.fromkeys(("TMPDIR", "IPYTHONDIR", "MPLCONFIGDIR", "HF_DATASETS_CACHE"), place)
        environment = {
            **os.environ,
            **own,
            LIMITS: json.dumps(limits),
            "OMP_NUM_THREADS": "1",  # the same numbers, however many run at the same time
            "HF_HUB_OFFLINE": "1",
            "MPLBACKEND": "agg",
            "MLMTUTOR_PROGRESS": "0",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        }
        self._manager = KernelManager(kernel_spec_manager=_OwnKernel())
        try:
            self._manager.start_kernel(cwd=place, env=environment, stdout=DEVNULL, stderr=DEVNULL)
            self._client = self._manager.client()
            self._client.start_channels()
            self._client.wait_for_ready(timeout=SECONDS_TO_START)
            self._end = math.inf
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        if hasattr(self, "_client"):
            self._client.stop_channels()
        if self._manager.has_kernel:
            self._manager.shutdown_kernel(now=True)
        self._manager.cleanup_resources()
        self._folder.cleanup()

    def watch(self) -> None:
        """Forbid from now on what a notebook that is marked may not do."""
        if failure := self.run(f"__import__('sys').audit({WATCH!r})"):
            raise RuntimeError(failure.text)

    def end_at(self, end: float) -> None:
        """Let nothing run longer than to a point of time, in the seconds of `time.monotonic`."""
        self._end = end

    def run(self, code: str, *, seconds: float | None = None) -> Failure | None:
        """Run a cell; return how it failed, None if it did not.

        Args:
            code: The cell.
            seconds: How long it may take, if that is something else than what the limits say.

        Raises:
            KernelDied: If the kernel has died, in this cell or before.
        """
        reply = self._execute(code, {}, seconds or self.limits.seconds_cell)
        return reply if isinstance(reply, Failure) else _read_error(reply)

    def find(self, expressions: Sequence[str]) -> list[Found]:
        """Return the values of expressions in the kernel.

        Raises:
            KernelDied: If the kernel has died.
        """
        return [self._find(expression) for expression in expressions]

    def _find(self, expression: str) -> Found:
        reply = self._execute("", {"answer": PACK.format(expression)}, self.limits.seconds_cell)
        if isinstance(reply, Failure):
            return Found(failure=reply)
        answer = reply["user_expressions"]["answer"]
        if answer["status"] != "ok":
            return Found(failure=_read_error(answer))
        try:
            return Found(**json.loads(answer["data"][PACKED]))
        except (ValueError, TypeError, KeyError):  # a student has changed how the kernel shows things
            return Found(failure=Failure("error", "the answer cannot be read from this kernel"))

    def _execute(self, code: str, expressions: dict[str, str], seconds: float) -> dict[str, Any] | Failure:
        """Run code and return the kernel's reply; whatever the code prints is dropped."""
        if not self._manager.is_alive():
            raise KernelDied
        if time.monotonic() > self._end:
            raise KernelDied("all")
        message = self._client.execute(
            code,
            silent=not code,
            store_history=False,
            user_expressions=expressions,
            allow_stdin=False,
            stop_on_error=False,
        )
        end = min(time.monotonic() + seconds, self._end)
        is_late = False
        while True:
            self._drop_output()
            try:
                reply = self._client.get_shell_msg(timeout=POLL)
            except queue.Empty:
                if self.stop.is_set():
                    raise Stopped from None
                if not self._manager.is_alive():
                    raise KernelDied from None
                if time.monotonic() > end:
                    if is_late:
                        self._manager.shutdown_kernel(now=True)
                        raise KernelDied("all" if time.monotonic() > self._end else "time") from None
                    is_late, end = True, time.monotonic() + SECONDS_TO_STOP
                    self._manager.interrupt_kernel()
                continue
            if reply["parent_header"].get("msg_id") == message:
                break
        if any(one.get("source") == "ask_exit" for one in reply["content"].get("payload", [])):
            raise KernelDied
        return Failure("time") if is_late else reply["content"]

    def _drop_output(self) -> None:
        while self._client.iopub_channel.msg_ready():
            self._client.iopub_channel.get_msg(timeout=0)


def _read_error(reply: dict[str, Any]) -> Failure | None:
    if reply["status"] == "ok":
        return None
    text = " ".join(ANSI.sub("", str(reply.get("evalue", ""))).split())
    return Failure("error", f"{reply.get('ename', 'Error')}: {text}"[:200].strip(": "))
