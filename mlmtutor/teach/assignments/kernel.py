"""The kernel in which somebody else's notebook runs: it may use so much memory and print so much, and is watched.

Started as ``python -m mlmtutor.teach.assignments.kernel -f CONNECTION_FILE``. What is forbidden once the kernel is told
:data:`WATCH`: the network, other programs, files outside of the kernel's folder for writing, and for reading those that hold
answers. Python reports what it opens to audit hooks (PEP 578), which cannot be taken away again; libraries in other languages do not. So
this stops what a student may try, and not code that is written to do harm, which belongs into a container.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

try:
    import _posixsubprocess
except ImportError:  # Windows
    _posixsubprocess = SimpleNamespace()

LIMITS = "MLMTUTOR_GRADING"  # environment variable: the limits, as JSON
WATCH = "mlmtutor.watch"  # audit event after which the kernel is watched
MOST_BYTES = 10**9  # of a file that is written
PROGRAMS = (
    "subprocess.Popen",
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.spawn",
    "os.startfile",
    "pty.spawn",
)
NETWORK = ("socket.connect", "socket.sendto", "socket.bind", "socket.getaddrinfo", "socket.gethostbyname")
CHANGES = {  # the places of the paths among the arguments, and behind them those of the open folders they start from
    "os.remove": [(0, 1)],
    "os.rmdir": [(0, 1)],
    "os.mkdir": [(0, 2)],
    "os.chmod": [(0, 2)],
    "os.truncate": [(0, None)],
    "os.rename": [(0, 2), (1, 3)],
    "os.link": [(0, 2), (1, 3)],
    "os.symlink": [(1, 2)],
    "shutil.rmtree": [(0, 1)],
}
SIGNALS = ("os.kill", "os.killpg")


def main() -> None:
    """Start the kernel."""
    limits = json.loads(os.environ.pop(LIMITS))
    _limit_memory(limits["bytes_memory"])
    _limit_output(limits["bytes_printed"])
    sys.addaudithook(_Guard(hidden=limits["hidden"]))
    from ipykernel.kernelapp import launch_new_instance

    launch_new_instance()


def _limit_memory(num_bytes: int) -> None:
    try:
        import resource
    except ImportError:  # Windows has no such limits
        return
    for kind, most in ((resource.RLIMIT_DATA, num_bytes), (resource.RLIMIT_FSIZE, MOST_BYTES)):
        _, hard = resource.getrlimit(kind)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (most, most))


def _limit_output(num_bytes: int) -> None:
    """Let a cell that prints more than so much fail, and drop what it shows beyond that in other ways."""
    from ipykernel.iostream import OutStream
    from jupyter_client.session import Session

    send, write, left = Session.send, OutStream.write, {}

    def write_some(self, text):
        left["text"] = left.get("text", num_bytes) - len(text)
        if left["text"] < 0:
            raise OSError(f"more than {num_bytes:,} characters were printed")
        return write(self, text)

    def send_some(self, stream, msg_or_type, content=None, *others: Any, **named: Any):
        found = msg_or_type.get("content") if isinstance(msg_or_type, dict) else content
        if isinstance(found, dict) and found.get("execution_state") == "busy":
            left.clear()  # the next cell
        elif isinstance(found, dict):
            shown = [text for text in (found.get("data") or {}).values() if isinstance(text, str)]
            left["shown"] = left.get("shown", num_bytes) - sum(map(len, shown))
            if left["shown"] < 0 and shown:
                return None
        return send(self, stream, msg_or_type, content, *others, **named)

    Session.send, OutStream.write = send_some, write_some


class _Guard:
    """The hook that is asked before something happens."""

    def __init__(self, hidden: list[str]) -> None:
        self.is_watching = False
        self.hidden = [os.path.realpath(path) for path in hidden]
        self.own = [
            os.path.realpath(path) for path in (os.getcwd(), tempfile.gettempdir(), "/dev", os.devnull)
        ]

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == WATCH:
            self.is_watching = True
            _posixsubprocess.fork_exec = _refuse_program  # by which `multiprocessing` starts others, unasked
        if not self.is_watching:
            return
        if event == "open":
            self._check_file(*arguments)
        elif event in CHANGES:
            for path, folder in CHANGES[event]:
                self._check_change(
                    arguments[path], arguments[folder] if folder in range(len(arguments)) else None
                )
        elif event in PROGRAMS:
            _refuse_program()
        elif event in NETWORK and not _is_local(event, arguments):
            raise PermissionError("there is no network while an assignment is marked")
        elif event in SIGNALS and arguments[0] != os.getpid():
            raise PermissionError("no signal can be sent while an assignment is marked")

    def _check_file(self, path: Any, mode: Any, flags: Any) -> None:
        if not isinstance(path, str | bytes | os.PathLike):
            return
        if isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC):
            self._check_change(path)
        real = os.path.realpath(os.fsdecode(path))
        if any(real == place or real.startswith(place + os.sep) for place in self.hidden):
            raise PermissionError(f"{Path(real).name} cannot be read while an assignment is marked")

    def _check_change(self, path: Any, folder: Any = None) -> None:
        if not isinstance(path, str | bytes | os.PathLike):
            return
        start = f"/proc/self/fd/{folder}" if isinstance(folder, int) and folder >= 0 else "."
        if start != "." and not os.path.exists(start):
            return  # not known on this system
        real = os.path.realpath(os.path.join(start, os.fsdecode(path)))
        if not any(real == place or real.startswith(place + os.sep) for place in self.own):
            raise PermissionError(f"{Path(real).name} cannot be changed while an assignment is marked")


def _refuse_program(*arguments: Any) -> None:
    raise PermissionError("no other program can be started while an assignment is marked")


def _is_local(event: str, arguments: tuple[Any, ...]) -> bool:
    """Whether a socket is one of this process only: with a file in place of an address, or as Windows makes a pair."""
    address = arguments[1] if len(arguments) > 1 else None
    if isinstance(address, str | bytes):
        return os.fsdecode(address).startswith("/")
    return (
        sys.platform == "win32"
        and event in ("socket.bind", "socket.connect")
        and str(address[0]) == "127.0.0.1"
    )


if __name__ == "__main__":
    main()
