"""Run several chapters beside each other, the long ones first, as many as the machine has cores and memory for."""

import shutil
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from pathlib import Path

import psutil
from joblib import cpu_count
from nbformat import NotebookNode

from mlmtutor.teach.chapters import Chapter

from .execute import ChapterFailed, Say, run_chapter
from .tables import BUDGET, read_yaml

# of a chapter: threads of several would wait for each other, and a sum of floats depends on how many share it
NUM_THREADS = 1
UNKNOWN_MB = 4_500  # memory of a chapter that was not measured


def run_together(
    chapters: list[Chapter],
    *,
    root: Path,
    after_first: Callable[[str, list[list[NotebookNode]]], None] | None = None,
) -> dict[str, list[list[NotebookNode]]]:
    """Return the outputs of the chapters, from their last runs where those still hold.

    Args:
        chapters: The chapters.
        root: The repository.
        after_first: Called with name and outputs of the shortest chapter, beside the runs of the others.

    Returns:
        What :func:`run_chapter` returns, by the name of the chapter, in the order of `chapters`.

    Raises:
        ChapterFailed: If a cell raises. Chapters that were running by then have been run to their ends, and their
            outputs are kept.
    """
    budget = read_yaml(root / BUDGET).get("mini", {})
    shortest, *rest = sorted(chapters, key=lambda one: budget.get(one.slug, {}).get("minutes", 0))
    memory_mb = [budget.get(one.slug, {}).get("memory_mb", UNKNOWN_MB) for one in chapters]
    board = Board()
    failures: list[Exception] = []

    def run(chapter: Chapter) -> list[list[NotebookNode]]:
        if failures:
            return []
        say, show_bar = board.speaker(chapter.slug)
        try:
            outputs = run_chapter(chapter, root=root, say=say, show_bar=show_bar, num_threads=NUM_THREADS)
            if after_first and rest and chapter is shortest:
                after_first(chapter.slug, outputs)
        except Exception as error:
            failures.append(error)
            return []
        return outputs

    pool = ThreadPoolExecutor(share_machine(memory_mb))
    futures = {chapter.slug: pool.submit(run, chapter) for chapter in [shortest, *reversed(rest)]}
    try:
        waiting = futures.values()
        while waiting:  # with a time-out, since a wait without end does not hear the keyboard
            _, waiting = wait(waiting, timeout=0.2)
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        for child in psutil.Process().children(recursive=True):  # the kernels do not hear the keyboard
            with suppress(psutil.NoSuchProcess):
                child.kill()
        raise
    finally:
        board.clear()
    pool.shutdown()
    if failures:
        raise failures[0] if len(failures) == 1 else ChapterFailed("\n\n".join(map(str, failures)))
    return {chapter.slug: futures[chapter.slug].result() for chapter in chapters}


def share_machine(memory_mb: list[int]) -> int:
    """Return how many chapters run at a time.

    Args:
        memory_mb: The peak memory of each chapter, in millions of bytes.
    """
    room = psutil.virtual_memory().available // (max(memory_mb) * 1_000_000)
    return max(1, min(cpu_count(), room, len(memory_mb)))


class Board:
    """What chapters say at the same time: every line whole, and on a terminal, below, what each is busy with."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.started: dict[str, str] = {}  # by chapter: a line that is not complete yet
        self.busy: dict[str, str] = {}
        self.is_live = sys.stdout.isatty()

    def speaker(self, slug: str) -> tuple[Say, Say]:
        """Return what a chapter says its lines with, and what it shows its bars with."""

        def say(text: str) -> None:
            with self.lock:
                *lines, rest = (self.started.pop(slug, "") + text).split("\n")
                if rest:
                    self.started[slug] = rest
                self.busy[slug] = rest
                self._show("".join(f"{line}\n" for line in lines))

        def show_bar(text: str) -> None:
            if text := text.strip():
                with self.lock:
                    self.busy[slug] = f"{slug}: {text.splitlines()[-1]}"
                    self._show("")

        return say, show_bar

    def clear(self) -> None:
        """Take away the line below."""
        with self.lock:
            self.busy.clear()
            self._show("")

    def _show(self, lines: str) -> None:
        below = ""
        if self.is_live:
            width = shutil.get_terminal_size().columns - 1
            busy = [text for text in self.busy.values() if text]
            below = "   ".join(text[: max(width // max(len(busy), 1) - 3, 10)] for text in busy)[:width]
            lines = f"\r\x1b[K{lines}"
        print(lines + below, end="", flush=True)
