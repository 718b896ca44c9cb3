"""What a person sees while a chapter runs: a line per cell, or in a terminal one line that is written over."""

from __future__ import annotations

import shutil
import sys
import threading
import time
from typing import TextIO

from mlmtutor.model.messages import printable
from mlmtutor.teach.listing import measure


class Progress:
    """A line that is written over in a terminal, with the seconds that went by, and lines that stay."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = stream or sys.stderr
        self.is_terminal = self.stream.isatty()
        self._text, self._since, self._lock = "", time.monotonic(), threading.RLock()
        self._over = threading.Event()
        if self.is_terminal:
            threading.Thread(target=self._tick, daemon=True).start()

    def show(self, text: str) -> None:
        """Show in a terminal what happens now."""
        with self._lock:
            self._text, self._since = printable(text), time.monotonic()
            self._draw()

    def keep(self, line: str) -> None:
        """Print a line that stays."""
        with self._lock:
            self._erase()
            print(printable(line), file=self.stream, flush=True)
            self._draw()

    def close(self) -> None:
        """Take the line away."""
        self._over.set()
        with self._lock:
            self._erase()
            self._text = ""

    def _tick(self) -> None:
        while not self._over.wait(1):
            with self._lock:
                self._draw()

    def _erase(self) -> None:
        if self.is_terminal:
            print("\r\x1b[K", end="", file=self.stream, flush=True)

    def _draw(self) -> None:
        if self.is_terminal and self._text and not self._over.is_set():
            self._erase()
            seconds = f"  {time.monotonic() - self._since:.0f} s"
            room = shutil.get_terminal_size().columns - len(seconds) - 1
            text = self._text
            while measure(text) > max(room, 10):
                text = text[:-1]
            print(text + seconds, end="", file=self.stream, flush=True)


class CellProgress:
    """Follows the cells of one chapter."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self.last = ""  # the cell that runs, or ran last

    def start(self, number: int, total: int, heading: str) -> None:
        """A code cell starts; numbers count from 1."""
        self.last = f"cell {number} of {total} | {heading}"
        self.progress.show(self.last)

    def end(self, number: int, total: int, heading: str, seconds: float) -> None:
        """A code cell has ended."""
        if not self.progress.is_terminal:
            self.progress.keep(f"{self.last} | {seconds:.1f} s")
